//! The `dgpipe` binary.

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe::PROGRAM)
}
