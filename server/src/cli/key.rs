//! `pakhus key`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::answers::{ApiKey, CreatedKey};
use super::client::{Client, read, read_list};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, note, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};
use crate::config::Scope;
use crate::expiry::Expiry;

/// List, make and revoke API keys.
#[derive(Subcommand)]
pub(super) enum KeyCommand {
    List(ListArguments),
    Create(CreateArguments),
    Revoke(RevokeArguments),
}

/// List all API keys.
#[derive(Args)]
pub(super) struct ListArguments {
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

/// Make an API key, and print it this once.
#[derive(Args)]
#[command(after_help = "\
Scopes:
  view:FEED  publish:FEED  delete:FEED  manage:FEED    on one feed, or on all with `*` for FEED
  admin                                                everything

Examples:
  pakhus key create --name ci --scope publish:libs
  pakhus key create --name reader --scope 'view:*' --expires 30d > reader.key
  pakhus key create --name operator --scope admin --standalone > operator.key")]
pub(super) struct CreateArguments {
    /// What it is for, to find it again.
    #[arg(long)]
    name: String,
    /// What it may do, once for each.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// When it ends: after a time like `12h` or `30d`, or at a moment like `2027-01-31T00:00:00Z`; never
    /// unless said.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Let it read only, whatever its scopes say.
    #[arg(long)]
    read_only: bool,
    /// From where it may be used, like `10.0.0.0/8`, once for each; from anywhere unless said.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,
    /// Let it live on when the key or user that makes it is gone, or may less.
    #[arg(long)]
    standalone: bool,
}

/// Take an API key back, and those that were made with it.
#[derive(Args)]
pub(super) struct RevokeArguments {
    /// The key's id, as `list` and `create` say it.
    id: String,
}

pub(super) async fn run(
    command: KeyCommand,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    match command {
        KeyCommand::List(arguments) => list(&arguments, &client).await,
        KeyCommand::Create(arguments) => create(&arguments, &client).await,
        KeyCommand::Revoke(arguments) => revoke(&arguments, &client).await,
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<Outcome, CommandError> {
    let answer = client.all_pages(&["keys"], "keys").await?;
    let keys: Vec<ApiKey> = read_list(client, &answer, "keys")?;
    if arguments.json {
        print_json(&answer)?;
    } else if keys.is_empty() {
        note(
            "no API keys yet: create one with `pakhus key create --name NAME --scope publish:FEED`",
        );
    } else {
        print(&keys_table(&keys).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn keys_table(keys: &[ApiKey]) -> Table {
    let now = moment::now();
    let relative =
        |at: &Option<String>| Cell::optional(at.as_deref().map(|at| moment::relative(at, now)));
    let mut table = Table::new([
        Column::Left("ID"),
        Column::Left("NAME"),
        Column::Left("MAY"),
        Column::Left("OWNER"),
        Column::Left("CREATED"),
        Column::Left("LAST USED"),
        Column::Left("EXPIRES"),
        Column::Left("ORIGIN"),
    ]);
    for key in keys {
        table.row([
            Cell::new(&key.id.0),
            Cell::optional(key.name.as_deref()),
            Cell::new(rights(key)),
            Cell::optional(owner(key)),
            relative(&key.created_at),
            relative(&key.last_used_at),
            relative(&key.expires_at),
            Cell::new(&key.origin),
        ]);
    }
    table
}

/// What a key may: its scopes, or all that its owner may, and what narrows that.
fn rights(key: &ApiKey) -> String {
    let owned = key.owner.user.is_some() || key.owner.key.is_some();
    let scopes = if key.scopes.is_empty() && owned {
        "as its owner".to_owned()
    } else {
        key.scopes.join(" ")
    };
    let read_only = if key.read_only { ", reads only" } else { "" };
    let networks = if key.networks.is_empty() {
        String::new()
    } else {
        format!(", from {}", key.networks.join(" "))
    };
    format!("{scopes}{read_only}{networks}")
}

fn owner(key: &ApiKey) -> Option<String> {
    let maker = key.owner.key.as_ref().map(|id| format!("key {id}"));
    match (&key.owner.user, maker) {
        (Some(user), Some(maker)) => Some(format!("{user}, {maker}")),
        (Some(user), None) => Some(user.clone()),
        (None, maker) => maker,
    }
}

async fn create(arguments: &CreateArguments, client: &Client) -> Result<Outcome, CommandError> {
    let mut body = json!({ "name": arguments.name, "scopes": arguments.scopes });
    // Only what was asked for: an older server knows nothing of the rest.
    if let Some(expires) = &arguments.expires {
        body["expires"] = json!(expires.to_string());
    }
    if arguments.read_only {
        body["read_only"] = json!(true);
    }
    if !arguments.networks.is_empty() {
        body["networks"] = json!(arguments.networks);
    }
    if arguments.standalone {
        body["standalone"] = json!(true);
    }
    let answer = client.post(&["keys"], &body).await?;
    let created: CreatedKey = read(client, &answer)?;
    let scopes: Vec<String> = arguments.scopes.iter().map(ToString::to_string).collect();
    note(&format!(
        "API key `{}` with {}, shown only now; take it back with `pakhus key revoke {}`",
        arguments.name,
        scopes.join(" "),
        created.id
    ));
    print(&created.key)?;
    Ok(Outcome::Done)
}

async fn revoke(arguments: &RevokeArguments, client: &Client) -> Result<Outcome, CommandError> {
    client.delete(&["keys", &arguments.id]).await?;
    print(&format!("revoked the API key {}", arguments.id))?;
    Ok(Outcome::Done)
}
