//! `pakhus feed`.

use clap::{Args, Subcommand};
use pakhus_core::FeedName;
use serde_json::{Value, json};

use super::answers::{Feed, Replication};
use super::client::{Client, read, read_list};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, note, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment, replicate, token};

/// List, make and remove feeds, and set their replication.
#[derive(Subcommand)]
pub(super) enum FeedCommand {
    List(ListArguments),
    Show(ShowArguments),
    Create(CreateArguments),
    Delete(DeleteArguments),
    Replicate(replicate::ReplicateArguments),
    Pause(PauseArguments),
    Resume(ResumeArguments),
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// List all feeds.
#[derive(Args)]
pub(super) struct ListArguments {
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

/// Show one feed and its replication.
#[derive(Args)]
pub(super) struct ShowArguments {
    /// The feed's name.
    feed: FeedName,
    /// Print the feed as JSON, its replication in `replication`.
    #[arg(long)]
    json: bool,
}

/// Make a feed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus feed create libs --type npm
  pakhus feed create public --type npm --anonymous view")]
pub(super) struct CreateArguments {
    /// Its name: 1 to 63 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit.
    feed: FeedName,
    /// The package type it holds, like npm.
    #[arg(long = "type", value_name = "TYPE")]
    package_type: String,
    /// What anybody may do without a key [default: none].
    #[arg(long, value_name = "WHAT", value_parser = ["none", "view", "publish"])]
    anonymous: Option<String>,
    /// What becomes of a version that a client deletes, where the type leaves that to the feed
    /// [default: unlist].
    #[arg(long, value_name = "WHAT", value_parser = ["unlist", "remove"])]
    deletes: Option<String>,
    /// Let a push replace a version that is there, where the type leaves that to the feed.
    #[arg(long)]
    overwrite: bool,
}

/// Pause the replication of a feed, in both directions; a run that is under way stops.
#[derive(Args)]
pub(super) struct PauseArguments {
    /// The feed's name.
    feed: FeedName,
}

/// Let the replication of a feed go on.
#[derive(Args)]
pub(super) struct ResumeArguments {
    /// The feed's name.
    feed: FeedName,
}

/// Remove a feed and all its packages.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus feed delete old-libs --yes")]
pub(super) struct DeleteArguments {
    /// The feed's name.
    feed: FeedName,
    /// Yes, remove it.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(
    command: FeedCommand,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    match command {
        FeedCommand::List(arguments) => list(&arguments, &connection.client()?).await,
        FeedCommand::Show(arguments) => show(&arguments, &connection.client()?).await,
        FeedCommand::Create(arguments) => create(&arguments, &connection.client()?).await,
        FeedCommand::Delete(arguments) => delete(&arguments, connection).await,
        FeedCommand::Replicate(arguments) => {
            replicate::run(&arguments, &connection.client()?).await
        }
        FeedCommand::Pause(PauseArguments { feed }) => {
            let client = connection.client()?;
            client.post(&["feeds", feed.as_str(), "replication", "pause"], &()).await?;
            print(&format!("paused the replication of `{feed}`"))?;
            Ok(Outcome::Done)
        }
        FeedCommand::Resume(ResumeArguments { feed }) => {
            let client = connection.client()?;
            client.post(&["feeds", feed.as_str(), "replication", "resume"], &()).await?;
            print(&format!("the replication of `{feed}` goes on"))?;
            Ok(Outcome::Done)
        }
        FeedCommand::Token(command) => token::run(&command, &connection.client()?).await,
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<Outcome, CommandError> {
    let answer = client.all_pages(&["feeds"], "feeds").await?;
    let feeds: Vec<Feed> = read_list(client, &answer, "feeds")?;
    if arguments.json {
        print_json(&answer)?;
    } else if feeds.is_empty() {
        note("no feeds yet: create one with `pakhus feed create NAME --type npm`");
    } else {
        print(&feeds_table(&feeds).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn feeds_table(feeds: &[Feed]) -> Table {
    let now = moment::now();
    let mut table = Table::new([
        Column::Left("NAME"),
        Column::Left("TYPE"),
        Column::Left("ANONYMOUS"),
        Column::Right("PACKAGES"),
        Column::Right("VERSIONS"),
        Column::Left("ORIGIN"),
        Column::Left("CREATED"),
    ]);
    for feed in feeds {
        table.row([
            Cell::new(&feed.name),
            Cell::new(&feed.package_type),
            Cell::new(&feed.anonymous),
            Cell::optional(feed.packages),
            Cell::optional(feed.versions),
            Cell::new(&feed.origin),
            Cell::optional(feed.created_at.as_deref().map(|at| moment::relative(at, now))),
        ]);
    }
    table
}

async fn show(arguments: &ShowArguments, client: &Client) -> Result<Outcome, CommandError> {
    let name = arguments.feed.as_str();
    let mut answer = client.get(&["feeds", name]).await?;
    let replication = client.get(&["feeds", name, "replication"]).await?;
    if arguments.json {
        if let Value::Object(feed) = &mut answer {
            feed.insert("replication".to_owned(), replication);
        }
        print_json(&answer)?;
        return Ok(Outcome::Done);
    }
    let paint = Paint::stdout();
    let mut details = feed_details(&read(client, &answer)?);
    let replication: Replication = read(client, &replication)?;
    replicate::add_details(&mut details, &replication);
    print(&(details.render(paint) + &replicate::reasons(replication.verdict.as_ref(), paint)))?;
    Ok(Outcome::Done)
}

fn feed_details(feed: &Feed) -> Table {
    let now = moment::now();
    let mut table = Table::details();
    table.detail("name", Cell::new(&feed.name));
    table.detail("type", Cell::new(&feed.package_type));
    table.detail("anonymous", Cell::new(&feed.anonymous));
    if let Some(deletes) = &feed.deletes {
        table.detail("deletes", Cell::new(deletes));
    }
    if let Some(overwrite) = feed.overwrite {
        table.detail("overwrite", Cell::new(if overwrite { "yes" } else { "no" }));
    }
    table.detail("packages", Cell::optional(feed.packages));
    table.detail("versions", Cell::optional(feed.versions));
    table.detail("origin", Cell::new(&feed.origin));
    let created = feed.created_at.as_deref().map(|at| moment::relative(at, now));
    table.detail("created", Cell::optional(created));
    table
}

async fn create(arguments: &CreateArguments, client: &Client) -> Result<Outcome, CommandError> {
    let mut body = json!({ "name": arguments.feed, "type": arguments.package_type });
    if let Some(anonymous) = &arguments.anonymous {
        body["anonymous"] = json!(anonymous);
    }
    if let Some(deletes) = &arguments.deletes {
        body["deletes"] = json!(deletes);
    }
    if arguments.overwrite {
        body["overwrite"] = json!(true);
    }
    client.post(&["feeds"], &body).await?;
    print(&format!(
        "created the feed `{}` for {} packages",
        arguments.feed, arguments.package_type
    ))?;
    Ok(Outcome::Done)
}

async fn delete(
    arguments: &DeleteArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let feed = &arguments.feed;
    if !arguments.yes {
        return Err(CommandError::usage(format!(
            "this removes the feed `{feed}` and all its packages for good: repeat it with --yes to do so"
        )));
    }
    connection.client()?.delete(&["feeds", feed.as_str()]).await?;
    print(&format!("removed the feed `{feed}`"))?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_a_table_with_a_dash_for_none() {
        let feed = |name: &str, packages| Feed {
            name: name.to_owned(),
            package_type: "npm".to_owned(),
            anonymous: "none".to_owned(),
            origin: "file".to_owned(),
            packages,
            ..Feed::default()
        };
        assert_eq!(
            feeds_table(&[feed("libs", Some(7)), feed("t", None)]).render(Paint::off()),
            "NAME  TYPE  ANONYMOUS  PACKAGES  VERSIONS  ORIGIN  CREATED\n\
             libs  npm   none              7         -  file    -\n\
             t     npm   none              -         -  file    -\n"
        );
    }
}
