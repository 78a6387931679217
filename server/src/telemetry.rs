//! Logging: lines on standard error, with the fields of their request or execution.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging. `RUST_LOG` chooses what is logged (`info` where it is not set), `PAKHUS_LOG=json`
/// writes lines of JSON.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let json = std::env::var("PAKHUS_LOG").is_ok_and(|format| format == "json");
    // A second start, as tests of one process may make, keeps the first.
    let _ = if json { lines.json().try_init() } else { lines.try_init() };
}
