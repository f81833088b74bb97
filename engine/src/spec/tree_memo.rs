//! Remembers the trees of large files by the digest of their text, since reading YAML is what most of a run that
//! executes nothing would do. May be deleted at any time; what is damaged is not believed.

use std::path::PathBuf;

use dgpipe_cache::{Digest, RealFilesystem, read_memo, write_memo};

use super::{Entry, Node, NodeMap, Place, Value};

/// Raised when trees are written in another way, or when reading a text gives another tree.
const VERSION: u8 = 1;
/// Smaller files are read as fast as their trees.
const SMALLEST: usize = 32 << 10;

/// A folder of trees; without a folder nothing is remembered.
#[derive(Clone, Debug, Default)]
pub struct TreeMemo(Option<PathBuf>);

impl TreeMemo {
    /// Remembers in a folder, which is made when it is needed.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    /// The tree of a text, where it is remembered.
    pub(super) fn recall(&self, content: &str) -> Option<Node> {
        let bytes = read_memo(&RealFilesystem, &self.path(content)?).ok()??;
        let (digest, encoded) = bytes.split_at_checked(32)?;
        if digest != Digest::of(encoded).as_bytes() {
            return None;
        }
        let mut rest = encoded;
        let node = decode_node(&mut rest)?;
        rest.is_empty().then_some(node)
    }

    /// Remembers the tree of a text. Failing to costs only time.
    pub(super) fn remember(&self, content: &str, node: &Node) {
        let Some(path) = self.path(content) else { return };
        let mut encoded = Vec::new();
        encode_node(node, &mut encoded);
        let bytes = [Digest::of(&encoded).as_bytes().as_slice(), &encoded].concat();
        drop(write_memo(&RealFilesystem, &path, &bytes));
    }

    fn path(&self, content: &str) -> Option<PathBuf> {
        let folder = self.0.as_ref().filter(|_| content.len() >= SMALLEST)?;
        Some(folder.join(format!("{VERSION}-{}", Digest::of(content.as_bytes()))))
    }
}

fn encode_node(node: &Node, out: &mut Vec<u8>) {
    encode_place(node.place, out);
    match &node.value {
        Value::Null => out.push(0),
        Value::Truth(value) => out.extend([1, u8::from(*value)]),
        Value::Integer(value) => {
            out.push(2);
            out.extend(value.to_le_bytes());
        }
        Value::Number(value) => {
            out.push(3);
            out.extend(value.to_le_bytes());
        }
        Value::Text(value) => {
            out.push(4);
            encode_text(value, out);
        }
        Value::List(list) => {
            out.push(5);
            encode_count(list.len(), out);
            list.iter().for_each(|node| encode_node(node, out));
        }
        Value::Map(map) => {
            out.push(6);
            encode_count(map.len(), out);
            for (key, entry) in map {
                encode_text(key, out);
                encode_place(entry.key, out);
                encode_node(&entry.node, out);
            }
        }
    }
}

/// The number of the text is left out: it is that of whoever reads.
fn encode_place(place: Place, out: &mut Vec<u8>) {
    out.extend(place.start.to_le_bytes());
    out.extend(place.length.to_le_bytes());
}

fn encode_count(count: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    encode_count(text.len(), out);
    out.extend(text.as_bytes());
}

fn decode_node(rest: &mut &[u8]) -> Option<Node> {
    let place = decode_place(rest)?;
    let value = match take::<1>(rest)? {
        [0] => Value::Null,
        [1] => Value::Truth(take::<1>(rest)? == [1]),
        [2] => Value::Integer(i64::from_le_bytes(take(rest)?)),
        [3] => Value::Number(f64::from_le_bytes(take(rest)?)),
        [4] => Value::Text(decode_text(rest)?),
        [5] => {
            let count = decode_count(rest)?;
            Value::List((0..count).map(|_| decode_node(rest)).collect::<Option<_>>()?)
        }
        [6] => {
            let count = decode_count(rest)?;
            let entry = |rest: &mut &[u8]| {
                let (key, place) = (decode_text(rest)?, decode_place(rest)?);
                Some((key, Entry { key: place, node: decode_node(rest)? }))
            };
            Value::Map((0..count).map(|_| entry(rest)).collect::<Option<NodeMap>>()?)
        }
        _ => return None,
    };
    Some(Node::new(value, place))
}

fn decode_place(rest: &mut &[u8]) -> Option<Place> {
    let (start, length) = (u32::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?));
    Some(Place { text: 0, start, length })
}

fn decode_count(rest: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(take(rest)?) as usize)
}

fn decode_text(rest: &mut &[u8]) -> Option<String> {
    let count = decode_count(rest)?;
    let (text, after) = rest.split_at_checked(count)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Texts, parse};

    #[test]
    fn a_tree_comes_back_as_it_was_and_damage_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let memo = TreeMemo::in_folder(folder.path().join("trees"));
        let line = "a1: { b: [1, 2.5, true, null, 'x y'], c: é }\n";
        let content = (0..1000).map(|number| line.replace("a1", &format!("a{number}"))).collect::<String>();
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", content.as_str());
        let node = parse(&texts, text).unwrap();
        assert_eq!(memo.recall(&content), None);
        memo.remember(&content, &node);
        assert_eq!(memo.recall(&content), Some(node));
        let file = fs_err::read_dir(folder.path().join("trees")).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs_err::read(&file).unwrap();
        for change in [0, 40, bytes.len() - 1] {
            bytes[change] ^= 1;
            fs_err::write(&file, &bytes).unwrap();
            assert_eq!(memo.recall(&content), None);
            bytes[change] ^= 1;
        }
        fs_err::write(&file, &bytes[..20]).unwrap();
        assert_eq!(memo.recall(&content), None);
    }
}
