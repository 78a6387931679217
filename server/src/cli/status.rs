//! `pakhus status`.

use clap::Args;
use pakhus_core::Timestamp;

use super::answers::{Execution, Standing};
use super::client::read_list;
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, Tone, note, one_line, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};

/// Show how the replication of all feeds stands.
#[derive(Args)]
pub(super) struct StatusArguments {
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    arguments: &StatusArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    let answer = client.get(&["replication"]).await?;
    let standings: Vec<Standing> = read_list(&client, &answer, "feeds")?;
    if arguments.json {
        print_json(&answer)?;
    } else if standings.is_empty() {
        note("no feed replicates yet: set one up with `pakhus feed replicate FEED`");
    } else {
        print(&render(&standings, moment::now(), Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn render(standings: &[Standing], now: Timestamp, paint: Paint) -> String {
    let mut table = Table::new([
        Column::Left("FEED"),
        Column::Left("TYPE"),
        Column::Left("SERVER"),
        Column::Left("CLIENT"),
        Column::Left("SOURCE"),
        Column::Left("VERDICT"),
        Column::Left("LAST RUN"),
        Column::Left("LAG"),
    ]);
    for standing in standings {
        let verdict = match &standing.verdict {
            _ if standing.paused => Cell::new("paused").toned(Tone::Warning),
            Some(verdict) => Cell::new(&verdict.state).toned(verdict.tone()),
            None => Cell::new(""),
        };
        table.row([
            Cell::new(&standing.feed),
            Cell::new(&standing.package_type),
            Cell::new(&standing.server_mode),
            Cell::new(&standing.client_mode),
            Cell::optional(standing.source_url.as_deref()),
            verdict,
            last_run(standing.last_execution.as_ref(), now),
            Cell::new(lag(standing)),
        ]);
    }
    let mut text = table.render(paint);
    for standing in standings {
        let Some(verdict) = &standing.verdict else { continue };
        let state = paint.tone(verdict.tone(), &one_line(&verdict.state));
        for reason in &verdict.reasons {
            text += &format!("{}: {state}: {}\n", one_line(&standing.feed), one_line(reason));
        }
    }
    for standing in standings {
        text.extend(to_look_at(standing));
    }
    text
}

/// What somebody should look at, a line each.
fn to_look_at(standing: &Standing) -> impl Iterator<Item = String> {
    let feed = one_line(&standing.feed);
    let aside = &standing.set_aside;
    let held = format!("held: look at them and run `pakhus sync {feed} --allow-deletes`");
    let lines = [
        (standing.conflicts, "conflict", format!("see `pakhus conflict list {feed}`")),
        (aside.held_deletes, "delete", held),
        (aside.to_fetch, "record", "set aside: its blobs could not be fetched yet".to_owned()),
        (aside.to_send, "record", "set aside: its blobs could not be sent yet".to_owned()),
    ];
    lines.into_iter().filter(|(count, ..)| *count > 0).map(move |(count, what, text)| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{feed}: {count} {what}{plural}: {text}\n")
    })
}

fn last_run(execution: Option<&Execution>, now: Timestamp) -> Cell {
    let Some(execution) = execution else { return Cell::new("") };
    let at = execution.finished_at.as_ref().or(execution.started_at.as_ref());
    let at = at.map(|at| format!(", {}", moment::relative(at, now))).unwrap_or_default();
    Cell::new(format!("{}{at}", execution.status)).toned(execution.tone())
}

fn lag(standing: &Standing) -> String {
    let seconds = standing.lag_seconds.filter(|seconds| *seconds > 0.0);
    let time = seconds.map(|seconds| moment::span((seconds * 1000.0) as u64));
    match (standing.lag_changes, time) {
        (Some(0), _) => "none".to_owned(),
        (Some(1), None) => "1 change".to_owned(),
        (Some(1), Some(time)) => format!("1 change, {time}"),
        (Some(changes), None) => format!("{changes} changes"),
        (Some(changes), Some(time)) => format!("{changes} changes, {time}"),
        (None, Some(time)) => time,
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_says_how_each_feed_stands_and_why() {
        let standings: Vec<Standing> = serde_json::from_str(
            r#"[{"feed":"libs","type":"npm","server_mode":"disabled","client_mode":"mirror",
                 "source_url":"http://hub/replication/libs",
                 "verdict":{"state":"warning","reasons":["the source feed is `read-only`"]},
                 "last_execution":{"id":7,"status":"failed","started_at":"2026-11-24T11:56:00Z",
                   "finished_at":"2026-11-24T11:57:00Z","summary":null},
                 "lag_changes":12,"lag_seconds":3},
                {"feed":"tools","type":"npm","server_mode":"read-write","client_mode":"disabled",
                 "source_url":null,"verdict":null,"last_execution":null,
                 "lag_changes":null,"lag_seconds":null}]"#,
        )
        .expect("an answer");
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a moment");
        assert_eq!(
            render(&standings, now, Paint::off()),
            "FEED   TYPE  SERVER      CLIENT    SOURCE                       VERDICT  LAST RUN           LAG\n\
             libs   npm   disabled    mirror    http://hub/replication/libs  warning  failed, 3 min ago  12 changes, 3.0 s\n\
             tools  npm   read-write  disabled  -                            -        -                  -\n\
             libs: warning: the source feed is `read-only`\n"
        );
    }
}
