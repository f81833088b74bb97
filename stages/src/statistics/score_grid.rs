//! Scores laid out by their coordinates: rows such as methods, columns such as targets, repeats such as seeds.

use std::collections::BTreeMap;

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::StageError;

use crate::formats::Scores;

/// Which axes make rows, columns and repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridAxes<'a> {
    /// What is compared, such as `method`.
    pub(crate) row: &'a str,
    /// What results are averaged over, such as `target`.
    pub(crate) column: &'a str,
    /// What is drawn at random, such as `seed`; nothing where there is one repeat.
    pub(crate) repeat: Option<&'a str>,
}

/// Scores by row, column and repeat. Cells may be missing.
#[derive(Clone, Debug)]
pub(crate) struct ScoreGrid {
    rows: Vec<AxisValue>,
    columns: Vec<AxisValue>,
    repeats: Vec<AxisValue>,
    scores: BTreeMap<(AxisValue, AxisValue, AxisValue), Scores>,
}

impl ScoreGrid {
    /// Lays scores out. An axis that scores do not have, or that tells apart scores of one place, is an error.
    pub(crate) fn new(labelled: Vec<(Coordinates, Scores)>, axes: GridAxes<'_>) -> Result<Self, StageError> {
        let mut scores = BTreeMap::new();
        for (coordinates, score) in labelled {
            let row = value_of(&coordinates, axes.row, "row")?;
            let column = value_of(&coordinates, axes.column, "column")?;
            let repeat =
                axes.repeat.map_or(Ok(AxisValue::Integer(0)), |axis| value_of(&coordinates, axis, "repeat"))?;
            let place = (row, column, repeat);
            if scores.contains_key(&place) {
                return Err(twice(&place, &coordinates, axes));
            }
            scores.insert(place, score);
        }
        let rows = distinct(scores.keys().map(|(row, _, _)| row));
        let columns = distinct(scores.keys().map(|(_, column, _)| column));
        let repeats = distinct(scores.keys().map(|(_, _, repeat)| repeat));
        Ok(Self { rows, columns, repeats, scores })
    }

    /// The values of the row axis in their order.
    pub(crate) fn rows(&self) -> &[AxisValue] {
        &self.rows
    }

    /// The values of the column axis in their order.
    pub(crate) fn columns(&self) -> &[AxisValue] {
        &self.columns
    }

    /// How many repeats there are at most.
    pub(crate) fn repeats(&self) -> usize {
        self.repeats.len()
    }

    /// The scores of one place over the repeats there are.
    pub(crate) fn cell<'a>(&'a self, row: &'a AxisValue, column: &'a AxisValue) -> impl Iterator<Item = &'a Scores> {
        let place = move |repeat: &AxisValue| (row.clone(), column.clone(), repeat.clone());
        self.repeats.iter().filter_map(move |repeat| self.scores.get(&place(repeat)))
    }

    /// The average over the columns for every repeat of a row that has them all
    /// (two-phase weight importance, section 6): repeats that miss a column would compare unlike things.
    pub(crate) fn averages(&self, row: &AxisValue, measure: impl Fn(&Scores) -> f64) -> BTreeMap<AxisValue, f64> {
        let average = |repeat: &AxisValue| {
            let place = |column: &AxisValue| (row.clone(), column.clone(), repeat.clone());
            let found = self.columns.iter().map(|column| self.scores.get(&place(column)).map(&measure));
            let values: Vec<f64> = found.collect::<Option<_>>()?;
            Some(values.iter().sum::<f64>() / values.len() as f64)
        };
        self.repeats.iter().filter_map(|repeat| Some((repeat.clone(), average(repeat)?))).collect()
    }

    /// Whether a mask behind the scores of one place has seen the target.
    pub(crate) fn saw_target(&self, row: &AxisValue, column: &AxisValue) -> bool {
        self.cell(row, column).any(|scores| scores.mask_saw_target)
    }
}

fn value_of(coordinates: &Coordinates, axis: &str, field: &str) -> Result<AxisValue, StageError> {
    coordinates.get(axis).cloned().ok_or_else(|| {
        let axes: Vec<&str> = coordinates.keys().map(String::as_str).collect();
        let what = format!("`{field}` names the axis `{axis}`, but the scores come from cells with the axes");
        StageError::new(format!("{what} [{}]", axes.join(", ")))
            .hint(format!("set `{field}` to one of these, or give the stage of the scores the axis `{axis}`"))
    })
}

fn twice(
    (row, column, repeat): &(AxisValue, AxisValue, AxisValue),
    coordinates: &Coordinates,
    axes: GridAxes<'_>,
) -> StageError {
    let named = [Some(axes.row), Some(axes.column), axes.repeat];
    let others = coordinates.keys().map(String::as_str).filter(|axis| !named.contains(&Some(axis)));
    let others: Vec<&str> = others.collect();
    let repeat = axes.repeat.map_or(String::new(), |axis| format!(", {axis}={repeat}"));
    let place = format!("{}={row}, {}={column}{repeat}", axes.row, axes.column);
    StageError::new(format!("two scores belong to {place}; axes that are not named are [{}]", others.join(", ")))
        .hint("select one value of the other axes in `inputs`, or name the axis of the repeats in `repeat`")
}

fn distinct<'a>(values: impl Iterator<Item = &'a AxisValue>) -> Vec<AxisValue> {
    let mut values: Vec<AxisValue> = values.cloned().collect();
    values.sort();
    values.dedup();
    values
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::formats::scoring;

    pub(crate) const AXES: GridAxes<'static> = GridAxes { row: "method", column: "target", repeat: Some("seed") };

    /// The coordinates of one score.
    pub(crate) fn at(method: &str, target: &str, seed: i64) -> Coordinates {
        let axis = |name: &str, value: AxisValue| (name.to_owned(), value);
        Coordinates::from([axis("method", method.into()), axis("target", target.into()), axis("seed", seed.into())])
    }

    #[test]
    fn averages_are_taken_over_columns_per_repeat() {
        let scores = vec![
            (at("erm", "a", 1), scoring(0.5, false)),
            (at("erm", "b", 1), scoring(0.7, false)),
            (at("erm", "a", 2), scoring(0.1, false)),
        ];
        let grid = ScoreGrid::new(scores, AXES).unwrap();
        let averages = grid.averages(&"erm".into(), |scores| scores.accuracy_target_all);
        // Seed 2 misses a target and is left out.
        assert_eq!(averages.into_iter().collect::<Vec<_>>(), [(AxisValue::Integer(1), 0.6)]);
    }

    #[test]
    fn an_axis_that_is_not_there_is_named_with_those_that_are() {
        let axes = GridAxes { row: "methode", ..AXES };
        let error = ScoreGrid::new(vec![(at("erm", "a", 1), scoring(0.5, false))], axes).unwrap_err().to_string();
        assert!(error.contains("`methode`") && error.contains("[method, seed, target]"), "{error}");
    }

    #[test]
    fn two_scores_for_one_place_are_an_error() {
        let axes = GridAxes { repeat: None, ..AXES };
        let scores = vec![(at("erm", "a", 1), scoring(0.5, false)), (at("erm", "a", 2), scoring(0.6, false))];
        let error = ScoreGrid::new(scores, axes).unwrap_err().to_string();
        assert_eq!(error, "two scores belong to method=erm, target=a; axes that are not named are [seed]");
    }
}
