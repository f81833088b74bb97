//! The toy program after somebody changed what `constant` computes and raised its version.

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe_tests::NEXT_PROGRAM)
}
