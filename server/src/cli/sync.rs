//! `pakhus sync`.

use std::time::{Duration, Instant};

use clap::Args;
use pakhus_core::FeedName;
use serde_json::json;

use super::answers::{Execution, Id, Started};
use super::client::{Client, read};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, print};
use super::progress::Display;
use super::{Outcome, moment};

/// Replicate a feed now, and watch.
#[derive(Args)]
#[command(after_help = "\
The exit code is 0 when it is done, 1 when it failed. The server finishes it all the same when you
stop watching with Ctrl-C.

Examples:
  pakhus sync libs
  pakhus sync libs --dry-run     print what it would do
  pakhus sync libs --full        compare everything, not only what changed since last time")]
pub(super) struct SyncArguments {
    /// The feed's name.
    feed: FeedName,
    /// Print the plan and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Compare everything, not only what changed since last time.
    #[arg(long)]
    full: bool,
    /// Delete whatever the source deleted, however much: approves what the fuse holds.
    #[arg(long)]
    allow_deletes: bool,
}

/// A quick execution is seen to end soon after it does; a long one is not asked after too often.
const QUICK_POLLS: u32 = 20;
const QUICK_POLL: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(250);

/// How long the server may be away while its execution is watched: it may be restarting.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(
    arguments: &SyncArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    let body = json!({
        "dry_run": arguments.dry_run,
        "full": arguments.full,
        "allow_deletes": arguments.allow_deletes,
    });
    let answer = client.post(&["feeds", arguments.feed.as_str(), "sync"], &body).await?;
    let Started { execution_id } = read(&client, &answer)?;
    let execution = watch(&client, &execution_id).await?;
    let summary = ending(arguments, &execution_id, &execution);
    if execution.is_failed() {
        return Err(CommandError::Refused(summary));
    }
    print(&summary)?;
    Ok(Outcome::Done)
}

/// Shows an execution until it ends.
pub(super) async fn watch(client: &Client, id: &Id) -> Result<Execution, CommandError> {
    let paint = Paint::stdout();
    let mut display = Display::on_stderr();
    let mut lines_shown = 0;
    let mut polls: u32 = 0;
    let mut away_since = None;
    loop {
        let execution = match client.get(&["executions", &id.0]).await {
            Ok(answer) => read::<Execution>(client, &answer)?,
            Err(CommandError::Unreachable { .. } | CommandError::TimedOut { .. })
                if away_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE =>
            {
                tokio::time::sleep(POLL).await;
                continue;
            }
            Err(CommandError::Unreachable { server, .. } | CommandError::TimedOut { server }) => {
                return Err(CommandError::refused(format!(
                    "the server at {server} went away during execution {id}: when it is back, `pakhus execution show {id}` says how it ended"
                )));
            }
            Err(error) => return Err(error),
        };
        away_since = None;
        for line in execution.log.iter().skip(lines_shown) {
            display.aside(|| print(&line.level.line(&line.text, paint)))?;
        }
        lines_shown = lines_shown.max(execution.log.len());
        if !execution.is_running() {
            return Ok(execution);
        }
        if let Some(progress) = &execution.progress {
            display.show(progress);
        }
        tokio::time::sleep(if polls < QUICK_POLLS { QUICK_POLL } else { POLL }).await;
        polls = polls.saturating_add(1);
    }
}

/// The last line: how it ended.
fn ending(arguments: &SyncArguments, id: &Id, execution: &Execution) -> String {
    let feed = &arguments.feed;
    let summary = execution.summary.as_deref().filter(|summary| !summary.is_empty());
    if execution.is_failed() {
        let why = summary.map(|summary| format!(": {summary}")).unwrap_or_default();
        return format!("replicating `{feed}` failed{why} (see `pakhus execution show {id}`)");
    }
    let took = match (&execution.started_at, &execution.finished_at) {
        (Some(start), Some(end)) => moment::between(start, end),
        _ => None,
    };
    let took = took.map(|took| format!(" in {took}")).unwrap_or_default();
    let summary = summary.map(|summary| format!(": {summary}")).unwrap_or_default();
    if arguments.dry_run {
        format!("dry run of `{feed}` (nothing was done){summary}")
    } else {
        format!("replicated `{feed}`{took}{summary}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: &str, dry_run: bool) -> String {
        let feed = "libs".parse().expect("a feed name");
        let execution = Execution {
            status: status.to_owned(),
            started_at: Some("2026-11-24T12:00:00Z".to_owned()),
            finished_at: Some("2026-11-24T12:00:03.2Z".to_owned()),
            summary: Some("pulled 12 records".to_owned()),
            ..Execution::default()
        };
        let arguments = SyncArguments { feed, dry_run, full: false, allow_deletes: false };
        ending(&arguments, &Id("7".to_owned()), &execution)
    }

    #[test]
    fn the_last_line_says_how_it_ended() {
        assert_eq!(ended("done", false), "replicated `libs` in 3.2 s: pulled 12 records");
        assert_eq!(ended("done", true), "dry run of `libs` (nothing was done): pulled 12 records");
        assert_eq!(
            ended("failed", false),
            "replicating `libs` failed: pulled 12 records (see `pakhus execution show 7`)"
        );
    }
}
