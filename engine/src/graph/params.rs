//! Params, which may refer to one another, and the scope of a cell.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{AxisValue, Coordinates};
use crate::spec::{Mistake, Node, NodeMap, Place, Scope, Template, Value, substitute};

/// Params with every reference resolved.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    values: IndexMap<String, Node>,
    /// Params with mistakes of their own.
    broken: BTreeSet<String>,
}

impl Params {
    /// Resolves all params; circles and unknown names are mistakes.
    pub(super) fn resolve(params: &NodeMap, mistakes: &mut Vec<Mistake>) -> Self {
        let mut resolver = Resolver { params, done: Self::default(), path: Vec::new() };
        for name in params.keys() {
            if let Err(mistake) = resolver.resolve(name) {
                mistakes.push(mistake);
                resolver.done.broken.extend(resolver.path.drain(..));
                resolver.done.broken.insert(name.clone());
            }
        }
        resolver.done
    }

    /// All values, for reports.
    pub(super) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.values.iter().map(|(name, node)| (name.clone(), node.to_json())).collect()
    }

    /// The value behind a name, which may step into maps with dots.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let mut parts = name.split('.');
        let first = self.values.get(parts.next()?)?;
        parts.try_fold(first, |node, part| node.get(part))
    }
}

impl Scope for Params {
    fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name.split('.').next().unwrap_or(name))
    }

    fn value(&self, name: &str) -> Option<Node> {
        self.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }
}

struct Resolver<'a> {
    params: &'a NodeMap,
    done: Params,
    path: Vec<String>,
}

impl Resolver<'_> {
    fn resolve(&mut self, name: &str) -> Result<(), Mistake> {
        if self.done.values.contains_key(name) || self.done.broken.contains(name) {
            return Ok(());
        }
        let entry = &self.params[name];
        if let Some(start) = self.path.iter().position(|other| other == name) {
            let circle = [&self.path[start..], &[name.to_owned()]].concat().join(" → ");
            return Err(Mistake::new("param-circle", format!("params refer to one another in a circle: {circle}"))
                .at(entry.key, "here"));
        }
        self.path.push(name.to_owned());
        for reference in references(&entry.node)? {
            let first = reference.split('.').next().unwrap_or(&reference);
            if self.params.contains_key(first) {
                self.resolve(first)?;
            }
        }
        self.path.pop();
        let value = substitute(&entry.node, &self.done)?;
        self.done.values.insert(name.to_owned(), value);
        Ok(())
    }
}

/// Every name that is referred to below a node.
pub(crate) fn references(node: &Node) -> Result<Vec<String>, Mistake> {
    let mut names = Vec::new();
    collect(node, &mut names)?;
    Ok(names)
}

fn collect(node: &Node, names: &mut Vec<String>) -> Result<(), Mistake> {
    match &node.value {
        Value::Text(text) if text.contains('$') => {
            names.extend(Template::parse(text, node.place)?.references().map(str::to_owned));
            Ok(())
        }
        Value::List(list) => list.iter().try_for_each(|node| collect(node, names)),
        Value::Map(map) => map.values().try_for_each(|entry| collect(&entry.node, names)),
        _ => Ok(()),
    }
}

/// What names mean inside one cell: its axes, then the params.
pub(super) struct CellScope<'a> {
    pub(super) params: &'a Params,
    pub(super) coordinates: &'a Coordinates,
    pub(super) place: Place,
}

impl Scope for CellScope<'_> {
    fn value(&self, name: &str) -> Option<Node> {
        match self.coordinates.get(name) {
            Some(value) => Some(Node::new(axis_node(value), self.place)),
            None => self.params.value(name),
        }
    }

    fn is_broken(&self, name: &str) -> bool {
        self.params.is_broken(name)
    }

    fn names(&self) -> Vec<String> {
        self.coordinates.keys().cloned().chain(self.params.names()).collect()
    }
}

fn axis_node(value: &AxisValue) -> Value {
    match value {
        AxisValue::Truth(value) => Value::Truth(*value),
        AxisValue::Integer(value) => Value::Integer(*value),
        AxisValue::Number(value) => Value::Number(*value),
        AxisValue::Text(value) => Value::Text(value.clone()),
    }
}
