//! Takes the declared outputs and metrics of a command from where it wrote them.

use std::path::Path;

use dgpipe_cache::{Filesystem, Form, RealFilesystem};

use super::working_folder::WorkingFolder;
use super::{CommandStage, WorkingFolderKind};
use crate::stage::{Context, Metric, StageError};

/// In bytes.
const LARGEST_METRICS: u64 = 16 << 20;

/// Moves every declared output to where the store takes it over; a missing one is a failure.
pub(super) fn collect(
    stage: &CommandStage,
    folder: &WorkingFolder,
    context: &mut Context<'_>,
) -> Result<(), StageError> {
    let mut missing = Vec::new();
    let tree = RealFilesystem.beneath(&folder.path)?;
    for port in &stage.ports.outputs {
        let written = folder.path.join(&stage.output_paths[&port.name]);
        // The command may have put a link to somewhere else in the place of a folder on the way.
        tree.stat(&written)?;
        if !is(port.form, &written) {
            missing.push(format!("`{}`", stage.output_paths[&port.name]));
            continue;
        }
        let output = context.output_path(&port.name)?;
        match stage.cwd {
            WorkingFolderKind::Scratch => crate::files::move_path(&written, &output)?,
            // In the project the user sees what was made, so it stays there.
            WorkingFolderKind::Project => crate::files::copy_path(&written, &output)?,
        }
    }
    if !missing.is_empty() {
        let message = format!("the command ended well but did not write [{}]", missing.join(", "));
        return Err(StageError::new(message).hint("declared outputs are relative to the command's working folder"));
    }
    stage.metrics.as_ref().map_or(Ok(()), |file| metrics(&folder.path.join(file), folder, context))
}

fn is(form: Form, path: &Path) -> bool {
    match form {
        Form::File => path.is_file(),
        Form::Folder => path.is_dir(),
    }
}

fn metrics(path: &Path, folder: &WorkingFolder, context: &mut Context<'_>) -> Result<(), StageError> {
    let found = fs_err::metadata(path).map_err(|error| StageError::new(format!("the metrics are missing: {error}")))?;
    // A pipe would never end.
    if !found.is_file() || found.len() > LARGEST_METRICS {
        let largest = LARGEST_METRICS >> 20;
        return Err(StageError::new(format!("the metrics are no file of at most {largest} MiB: {}", path.display())));
    }
    let text = fs_err::read(path)?;
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| StageError::new(format!("the metrics are not JSON: {}: {error}", path.display())))?;
    flatten("", &value, folder, context);
    Ok(())
}

/// Nested maps become names with dots.
fn flatten(name: &str, value: &serde_json::Value, folder: &WorkingFolder, context: &mut Context<'_>) {
    let metric = match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, folder, context);
            }
            return;
        }
        serde_json::Value::Bool(value) => Metric::from(*value),
        serde_json::Value::Number(value) if value.is_i64() => Metric::from(value.as_i64().unwrap_or_default()),
        serde_json::Value::Number(value) => Metric::from(value.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(value) => Metric::from(folder.masked(value)),
        other => Metric::from(other.to_string()),
    };
    context.metric(if name.is_empty() { "value" } else { name }, metric);
}
