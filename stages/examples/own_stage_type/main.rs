//! A program with the stage types of dgpipe and one more.

mod normalise_embeddings;

use dgpipe::{PROGRAM, STAGE_TYPES};
use dgpipe_cli::Program;
use dgpipe_engine::Registry;
use dgpipe_engine::stage::Registered;

fn main() -> std::process::ExitCode {
    let mine = [Registered::of::<normalise_embeddings::NormaliseEmbeddings>()];
    let stage_types = [STAGE_TYPES, &mine].concat().leak();
    let registry = Registry { stage_types, ..PROGRAM.registry };
    dgpipe_cli::main(&Program { registry, ..PROGRAM })
}
