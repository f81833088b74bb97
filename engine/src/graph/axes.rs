//! From axes to the coordinates of a stage's cells.

use std::collections::{BTreeMap, BTreeSet};

use super::params::Params;
use super::{AxisValue, Coordinates};
use crate::spec::{Mistake, Node, StageSpec, Value, substitute};

/// More cells than this in one stage are a slip of the pen.
const MOST: usize = 1_000_000;

/// The coordinates of all cells of a stage, in their order.
pub(super) fn fan_out(name: &str, stage: &StageSpec, params: &Params) -> Result<BTreeSet<Coordinates>, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut axes: BTreeMap<String, Vec<AxisValue>> = BTreeMap::new();
    for (axis, entry) in &stage.axes {
        match values(axis, &entry.node, params) {
            Ok(values) => {
                axes.insert(axis.clone(), values);
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let count = axes.values().fold(1_usize, |count, values| count.saturating_mul(values.len()));
    if count > MOST {
        let message = format!("stage `{name}` has {count} cells; the most is {MOST}");
        mistakes.push(Mistake::new("too-many-cells", message).at(stage.place, "here"));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut cells = product(&axes);
    for node in &stage.exclude {
        match partial(node, params, &axes) {
            Ok(partial) => cells.retain(|cell| !matches(cell, &partial)),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    for node in &stage.include {
        match partial(node, params, &axes) {
            Ok(partial) => {
                let mut widened = axes.clone();
                widened.extend(partial.into_iter().map(|(axis, value)| (axis, vec![value])));
                cells.extend(product(&widened));
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(cells) } else { Err(mistakes) }
}

fn values(axis: &str, node: &Node, params: &Params) -> Result<Vec<AxisValue>, Mistake> {
    let resolved = substitute(node, params)?;
    let Some(list) = resolved.as_list() else {
        let message = format!("axis `{axis}` is a list of values, found {}", resolved.describe());
        return Err(Mistake::new("wrong-type", message).at(node.place, "here").also(resolved.place, "its value"));
    };
    let mut values = Vec::with_capacity(list.len());
    let mut seen = BTreeSet::new();
    for element in list {
        let value = axis_value(axis, element)?;
        if !seen.insert(value.clone()) {
            let message = format!("axis `{axis}` has the value `{value}` twice");
            return Err(Mistake::new("duplicate-value", message).at(element.place, "the second"));
        }
        values.push(value);
    }
    if values.is_empty() {
        let message = format!("axis `{axis}` has no values, so the stage would have no cells");
        return Err(Mistake::new("empty-axis", message).at(node.place, "here"));
    }
    Ok(values)
}

fn axis_value(axis: &str, node: &Node) -> Result<AxisValue, Mistake> {
    match &node.value {
        Value::Truth(value) => Ok(AxisValue::Truth(*value)),
        Value::Integer(value) => Ok(AxisValue::Integer(*value)),
        Value::Number(value) if value.is_finite() => Ok(AxisValue::Number(*value)),
        Value::Text(value) if !value.contains(['"', '\n']) => Ok(AxisValue::Text(value.clone())),
        _ => {
            let message = format!("a value of axis `{axis}` is a number or plain text, found {}", node.describe());
            Err(Mistake::new("wrong-type", message).at(node.place, "here"))
        }
    }
}

fn partial(node: &Node, params: &Params, axes: &BTreeMap<String, Vec<AxisValue>>) -> Result<Coordinates, Mistake> {
    let resolved = substitute(node, params)?;
    let Some(map) = resolved.as_map() else {
        let message = format!("a partial cell is a map of axes and values, found {}", resolved.describe());
        return Err(Mistake::new("wrong-type", message).at(node.place, "here"));
    };
    let mut partial = Coordinates::new();
    for (axis, entry) in map {
        if !axes.contains_key(axis) {
            let mistake = Mistake::new("unknown-axis", format!("the stage has no axis `{axis}`"));
            return Err(mistake.at(entry.key, "here").suggest(axis, axes.keys().map(String::as_str)));
        }
        partial.insert(axis.clone(), axis_value(axis, &entry.node)?);
    }
    Ok(partial)
}

fn matches(cell: &Coordinates, partial: &Coordinates) -> bool {
    partial.iter().all(|(axis, value)| cell.get(axis) == Some(value))
}

fn product(axes: &BTreeMap<String, Vec<AxisValue>>) -> BTreeSet<Coordinates> {
    let mut cells = vec![Coordinates::new()];
    for (axis, values) in axes {
        let with = |cell: &Coordinates, value: &AxisValue| {
            let mut cell = cell.clone();
            cell.insert(axis.clone(), value.clone());
            cell
        };
        cells = cells.iter().flat_map(|cell| values.iter().map(move |value| with(cell, value))).collect();
    }
    cells.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_form_the_product_in_the_order_of_names_and_values() {
        let axes = BTreeMap::from([
            ("seed".to_owned(), vec![10.into(), 9.into()]),
            ("domain".to_owned(), vec!["photo".into(), "art".into()]),
        ]);
        let shown: Vec<String> = product(&axes)
            .into_iter()
            .map(|cell| cell.values().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(shown, ["art 9", "art 10", "photo 9", "photo 10"]);
    }
}
