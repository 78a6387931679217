//! `pakhus feed token`.

use clap::{Args, Subcommand};
use pakhus_core::FeedName;
use serde_json::json;

use super::answers::{CreatedToken, Replication};
use super::client::{Client, read};
use super::error::CommandError;
use super::output::{Paint, note, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};

/// List, make and revoke the sync tokens that let other instances in.
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    List(ListArguments),
    Create(CreateArguments),
    Revoke(RevokeArguments),
}

/// List the sync tokens of a feed.
#[derive(Args)]
pub(super) struct ListArguments {
    /// The feed's name.
    feed: FeedName,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// Make a sync token, and print it this once.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus feed token create libs > libs.token")]
pub(super) struct CreateArguments {
    /// The feed's name.
    feed: FeedName,
}

/// Take a sync token back.
#[derive(Args)]
pub(super) struct RevokeArguments {
    /// The feed's name.
    feed: FeedName,
    /// The token's id, as `list` and `create` say it.
    id: String,
}

pub(super) async fn run(command: &TokenCommand, client: &Client) -> Result<Outcome, CommandError> {
    match command {
        TokenCommand::List(arguments) => list(arguments, client).await,
        TokenCommand::Create(arguments) => create(arguments, client).await,
        TokenCommand::Revoke(arguments) => revoke(arguments, client).await,
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<Outcome, CommandError> {
    let feed = arguments.feed.as_str();
    let answer = client.get(&["feeds", feed, "replication"]).await?;
    if arguments.json {
        print_json(&json!({ "sync_tokens": answer["server"]["sync_tokens"] }))?;
        return Ok(Outcome::Done);
    }
    let replication: Replication = read(client, &answer)?;
    let tokens = replication.server.sync_tokens;
    if tokens.is_empty() {
        note(&format!("no sync tokens yet: create one with `pakhus feed token create {feed}`"));
        return Ok(Outcome::Done);
    }
    let now = moment::now();
    let mut table = Table::new([
        Column::Left("ID"),
        Column::Left("CREATED"),
        Column::Left("LAST USED"),
        Column::Left("ORIGIN"),
    ]);
    for token in &tokens {
        let relative =
            |at: &Option<String>| Cell::optional(at.as_deref().map(|at| moment::relative(at, now)));
        table.row([
            Cell::new(&token.id.0),
            relative(&token.created_at),
            relative(&token.last_used_at),
            Cell::new(&token.origin),
        ]);
    }
    print(&table.render(Paint::stdout()))?;
    Ok(Outcome::Done)
}

async fn create(arguments: &CreateArguments, client: &Client) -> Result<Outcome, CommandError> {
    let feed = arguments.feed.as_str();
    let answer = client.post(&["feeds", feed, "replication", "sync-tokens"], &json!({})).await?;
    let created: CreatedToken = read(client, &answer)?;
    note(&format!(
        "sync token {} of the feed `{feed}`, shown only now. At the other site:\n  \
         pakhus feed replicate FEED --client-mode mirror --source-url {}/replication/{feed} --sync-token TOKEN",
        created.id,
        client.server(),
    ));
    print(&created.token)?;
    Ok(Outcome::Done)
}

async fn revoke(arguments: &RevokeArguments, client: &Client) -> Result<Outcome, CommandError> {
    let feed = arguments.feed.as_str();
    client.delete(&["feeds", feed, "replication", "sync-tokens", &arguments.id]).await?;
    print(&format!("revoked the sync token {} of the feed `{feed}`", arguments.id))?;
    Ok(Outcome::Done)
}
