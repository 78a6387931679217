//! `pakhus wait`.

use std::time::Duration;

use clap::Args;
use pakhus_core::FeedName;
use serde::Deserialize;
use tokio::time::Instant;

use super::Outcome;
use super::client::{Client, read};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{one_line, print};
use crate::config::Interval;

/// Wait until a version has arrived at a site.
///
/// For pipelines that publish here and deploy there: it returns as soon as clients of that site can
/// have the version, and fails when the time is over.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus wait libs left-pad 1.3.0 --at https://tokyo.example
  pakhus wait libs @acme/ui 2.0.0 --at https://tokyo.example --timeout 5m
  pakhus wait libs left-pad 1.3.0 --at Tokyo")]
pub(super) struct WaitArguments {
    /// The feed's name.
    feed: FeedName,
    /// The package's name.
    package: String,
    /// The version.
    version: String,
    /// The address of that site's server, or the name of a site that the server exchanges the feed with
    /// [default: the server of --server].
    #[arg(long, value_name = "URL|NAME")]
    at: Option<String>,
    /// How long to wait at most, like 30s, 5m or 1h [default: 10m].
    #[arg(long, value_name = "TIME")]
    timeout: Option<Interval>,
}

/// How long one request is held.
const HELD: u64 = 30;
/// The pause before a site that does not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
struct Arrived {
    package: String,
    version: String,
}

pub(super) async fn run(
    arguments: &WaitArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let (client, name) = match arguments.at.as_deref() {
        Some(site) if site.contains("://") => (connection.client_at(site)?, None),
        name => (connection.client()?, name),
    };
    let place = name.map_or_else(|| client.server().to_string(), one_line);
    let patience = arguments.timeout.map_or(PATIENCE, Interval::duration);
    let end = Instant::now() + patience;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match ask(arguments, &client, name, left.as_secs().min(HELD)).await {
            Ok(Arrived { package, version }) => {
                let (package, version) = (one_line(&package), one_line(&version));
                print(&format!("{package} {version} is at {place}"))?;
                return Ok(Outcome::Done);
            }
            Err(error) if !error.may_pass() => return Err(error),
            // It may be on its way, or the site may come back.
            Err(CommandError::NotYet(reason)) if left.is_zero() && name.is_some() => {
                return Err(CommandError::refused(format!(
                    "{}; it was waited for {}",
                    one_line(&reason),
                    span(patience)
                )));
            }
            Err(CommandError::NotYet(_)) if left.is_zero() => {
                return Err(CommandError::refused(format!(
                    "{} {} is not at {} after {}: see `pakhus status` there, or wait longer with --timeout",
                    one_line(&arguments.package),
                    one_line(&arguments.version),
                    place,
                    span(patience),
                )));
            }
            Err(error) if left.is_zero() => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE.min(left)).await,
        }
    }
}

fn span(time: Duration) -> String {
    super::moment::span(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

async fn ask(
    arguments: &WaitArguments,
    client: &Client,
    name: Option<&str>,
    seconds: u64,
) -> Result<Arrived, CommandError> {
    let path = ["feeds", arguments.feed.as_str(), "wait"];
    let timeout = seconds.to_string();
    let query = [
        ("package", Some(arguments.package.as_str())),
        ("version", Some(arguments.version.as_str())),
        ("timeout", Some(timeout.as_str())),
        ("at", name),
    ];
    read(client, &client.page(&path, &query).await?)
}
