//! Random pipelines, edits and losses: whatever happened before, a run ends where a run on an empty store ends.

use proptest::prelude::*;

use crate::project;

/// What a stage does; it reads stages before it, by a number that is taken modulo how many there are.
#[derive(Clone, Debug)]
enum Work {
    Constant(u8),
    Parity(usize),
    Add(Vec<usize>, u8),
    Fan(u8),
}

/// What happens between two runs.
#[derive(Clone, Debug)]
enum Change {
    Replace(usize, Work),
    Swap(usize, usize),
    LoseObjects(usize),
    LoseRecords(usize),
    LosePublished(usize),
    Damage(usize),
}

fn works() -> impl Strategy<Value = Work> {
    prop_oneof![
        (0..4_u8).prop_map(Work::Constant),
        (0..8_usize).prop_map(Work::Parity),
        (prop::collection::vec(0..8_usize, 1..4), 0..3_u8).prop_map(|(terms, plus)| Work::Add(terms, plus)),
        (1..4_u8).prop_map(Work::Fan),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..8_usize, works()).prop_map(|(stage, work)| Change::Replace(stage, work)),
        1 => (0..8_usize, 0..8_usize).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => (1..4_usize).prop_map(Change::LoseObjects),
        1 => (1..4_usize).prop_map(Change::LoseRecords),
        1 => (1..4_usize).prop_map(Change::LosePublished),
        1 => (1..4_usize).prop_map(Change::Damage),
    ]
}

/// The pipeline as a user would write it. A fan is a stage with an axis and a sum over its cells.
fn written(works: &[Work]) -> String {
    let mut text = "pipeline: random\nstages:\n".to_owned();
    for (index, work) in works.iter().enumerate() {
        let before = |other: &usize| format!("s{}", other % index.max(1));
        let line = match work {
            Work::Parity(number) if index > 0 => {
                format!("{{ uses: parity, inputs: {{ number: {} }} }}", before(number))
            }
            Work::Add(terms, plus) if index > 0 => {
                let terms: Vec<String> = terms.iter().map(before).collect();
                format!("{{ uses: add, inputs: {{ terms: [{}] }}, config: {{ plus: {plus} }} }}", terms.join(", "))
            }
            Work::Fan(cells) => {
                let values: Vec<String> = (0..*cells).map(|value| value.to_string()).collect();
                let values = values.join(", ");
                text.push_str(&format!(
                    "  f{index}: {{ for: {{ x: [{values}] }}, uses: constant, config: {{ value: \"${{x}}\" }} }}\n"
                ));
                format!("{{ uses: add, inputs: {{ terms: \"f{index}[*]\" }} }}")
            }
            Work::Constant(value) => format!("{{ uses: constant, config: {{ value: {value} }} }}"),
            Work::Parity(_) | Work::Add(..) => "{ uses: constant, config: { value: 9 } }".to_owned(),
        };
        text.push_str(&format!("  s{index}: {line}\n"));
    }
    let published = (0..works.len()).map(|index| format!("  results/s{index}.txt: s{index}\n"));
    text + "publish:\n" + &published.collect::<String>()
}

/// Every `step`th file of a folder of the store.
fn some(sandbox: &dgpipe_tests::Sandbox, folder: &str, step: usize) -> Vec<std::path::PathBuf> {
    sandbox.files(folder).into_iter().step_by(step).collect()
}

fn apply(sandbox: &dgpipe_tests::Sandbox, works: &mut [Work], change: &Change) {
    let count = works.len();
    match change {
        Change::Replace(stage, work) => works[stage % count] = work.clone(),
        Change::Swap(one, other) => works.swap(one % count, other % count),
        Change::LoseObjects(step) => {
            some(sandbox, ".dgpipe/objects-v1", *step).iter().for_each(|path| fs_err::remove_file(path).unwrap());
        }
        Change::LoseRecords(step) => {
            some(sandbox, ".dgpipe/records-v1", *step).iter().for_each(|path| fs_err::remove_file(path).unwrap());
        }
        Change::LosePublished(step) => {
            some(sandbox, "results", *step).iter().for_each(|path| fs_err::remove_file(path).unwrap());
        }
        Change::Damage(step) => {
            for path in some(sandbox, ".dgpipe/objects-v1", *step) {
                let bytes = fs_err::read(&path).unwrap().len();
                fs_err::remove_file(&path).unwrap();
                fs_err::write(&path, "7".repeat(bytes)).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn an_incremental_run_ends_where_a_clean_one_ends(
        mut works in prop::collection::vec(works(), 2..7),
        changes in prop::collection::vec(changes(), 1..6),
    ) {
        let sandbox = project(&written(&works));
        sandbox.run().exits(0);
        let mut damaged = false;
        for change in &changes {
            apply(&sandbox, &mut works, change);
            let text = written(&works);
            sandbox.write("pipeline.yaml", &text);
            let plan = sandbox.call(&["plan", "pipeline.yaml", "--json"]).exits(0).stdout;
            let run = sandbox.run().exits(0);
            let clean = project(&text);
            clean.run().exits(0);
            for index in 0..works.len() {
                let path = format!("results/s{index}.txt");
                prop_assert_eq!(sandbox.read(&path), clean.read(&path), "{} after {:?} of\n{}", path, change, text);
            }
            // Damage is found no earlier than when bytes are read, so it is no part of a plan.
            damaged |= matches!(change, Change::Damage(_));
            if !damaged {
                let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
                let reused = plan["cells"].as_array().unwrap().iter().filter(|cell| cell["decision"] == "reuse");
                for cell in reused {
                    let cell = cell["cell"].as_str().unwrap().to_owned();
                    prop_assert!(!run.executed().contains(&cell), "{} executed against the plan after {:?} of\n{}", cell, change, text);
                }
            }
            let again = sandbox.run().exits(0);
            prop_assert_eq!((again.count("executed"), again.count("restored")), (0, 0), "after {:?} of\n{}", change, text);
        }
    }
}
