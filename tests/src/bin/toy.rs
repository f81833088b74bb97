//! The command line with toy stage types, for tests.

// As the released binary has it, so that what is measured and tried here is what people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe_tests::PROGRAM)
}
