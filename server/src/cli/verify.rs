//! `pakhus verify`.

use clap::Args;
use pakhus_core::FeedName;
use serde::Deserialize;

use super::Outcome;
use super::client::read;
use super::connection::Connection;
use super::error::CommandError;
use super::output::{one_line, print, print_json};

/// Prove whether a feed and its source hold the same.
#[derive(Args)]
#[command(after_help = "\
Prints the fingerprints of both and, where they differ, each record that differs. The exit code is 0
only when they hold the same; `pakhus sync FEED --full` repairs what may be repaired.

Examples:
  pakhus verify libs")]
pub(super) struct VerifyArguments {
    /// The feed's name.
    feed: FeedName,
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Verification {
    identical: bool,
    local: Side,
    source: Side,
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct Side {
    fingerprint: String,
}

#[derive(Deserialize)]
struct Difference {
    what: String,
    here: Option<String>,
    there: Option<String>,
}

pub(super) async fn run(
    arguments: &VerifyArguments,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    let answer = client.get(&["feeds", arguments.feed.as_str(), "verify"]).await?;
    let verification: Verification = read(&client, &answer)?;
    if arguments.json {
        print_json(&answer)?;
    } else {
        print(&render(&verification))?;
    }
    Ok(if verification.identical { Outcome::Done } else { Outcome::Failed })
}

fn render(verification: &Verification) -> String {
    let Verification { identical, local, source, differences } = verification;
    let mut lines = vec![
        format!("here    {}", one_line(&local.fingerprint)),
        format!("source  {}", one_line(&source.fingerprint)),
    ];
    for Difference { what, here, there } in differences {
        let how = match (here, there) {
            (Some(_), None) => "only here",
            (None, Some(_)) => "only at the source",
            _ => "differs",
        };
        lines.push(format!("{how}: {}", one_line(what)));
    }
    lines.push(if *identical {
        "both hold the same".to_owned()
    } else {
        format!("{} records differ", differences.len())
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_told_with_where_it_is() {
        let side = |fingerprint: &str| Side { fingerprint: fingerprint.to_owned() };
        let difference = |what: &str, here: Option<&str>, there: Option<&str>| Difference {
            what: what.to_owned(),
            here: here.map(str::to_owned),
            there: there.map(str::to_owned),
        };
        let text = render(&Verification {
            identical: false,
            local: side("aa"),
            source: side("bb"),
            differences: vec![
                difference("a 1.0.0", Some("x"), None),
                difference("b 1.0.0", None, Some("x")),
                difference("c 1.0.0", Some("x"), Some("y")),
            ],
        });
        let expected = "here    aa\nsource  bb\nonly here: a 1.0.0\nonly at the source: b 1.0.0\n\
                        differs: c 1.0.0\n3 records differ";
        assert_eq!(text, expected);
    }
}
