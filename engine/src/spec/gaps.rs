//! What was wrong in a value, taken out so that the rest can be looked at.

use std::collections::BTreeMap;

/// Parts of a value that are left out or made up, by their keys.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    below: BTreeMap<String, Gaps>,
    filling: Option<Filling>,
}

/// What is done about a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Filling {
    /// Nobody knows its key, so leaving it out changes nothing else.
    Unknown,
    /// It is left out.
    Nothing,
    /// Something stands in for it that fits most types.
    StandIn,
}

impl Gaps {
    /// Makes a gap. Where there is one already, that did not help: something stands in for what was left out, or the
    /// gap becomes as large as what is around it. Returns whether anything was left to do.
    pub(super) fn add(&mut self, mut path: Vec<String>, mut filling: Filling) -> bool {
        while !path.is_empty() {
            let gap = path.iter().fold(&mut *self, |gaps, key| gaps.below.entry(key.clone()).or_default());
            if gap.filling.is_some() {
                filling = Filling::StandIn;
            }
            if gap.filling < Some(filling) {
                gap.filling = Some(filling);
                return true;
            }
            filling = Filling::Nothing;
            path.pop();
        }
        false
    }

    /// Whether what is wrong at a path may be so because of a gap on the way there, at it or below it.
    pub(super) fn reach(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => self.matters() || self.below.values().any(|gaps| gaps.reach(&[])),
            Some((key, rest)) => self.matters() || self.below.get(key).is_some_and(|gaps| gaps.reach(rest)),
        }
    }

    fn matters(&self) -> bool {
        self.filling > Some(Filling::Unknown)
    }

    /// The gaps below a key.
    pub(super) fn below(&self, key: &str) -> Option<&Self> {
        self.below.get(key)
    }

    /// Whether this part is left out or made up.
    pub(super) fn is_gap(&self) -> bool {
        self.filling.is_some()
    }

    /// Keys whose values are made up.
    pub(super) fn stand_ins(&self) -> Vec<(&str, &Self)> {
        let made_up = self.below.iter().filter(|(_, gaps)| gaps.filling == Some(Filling::StandIn));
        made_up.map(|(key, gaps)| (key.as_str(), gaps)).collect()
    }
}
