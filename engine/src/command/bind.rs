//! From the keys of a `command` stage to a [`CommandStage`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dgpipe_cache::{Digest, Form};
use serde::Deserialize;

use super::argument::{Argument, ArgumentPiece};
use super::sandbox::own_folder;
use super::{CommandStage, WorkingFolderKind};
use crate::environment::Environment;
use crate::graph::{known_kind, project_path, sandbox_value};
use crate::spec::{Mistake, Node, Piece, Place, Scope, StageSpec, Template, decode, scalar_text, substitute, unknown};
use crate::stage::{InputPort, Kind, OutputPort, Ports};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputText {
    file: Option<String>,
    folder: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsText {
    file: String,
}

impl CommandStage {
    /// Reads the keys of a `command` stage for one cell.
    pub(crate) fn bind(
        stage: &StageSpec,
        scope: &dyn Scope,
        environment: &Environment,
        kinds: &BTreeSet<Kind>,
        root: &Path,
    ) -> Result<Self, Mistake> {
        let reader = Reader { stage, scope, environment, kinds, root };
        let (outputs, output_paths) = reader.outputs()?;
        let ports = Ports { inputs: reader.inputs(), outputs };
        let shell = reader.optional::<bool>("shell")?.unwrap_or(false);
        let run = reader.run(shell, &ports)?;
        let cwd = reader.cwd()?;
        let variable = |name: &str| environment.get(name).map(|value| (name.to_owned(), value.to_owned()));
        Ok(Self {
            run,
            shell,
            cwd,
            metrics: reader.metrics()?,
            env: reader.variables("env")?,
            secrets: reader.variables("secrets")?,
            passed: ["PATH", "HOME"].into_iter().filter_map(variable).collect(),
            tools: reader.tools()?,
            tool_folders: reader.tool_folders()?,
            sandbox: reader.sandbox().unwrap_or(cwd == WorkingFolderKind::Scratch),
            ports,
            output_paths,
            root: root.to_owned(),
        })
    }
}

struct Reader<'a> {
    stage: &'a StageSpec,
    scope: &'a dyn Scope,
    environment: &'a Environment,
    kinds: &'a BTreeSet<Kind>,
    root: &'a Path,
}

impl Reader<'_> {
    fn node(&self, key: &str) -> Result<Option<Node>, Mistake> {
        let Some(entry) = self.stage.command.get(key) else { return Ok(None) };
        substitute(&entry.node, self.scope).map(Some)
    }

    fn optional<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Mistake> {
        self.node(key)?.map(|node| decode(&node)).transpose()
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

    fn outputs(&self) -> Result<(Vec<OutputPort>, BTreeMap<String, String>), Mistake> {
        let Some(node) = self.node("outputs")? else {
            let mistake = Mistake::new("missing-key", "a command declares its `outputs`").at(self.stage.place, "here");
            return Err(mistake.help("add `outputs: { result: { file: result.csv } }`"));
        };
        let Some(map) = node.as_map().filter(|map| !map.is_empty()) else {
            let message = format!("`outputs` is a map with at least one output, found {}", node.describe());
            return Err(Mistake::new("wrong-type", message).at(node.place, "here"));
        };
        let (mut ports, mut paths) = (Vec::new(), BTreeMap::new());
        for (name, entry) in map {
            let place = entry.node.place;
            let (path, port) = self.output(name, &entry.node)?;
            let overlaps = |other: &String| {
                *other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            if paths.values().any(overlaps) {
                let message = format!("the output `{name}` overlaps another output at `{path}`");
                return Err(Mistake::new("output-overlap", message).at(place, "here"));
            }
            paths.insert(name.clone(), path);
            ports.push(port);
        }
        Ok((ports, paths))
    }

    fn output(&self, name: &str, node: &Node) -> Result<(String, OutputPort), Mistake> {
        let text: OutputText = decode(node)?;
        let (path, form) = match (text.file, text.folder) {
            (Some(file), None) => (file, Form::File),
            (None, Some(folder)) => (folder, Form::Folder),
            _ => {
                let mistake =
                    Mistake::new("wrong-value", format!("the output `{name}` is either a `file` or a `folder`"));
                return Err(mistake.at(node.place, "here").help("write `{ file: result.csv }`"));
            }
        };
        let path = project_path(&path, node.place)?;
        let kind = match (text.kind, form) {
            (Some(kind), _) => known_kind(&kind, node.place, self.kinds)?,
            (None, Form::File) => Kind::FILE,
            (None, Form::Folder) => Kind::FOLDER,
        };
        let file_name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        Ok((path, OutputPort { name: name.to_owned(), kind, form, file_name }))
    }

    /// `run` is not substituted as a whole: `${in.…}` and `${out.…}` stay symbolic.
    fn run(&self, shell: bool, ports: &Ports) -> Result<Vec<Argument>, Mistake> {
        let Some(entry) = self.stage.command.get("run") else {
            let mistake = Mistake::new("missing-key", "a command says what to `run`").at(self.stage.place, "here");
            return Err(mistake.help("add `run: [python3, script.py, \"${in.table}\"]`"));
        };
        let node = &entry.node;
        if let Some(text) = node.as_text() {
            if !shell {
                let mistake = Mistake::new("wrong-type", "`run` is a list of arguments unless `shell: true` is set");
                let help = "write `[program, argument]`, or add `shell: true`";
                return Err(mistake.at(node.place, "here").help(help));
            }
            return Ok(vec![self.argument(text, node.place, shell, ports)?]);
        }
        let Some(list) = node.as_list().filter(|list| !list.is_empty()) else {
            let message = format!("`run` is a list of arguments, found {}", node.describe());
            return Err(Mistake::new("wrong-type", message).at(node.place, "here"));
        };
        if shell {
            let mistake = Mistake::new("wrong-type", "with `shell: true`, `run` is one text");
            return Err(mistake.at(node.place, "here"));
        }
        list.iter().map(|node| self.list_argument(node, ports)).collect()
    }

    fn list_argument(&self, node: &Node, ports: &Ports) -> Result<Argument, Mistake> {
        match node.as_text() {
            Some(text) => self.argument(text, node.place, false, ports),
            // `run: [head, -n, 5]` reads 5 as a number, and means the text.
            None => scalar_text(node, "argument", node.place)
                .map(|text| Argument { pieces: vec![ArgumentPiece::Text(text)] })
                .map_err(|_| {
                    let message = format!("an argument is text or a number, found {}", node.describe());
                    Mistake::new("wrong-type", message).at(node.place, "here")
                }),
        }
    }

    fn argument(&self, text: &str, place: Place, shell: bool, ports: &Ports) -> Result<Argument, Mistake> {
        let pieces = Template::parse(text, place)?.pieces.into_iter();
        let pieces: Result<_, _> = pieces.map(|piece| self.piece(piece, place, shell, ports)).collect();
        Ok(Argument { pieces: pieces? })
    }

    fn piece(&self, piece: Piece, place: Place, shell: bool, ports: &Ports) -> Result<ArgumentPiece, Mistake> {
        let name = match piece {
            Piece::Text(text) => return Ok(ArgumentPiece::Text(text)),
            Piece::Reference(name) => name,
        };
        if let Some(port) = name.strip_prefix("in.") {
            let known: Vec<&str> = ports.inputs.iter().map(|port| port.name.as_str()).collect();
            return known_port(port, &known, "input", place).map(ArgumentPiece::In);
        }
        if let Some(port) = name.strip_prefix("out.") {
            let known: Vec<&str> = ports.outputs.iter().map(|port| port.name.as_str()).collect();
            return known_port(port, &known, "output", place).map(ArgumentPiece::Out);
        }
        let node = self.scope.value(&name).ok_or_else(|| unknown(&name, place, self.scope))?;
        let text = scalar_text(&node, &name, place)?;
        Ok(ArgumentPiece::Text(if shell { super::argument::quote(&text) } else { text }))
    }

    fn cwd(&self) -> Result<WorkingFolderKind, Mistake> {
        let Some(node) = self.node("cwd")? else { return Ok(WorkingFolderKind::Scratch) };
        match node.as_text() {
            Some("project") => Ok(WorkingFolderKind::Project),
            Some("scratch") => Ok(WorkingFolderKind::Scratch),
            _ => Err(Mistake::new("wrong-value", "`cwd` is `scratch` or `project`").at(node.place, "here")),
        }
    }

    fn metrics(&self) -> Result<Option<String>, Mistake> {
        let Some(node) = self.node("metrics")? else { return Ok(None) };
        let text: MetricsText = decode(&node)?;
        project_path(&text.file, node.place).map(Some)
    }

    fn variables(&self, key: &str) -> Result<BTreeMap<String, Option<String>>, Mistake> {
        let names = self.optional::<Vec<String>>(key)?.unwrap_or_default();
        let value = |name: String| {
            let value = self.environment.get(&name).map(str::to_owned);
            (name, value)
        };
        Ok(names.into_iter().map(value).collect())
    }

    fn tools(&self) -> Result<BTreeMap<String, Digest>, Mistake> {
        let Some(node) = self.node("tools")? else { return Ok(BTreeMap::new()) };
        let names: Vec<String> = decode(&node)?;
        let place =
            |index: usize| node.as_list().and_then(|list| list.get(index)).map_or(node.place, |name| name.place);
        names.into_iter().enumerate().map(|(index, name)| self.tool(name, place(index))).collect()
    }

    /// The folders that belong to the declared tools, and those of `PATH`.
    fn tool_folders(&self) -> Result<Vec<PathBuf>, Mistake> {
        let names = self.optional::<Vec<String>>("tools")?.unwrap_or_default();
        let tools = names.iter().filter_map(|name| self.environment.executable(name, self.root));
        let path = self.environment.get("PATH").unwrap_or_default().split(':').filter(|folder| !folder.is_empty());
        let path = path.map(|folder| self.root.join(folder).join("program"));
        // Folders outside the project are readable anyway; a tool that is a link has its own folder where that leads.
        let tools = tools.flat_map(|tool| [tool.canonicalize().unwrap_or_else(|_| tool.clone()), tool]);
        Ok(tools.chain(path).filter_map(|program| own_folder(&program)).filter(|folder| folder.is_dir()).collect())
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
