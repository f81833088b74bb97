//! Axes whose values are others than those of the cells that have records: why a cell of a known stage is new, or gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dgpipe_cache::Key;
use serde::{Deserialize, Serialize};

use super::origin::axis_origin;
use crate::graph::{AxisValue, Coordinates, Graph};
use crate::spec::{Place, Selector};

/// An axis with the values that its cells had before under this profile, and those that it has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisChange {
    /// The axis.
    pub axis: String,
    /// The values before, in short where they are many; nothing where the stage had no such axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The values now, in short where they are many.
    pub now: String,
    /// The param they come from, and where that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl fmt::Display for AxisChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} → {}", self.axis, self.was.as_deref().unwrap_or("nothing"), self.now)?;
        self.origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
    }
}

/// By axis, its values as they are written in the names of cells.
type Values = BTreeMap<String, BTreeMap<String, AxisValue>>;

/// The axes of all stages whose values changed. Made once, where the first cell is found to be new or gone.
#[derive(Debug, Default)]
pub(super) struct AxisChanges {
    stages: BTreeMap<String, Stage>,
}

#[derive(Debug, Default)]
struct Stage {
    was: Values,
    now: Values,
    /// What there is to say of each axis.
    changes: BTreeMap<String, AxisChange>,
}

impl AxisChanges {
    pub(super) fn of(graph: &Graph, latest: &BTreeMap<String, Key>) -> Self {
        let mut stages: BTreeMap<String, Stage> = BTreeMap::new();
        for name in latest.keys() {
            let Some((stage, coordinates)) = coordinates(name) else { continue };
            add(&mut stages.entry(stage).or_default().was, &coordinates);
        }
        for cell in &graph.cells {
            // A stage of which no cell ever was is new itself.
            if let Some(stage) = stages.get_mut(&cell.id.stage) {
                add(&mut stage.now, &cell.id.coordinates);
            }
        }
        for (name, stage) in &mut stages {
            for (axis, now) in &stage.now {
                let was = stage.was.get(axis);
                let added = now.iter().find(|(value, _)| !was.is_some_and(|was| was.contains_key(*value)));
                // Of an axis that only lost values, its list is where they were.
                let Some((_, value)) = added.or_else(|| now.iter().next()) else { continue };
                let change = AxisChange {
                    axis: axis.clone(),
                    was: was.map(|was| listed(was, None)),
                    now: listed(now, was),
                    origin: axis_origin(graph, name, axis, value),
                };
                stage.changes.insert(axis.clone(), change);
            }
        }
        Self { stages }
    }

    /// The axes of which a cell of the graph has a value that no cell had before; none where its stage is new.
    pub(super) fn added(&self, stage: &str, coordinates: &Coordinates) -> Vec<AxisChange> {
        let Some(stage) = self.stages.get(stage) else { return Vec::new() };
        let is_new = |(axis, value): &(&String, &AxisValue)| {
            stage.was.get(*axis).is_none_or(|values| !values.contains_key(&value.to_string()))
        };
        coordinates.iter().filter(is_new).filter_map(|(axis, _)| stage.changes.get(axis).cloned()).collect()
    }

    /// The axes of which a cell that is gone has a value that no cell has any more.
    pub(super) fn removed(&self, cell: &str) -> Vec<AxisChange> {
        let Some((stage, coordinates)) = coordinates(cell) else { return Vec::new() };
        let Some(stage) = self.stages.get(&stage) else { return Vec::new() };
        let is_gone = |(axis, value): &(&String, &AxisValue)| {
            stage.now.get(*axis).is_some_and(|values| !values.contains_key(&value.to_string()))
        };
        coordinates.iter().filter(is_gone).filter_map(|(axis, _)| stage.changes.get(axis).cloned()).collect()
    }
}

fn add(values: &mut Values, coordinates: &Coordinates) {
    for (axis, value) in coordinates {
        values.entry(axis.clone()).or_default().insert(value.to_string(), value.clone());
    }
}

/// The stage and the coordinates that the name of a cell says.
fn coordinates(name: &str) -> Option<(String, Coordinates)> {
    let selector = Selector::parse(name, Place::default()).ok()?;
    let constraints = selector.constraints.into_iter();
    let coordinates = constraints.filter_map(|mut constraint| Some((constraint.axis, constraint.values.pop()?)));
    Some((selector.name, coordinates.collect()))
}

/// A list of values; of a long one how many there are, and which are new or gone.
fn listed(values: &BTreeMap<String, AxisValue>, was: Option<&BTreeMap<String, AxisValue>>) -> String {
    const MOST: usize = 60;
    let sorted = |values: &mut dyn Iterator<Item = &AxisValue>| -> Vec<String> {
        values.collect::<BTreeSet<_>>().into_iter().map(ToString::to_string).collect()
    };
    let whole = format!("[{}]", sorted(&mut values.values()).join(","));
    if whole.chars().count() <= MOST {
        return whole;
    }
    let others = |word: &str, one: &BTreeMap<String, AxisValue>, other: &BTreeMap<String, AxisValue>| {
        let only = one.iter().filter(|(value, _)| !other.contains_key(*value)).map(|(_, value)| value);
        let only = sorted(&mut { only });
        let more = if only.len() > 3 { format!(" and {} more", only.len() - 3) } else { String::new() };
        let first = only[..only.len().min(3)].join(", ");
        if only.is_empty() { String::new() } else { format!(", {word} {first}{more}") }
    };
    let said = was.map(|was| others("with", values, was) + &others("without", was, values)).unwrap_or_default();
    format!("{} values{said}", values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_counted_and_say_which_values_are_new_or_gone() {
        let values = |numbers: std::ops::Range<i64>| -> BTreeMap<String, AxisValue> {
            numbers.map(|number| (number.to_string(), number.into())).collect()
        };
        assert_eq!(listed(&values(9..12), None), "[9,10,11]");
        assert_eq!(listed(&values(0..100), None), "100 values");
        let now = listed(&values(1..105), Some(&values(0..100)));
        assert_eq!(now, "104 values, with 100, 101, 102 and 2 more, without 0");
    }
}
