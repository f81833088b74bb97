//! The JSON Schema of pipeline files, with the config of every stage type, for editors.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::registry::Registry;
use crate::stage::Registered;

/// The schema of the pipeline files that a program with these stage types reads (JSON Schema 2020-12).
pub fn pipeline_schema(registry: &Registry) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut generator: SchemaGenerator = settings.into();
    let kinds: Vec<String> = registry.kinds().iter().map(ToString::to_string).collect();
    let mut cases: Vec<Value> =
        registry.stage_types.iter().map(|registered| native(registered, &mut generator)).collect();
    cases.push(command(&kinds));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dgpipe pipeline",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "pipeline": { "type": "string", "description": "The name, for published paths." },
            "about": { "type": "string", "description": "One sentence for people." },
            "extends": { "type": "string", "description": "A file over which this one is merged, relative to this file." },
            "params": { "type": "object", "description": "Values that `${name}` refers to; `--set` replaces them." },
            "profile": { "description": "The profiles that are merged unless `--profile` says otherwise.", "type": ["string", "array", "null"] },
            "profiles": { "type": ["object", "null"], "description": "Changes by name: maps merge, lists and scalars replace, null removes." },
            "sources": { "type": "object", "description": "Data from outside, read where it lies.", "additionalProperties": source(&kinds) },
            "stages": { "type": "object", "description": "The stages by name.", "additionalProperties": { "$ref": "#/$defs/stage" } },
            "publish": { "type": "object", "description": "Paths in the project, and the cells whose artifacts are put there.", "additionalProperties": selectors() },
        },
        "$defs": { "stage": stage(registry, cases) },
    })
}

fn selectors() -> Value {
    json!({ "anyOf": [
        { "type": "string", "description": "A selector: `stage[axis=value, other!=value].port/path`." },
        { "type": "array", "items": { "type": "string" } },
    ] })
}

fn source(kinds: &[String]) -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "required": ["path", "kind"],
        "properties": {
            "path": { "type": "string", "description": "Relative to the project root; `${env.X:-default}` is allowed." },
            "kind": { "enum": kinds, "description": "What it contains." },
            "about": { "type": "string" },
        },
    })
}

fn stage(registry: &Registry, cases: Vec<Value>) -> Value {
    let names = registry.names();
    json!({
        "type": ["object", "null"],
        "properties": {
            "uses": { "enum": names, "description": "The stage type." },
            "about": { "type": "string", "description": "One sentence for people." },
            "for": { "type": "object", "description": "Axes: names and lists of values. The stage has a cell for each combination." },
            "exclude": { "type": "array", "items": { "type": "object" }, "description": "Partial cells that are taken out." },
            "include": { "type": "array", "items": { "type": "object" }, "description": "Partial cells that are added." },
            "inputs": { "type": ["object", "null"], "description": "Selectors by input port.", "additionalProperties": input() },
            "needs": {
                "type": "object", "additionalProperties": false,
                "description": "What a cell occupies while it executes. Never part of a key.",
                "properties": {
                    "cpu": { "type": ["integer", "string"] }, "gpu": { "type": ["integer", "string"] },
                    "memory": { "type": ["integer", "string"], "description": "Bytes, or such as `2GiB`." },
                },
            },
            "timeout": { "type": ["number", "string"], "description": "Seconds, or such as `2h`. Never part of a key." },
            "retries": { "type": ["integer", "string"], "description": "How often a failed attempt is repeated. Never part of a key." },
            "sandbox": { "enum": ["on", "off", true, false], "description": "Whether undeclared files of the project are kept away from a command: `on` unless it runs in the project. Never part of a key." },
        },
        "allOf": cases,
    })
}

fn input() -> Value {
    json!({ "anyOf": [
        { "type": ["string", "null"] },
        { "type": "array" },
        { "type": "object", "additionalProperties": false, "properties": { "file": { "type": "string" }, "folder": { "type": "string" } } },
    ] })
}

fn native(registered: &Registered, generator: &mut SchemaGenerator) -> Value {
    let mut config = (registered.schema)(generator).to_value();
    allow_references(&mut config);
    let ports = (registered.ports)();
    let inputs: Map<String, Value> = ports
        .inputs
        .iter()
        .map(|port| {
            let kinds = port.kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            (port.name.clone(), json!({ "description": kinds }))
        })
        .collect();
    json!({
        "if": { "properties": { "uses": { "const": registered.name } }, "required": ["uses"] },
        "then": {
            "description": registered.about,
            "properties": {
                "config": { "anyOf": [config, { "type": "null" }] },
                "inputs": { "properties": inputs },
            },
        },
    })
}

/// Any config value may also be a reference.
fn allow_references(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for property in properties.values_mut() {
        let mut own = std::mem::take(property);
        let description = own.as_object_mut().and_then(|own| own.remove("description"));
        *property = json!({ "anyOf": [own, { "type": "string", "pattern": "\\$\\{" }] });
        if let (Some(description), Some(map)) = (description, property.as_object_mut()) {
            map.insert("description".to_owned(), description);
        }
    }
    // A profile or an alias may hold only a part of a config.
    if let Some(map) = schema.as_object_mut() {
        map.remove("required");
    }
}

fn command(kinds: &[String]) -> Value {
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let output = json!({
        "type": "object", "additionalProperties": false,
        "properties": { "file": { "type": "string" }, "folder": { "type": "string" }, "kind": { "enum": kinds } },
    });
    json!({
        "if": { "properties": { "uses": { "const": crate::command::NAME } }, "required": ["uses"] },
        "then": {
            "description": "Runs any program, with its inputs, outputs and environment declared.",
            "properties": {
                "run": { "description": "A list of arguments; a text with `shell: true`. `${in.port}` and `${out.port}` are paths.", "type": ["array", "string"] },
                "shell": { "type": "boolean", "description": "Whether `run` is a text for /bin/sh." },
                "cwd": { "enum": ["scratch", "project"], "description": "Where it runs." },
                "outputs": { "type": "object", "description": "What it writes.", "additionalProperties": output },
                "metrics": { "type": "object", "description": "A JSON file with numbers to report.", "properties": { "file": { "type": "string" } } },
                "env": { "description": "Environment variables that are passed on and decide the result.", "allOf": [names] },
                "secrets": { "description": "Environment variables that are passed on and kept nowhere.", "allOf": [names] },
                "tools": { "description": "Programs whose content decides the result.", "allOf": [names] },
            },
        },
    })
}
