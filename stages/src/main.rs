//! The `dgpipe` binary.

// Reading a large pipeline makes many small values; this allocator halves what that costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe::PROGRAM)
}
