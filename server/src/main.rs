//! The `pakhus` binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pakhus_server::cli::run().await
}
