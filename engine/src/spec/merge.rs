//! Deep merge of trees: maps merge, lists and scalars replace, `null` removes.

use super::{Node, Value};

/// Puts `over` over `base`.
pub fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut map), Value::Map(changes)) => {
            for (key, change) in changes {
                if change.node.is_null() {
                    map.shift_remove(&key);
                    continue;
                }
                let entry = match map.shift_remove(&key) {
                    Some(entry) => super::Entry { key: change.key, node: merge(entry.node, change.node) },
                    None => super::Entry { key: change.key, node: without_nulls(change.node) },
                };
                map.insert(key, entry);
            }
            Node::new(Value::Map(map), base.place)
        }
        (_, value) => Node::new(value, over.place),
    }
}

/// A `null` in a change that meets nothing has nothing to remove, and must not stay as a value.
fn without_nulls(node: Node) -> Node {
    let Value::Map(map) = node.value else { return node };
    let kept = map.into_iter().filter(|(_, entry)| !entry.node.is_null());
    let kept = kept.map(|(key, entry)| (key, super::Entry { key: entry.key, node: without_nulls(entry.node) }));
    Node::new(Value::Map(kept.collect()), node.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Texts, parse};

    fn node(content: &str) -> Node {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content);
        parse(&texts, text).unwrap()
    }

    #[test]
    fn maps_merge_lists_and_scalars_replace_and_null_removes() {
        let merged = merge(node("{a: {x: 1, y: [1, 2]}, b: 1, c: 2}"), node("{a: {y: [3], z: 0}, b: null, c: {d: 1}}"));
        let expected = serde_json::json!({"a": {"x": 1, "y": [3], "z": 0}, "c": {"d": 1}});
        assert_eq!(merged.to_json(), expected);
    }

    #[test]
    fn null_in_a_change_that_meets_nothing_disappears() {
        assert_eq!(merge(node("{}"), node("{a: {b: null, c: 1}}")).to_json(), serde_json::json!({"a": {"c": 1}}));
    }
}
