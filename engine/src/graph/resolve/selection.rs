//! Which cells of a stage a selector means.

use crate::graph::{Coordinates, StageNode};
use crate::spec::{Comparison, Constraint, Mistake, Selector};

/// The cells of a stage that a selector means, in order.
pub(in crate::graph) fn select(stage: &StageNode, selector: &Selector) -> Result<Vec<usize>, Mistake> {
    for constraint in &selector.constraints {
        if !stage.axes.contains(&constraint.axis) {
            let message = format!("stage `{}` has no axis `{}`", selector.name, constraint.axis);
            let known = stage.axes.iter().map(String::as_str);
            return Err(Mistake::new("unknown-axis", message)
                .at(selector.place, "here")
                .suggest(&constraint.axis, known));
        }
    }
    if let Some(cell) = exact(stage, selector) {
        return Ok(vec![cell]);
    }
    let cells = matching(stage, selector);
    if cells.is_empty() { Err(no_match(stage, selector)) } else { Ok(cells) }
}

/// The cells that satisfy all conditions, in order. Of many cells, only those are looked at that satisfy the condition
/// with the fewest: else a fan-in for each of many values would be quadratic.
fn matching(stage: &StageNode, selector: &Selector) -> Vec<usize> {
    let cells_of = |constraint: &Constraint| -> Vec<&[usize]> {
        constraint.values.iter().map(|value| stage.with_value(&constraint.axis, value)).collect()
    };
    let conditions: Vec<(Comparison, Vec<&[usize]>)> =
        selector.constraints.iter().map(|constraint| (constraint.comparison, cells_of(constraint))).collect();
    let accepts = |cell: &usize| {
        conditions.iter().all(|(comparison, sets)| {
            let has = sets.iter().any(|set| set.binary_search(cell).is_ok());
            has == (*comparison != Comparison::NotEqual)
        })
    };
    let equal = conditions.iter().filter(|(comparison, _)| *comparison == Comparison::Equal);
    match equal.map(|(_, sets)| sets[0]).min_by_key(|set| set.len()) {
        Some(fewest) => fewest.iter().copied().filter(accepts).collect(),
        None => stage.cells.values().copied().filter(accepts).collect(),
    }
}

/// The shortcut for selectors that name every axis, so that large fan-outs stay linear.
fn exact(stage: &StageNode, selector: &Selector) -> Option<usize> {
    let equal = selector.constraints.iter().all(|constraint| constraint.comparison == Comparison::Equal);
    if !equal || selector.constraints.len() != stage.axes.len() {
        return None;
    }
    let coordinates: Coordinates =
        selector.constraints.iter().map(|constraint| (constraint.axis.clone(), constraint.values[0].clone())).collect();
    stage.cells.get(&coordinates).copied()
}

fn no_match(stage: &StageNode, selector: &Selector) -> Mistake {
    let mistake = |message: String| Mistake::new("no-match", message).at(selector.place, "here");
    let lacking = selector
        .constraints
        .iter()
        .find(|constraint| !stage.cells.keys().any(|coordinates| constraint.accepts(&coordinates[&constraint.axis])));
    let Some(constraint) = lacking else {
        return mistake(format!("no cell of `{}` matches all of these conditions", selector.name));
    };
    let mut values: Vec<String> =
        stage.cells.keys().map(|coordinates| coordinates[&constraint.axis].to_string()).collect();
    values.sort();
    values.dedup();
    let written = constraint.values.first().map(ToString::to_string).unwrap_or_default();
    let mistake = match constraint.comparison {
        Comparison::NotEqual => mistake(format!("no cell of `{}` is left", selector.name)),
        Comparison::Equal | Comparison::In => {
            mistake(format!("no cell of `{}` has the {} `{written}`", selector.name, constraint.axis))
        }
    };
    mistake.suggest(&written, values.iter().map(String::as_str))
}
