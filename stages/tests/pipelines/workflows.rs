//! The workflows of the method on the shipped pipelines: what a researcher asks for, and what executes for it.

use std::collections::BTreeSet;

use crate::project::Project;

/// The digits, small enough for a test: one seed, few epochs, four methods.
const SMALL: &[&str] = &[
    "pipelines/digits.yaml",
    "--set",
    "seeds=[42]",
    "--set",
    "epochs=3",
    "--set",
    "methods=[erm, importance, random-mask, frozen]",
];

fn small<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [SMALL, arguments].concat()
}

fn set<'a>(stages: &[&'a str]) -> BTreeSet<&'a str> {
    stages.iter().copied().collect()
}

#[test]
fn phase_1_importance_consensus_and_one_fold_are_targets_of_their_own() {
    let project = Project::new();
    let phase1 = project.run(&small(&["phase1"]));
    assert_eq!(phase1.stages(), set(&["images", "embeddings", "split", "head", "phase1"]));
    assert!(
        project
            .path("results/digits-default/seed_42/phase1_weights/final/domain_deg_15/classifier.weight.npy")
            .exists()
    );

    let importance = project.run(&small(&["importance", "binary"]));
    assert_eq!(importance.stages(), set(&["importance", "binary"]));
    let folder = "results/digits-default/seed_42/phase1_importances/domain_deg_15";
    assert!(project.path(&format!("{folder}/layers.0.weight_norm.npy")).exists());
    assert!(project.path(&format!("{folder}/layers.0.weight_binary.npy")).exists());

    let consensus = project.run(&small(&["consensus", "mask"]));
    assert_eq!(consensus.stages(), set(&["consensus", "mask"]));

    let fold = project.run(&small(&["train-importance[target=deg_60]"]));
    assert_eq!(fold.executed(), set(&["fresh[seed=42,target=deg_60]", "train-importance[seed=42,target=deg_60]"]));
    let fewer = project.run(&small(&["train-erm[target=deg_60]", "--set", "domains=[deg_00, deg_30, deg_60]"]));
    assert!(fewer.executed().contains("train-erm[seed=42,target=deg_60]"));
}

#[test]
fn a_tweak_executes_what_it_reaches_and_nothing_else() {
    let project = Project::new();
    let first = project.run(&small(&[]));
    assert!(first.stages().contains("table"));
    assert_eq!(project.run(&small(&[])).executed(), set(&[]));

    // Another threshold reaches the masks and what is below; the rest is reused.
    let threshold = project.run(&small(&["--set", "threshold=0.4"]));
    let untouched = ["images", "embeddings", "split", "phase1", "importance", "consensus", "train-erm", "train-frozen"];
    for stage in untouched {
        assert!(!threshold.stages().contains(stage), "{stage}");
    }
    for stage in ["mask", "binary", "train-importance", "score", "table"] {
        assert!(threshold.stages().contains(stage), "{stage}");
    }
    let why = project.call(&small_why("mask[target=deg_30, seed=42]", &["--set", "threshold=0.3"]));
    assert!(why.contains("threshold 0.4 → 0.3 (--set, over pipelines/pacs.yaml:"), "{why}");
    assert_eq!(project.run(&small(&[])).executed(), set(&[]));

    // So close to the old one that no weight changes sides: the masks execute, nothing below them does.
    let close = project.run(&small(&["--set", "threshold=0.50000000001"]));
    assert_eq!(close.stages(), set(&["mask", "binary"]));

    let freeze = project.run(&small(&["--set", "freeze_epoch=2"]));
    for stage in freeze.stages() {
        let below = [
            "train-importance",
            "train-random-mask",
            "train-frozen",
            "score",
            "fold",
            "table",
            "figure-lodo",
            "figure-curves",
            "figure-confusion",
        ];
        assert!(below.contains(&stage), "{stage}");
    }
    assert!(freeze.stages().contains("train-frozen") && !freeze.stages().contains("train-erm"));

    // Fewer importance domains change the consensus, and no training of phase 1.
    let domains = project.run(&small(&["--set", "importance_domains=[deg_00, deg_60]"]));
    assert!(domains.stages().contains("consensus") && !domains.stages().contains("phase1"));
}

fn small_why<'a>(cell: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["why", SMALL[0], cell], &SMALL[1..], arguments].concat()
}

#[test]
fn another_head_other_folds_and_other_seeds_embed_no_image() {
    let project = Project::new();
    project.run(&small(&["train-importance"]));
    for change in ["hidden=[6, 6]", "seeds=[7, 8]", "domains=[deg_00, deg_30, deg_60]", "epochs=4", "classes=all"] {
        let run = project.run(&small(&["train-importance", "--set", change]));
        assert!(run.stages().contains("train-importance"), "{change}");
        let again: Vec<&str> = run.stages().into_iter().filter(|stage| stage.starts_with("embed")).collect();
        assert_eq!(again, Vec::<&str>::new(), "{change}");
    }
}

#[test]
fn an_added_seed_executes_only_its_own_cells_and_the_joins() {
    let project = Project::new();
    let methods = ["--set", "methods=[erm]", "--set", "epochs=1"];
    project.run(&[&["pipelines/digits.yaml", "--set", "seeds=[1]"], &methods[..]].concat());
    let more = project.run(&[&["pipelines/digits.yaml", "--set", "seeds=[1, 2]"], &methods[..]].concat());
    for cell in more.executed() {
        let join = ["table", "figure-lodo", "figure-jaccard"].contains(&cell)
            || cell.starts_with("figure-curves")
            || cell.starts_with("figure-confusion");
        assert!(cell.contains("seed=2") || join, "{cell}");
    }
}

#[test]
fn a_longer_list_of_a_sweep_executes_only_its_new_values_and_the_joins() {
    let project = Project::new();
    let sweep = |thresholds: &'static str| {
        project.run(&[&["pipelines/digits-sweep.yaml", "--set", thresholds], &SMALL[1..5]].concat())
    };
    let first = sweep("thresholds=[0.3, 0.5]");
    assert!(first.executed().contains("train-importance[seed=42,target=deg_60,threshold=0.3]"));
    let more = sweep("thresholds=[0.3, 0.4, 0.5]");
    assert!(more.executed().contains("mask[seed=42,target=deg_60,threshold=0.4]"));
    for cell in more.executed() {
        assert!(cell.contains("threshold=0.4") || ["table", "figure-sweep"].contains(&cell), "{cell}");
    }
    let figure = project.files("results/digits-sweep-default/plots/sweep");
    assert_eq!(figure.keys().collect::<Vec<_>>(), ["sweep.pdf", "sweep.png", "sweep.svg"]);
    // Fewer values are reused, and so are those of another order.
    assert_eq!(sweep("thresholds=[0.5, 0.4, 0.3]").executed(), set(&[]));
}

#[test]
fn bytes_do_not_depend_on_jobs_or_threads() {
    let arguments =
        |jobs: &'static str| small(&["--set", "methods=[erm, importance]", "--set", "epochs=2", "--jobs", jobs]);
    let (one, four) = (Project::new(), Project::new());
    let run = |project: &Project, jobs: &'static str, threads: &str| {
        let arguments = [&["run"], &arguments(jobs)[..]].concat();
        let status = project.command(&arguments).env("RAYON_NUM_THREADS", threads).output().unwrap().status;
        assert!(status.success());
    };
    run(&one, "1", "1");
    run(&four, "4", "4");
    assert_eq!(one.files("results"), four.files("results"));
    assert_eq!(
        one.files(".dgpipe/objects-v1").keys().collect::<Vec<_>>(),
        four.files(".dgpipe/objects-v1").keys().collect::<Vec<_>>()
    );
}

#[test]
fn any_matrix_can_be_drawn_also_one_that_lies_in_a_folder() {
    let project = Project::new();
    project.run(&small(&["head", "consensus[target=deg_00]", "mask[target=deg_00]"]));
    let pipeline = "
pipeline: drawing
sources:
  weights: { path: results/digits-default/seed_42/phase1_weights/initial, kind: weights/1 }
stages:
  matrix: { uses: plot-matrix, inputs: { matrices: weights } }
  network: { uses: plot-network, inputs: { weights: weights }, config: { top_inputs: 5 } }
publish:
  drawn/matrix: matrix
  drawn/network: network
";
    fs_err::write(project.path("drawing.yaml"), pipeline).unwrap();
    project.run(&["drawing.yaml"]);
    let files = project.files("drawn");
    assert!(files.contains_key("matrix/weights.svg"), "{:?}", files.keys());
    let graph: serde_json::Value = serde_json::from_slice(&files["network/graph.json"]).unwrap();
    assert!(graph["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty()));
}

#[test]
fn all_profiles_of_the_shipped_pipelines_resolve() {
    let project = Project::new();
    for call in [
        &["check", "pipelines/pacs.yaml"][..],
        &["check", "pipelines/pacs.yaml", "--profile", "full"],
        &["check", "pipelines/pacs.yaml", "--profile", "full,reference"],
        &["check", "pipelines/digits.yaml"],
        &["check", "pipelines/digits-sweep.yaml"],
    ] {
        assert!(project.call(call).contains("no mistakes"));
    }
}

#[test]
fn the_miniature_runs_from_drawings_to_tables() {
    let project = Project::new();
    let sizes = ["--set", "seeds=[42]", "--set", "methods=[erm, importance]", "--set", "epochs=2"];
    let first = [&["run", "pipelines/pacs.yaml"], &sizes[..]].concat();
    let table = project.call(&first);
    assert!(table.contains("not PACS") && table.contains("ERM"), "{table}");
    let second = project.run(&[&["pipelines/pacs.yaml"], &sizes[..]].concat());
    assert_eq!(second.executed(), set(&[]));
    let files = project.files("results/pacs-mini");
    for name in [
        "table/table.csv",
        "table/table.md",
        "table/table.tex",
        "inspection/counts.csv",
        "seed_42/phase2_results/importance/lodo_sketch/model_final.safetensors",
        "seed_42/phase2_results/importance/lodo_sketch/metrics.json",
        "plots/curves_erm/curves.svg",
    ] {
        assert!(files.contains_key(name), "{name} is not among {:?}", files.keys());
    }
}
