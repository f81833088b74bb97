//! From a file to a [`PipelineSpec`]: `extends`, profiles, `--set`.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::pipeline_spec::Reader;
use super::yaml::{LARGEST, too_large};
use super::{Entry, Mistake, Mistakes, Node, NodeMap, PipelineSpec, Place, Texts, TreeMemo, Value, merge, parse};

/// What a call adds to the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Profiles to merge from left to right; none means the file's own `profile:`.
    pub profiles: Option<Vec<String>>,
    /// `name=value` pairs for params.
    pub set: Vec<String>,
}

/// A file that could not be opened, or that has mistakes.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The pipeline file could not be read.
    #[error("cannot read the pipeline file: {0}")]
    Io(#[from] std::io::Error),
    /// The file or the call has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

/// A pipeline file read, with all texts it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The pipeline.
    pub spec: PipelineSpec,
    /// The texts, for messages.
    pub texts: Texts,
    /// What is wrong with its shape; `resolve` adds what is wrong with its meaning.
    pub mistakes: Vec<Mistake>,
}

impl Loaded {
    /// Reads a pipeline file. `root` is the project root, to which names in messages are relative.
    pub fn read(file: &Path, root: &Path, overrides: &Overrides, memo: &TreeMemo) -> Result<Self, LoadError> {
        let mut loader = Loader { root, memo, texts: Texts::default(), mistakes: Vec::new(), incomplete: false };
        let tree = loader.file(file, &mut Vec::new())?;
        let spec = tree.and_then(|tree| loader.spec(tree, overrides));
        match spec {
            Some(spec) if !loader.incomplete => Ok(Self { spec, texts: loader.texts, mistakes: loader.mistakes }),
            _ => Err(Mistakes::new(loader.mistakes, loader.texts).into()),
        }
    }
}

struct Loader<'a> {
    root: &'a Path,
    memo: &'a TreeMemo,
    texts: Texts,
    mistakes: Vec<Mistake>,
    /// Whether a part could not be read, so that names without a meaning may only follow from that.
    incomplete: bool,
}

impl Loader<'_> {
    /// The tree of a file, merged over what it extends. `stack` holds the files being read, to find circles.
    fn file(&mut self, file: &Path, stack: &mut Vec<PathBuf>) -> Result<Option<Node>, LoadError> {
        let mut bytes = Vec::new();
        // No more of a large one than says that it is too large.
        fs_err::File::open(file)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        let name = file.strip_prefix(self.root).unwrap_or(file).display().to_string();
        let content = String::from_utf8_lossy(&bytes).into_owned();
        let text = self.texts.add(name, content.clone());
        if bytes.len() > LARGEST {
            self.mistakes.push(too_large());
            return Ok(None);
        }
        if std::str::from_utf8(&bytes).is_err() {
            let start = content.find('\u{fffd}').unwrap_or(0) as u32;
            let mistake = Mistake::new("not-utf-8", "the file is not UTF-8 text");
            self.mistakes.push(mistake.at(Place { text, start, length: 3 }, "here"));
            return Ok(None);
        }
        let tree = match self.tree(text, &content) {
            Ok(tree) => tree,
            Err(mistake) => {
                self.mistakes.push(mistake);
                return Ok(None);
            }
        };
        self.old_booleans(&tree);
        stack.push(file.canonicalize()?);
        let extended = self.extended(&tree, file, stack);
        stack.pop();
        self.incomplete |= tree.get("extends").is_some() && matches!(extended, Ok(None));
        extended.map(|base| match base {
            Some(base) => Some(merge(base, tree)),
            None => Some(tree),
        })
    }

    /// The tree of a text, from the memo where it is known.
    fn tree(&self, text: u32, content: &str) -> Result<Node, Mistake> {
        if let Some(tree) = self.memo.recall(content) {
            return Ok(tree.in_text(text));
        }
        let tree = parse(&self.texts, text)?;
        self.memo.remember(content, &tree);
        Ok(tree)
    }

    fn extended(&mut self, tree: &Node, file: &Path, stack: &mut Vec<PathBuf>) -> Result<Option<Node>, LoadError> {
        let Some(node) = tree.get("extends") else { return Ok(None) };
        let Some(relative) = node.as_text() else {
            let message = format!("`extends` is the path of a file, found {}", node.describe());
            self.mistakes.push(Mistake::new("wrong-type", message).at(node.place, "here"));
            return Ok(None);
        };
        let base = file.parent().unwrap_or(Path::new("")).join(relative);
        // A pipe or device is none: reading it may never end.
        let canonical = base.canonicalize().ok().filter(|path| path.is_file());
        let Some(canonical) = canonical else {
            let mistake = Mistake::new("missing-file", format!("the file `{relative}` does not exist"));
            let help = "`extends` is relative to the file it stands in";
            self.mistakes.push(mistake.at(node.place, "extended here").help(help));
            return Ok(None);
        };
        if stack.contains(&canonical) {
            let message = format!("`{relative}` extends itself");
            self.mistakes.push(Mistake::new("extends-circle", message).at(node.place, "here"));
            return Ok(None);
        }
        self.file(&base, stack)
    }

    fn spec(&mut self, tree: Node, overrides: &Overrides) -> Option<PipelineSpec> {
        if tree.as_map().is_none() {
            let message = format!("a pipeline file is a map of keys and values, found {}", tree.describe());
            self.mistakes.push(Mistake::new("wrong-type", message).at(tree.place, "here"));
            return None;
        }
        let profiles = self.chosen(&tree, overrides);
        let changes =
            profiles.iter().filter_map(|(name, place)| Some((name.clone(), self.profile(&tree, name, *place)?)));
        let changes: Vec<(String, Node)> = changes.collect();
        let mut merged = changes.iter().fold(tree, |tree, (_, change)| merge(tree, change.clone()));
        let overridden = self.set(&mut merged, &overrides.set);
        let mut reader = Reader::default();
        let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
        let profile = if names.is_empty() { "default".to_owned() } else { names.join("-") };
        let spec = reader.pipeline(&merged, profile);
        self.mistakes.append(&mut reader.mistakes);
        spec.map(|spec| PipelineSpec { overridden, merged: changes, ..spec })
    }

    /// The profiles to merge: those of the call, else those of the file.
    fn chosen(&mut self, tree: &Node, overrides: &Overrides) -> Vec<(String, Place)> {
        if let Some(names) = &overrides.profiles {
            let text = self.texts.add(format!("--profile {}", names.join(",")), names.join(","));
            let place = |name: &String| (name.clone(), Place { text, start: 0, length: name.len() as u32 });
            // `--profile ''` asks for the file as it is, without its own profile.
            return names.iter().filter(|name| !name.is_empty()).map(place).collect();
        }
        let Some(node) = tree.get("profile") else { return Vec::new() };
        let mut reader = Reader::default();
        let nodes = node.as_list().unwrap_or(std::slice::from_ref(node));
        let named = nodes.iter().filter_map(|node| reader.text(node, "`profile`"));
        let split = named.flat_map(|(text, place)| {
            let names: Vec<_> = text.split(',').map(|name| (name.trim().to_owned(), place)).collect();
            names
        });
        let chosen = split.collect();
        self.mistakes.append(&mut reader.mistakes);
        chosen
    }

    fn profile(&mut self, tree: &Node, name: &str, place: Place) -> Option<Node> {
        let known = tree.get("profiles").and_then(Node::as_map);
        let Some(entry) = known.and_then(|known| known.get(name)) else {
            let names = known.into_iter().flat_map(NodeMap::keys).map(String::as_str);
            let mistake = Mistake::new("unknown-profile", format!("there is no profile `{name}`"));
            let mistake = mistake.at(place, "asked for here").suggest(name, names);
            let none = known.is_none_or(NodeMap::is_empty);
            self.mistakes.push(if none { mistake.help("the file has no `profiles:`") } else { mistake });
            self.incomplete = true;
            return None;
        };
        if entry.node.is_null() {
            return None;
        }
        let mut reader = Reader::default();
        let found = reader.map(&entry.node, &format!("profile `{name}`")).map(|map| {
            for key in ["profile", "profiles", "extends"] {
                if let Some(entry) = map.get(key) {
                    let message = format!("a profile cannot change `{key}`");
                    reader_mistake(&mut self.mistakes, message, entry);
                }
            }
            entry.node.clone()
        });
        self.mistakes.append(&mut reader.mistakes);
        found
    }

    /// Replaces params, and returns where the replaced values stood.
    fn set(&mut self, tree: &mut Node, pairs: &[String]) -> indexmap::IndexMap<String, Place> {
        let mut overridden = indexmap::IndexMap::new();
        for pair in pairs {
            let name = pair.split('=').next().unwrap_or(pair).trim().to_owned();
            match self.set_one(tree, pair) {
                Ok(place) => {
                    overridden.insert(name, place);
                }
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        overridden
    }

    fn set_one(&mut self, tree: &mut Node, pair: &str) -> Result<Place, Mistake> {
        let text = self.texts.add(format!("--set {pair}"), pair);
        let Some((path, value)) = pair.split_once('=') else {
            let mistake = Mistake::new("bad-set", format!("`--set {pair}` has no `=`"));
            return Err(mistake.help("write `--set name=value`"));
        };
        let start = u32::try_from(path.len() + 1).unwrap_or(0);
        let value_text = self.texts.add("--set", value);
        let mut value_node = parse(&self.texts, value_text)?;
        value_node = shifted(value_node, text, start);
        let Value::Map(map) = &mut tree.value else { return Err(Mistake::new("bad-set", "nothing to set")) };
        let mut target = map.get_mut("params").map(|entry| &mut entry.node);
        let mut known = Vec::new();
        for part in path.trim().split('.') {
            target = match target {
                Some(Node { value: Value::Map(map), .. }) => {
                    known = map.keys().cloned().collect();
                    map.get_mut(part).map(|entry| &mut entry.node)
                }
                _ => None,
            };
        }
        let Some(target) = target else {
            let place = Place { text, start: 0, length: path.len() as u32 };
            let mistake = Mistake::new("unknown-param", format!("there is no param `{}`", path.trim()));
            let last = path.rsplit('.').next().unwrap_or(path);
            return Err(mistake.at(place, "set here").suggest(last, known.iter().map(String::as_str)));
        };
        let place = target.place;
        *target = value_node;
        Ok(place)
    }

    /// YAML 1.1 read `yes`, `no`, `on` and `off` as truth values, YAML 1.2 reads them as text. Whoever writes one
    /// unquoted most likely means a truth value, so it is named instead of guessed.
    fn old_booleans(&mut self, node: &Node) {
        match &node.value {
            Value::Text(text) => {
                let old = ["yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
                let quoted = self.texts.quote(node.place).starts_with(['"', '\'']);
                if old && !quoted && self.texts.quote(node.place) == text {
                    let truth = matches!(text.to_ascii_lowercase().as_str(), "yes" | "on");
                    let mistake = Mistake::new("old-boolean", format!("`{text}` is a truth value only in YAML 1.1"));
                    let help = format!("write `{truth}`, or `\"{text}\"` for text");
                    self.mistakes.push(mistake.at(node.place, "here").help(help));
                }
            }
            Value::List(list) => list.iter().for_each(|node| self.old_booleans(node)),
            Value::Map(map) => {
                // What a sandbox is, is said with the words `on` and `off`.
                let plain = map.iter().filter(|(key, entry)| *key != "sandbox" || entry.node.as_text().is_none());
                plain.for_each(|(_, entry)| self.old_booleans(&entry.node));
            }
            _ => {}
        }
    }
}

fn reader_mistake(mistakes: &mut Vec<Mistake>, message: String, entry: &Entry) {
    mistakes.push(Mistake::new("bad-profile", message).at(entry.key, "here"));
}

/// Moves the places of a parsed `--set` value behind its `name=`.
fn shifted(mut node: Node, text: u32, by: u32) -> Node {
    node.place = Place { text, start: node.place.start + by, length: node.place.length };
    node.value = match node.value {
        Value::List(list) => Value::List(list.into_iter().map(|node| shifted(node, text, by)).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, entry)| {
                    let place = Place { text, start: entry.key.start + by, length: entry.key.length };
                    (key, Entry { key: place, node: shifted(entry.node, text, by) })
                })
                .collect(),
        ),
        value => value,
    };
    node
}
