//! What differs between a passport and the one that the pipeline would issue today.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ChainStage, Passport, PassportSource};

/// One thing that changed since a file was published.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What: `threshold`, `stage mask: version`.
    pub what: String,
    /// What the passport says; nothing where it is new.
    pub was: Value,
    /// What the pipeline says today; nothing where it is gone.
    pub now: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.was, &self.now) {
            (Value::Null, now) => write!(f, "{}: new, {}", self.what, shown(now)),
            (was, Value::Null) => write!(f, "{}: gone, it was {}", self.what, shown(was)),
            (was, now) => write!(f, "{} {} → {}", self.what, shown(was), shown(now)),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What changed from one passport to another, in the order in which people look for it. What only one of them
/// knows, such as digests of inputs that are still to be made, is no difference.
pub fn differences(was: &Passport, now: &Passport) -> Vec<Difference> {
    let mut found = Differences::default();
    found.value("pipeline", &was.pipeline, &now.pipeline);
    found.value("profile", &was.profile, &now.profile);
    found.value("pipeline file", &was.file, &now.file);
    found.value("cell", &was.cell, &now.cell);
    found.value("output", &was.port, &now.port);
    found.value("kind", &was.kind, &now.kind);
    found.value("published at", &was.path, &now.path);
    found.maps("", &was.params, &now.params);
    found.stages(&was.stages, &now.stages);
    found.sources(&was.sources, &now.sources);
    found.value("format of fingerprints", was.fingerprint_format, now.fingerprint_format);
    found.0
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn value(&mut self, what: &str, was: impl Serialize, now: impl Serialize) {
        let (was, now) = (json!(was), json!(now));
        // A setting that changes because a param does is that param's change.
        let is_known = |known: &Difference| what.starts_with("stage ") && known.was == was && known.now == now;
        if was != now && !self.0.iter().any(is_known) {
            self.0.push(Difference { what: what.to_owned(), was, now });
        }
    }

    fn maps(&mut self, before: &str, was: &Map<String, Value>, now: &Map<String, Value>) {
        let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
        for name in names {
            self.value(&format!("{before}{name}"), was.get(name), now.get(name));
        }
    }

    fn stages(&mut self, was: &[ChainStage], now: &[ChainStage]) {
        for stage in now.iter().filter(|stage| !was.iter().any(|other| other.stage == stage.stage)) {
            self.value(&format!("stage {}", stage.stage), Value::Null, &stage.uses);
        }
        for before in was {
            let what = format!("stage {}", before.stage);
            let Some(after) = now.iter().find(|other| other.stage == before.stage) else {
                self.value(&what, &before.uses, Value::Null);
                continue;
            };
            self.value(&format!("{what}: type"), &before.uses, &after.uses);
            if before.uses == after.uses {
                self.value(&format!("{what}: version"), before.type_version, after.type_version);
            }
            self.value(&format!("{what}: cells"), before.cells, after.cells);
            self.maps(&format!("{what}: axis "), &before.axes, &after.axes);
            // A setting that was the same in all cells may differ between them now.
            let settings = |stage: &ChainStage| -> Map<String, Value> {
                let all = stage.config.iter().chain(&stage.varying);
                all.map(|(name, value)| (name.clone(), value.clone())).collect()
            };
            self.maps(&format!("{what}: "), &settings(before), &settings(after));
        }
    }

    fn sources(&mut self, was: &[PassportSource], now: &[PassportSource]) {
        let name = |source: &PassportSource| match &source.part {
            Some(part) => format!("source {}/{part}", source.source),
            None => format!("source {}", source.source),
        };
        let digests = |sources: &[PassportSource]| -> Map<String, Value> {
            let known = sources.iter().filter_map(|source| Some((name(source), source.digest?.short().into())));
            known.collect()
        };
        self.maps("", &digests(was), &digests(now));
    }
}

#[cfg(test)]
mod tests {
    use super::super::passport::tests::sample;
    use super::*;

    #[test]
    fn differences_name_what_was_and_what_is() {
        let was = sample();
        let mut now = Passport { params: Map::new(), key: None, ..sample() };
        now.params.insert("threshold".to_owned(), json!(0.4));
        let mask = |version| ChainStage {
            stage: "mask".to_owned(),
            uses: "threshold-mask".to_owned(),
            type_version: version,
            cells: 1,
            axes: Map::new(),
            config: Map::new(),
            varying: Map::new(),
        };
        let was =
            Passport { stages: vec![mask(1)], params: Map::from_iter([("threshold".to_owned(), json!(0.5))]), ..was };
        now.stages = vec![mask(2)];
        let shown: Vec<String> = differences(&was, &now).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["threshold 0.5 → 0.4", "stage mask: version 1 → 2"]);
        now.stages[0].config.insert("threshold".to_owned(), json!(0.4));
        let was = Passport {
            stages: vec![ChainStage {
                config: Map::from_iter([("threshold".to_owned(), json!(0.5))]),
                ..was.stages[0].clone()
            }],
            ..was
        };
        assert_eq!(differences(&was, &now).len(), 2, "what a param changes is said once");
        assert_eq!(differences(&was, &was), []);
    }
}
