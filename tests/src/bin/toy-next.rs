//! The toy program after somebody changed what `constant` computes and raised its version.

// As the released binary has it, so that what is measured and tried here is what people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe_tests::NEXT_PROGRAM)
}
