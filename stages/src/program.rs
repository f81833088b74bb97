//! The program: its stage types, its source kinds, its devices, and what it shows at the end of a run.

use dgpipe_cli::{Computing, Lent, Program, Template};
use dgpipe_engine::stage::{Ambient, Kind, View};
use dgpipe_engine::{Registry, SourceKind};

use crate::STAGE_TYPES;
use crate::device::Device;

/// The program that the binary `dgpipe` runs.
pub const PROGRAM: Program = Program {
    name: "dgpipe",
    version: env!("CARGO_PKG_VERSION"),
    registry: Registry { stage_types: STAGE_TYPES, source_kinds: SOURCE_KINDS },
    check_device: |name| Device::check(name).map(drop).map_err(|error| error.to_string()),
    lend,
    computing,
    downloads: crate::downloads::DOWNLOADS,
    shows: &[(Kind::new("table/1"), table)],
    templates: &[IMAGES],
};

const IMAGES: Template = Template {
    name: "images",
    about: "Classes of images across domains: drawings to begin with, then your own",
    files: &[("pipeline.yaml", include_str!("templates/images.yaml"))],
};

const SOURCE_KINDS: &[SourceKind] = &[SourceKind { kind: Kind::new("image-folder/1"), steps_into: &["kfold"] }];

fn computing() -> Computing {
    let (devices, (auto, why)) = (Device::listed(), Device::auto());
    Computing { devices, auto: auto.to_string(), why }
}

fn lend(name: &str) -> Result<Lent, String> {
    let device = Device::open(name).map_err(|error| error.to_string())?;
    let gpus = u32::from(!device.is_cpu());
    Ok(Lent { device: device.to_string(), ambient: Ambient::default().with(device), gpus })
}

/// A table of results is worth showing where it was made.
fn table(view: &View) -> Option<String> {
    let bytes = view.find("table.md").ok()??.bytes().ok()?;
    String::from_utf8(bytes).ok()
}
