//! From the keys of a `command` stage to a [`CommandStage`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dgpipe_cache::{Digest, Form};
use serde::Deserialize;

use super::argument::{Argument, ArgumentPiece};
use super::{CommandStage, WorkingFolderKind};
use crate::environment::Environment;
use crate::graph::{known_kind, project_path, sandbox_value};
use crate::spec::{
    Mistake, Node, Piece, Place, Scope, StageSpec, Template, decode_all, scalar_text, substitute, substitute_all,
    unknown,
};
use crate::stage::{InputPort, Kind, OutputPort, Ports};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputText {
    file: Option<String>,
    folder: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsText {
    file: String,
}

impl CommandStage {
    /// Reads the keys of a `command` stage for one cell, or says all that is wrong with them.
    pub(crate) fn bind(
        stage: &StageSpec,
        scope: &dyn Scope,
        environment: &Environment,
        kinds: &BTreeSet<Kind>,
        root: &Path,
    ) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader { stage, scope, environment, kinds, root, mistakes: Vec::new() };
        let Outputs { ports: outputs, names, paths: output_paths } = reader.outputs();
        let shell = reader.optional::<bool>("shell");
        let ports = Ports { inputs: reader.inputs(), outputs };
        let run = reader.run(shell, names.as_deref());
        let cwd = reader.cwd();
        let variable = |name: &str| environment.get(name).map(|value| (name.to_owned(), value.to_owned()));
        let command = Self {
            run,
            shell: shell.unwrap_or(false),
            cwd,
            metrics: reader.metrics(),
            env: reader.variables("env"),
            secrets: reader.variables("secrets"),
            passed: ["PATH", "HOME"].into_iter().filter_map(variable).collect(),
            tools: reader.tools(),
            sandbox: reader.sandbox().unwrap_or(cwd == WorkingFolderKind::Scratch),
            ports,
            output_paths,
            root: root.to_owned(),
        };
        if reader.mistakes.is_empty() { Ok(command) } else { Err(reader.mistakes) }
    }
}

/// What was understood of `outputs:`.
#[derive(Default)]
struct Outputs {
    ports: Vec<OutputPort>,
    paths: BTreeMap<String, String>,
    /// The names of all, also of those with mistakes; nothing where `outputs` itself has one.
    names: Option<Vec<String>>,
}

/// Reads key after key and gathers what is wrong.
struct Reader<'a> {
    stage: &'a StageSpec,
    scope: &'a dyn Scope,
    environment: &'a Environment,
    kinds: &'a BTreeSet<Kind>,
    root: &'a Path,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn keep<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// The value of a key; nothing where it is not written or refers to what is not there.
    fn node(&mut self, key: &str) -> Option<Node> {
        let entry = self.stage.command.get(key)?;
        let known = self.mistakes.len();
        let node = substitute_all(&entry.node, self.scope, &mut self.mistakes);
        (self.mistakes.len() == known).then_some(node)
    }

    fn decoded<T: serde::de::DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        decode_all(node).map_err(|mut mistakes| self.mistakes.append(&mut mistakes)).ok()
    }

    fn optional<T: serde::de::DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let node = self.node(key)?;
        self.decoded(&node)
    }

    /// Every key under `inputs:` is a port that takes whatever is connected.
    fn inputs(&self) -> Vec<InputPort> {
        let port = |name: &String| InputPort {
            name: name.clone(),
            kinds: Vec::new(),
            form: Form::File,
            many: true,
            required: true,
            labelled: false,
        };
        self.stage.inputs.keys().map(port).collect()
    }

    fn outputs(&mut self) -> Outputs {
        if !self.stage.command.contains_key("outputs") {
            let mistake = Mistake::new("missing-key", "a command declares its `outputs`").at(self.stage.place, "here");
            self.mistakes.push(mistake.help("add `outputs: { result: { file: result.csv } }`"));
        }
        let Some(node) = self.node("outputs") else { return Outputs::default() };
        let Some(map) = node.as_map().filter(|map| !map.is_empty()) else {
            let message = format!("`outputs` is a map with at least one output, found {}", node.describe());
            self.mistakes.push(Mistake::new("wrong-type", message).at(node.place, "here"));
            return Outputs::default();
        };
        let mut outputs = Outputs { names: Some(map.keys().cloned().collect()), ..Outputs::default() };
        for (name, entry) in map {
            let Some((path, port)) = self.output(name, &entry.node) else { continue };
            let overlaps = |other: &String| {
                *other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            if outputs.paths.values().any(overlaps) {
                let message = format!("the output `{name}` overlaps another output at `{path}`");
                self.mistakes.push(Mistake::new("output-overlap", message).at(entry.node.place, "here"));
            }
            outputs.paths.insert(name.clone(), path);
            outputs.ports.push(port);
        }
        outputs
    }

    fn output(&mut self, name: &str, node: &Node) -> Option<(String, OutputPort)> {
        let kind = node.get("kind").and_then(|node| Some((node.as_text()?, node.place)));
        let kind = kind.map(|(kind, place)| self.keep(known_kind(kind, place, self.kinds)));
        let text: OutputText = self.decoded(node)?;
        let (path, form) = match (text.file, text.folder) {
            (Some(file), None) => (file, Form::File),
            (None, Some(folder)) => (folder, Form::Folder),
            _ => {
                let mistake =
                    Mistake::new("wrong-value", format!("the output `{name}` is either a `file` or a `folder`"));
                self.mistakes.push(mistake.at(node.place, "here").help("write `{ file: result.csv }`"));
                return None;
            }
        };
        let path = self.keep(project_path(&path, node.place))?;
        let plain = if form == Form::File { Kind::FILE } else { Kind::FOLDER };
        let kind = kind.unwrap_or(Some(plain))?;
        let file_name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        Some((path, OutputPort { name: name.to_owned(), kind, form, file_name }))
    }

    /// `run` is not substituted as a whole: `${in.…}` and `${out.…}` stay symbolic.
    fn run(&mut self, shell: Option<bool>, outputs: Option<&[String]>) -> Vec<Argument> {
        let Some(entry) = self.stage.command.get("run") else {
            let mistake = Mistake::new("missing-key", "a command says what to `run`").at(self.stage.place, "here");
            self.mistakes.push(mistake.help("add `run: [python3, script.py, \"${in.table}\"]`"));
            return Vec::new();
        };
        let node = &entry.node;
        // A `shell` with a mistake was meant to fit what is written here.
        let unreadable = shell.is_none() && self.stage.command.contains_key("shell");
        let shell = shell.unwrap_or(unreadable && node.as_text().is_some());
        if let Some(text) = node.as_text() {
            if !shell {
                let mistake = Mistake::new("wrong-type", "`run` is a list of arguments unless `shell: true` is set");
                let help = "write `[program, argument]`, or add `shell: true`";
                self.mistakes.push(mistake.at(node.place, "here").help(help));
            }
            return vec![self.argument(text, node.place, true, outputs)];
        }
        let Some(list) = node.as_list().filter(|list| !list.is_empty()) else {
            let message = format!("`run` is a list of arguments, found {}", node.describe());
            self.mistakes.push(Mistake::new("wrong-type", message).at(node.place, "here"));
            return Vec::new();
        };
        if shell {
            let mistake = Mistake::new("wrong-type", "with `shell: true`, `run` is one text");
            self.mistakes.push(mistake.at(node.place, "here"));
        }
        list.iter().map(|node| self.list_argument(node, outputs)).collect()
    }

    fn list_argument(&mut self, node: &Node, outputs: Option<&[String]>) -> Argument {
        let Some(text) = node.as_text() else {
            // `run: [head, -n, 5]` reads 5 as a number, and means the text.
            let text = scalar_text(node, "argument", node.place).map_err(|_| {
                let message = format!("an argument is text or a number, found {}", node.describe());
                Mistake::new("wrong-type", message).at(node.place, "here")
            });
            return Argument { pieces: self.keep(text).map(ArgumentPiece::Text).into_iter().collect() };
        };
        self.argument(text, node.place, false, outputs)
    }

    fn argument(&mut self, text: &str, place: Place, shell: bool, outputs: Option<&[String]>) -> Argument {
        let template = self.keep(Template::parse(text, place));
        let mut pieces = Vec::new();
        for piece in template.into_iter().flat_map(|template| template.pieces) {
            let piece = self.piece(piece, place, shell, outputs);
            pieces.extend(self.keep(piece));
        }
        Argument { pieces }
    }

    fn piece(
        &self,
        piece: Piece,
        place: Place,
        shell: bool,
        outputs: Option<&[String]>,
    ) -> Result<ArgumentPiece, Mistake> {
        let name = match piece {
            Piece::Text(text) => return Ok(ArgumentPiece::Text(text)),
            Piece::Reference(name) => name,
        };
        if let Some(port) = name.strip_prefix("in.") {
            let known: Vec<&str> = self.stage.inputs.keys().map(String::as_str).collect();
            return known_port(port, &known, "input", place).map(ArgumentPiece::In);
        }
        if let Some(port) = name.strip_prefix("out.") {
            // Where `outputs` has a mistake of its own, this one may be among them.
            let Some(known) = outputs else { return Ok(ArgumentPiece::Out(port.to_owned())) };
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return known_port(port, &known, "output", place).map(ArgumentPiece::Out);
        }
        let node = self.scope.value(&name).ok_or_else(|| unknown(&name, place, self.scope))?;
        let text = scalar_text(&node, &name, place)?;
        Ok(ArgumentPiece::Text(if shell { super::argument::quote(&text) } else { text }))
    }

    fn cwd(&mut self) -> WorkingFolderKind {
        let Some(node) = self.node("cwd") else { return WorkingFolderKind::Scratch };
        match node.as_text() {
            Some("project") => return WorkingFolderKind::Project,
            Some("scratch") => {}
            _ => self
                .mistakes
                .push(Mistake::new("wrong-value", "`cwd` is `scratch` or `project`").at(node.place, "here")),
        }
        WorkingFolderKind::Scratch
    }

    fn metrics(&mut self) -> Option<String> {
        let node = self.node("metrics")?;
        let text: MetricsText = self.decoded(&node)?;
        self.keep(project_path(&text.file, node.place))
    }

    fn variables(&mut self, key: &str) -> BTreeMap<String, Option<String>> {
        let names = self.optional::<Vec<String>>(key).unwrap_or_default();
        let value = |name: String| {
            let value = self.environment.get(&name).map(str::to_owned);
            (name, value)
        };
        names.into_iter().map(value).collect()
    }

    fn tools(&mut self) -> BTreeMap<String, Digest> {
        let Some(node) = self.node("tools") else { return BTreeMap::new() };
        let names: Vec<String> = self.decoded(&node).unwrap_or_default();
        let place =
            |index: usize| node.as_list().and_then(|list| list.get(index)).map_or(node.place, |name| name.place);
        let mut tools = BTreeMap::new();
        for (index, name) in names.into_iter().enumerate() {
            let tool = self.tool(name, place(index));
            tools.extend(self.keep(tool));
        }
        tools
    }

    /// What `sandbox:` says; a wrong value is reported where it is resolved for all stage types.
    fn sandbox(&self) -> Option<bool> {
        let node = substitute(&self.stage.tuning.get("sandbox")?.node, self.scope).ok()?;
        sandbox_value(&node).ok()
    }

    fn tool(&self, name: String, place: Place) -> Result<(String, Digest), Mistake> {
        let found = self.environment.executable(&name, self.root);
        let digest = found.and_then(|path| super::tool::tool_digest(&path).ok());
        let digest = digest.ok_or_else(|| {
            let mistake = Mistake::new("unknown-tool", format!("the tool `{name}` is not on PATH")).at(place, "here");
            mistake.help("install it, or take it out of `tools:`")
        })?;
        Ok((name, digest))
    }
}

fn known_port(port: &str, known: &[&str], what: &str, place: Place) -> Result<String, Mistake> {
    if known.contains(&port) {
        return Ok(port.to_owned());
    }
    let mistake = Mistake::new("unknown-port", format!("the command declares no {what} `{port}`")).at(place, "here");
    if known.is_empty() {
        return Err(mistake.help(format!("add it under `{what}s:`")));
    }
    Err(mistake.suggest(port, known.iter().copied()))
}
