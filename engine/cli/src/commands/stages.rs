//! `dgpipe stages`: the stage types of this program.

use clap::Args;
use dgpipe_engine::stage::{InputPort, Kind, Registered};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::terminal::print;
use crate::{ExitStatus, Failure, Program, stage_reference};

/// What `stages` takes.
#[derive(Debug, Args)]
pub struct Stages {
    /// A stage type to explain
    stage_type: Option<String>,
    /// Print a page about all of them, in Markdown: the reference in `docs/reference`
    #[arg(long, conflicts_with = "stage_type")]
    markdown: bool,
}

impl Stages {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let registry = &program.registry;
        if self.markdown {
            let explained: Vec<_> = registry.stage_types.iter().map(|one| (one, schema(one))).collect();
            print(&stage_reference::page(program.name, &explained));
            return Ok(ExitStatus::Done);
        }
        let Some(name) = &self.stage_type else {
            print(&list(registry.stage_types, common.json));
            return Ok(ExitStatus::Done);
        };
        if name == dgpipe_engine::command::NAME {
            print("command\n  Runs any program, with its inputs, outputs and environment declared.\n");
            return Ok(ExitStatus::Done);
        }
        let Some(registered) = registry.stage_type(name) else {
            let near = dgpipe_engine::spec::nearest(name, registry.names());
            let hint =
                near.map_or_else(|| "`dgpipe stages` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err(Failure::call(format!("there is no stage type `{name}`")).hint(hint));
        };
        if common.json {
            print(&format!("{:#}\n", as_json(registered)));
        } else {
            print(&explain(registered));
        }
        Ok(ExitStatus::Done)
    }
}

fn list(stage_types: &[Registered], json: bool) -> String {
    if json {
        let list: Vec<Value> = stage_types.iter().map(as_json).collect();
        return format!("{:#}\n", Value::from(list));
    }
    let widest = stage_types.iter().map(|registered| registered.name.len()).max().unwrap_or(0).max(7);
    let line = |name: &str, about: &str| format!("{name:widest$}  {about}\n");
    let native = stage_types.iter().map(|registered| line(registered.name, registered.about));
    let command = line("command", "Runs any program, with its inputs, outputs and environment declared.");
    native.chain([command]).collect()
}

fn as_json(registered: &Registered) -> Value {
    let ports = (registered.ports)();
    let inputs: Vec<Value> = ports
        .inputs
        .iter()
        .map(|port| {
            json!({ "name": port.name, "kinds": port.kinds, "many": port.many, "required": port.required, "labelled": port.labelled })
        })
        .collect();
    let outputs: Vec<Value> =
        ports.outputs.iter().map(|port| json!({ "name": port.name, "kind": port.kind })).collect();
    json!({
        "name": registered.name, "version": registered.version, "about": registered.about,
        "inputs": inputs, "outputs": outputs, "continues": registered.continues, "config": schema(registered),
    })
}

fn schema(registered: &Registered) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut generator: SchemaGenerator = settings.into();
    (registered.schema)(&mut generator).to_value()
}

fn explain(registered: &Registered) -> String {
    let ports = (registered.ports)();
    let mut text = format!("{} (version {})\n  {}\n", registered.name, registered.version, registered.about);
    text.push_str("\ninputs\n");
    for port in &ports.inputs {
        text.push_str(&format!("  {:16} {}\n", port.name, describe(port)));
    }
    text.push_str("\noutputs\n");
    for (index, port) in ports.outputs.iter().enumerate() {
        let main = if index == 0 { ", the main output" } else { "" };
        text.push_str(&format!("  {:16} {}{main}\n", port.name, port.kind));
    }
    if let Some(field) = registered.continues {
        text.push_str(&format!("\ncontinues: more `{field}` go on from the end of fewer\n"));
    }
    text.push_str("\nconfig\n");
    let schema = schema(registered);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let about = field["description"].as_str().unwrap_or("").replace('\n', " ");
        let default = match field.get("default") {
            Some(default) => format!(" (default {default})"),
            None if required.contains(&name.as_str()) => " (required)".to_owned(),
            None => String::new(),
        };
        text.push_str(&format!("  {name:16} {about}{default}\n"));
    }
    text
}

fn describe(port: &InputPort) -> String {
    let kinds = port.kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join(" or ");
    let many = if port.many { ", one or several" } else { "" };
    let optional = if port.required { "" } else { ", optional" };
    let labelled = if port.labelled { ", sees the coordinates of its cells" } else { "" };
    format!("{kinds}{many}{optional}{labelled}")
}
