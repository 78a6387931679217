//! `pakhus collect-garbage`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::answers::Started;
use super::client::read;
use super::connection::Connection;
use super::error::CommandError;
use super::output::print;
use super::sync::watch;

/// Remove the blobs that no package needs any more.
#[derive(Args)]
#[command(after_help = "\
The server does so by itself, every day where the configuration says nothing else. What was stored or
uploaded within the time of grace is spared.

Examples:
  pakhus collect-garbage --dry-run     print what it would remove
  pakhus collect-garbage")]
pub(super) struct GarbageArguments {
    /// Print what would be removed and remove nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(
    arguments: &GarbageArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    let body = json!({ "dry_run": arguments.dry_run });
    let answer = client.post(&["garbage-collection"], &body).await?;
    let Started { execution_id } = read(&client, &answer)?;
    let execution = watch(&client, &execution_id).await?;
    let summary = execution.summary.clone().unwrap_or_default();
    if execution.is_failed() {
        return Err(CommandError::Refused(format!(
            "garbage could not be collected: {summary} (see `pakhus execution show {execution_id}`)"
        )));
    }
    print(&summary)?;
    Ok(Outcome::Done)
}
