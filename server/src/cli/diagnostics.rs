//! `pakhus diagnostics`.

use clap::Args;

use super::answers::Diagnostic;
use super::client::read_list;
use super::connection::Connection;
use super::error::CommandError;
use super::level::Level;
use super::output::{Paint, note, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};

/// List the latest messages of the Diagnostic Center.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus diagnostics --min-level warning
  pakhus diagnostics --category feed-replication --limit 100")]
pub(super) struct DiagnosticsArguments {
    /// Only those of one category.
    #[arg(long)]
    category: Option<String>,
    /// Only those that matter as much.
    #[arg(long, value_name = "LEVEL", value_parser = Level::NAMES)]
    min_level: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: u32,
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    arguments: &DiagnosticsArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    let limit = arguments.limit.to_string();
    let min_level = arguments.min_level.as_deref().and_then(Level::named);
    let min_level = min_level.map(|level| level.0.to_string());
    let query = [
        ("category", arguments.category.as_deref()),
        ("min_level", min_level.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let answer = client.page(&["diagnostics"], &query).await?;
    let entries: Vec<Diagnostic> = read_list(&client, &answer, "entries")?;
    if arguments.json {
        print_json(&answer)?;
    } else if entries.is_empty() {
        note("no such messages: nothing to worry about");
    } else {
        print(&entries_table(&entries).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn entries_table(entries: &[Diagnostic]) -> Table {
    let now = moment::now();
    let mut table = Table::new([
        Column::Left("WHEN"),
        Column::Left("LEVEL"),
        Column::Left("CATEGORY"),
        Column::Left("TEXT"),
    ]);
    for entry in entries {
        let level = Cell::new(entry.level.to_string());
        table.row([
            Cell::optional(entry.at.as_deref().map(|at| moment::relative(at, now))),
            match entry.level.tone() {
                Some(tone) => level.toned(tone),
                None => level,
            },
            Cell::new(&entry.category),
            Cell::new(&entry.text),
        ]);
    }
    table
}
