//! `pakhus execution`.

use clap::{Args, Subcommand};
use pakhus_core::FeedName;

use super::answers::Execution;
use super::client::{Client, read, read_list};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, Tone, note, one_line, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};

/// List runs of background work, and show one with its log.
#[derive(Subcommand)]
pub(super) enum ExecutionCommand {
    List(ListArguments),
    Show(ShowArguments),
}

/// List the latest runs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus execution list --feed libs
  pakhus execution list --status failed --limit 100")]
pub(super) struct ListArguments {
    /// Only those of one feed.
    #[arg(long)]
    feed: Option<FeedName>,
    /// Only those of one kind, like feed-replication.
    #[arg(long)]
    category: Option<String>,
    /// Only those that stand so.
    #[arg(long, value_parser = ["running", "done", "failed"])]
    status: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: u32,
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

/// Show one run with its log.
#[derive(Args)]
pub(super) struct ShowArguments {
    /// The run's id, as `list` and `sync` say it.
    id: String,
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    command: ExecutionCommand,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    match command {
        ExecutionCommand::List(arguments) => list(&arguments, &client).await,
        ExecutionCommand::Show(arguments) => show(&arguments, &client).await,
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<Outcome, CommandError> {
    let limit = arguments.limit.to_string();
    let query = [
        ("feed", arguments.feed.as_ref().map(FeedName::as_str)),
        ("category", arguments.category.as_deref()),
        ("status", arguments.status.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let answer = client.page(&["executions"], &query).await?;
    let executions: Vec<Execution> = read_list(client, &answer, "executions")?;
    if arguments.json {
        print_json(&answer)?;
    } else if executions.is_empty() {
        note("no such runs: start one with `pakhus sync FEED`");
    } else {
        print(&executions_table(&executions).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn executions_table(executions: &[Execution]) -> Table {
    let now = moment::now();
    let mut table = Table::new([
        Column::Left("ID"),
        Column::Left("CATEGORY"),
        Column::Left("FEED"),
        Column::Left("STATUS"),
        Column::Left("STARTED"),
        Column::Left("TOOK"),
        Column::Left("SUMMARY"),
    ]);
    for execution in executions {
        table.row([
            Cell::new(&execution.id.0),
            Cell::new(&execution.category),
            Cell::optional(execution.feed.as_deref()),
            Cell::new(&execution.status).toned(execution.tone()),
            Cell::optional(execution.started_at.as_deref().map(|at| moment::relative(at, now))),
            Cell::optional(took(execution)),
            Cell::optional(execution.summary.as_deref()),
        ]);
    }
    table
}

fn took(execution: &Execution) -> Option<String> {
    moment::between(execution.started_at.as_deref()?, execution.finished_at.as_deref()?)
}

async fn show(arguments: &ShowArguments, client: &Client) -> Result<Outcome, CommandError> {
    let answer = client.get(&["executions", &arguments.id]).await?;
    if arguments.json {
        print_json(&answer)?;
    } else {
        print(&render(&read(client, &answer)?, Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn render(execution: &Execution, paint: Paint) -> String {
    let mut table = Table::details();
    table.detail("id", Cell::new(&execution.id.0));
    table.detail("category", Cell::new(&execution.category));
    table.detail("feed", Cell::optional(execution.feed.as_deref()));
    table.detail("trigger", Cell::optional(execution.trigger.as_deref()));
    table.detail("status", Cell::new(&execution.status).toned(execution.tone()));
    table.detail("started", Cell::optional(execution.started_at.as_deref()));
    table.detail("took", Cell::optional(took(execution)));
    table.detail("summary", Cell::optional(execution.summary.as_deref()));
    let mut text = table.render(paint);
    if !execution.log.is_empty() {
        text.push('\n');
    }
    for line in &execution.log {
        let at = line.at.as_deref().map(|at| format!("{} ", one_line(at))).unwrap_or_default();
        text += &format!("{}{}\n", paint.tone(Tone::Dim, &at), line.level.line(&line.text, paint));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_shown_with_its_log() {
        let execution: Execution = serde_json::from_str(
            r#"{"id":7,"category":"feed-replication","feed":"libs","trigger":"manual",
                "status":"done","started_at":"2026-11-24T12:00:00Z",
                "finished_at":"2026-11-24T12:00:00.5Z","summary":"pulled 1 record","progress":null,
                "log":[{"at":"2026-11-24T12:00:00Z","level":10,"text":"started"},
                       {"at":"2026-11-24T12:00:00.4Z","level":20,"text":"a conflict"}]}"#,
        )
        .expect("an answer");
        assert_eq!(
            render(&execution, Paint::off()),
            "id        7\n\
             category  feed-replication\n\
             feed      libs\n\
             trigger   manual\n\
             status    done\n\
             started   2026-11-24T12:00:00Z\n\
             took      500 ms\n\
             summary   pulled 1 record\n\
             \n\
             2026-11-24T12:00:00Z started\n\
             2026-11-24T12:00:00.4Z warning: a conflict\n"
        );
    }
}
