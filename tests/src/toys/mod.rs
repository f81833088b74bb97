//! Toy stage types: numbers in text files, and ways to misbehave.

mod add;
mod constant;
mod draw;
mod each;
mod fail;
mod number;
mod panic;
mod parity;
mod rounds;
mod sleep;
mod spread;
mod table;

use dgpipe_cli::{Computing, Download, DownloadFile, Lent, Program};
use dgpipe_engine::Registry;
use dgpipe_engine::stage::{Ambient, Registered};

const STAGE_TYPES: &[Registered] = &stage_types::<1>();

/// The stage types, with `constant` in some version.
const fn stage_types<const VERSION: u32>() -> [Registered; 11] {
    [
        Registered::of::<add::Add>(),
        Registered::of::<constant::Constant<VERSION>>(),
        Registered::of::<draw::Draw>(),
        Registered::of::<each::Each>(),
        Registered::of::<fail::Fail>(),
        Registered::of::<panic::Panic>(),
        Registered::of::<parity::Parity>(),
        Registered::of::<rounds::Rounds>(),
        Registered::of::<sleep::Sleep>(),
        Registered::of::<spread::Spread>(),
        Registered::of::<table::Table>(),
    ]
}

/// The toy program.
pub const PROGRAM: Program = Program {
    name: "dgpipe",
    version: "0.0.0",
    registry: Registry { stage_types: STAGE_TYPES, source_kinds: &[] },
    check_device: |name| match name {
        "auto" | "cpu" => Ok(()),
        _ => Err(format!("`{name}` is not a device; devices are [auto, cpu]")),
    },
    lend: |_| Ok(Lent { ambient: Ambient::default(), device: "toy".to_owned(), gpus: 1 }),
    computing: || Computing {
        devices: vec![("cpu".to_owned(), "a toy".to_owned())],
        auto: "cpu".to_owned(),
        why: "toys have nothing else".to_owned(),
    },
    downloads: DOWNLOADS,
    shows: &[],
    templates: &[],
};

/// Files whose byte `i` is `(31 i + ⌊i / 251⌋) mod 251`. Nobody publishes them.
const DOWNLOADS: &[Download] = &[Download {
    name: "numbers",
    about: "Two files of numbers.",
    server: "http://127.0.0.1:9",
    path: "numbers/resolve/0123456789abcdef",
    files: &[
        DownloadFile {
            path: "small.bin",
            size: None,
            at_most: 4096,
            sha256: "4888b0982d8f2f243a9b0f965efcaaa7ab26cc49a8ff9a0e6737a08ce9aa610c",
        },
        DownloadFile {
            path: "deep/large.bin",
            size: Some(300_000),
            at_most: 300_000,
            sha256: "5a5d1daeeaa10c665f1e6f1f7b205487131b6e3fe98b20f64881a6280770d322",
        },
    ],
    folder: "data/numbers",
    next: "use them: sources: { numbers: { path: data/numbers, kind: folder/1 } }",
}];

/// The toy program after somebody changed what `constant` computes.
pub const NEXT_PROGRAM: Program =
    Program { registry: Registry { stage_types: &stage_types::<2>(), source_kinds: &[] }, ..PROGRAM };
