//! The workflows of the method on the shipped pipelines: what a researcher asks for, and what executes for it.

use std::collections::BTreeSet;

use crate::parquet_file::{self, ImageRow};
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
    for name in ["sweep.pdf", "sweep.png", "sweep.svg", "sweep.csv", "sweep.md", "sweep.tex"] {
        assert!(figure.contains_key(name), "{name} is not among {:?}", figure.keys());
    }
    // Fewer values are reused, and so are those of another order.
    assert_eq!(sweep("thresholds=[0.5, 0.4, 0.3]").executed(), set(&[]));
}

/// What the head of `digits-sweep.yaml` advises to add to a call, read from there.
fn advised() -> (String, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/digits-sweep.yaml");
    let text = fs_err::read_to_string(path).unwrap();
    let call = "#   dgpipe run pipelines/digits-sweep.yaml --set '";
    let rest = text.lines().find_map(|line| line.strip_prefix(call)).unwrap();
    let (set, promise) = rest.split_once('\'').unwrap();
    let new = promise.trim().strip_prefix("only ").and_then(|promise| promise.strip_suffix(" is new")).unwrap();
    (set.to_owned(), new.to_owned())
}

#[test]
fn the_thresholds_that_the_sweep_advises_run_and_only_the_new_one_executes() {
    let project = Project::new();
    let (set, new) = advised();
    let quick = ["pipelines/digits-sweep.yaml", "--set", "seeds=[42]", "--set", "epochs=1"];
    project.run(&quick);
    let advised = project.run(&[&quick[..], &["--set", &set]].concat());
    assert!(advised.executed().contains(format!("mask[seed=42,target=deg_60,threshold={new}]").as_str()));
    for cell in advised.executed() {
        assert!(cell.contains(&format!("threshold={new}")) || ["table", "figure-sweep"].contains(&cell), "{cell}");
    }
    let table = fs_err::read_to_string(project.path("results/digits-sweep-default/table/table.md")).unwrap();
    assert!(table.contains(&format!("| {new} | ")) && !table.contains("Difference"), "{table}");
}

/// The mean of values and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// The share of the weights of a mask that are free.
fn free_weights(project: &Project, arguments: &[&str]) -> f64 {
    let folder = project.call(&[&["path"], arguments].concat());
    let (mut free, mut all) = (0, 0);
    for entry in fs_err::read_dir(folder.trim()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "npy") {
            let bytes = fs_err::read(&path).unwrap();
            // A header of two lengths, and then one byte a weight.
            let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            free += bytes[start..].iter().map(|is_free| usize::from(*is_free)).sum::<usize>();
            all += bytes.len() - start;
        }
    }
    free as f64 / all as f64
}

#[test]
fn a_sweep_has_accuracy_and_free_weights_in_its_tables_as_the_masks_have_them() {
    let project = Project::new();
    let file = "pipelines/digits-sweep.yaml";
    let set = ["--set", "seeds=[42, 43]", "--set", "epochs=1", "--set", "thresholds=[0.3, 0.6]"];
    project.run(&[&[file], &set[..]].concat());
    let folder = "results/digits-sweep-default/plots/sweep";
    let read = |name: &str| fs_err::read_to_string(project.path(&format!("{folder}/{name}"))).unwrap();
    let (csv, markdown, latex) = (read("sweep.csv"), read("sweep.md"), read("sweep.tex"));
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["", "0.3", "0.6"], "{csv}");
    let number = |row: usize, name: &str| -> f64 {
        rows[row][header.iter().position(|column| *column == name).unwrap()].parse().unwrap()
    };
    for (row, threshold) in [(1, "0.3"), (2, "0.6")] {
        let mut of_seeds = [Vec::new(), Vec::new()];
        for seed in ["42", "43"] {
            let (mut accuracy, mut free) = (0.0, 0.0);
            for target in ["deg_00", "deg_15", "deg_30", "deg_45", "deg_60"] {
                let cell = |stage: &str| format!("{stage}[seed={seed},target={target},threshold={threshold}]");
                free += free_weights(&project, &[&[file, &cell("mask")], &set[..]].concat()) / 5.0;
                let path = project.call(&[&["path", file, &cell("score-swept")], &set[..]].concat());
                let scores: serde_json::Value = serde_json::from_slice(&fs_err::read(path.trim()).unwrap()).unwrap();
                accuracy += scores["accuracy_target_all"].as_f64().unwrap() / 5.0;
            }
            of_seeds[0].push(accuracy);
            of_seeds[1].push(free);
        }
        for (name, values) in ["accuracy_target_all", "free_weights"].into_iter().zip(&of_seeds) {
            let (mean, error) = mean_and_error(values);
            let found = (number(row, name), number(row, &format!("{name}_standard_error")));
            assert!((found.0 - mean).abs() < 1e-12 && (found.1 - error).abs() < 1e-12, "{name} {threshold}: {csv}");
            assert!((0.01..0.99).contains(&mean), "{name} {mean} tells nothing");
            let text = format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * error);
            assert!(markdown.contains(&text), "{text} is not in {markdown}");
            assert!(latex.contains(&format!("${:.1}{{", 100.0 * mean)), "{text} is not in {latex}");
        }
    }
    assert!(number(2, "free_weights") < number(1, "free_weights"), "{csv}");
    assert!(markdown.contains("| ERM | ") || markdown.contains("| erm | "), "{markdown}");
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
        &["check", "pipelines/pacs.yaml", "--profile", "full,hub"],
        &["check", "pipelines/pacs.yaml", "--profile", "full,hub,reference"],
        &["check", "pipelines/officehome.yaml"],
        &["check", "pipelines/officehome.yaml", "--profile", "full,reference"],
        &["check", "pipelines/digits.yaml"],
        &["check", "pipelines/digits-sweep.yaml"],
    ] {
        assert!(project.call(call).contains("no mistakes"));
    }
}

const PACS_CLASSES: [&str; 7] = ["dog", "elephant", "giraffe", "guitar", "horse", "house", "person"];

/// So many pictures of each class in each domain of PACS, in one Parquet file, as `dgpipe fetch pacs` leaves it.
fn fetched_pacs(project: &Project, per_class: u8) {
    let picture = |domain: u8, class: u8, number: u8| {
        let value = |x: u32, y: u32| [x as u8 * (class + 1), y as u8 * (domain + 1), number * 9];
        let picture = image::RgbImage::from_fn(24, 20, |x, y| image::Rgb(value(x, y)));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let domains = [(0, "art_painting"), (1, "cartoon"), (2, "photo"), (3, "sketch")];
    let groups = domains.into_iter().map(|(place, domain)| {
        let row = |class: u8, number: u8| ImageRow {
            bytes: picture(place, class, number),
            path: format!("pic_{number:03}.png"),
            domain,
            label: class.into(),
        };
        (0..7).flat_map(|class| (0..per_class).map(move |number| (class, number))).map(|(c, n)| row(c, n)).collect()
    });
    let file = project.path("data/pacs-parquet/train-00000-of-00001.parquet");
    parquet_file::write(&file, &PACS_CLASSES, groups);
}

#[test]
fn the_profile_of_what_was_fetched_runs_from_parquet_and_a_published_net_to_tables() {
    let project = Project::new();
    fetched_pacs(&project, 6);
    // Where `dgpipe fetch vit-base-patch16-224-in21k` puts it; this one is smaller.
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vit/tiny");
    crate::project::copy(tiny.as_ref(), &project.path("data/vit-base-patch16-224-in21k"));
    let call = ["pipelines/pacs.yaml", "--profile", "full,hub", "--set", "seeds=[42]", "--set", "epochs=2"];
    let call = [&call[..], &["--set", "freeze_epoch=1", "--set", "methods=[erm, importance]"]].concat();
    let run = project.run(&call);
    for stage in ["images", "backbone", "embeddings", "inspection", "train-importance", "table", "figure-images"] {
        assert!(run.stages().contains(stage), "{stage} is not among {:?}", run.stages());
    }
    assert!(!run.stages().contains("pretraining"));
    let files = project.files("results/pacs-full-hub");
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert!(text("table/table.md").contains("**PACS, frozen ViT-B/16"), "{}", text("table/table.md"));
    for domain in ["art_painting", "cartoon", "photo", "sketch"] {
        let items: serde_json::Value = serde_json::from_str(&text(&format!("embeddings/{domain}/items.json"))).unwrap();
        assert_eq!(items["classes"], serde_json::json!(PACS_CLASSES));
        assert_eq!(items["ids"].as_array().unwrap().len(), 42, "{domain}");
    }
    assert!(text("inspection/summary.md").contains("`photo/dog` has 6 images; PACS has 189"));
    assert_eq!(project.run(&call).executed(), set(&[]));
}

#[test]
fn another_head_other_folds_and_other_seeds_embed_no_image_with_the_net_either() {
    let project = Project::new();
    let quick = ["pipelines/pacs.yaml", "train-importance", "--set", "epochs=1", "--set", "freeze_epoch=1"];
    let first = project.run(&[&quick[..], &["--set", "seeds=[42]"]].concat());
    assert!(first.executed().contains("embeddings[domain=sketch]"));
    for change in [
        &["hidden=[6, 6]", "seeds=[42]"][..],
        &["seeds=[7, 8]"],
        &["domains=[art_painting, photo, sketch]", "seeds=[42]"],
        &["importance_domains=[art_painting, photo]", "seeds=[42]"],
        &["threshold=0.4", "classes=all", "seeds=[42]"],
    ] {
        let change: Vec<&str> = change.iter().flat_map(|change| ["--set", change]).collect();
        let run = project.run(&[&quick[..], &change].concat());
        assert!(run.stages().contains("train-importance"), "{change:?}");
        for stage in ["images", "pretraining", "backbone", "embeddings"] {
            assert!(!run.stages().contains(stage), "{stage} executed for {change:?}");
        }
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
