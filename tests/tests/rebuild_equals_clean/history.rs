//! A pipeline and what happens to it, as a value: made at random, printed as YAML, read from YAML.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// What a stage does; it reads stages before it, by a number that is taken modulo how many there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// Writes a number.
    Constant(u8),
    /// Writes the param.
    Param,
    /// Reads a source.
    Source(usize),
    /// Tells whether a number is odd.
    Parity(usize),
    /// Adds numbers, and one more.
    Add(Vec<usize>, u8),
    /// Adds the cells of a fan of so many.
    Fan(u8),
    /// Writes a folder of two numbers, of which one is read.
    Part(u8, u8),
    /// Copies a number, by a program.
    Copy(usize),
}

/// What happens between two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Edit {
    /// Another stage in place of one.
    Replace(usize, Work),
    /// Two stages change their places.
    Swap(usize, usize),
    /// One more stage.
    Add(Work),
    /// One stage less.
    Remove(usize),
    /// Another value of the param.
    Param(u8),
    /// Other bytes in a source.
    File(usize, u8),
    /// A source is written again, with the same bytes.
    Touch(usize),
    /// A run is killed after so many milliseconds.
    Kill(u8),
    /// Every so manieth object of the store is gone.
    LoseObjects(usize),
    /// Every so manieth record.
    LoseRecords(usize),
    /// Every so manieth published file.
    LosePublished(usize),
    /// Every so manieth object has other bytes.
    Damage(usize),
    /// What only saves time is gone.
    Forget,
}

/// A pipeline, and what happens to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) stages: Vec<Work>,
    pub(super) edits: Vec<Edit>,
}

/// How many sources there are.
pub(super) const SOURCES: usize = 3;

fn works() -> impl Strategy<Value = Work> {
    prop_oneof![
        2 => (0..4_u8).prop_map(Work::Constant),
        1 => Just(Work::Param),
        2 => (0..SOURCES).prop_map(Work::Source),
        2 => (0..8_usize).prop_map(Work::Parity),
        3 => (prop::collection::vec(0..8_usize, 1..4), 0..3_u8).prop_map(|(terms, plus)| Work::Add(terms, plus)),
        1 => (1..4_u8).prop_map(Work::Fan),
        1 => (0..3_u8, 0..3_u8).prop_map(|(one, other)| Work::Part(one, other)),
        1 => (0..8_usize).prop_map(Work::Copy),
    ]
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (0..8_usize, works()).prop_map(|(stage, work)| Edit::Replace(stage, work)),
        1 => (0..8_usize, 0..8_usize).prop_map(|(one, other)| Edit::Swap(one, other)),
        2 => works().prop_map(Edit::Add),
        2 => (0..8_usize).prop_map(Edit::Remove),
        2 => (0..4_u8).prop_map(Edit::Param),
        2 => (0..SOURCES, 0..4_u8).prop_map(|(source, value)| Edit::File(source, value)),
        1 => (0..SOURCES).prop_map(Edit::Touch),
        3 => (0..120_u8).prop_map(Edit::Kill),
        1 => (1..4_usize).prop_map(Edit::LoseObjects),
        1 => (1..4_usize).prop_map(Edit::LoseRecords),
        1 => (1..4_usize).prop_map(Edit::LosePublished),
        1 => (1..4_usize).prop_map(Edit::Damage),
        1 => Just(Edit::Forget),
    ]
}

impl History {
    /// Any history.
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let parts = (prop::collection::vec(works(), 2..7), prop::collection::vec(edits(), 1..7));
        parts.prop_map(|(stages, edits)| Self { stages, edits })
    }

    /// The YAML that [`History::read`] reads: a line for each stage and each edit.
    pub(super) fn written(&self) -> String {
        let line = |value: serde_json::Value| format!("  - {value}\n");
        let stages = self.stages.iter().map(|stage| line(serde_json::json!(stage)));
        let edits = self.edits.iter().map(|edit| line(serde_json::json!(edit)));
        format!("stages:\n{}edits:\n{}", stages.collect::<String>(), edits.collect::<String>())
    }

    /// Reads a history.
    pub(super) fn read(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// The pipeline as a user would write it.
pub(super) fn pipeline(works: &[Work], param: u8) -> String {
    let sources = (0..SOURCES).map(|source| format!("given{source}: {{ path: given{source}.txt, kind: number/1 }}"));
    let sources = sources.collect::<Vec<_>>().join(", ");
    let mut text = format!("pipeline: random\nparams: {{ base: {param} }}\nsources: {{ {sources} }}\nstages:\n");
    for (index, work) in works.iter().enumerate() {
        let before = |other: &usize| format!("s{}", other % index.max(1));
        let stage = match work {
            Work::Parity(number) if index > 0 => {
                format!("{{ uses: parity, inputs: {{ number: {} }} }}", before(number))
            }
            Work::Add(terms, plus) if index > 0 => {
                let terms: Vec<String> = terms.iter().map(before).collect();
                format!("{{ uses: add, inputs: {{ terms: [{}] }}, config: {{ plus: {plus} }} }}", terms.join(", "))
            }
            Work::Copy(from) if index > 0 => {
                let from = before(from);
                format!(
                    "{{ uses: command, run: [cp, \"${{in.x}}\", n.txt], inputs: {{ x: {from} }}, \
                     outputs: {{ n: {{ file: n.txt, kind: number/1 }} }} }}"
                )
            }
            Work::Fan(cells) => {
                let values: Vec<String> = (0..*cells).map(|value| value.to_string()).collect();
                let values = values.join(", ");
                text.push_str(&format!(
                    "  f{index}: {{ for: {{ x: [{values}] }}, uses: constant, config: {{ value: \"${{x}}\" }} }}\n"
                ));
                format!("{{ uses: add, inputs: {{ terms: \"f{index}[*]\" }} }}")
            }
            Work::Part(one, other) => {
                text.push_str(&format!(
                    "  p{index}: {{ uses: spread, config: {{ parts: {{ one: {one}, other: {other} }} }} }}\n"
                ));
                format!("{{ uses: add, inputs: {{ terms: p{index}/one/value.txt }} }}")
            }
            Work::Param => "{ uses: constant, config: { value: \"${base}\" } }".to_owned(),
            Work::Source(source) => format!("{{ uses: add, inputs: {{ terms: given{} }} }}", source % SOURCES),
            Work::Constant(value) => format!("{{ uses: constant, config: {{ value: {value} }} }}"),
            Work::Parity(_) | Work::Add(..) | Work::Copy(_) => "{ uses: constant, config: { value: 9 } }".to_owned(),
        };
        text.push_str(&format!("  s{index}: {stage}\n"));
    }
    let published = (0..works.len()).map(|index| format!("  results/s{index}.txt: s{index}\n"));
    text + "publish:\n" + &published.collect::<String>()
}
