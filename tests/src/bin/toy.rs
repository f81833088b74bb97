//! The command line with toy stage types, for tests.

fn main() -> std::process::ExitCode {
    dgpipe_cli::main(&dgpipe_tests::PROGRAM)
}
