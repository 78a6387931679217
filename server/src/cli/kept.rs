//! `pakhus conflict` and `pakhus trash`.

use clap::{Args, Subcommand};
use pakhus_core::FeedName;
use serde::Deserialize;

use super::client::{Client, read, read_list};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, note, one_line, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};

/// What can be done with what a feed keeps.
#[derive(Subcommand)]
pub(super) enum KeptCommand {
    /// List what is kept.
    List(ListArguments),
    /// Let a content that is kept stand again, here and at the other sites.
    Restore(ChosenArguments),
    /// Keep a content no longer.
    Dismiss(ChosenArguments),
}

/// Whose to list.
#[derive(Args)]
pub(super) struct ListArguments {
    /// The feed's name.
    feed: FeedName,
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

/// Which to act on.
#[derive(Args)]
pub(super) struct ChosenArguments {
    /// The feed's name.
    feed: FeedName,
    /// The id that the list shows.
    id: i64,
}

#[derive(Deserialize)]
struct Kept {
    id: i64,
    package: Option<String>,
    version: Option<String>,
    kept_at: Option<String>,
    stands: Option<Side>,
    kept: Side,
}

#[derive(Deserialize)]
struct Side {
    state: String,
    published_at: Option<String>,
    deleted_at: Option<String>,
    origin: Option<String>,
}

#[derive(Deserialize)]
struct Restored {
    package: String,
    version: String,
}

/// Acts on the `conflicts` or the `trash` of a feed.
pub(super) async fn run(
    command: KeptCommand,
    connection: &Connection,
    what: &str,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    match command {
        KeptCommand::List(arguments) => list(&arguments, &client, what).await,
        KeptCommand::Restore(chosen) => restore(&chosen, &client, what).await,
        KeptCommand::Dismiss(chosen) => dismiss(&chosen, &client, what).await,
    }
}

async fn list(
    arguments: &ListArguments,
    client: &Client,
    what: &str,
) -> Result<Outcome, CommandError> {
    let answer = client.all_pages(&["feeds", arguments.feed.as_str(), what], what).await?;
    let kept: Vec<Kept> = read_list(client, &answer, what)?;
    if arguments.json {
        print_json(&answer)?;
    } else if kept.is_empty() {
        note(&format!("`{}` has no {what}", arguments.feed));
    } else {
        print(&table(&kept).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn table(kept: &[Kept]) -> Table {
    let now = moment::now();
    let mut table = Table::new([
        Column::Right("ID"),
        Column::Left("PACKAGE"),
        Column::Left("VERSION"),
        Column::Left("KEPT"),
        Column::Left("PUBLISHED AT"),
        Column::Left("SINCE"),
        Column::Left("NOW STANDS"),
    ]);
    for kept in kept {
        let relative = |at: &Option<String>| at.as_deref().map(|at| moment::relative(at, now));
        let stands = kept.stands.as_ref().map(|side| {
            let at = relative(&side.published_at).or_else(|| relative(&side.deleted_at));
            let origin = side.origin.as_ref().map(|origin| format!(" by {origin}"));
            let at = at.map(|at| format!(", {at}")).unwrap_or_default();
            format!("{}{}{at}", side.state, origin.unwrap_or_default())
        });
        table.row([
            Cell::new(kept.id.to_string()),
            Cell::optional(kept.package.as_deref()),
            Cell::optional(kept.version.as_deref()),
            Cell::optional(relative(&kept.kept.published_at)),
            Cell::optional(kept.kept.origin.as_deref()),
            Cell::optional(relative(&kept.kept_at)),
            Cell::optional(stands),
        ]);
    }
    table
}

async fn restore(
    chosen: &ChosenArguments,
    client: &Client,
    what: &str,
) -> Result<Outcome, CommandError> {
    let id = chosen.id.to_string();
    let path = ["feeds", chosen.feed.as_str(), what, &id, "restore"];
    let answer = client.post(&path, &()).await?;
    let Restored { package, version } = read(client, &answer)?;
    print(&format!("{} {} stands again", one_line(&package), one_line(&version)))?;
    Ok(Outcome::Done)
}

async fn dismiss(
    chosen: &ChosenArguments,
    client: &Client,
    what: &str,
) -> Result<Outcome, CommandError> {
    let id = chosen.id.to_string();
    client.delete(&["feeds", chosen.feed.as_str(), what, &id]).await?;
    print("it is kept no longer")?;
    Ok(Outcome::Done)
}
