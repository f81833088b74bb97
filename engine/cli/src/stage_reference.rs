//! The reference of a program's stage types as a page in Markdown, made of what the types say of themselves.

use dgpipe_engine::stage::{InputPort, Kind, OutputPort, Registered};
use serde_json::Value;

/// The page. `explained` has for each type its config as JSON Schema.
pub(crate) fn page(program: &str, explained: &[(&Registered, Value)]) -> String {
    let mut text = format!(
        "# Stage types\n\nWhat `uses:` can name besides [`command`](../language.md#commands). `{program} stages TYPE` prints the same of one type.\n\
         Kinds are explained in [formats](../formats.md). This page is made by `{program} stages --markdown`.\n\n| Type | What it does |\n|---|---|\n"
    );
    for (registered, _) in explained {
        text.push_str(&format!("| [`{0}`](#{0}) | {1} |\n", registered.name, cell(registered.about)));
    }
    for (registered, schema) in explained {
        text.push_str(&section(registered, schema));
    }
    text
}

fn section(registered: &Registered, schema: &Value) -> String {
    let ports = (registered.ports)();
    let mut text = format!("\n## {}\n\n{} Version {}.\n", registered.name, registered.about, registered.version);
    if let Some(field) = registered.continues {
        text.push_str(&format!(
            "More `{field}` [go on](../resuming.md#more-epochs-go-on-from-fewer) from the end of fewer.\n"
        ));
    }
    text.push_str("\n| Port | | Kind |\n|---|---|---|\n");
    ports.inputs.iter().for_each(|port| text.push_str(&input(port)));
    ports.outputs.iter().enumerate().for_each(|(index, port)| text.push_str(&output(port, index == 0)));
    let fields: Vec<String> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, field)| setting(name, field, schema))
        .collect();
    if !fields.is_empty() {
        text.push_str("\n| Setting | Values | Default | What |\n|---|---|---|---|\n");
        text.push_str(&fields.concat());
    }
    text
}

fn input(port: &InputPort) -> String {
    let kinds: Vec<String> = port.kinds.iter().map(Kind::as_str).map(|kind| format!("`{kind}`")).collect();
    let many = if port.many { ", one or several" } else { "" };
    let optional = if port.required { "" } else { ", optional" };
    let labelled = if port.labelled { ", with the coordinates of its cells" } else { "" };
    format!("| `{}` | input{optional}{many}{labelled} | {} |\n", port.name, kinds.join(" or "))
}

fn output(port: &OutputPort, main: bool) -> String {
    format!("| `{}` | {} | `{}` |\n", port.name, if main { "main output" } else { "output" }, port.kind)
}

fn setting(name: &str, field: &Value, schema: &Value) -> String {
    let required = schema["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name));
    let default = match field.get("default") {
        Some(default) => format!("`{default}`"),
        None if required => "required".to_owned(),
        None => String::new(),
    };
    let about = field["description"].as_str().unwrap_or("");
    let choices = field["oneOf"].as_array().into_iter().flatten();
    let choices = choices
        .filter_map(|choice| Some(format!(" `{}`: {}", choice["const"].as_str()?, choice["description"].as_str()?)));
    let about = format!("{about}{}", choices.collect::<String>());
    format!("| `{name}` | {} | {} | {} |\n", cell(&values(field)), cell(&default), cell(&about))
}

/// Text that stays inside a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// Which values a field takes, in words.
fn values(field: &Value) -> String {
    if let Some(constant) = field.get("const").and_then(Value::as_str) {
        return format!("`{constant}`");
    }
    for list in ["oneOf", "anyOf", "enum"] {
        if let Some(choices) = field[list].as_array() {
            let choice = |choice: &Value| choice.as_str().map_or_else(|| values(choice), |text| format!("`{text}`"));
            return choices.iter().map(choice).collect::<Vec<_>>().join(", ");
        }
    }
    let types: Vec<&str> = match &field["type"] {
        Value::String(one) => vec![one],
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    types.iter().map(|name| values_of_type(name, field)).collect::<Vec<_>>().join(", ")
}

fn values_of_type(name: &str, field: &Value) -> String {
    match name {
        "string" => "text".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "integer" => format!("whole number{}", bounds(field)),
        "number" => format!("number{}", bounds(field)),
        "array" => format!("list of: {}", values(&field["items"])),
        "object" => format!("map to: {}", values(&field["additionalProperties"])),
        other => format!("`{other}`"),
    }
}

fn bounds(field: &Value) -> String {
    let bounds = [("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"), ("exclusiveMaximum", "below")];
    let bounds = bounds.iter().filter_map(|(key, word)| Some(format!(" {word} {}", field.get(key)?)));
    bounds.collect()
}
