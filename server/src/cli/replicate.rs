//! `pakhus feed replicate`.

use clap::Args;
use pakhus_core::FeedName;
use serde::Serialize;

use super::Outcome;
use super::answers::{Replication, Verdict};
use super::client::{Client, read};
use super::connection::SecretArgument;
use super::error::CommandError;
use super::output::{Paint, Tone, one_line, print, print_json};
use super::table::{Cell, Table};
use crate::config::{Bandwidth, Interval, LimitsSection, Retention, SourceUrl};

/// Show or change with whom a feed replicates.
///
/// Without options it shows the settings and whether they fit the other feed's. With options it
/// changes those and leaves the rest; the exit code is 1 when the settings, saved all the same, do not
/// fit.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus feed replicate libs
  pakhus feed replicate libs --server-mode read-write
  pakhus feed replicate libs --client-mode mirror \\
      --source-url https://hub.example/replication/libs --sync-token env:HUB_TOKEN --interval 60s")]
pub(super) struct ReplicateArguments {
    /// The feed's name.
    feed: FeedName,
    /// What other instances may do with it.
    #[arg(long, value_name = "MODE", value_parser = SERVER_MODES)]
    server_mode: Option<String>,
    /// What it does with a feed of another instance.
    #[arg(long, value_name = "MODE", value_parser = CLIENT_MODES)]
    client_mode: Option<String>,
    /// That other feed: its server's address, `/replication/` and its name.
    #[arg(long, value_name = "URL")]
    source_url: Option<SourceUrl>,
    /// A sync token of that other feed: itself, env:NAME or file:PATH.
    #[arg(long, value_name = "TOKEN")]
    sync_token: Option<SecretArgument>,
    /// How often to look for changes where nothing tells of them, like 500ms, 60s, 5m or 1h.
    #[arg(long, value_name = "TIME")]
    interval: Option<Interval>,
    /// How many versions one run may delete in any case without --allow-deletes.
    #[arg(long, value_name = "NUMBER")]
    max_deletes: Option<u64>,
    /// Or how many percent of the feed's versions, if that is more.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    max_deletes_percent: Option<u8>,
    /// How many bytes of blobs a second, like 500kB/s, 10MB/s or unlimited.
    #[arg(long, value_name = "RATE")]
    bandwidth: Option<Bandwidth>,
    /// How many requests for blobs at once, 1 to 64.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: Option<u32>,
    /// How long what other sites deleted or replaced can be restored, like 12h or 30d.
    #[arg(long, value_name = "TIME")]
    keep_trash: Option<Retention>,
    /// How long deletions are remembered, like 730d.
    #[arg(long, value_name = "TIME")]
    keep_deleted: Option<Retention>,
    /// Print the settings and the verdict as JSON.
    #[arg(long)]
    json: bool,
}

const SERVER_MODES: [&str; 3] = ["disabled", "read-only", "read-write"];
const CLIENT_MODES: [&str; 4] = ["disabled", "pull-only", "push-only", "mirror"];

/// The settings to change; what is left out stays.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerChange<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientChange<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<LimitsSection>,
}

#[derive(Serialize)]
struct ServerChange<'a> {
    mode: &'a str,
}

#[derive(Serialize)]
struct ClientChange<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_url: Option<&'a SourceUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
}

pub(super) async fn run(
    arguments: &ReplicateArguments,
    client: &Client,
) -> Result<Outcome, CommandError> {
    let path = ["feeds", arguments.feed.as_str(), "replication"];
    let sync_token =
        arguments.sync_token.as_ref().map(|token| token.resolve("--sync-token")).transpose()?;
    let change = arguments.change(sync_token.as_ref().map(crate::config::Secret::expose));
    let answer = match &change {
        Some(change) => client.put(&path, change).await?,
        None => client.get(&path).await?,
    };
    let replication: Replication = read(client, &answer)?;
    if arguments.json {
        print_json(&answer)?;
    } else {
        let paint = Paint::stdout();
        let mut details = Table::details();
        add_details(&mut details, &replication);
        let saved = match &change {
            Some(_) => format!("saved the replication settings of `{}`\n", arguments.feed),
            None => String::new(),
        };
        let reasons = reasons(replication.verdict.as_ref(), paint);
        print(&(saved + &details.render(paint) + &reasons))?;
    }
    let invalid = replication.verdict.is_some_and(|verdict| verdict.is_invalid());
    Ok(if change.is_some() && invalid { Outcome::Failed } else { Outcome::Done })
}

impl ReplicateArguments {
    fn change<'a>(&'a self, sync_token: Option<&'a str>) -> Option<Change<'a>> {
        let server = self.server_mode.as_deref().map(|mode| ServerChange { mode });
        let client = ClientChange {
            mode: self.client_mode.as_deref(),
            source_url: self.source_url.as_ref(),
            sync_token,
            interval: self.interval,
        };
        let any = client.mode.is_some()
            || client.source_url.is_some()
            || client.sync_token.is_some()
            || client.interval.is_some();
        let client = any.then_some(client);
        let limits = LimitsSection {
            max_deletes: self.max_deletes,
            max_deletes_percent: self.max_deletes_percent,
            bandwidth: self.bandwidth,
            concurrency: self.concurrency,
            keep_trash: self.keep_trash,
            keep_deleted: self.keep_deleted,
        };
        let limits = (limits != LimitsSection::default()).then_some(limits);
        let any = server.is_some() || client.is_some() || limits.is_some();
        any.then_some(Change { server, client, limits })
    }
}

/// Adds the settings and the verdict to the details of a feed.
pub(super) fn add_details(table: &mut Table, replication: &Replication) {
    let server = &replication.server;
    let tokens = match server.sync_tokens.len() {
        1 => ", 1 sync token".to_owned(),
        0 if server.mode == "disabled" => String::new(),
        number => format!(", {number} sync tokens"),
    };
    table.detail("server", Cell::new(format!("{}{tokens}", server.mode)));
    let client = &replication.client;
    let source = match (&client.source_url, &client.interval) {
        (Some(url), Some(interval)) => format!(", {url}, every {interval}"),
        (Some(url), None) => format!(", {url}"),
        _ => String::new(),
    };
    table.detail("client", Cell::new(format!("{}{source}", client.mode)));
    if replication.paused {
        table.detail("paused", Cell::new("yes").toned(Tone::Warning));
    }
    let limits = &replication.limits;
    if let (Some(number), Some(percent)) = (limits.max_deletes, limits.max_deletes_percent) {
        let fuse = format!("{number} deletes a run, or {percent} % of the versions");
        table.detail("fuse", Cell::new(fuse));
    }
    if let (Some(bandwidth), Some(concurrency)) = (limits.bandwidth, limits.concurrency) {
        table.detail("blobs", Cell::new(format!("{concurrency} at once, bandwidth {bandwidth}")));
    }
    if let (Some(trash), Some(deleted)) = (limits.keep_trash, limits.keep_deleted) {
        table.detail("keeps", Cell::new(format!("trash {trash}, deletions {deleted}")));
    }
    let verdict = match &replication.verdict {
        Some(verdict) => Cell::new(&verdict.state).toned(verdict.tone()),
        None => Cell::new(""),
    };
    table.detail("verdict", verdict);
}

/// The reasons of a verdict, a line each.
pub(super) fn reasons(verdict: Option<&Verdict>, paint: Paint) -> String {
    let reasons = verdict.map(|verdict| verdict.reasons.as_slice()).unwrap_or_default();
    let line = |reason: &String| format!("  {} {}\n", paint.tone(Tone::Dim, "-"), one_line(reason));
    reasons.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use pakhus_core::replication::{ClientMode, ServerMode};

    use super::*;

    fn arguments() -> ReplicateArguments {
        ReplicateArguments {
            feed: "libs".parse().expect("a feed name"),
            server_mode: None,
            client_mode: None,
            source_url: None,
            sync_token: None,
            interval: None,
            max_deletes: None,
            max_deletes_percent: None,
            bandwidth: None,
            concurrency: None,
            keep_trash: None,
            keep_deleted: None,
            json: false,
        }
    }

    #[test]
    fn the_modes_are_those_of_replication() {
        for mode in SERVER_MODES {
            assert_eq!(mode.parse::<ServerMode>().expect(mode).to_string(), mode);
        }
        for mode in CLIENT_MODES {
            assert_eq!(mode.parse::<ClientMode>().expect(mode).to_string(), mode);
        }
    }

    #[test]
    fn only_what_is_given_is_changed() {
        assert!(arguments().change(None).is_none());
        let given = ReplicateArguments { interval: "5m".parse().ok(), ..arguments() };
        let change = serde_json::to_string(&given.change(None)).expect("JSON");
        assert_eq!(change, r#"{"client":{"interval":"5m"}}"#);
        let given = ReplicateArguments {
            server_mode: Some("read-only".to_owned()),
            client_mode: Some("mirror".to_owned()),
            source_url: "http://hub/replication/libs".parse().ok(),
            ..arguments()
        };
        let change = serde_json::to_string(&given.change(Some("hush"))).expect("JSON");
        assert_eq!(
            change,
            r#"{"server":{"mode":"read-only"},"client":{"mode":"mirror","source_url":"http://hub/replication/libs","sync_token":"hush"}}"#
        );
    }

    #[test]
    fn settings_are_told_with_the_reasons_of_the_verdict() {
        let replication: Replication = serde_json::from_str(
            r#"{"server":{"mode":"read-only","sync_tokens":[{"id":"t","created_at":null}]},
                "client":{"mode":"mirror","source_url":"http://hub/replication/libs","interval":"60s"},
                "verdict":{"state":"warning","reasons":["the source feed is `read-only`"]}}"#,
        )
        .expect("an answer");
        let mut table = Table::details();
        add_details(&mut table, &replication);
        let text =
            table.render(Paint::off()) + &reasons(replication.verdict.as_ref(), Paint::off());
        assert_eq!(
            text,
            "server   read-only, 1 sync token\n\
             client   mirror, http://hub/replication/libs, every 60s\n\
             verdict  warning\n  - the source feed is `read-only`\n"
        );
    }
}
