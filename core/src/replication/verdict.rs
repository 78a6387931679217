//! Whether and how two feeds replicate, from the settings of both ends.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::message::{Handshake, PROTOCOL};
use crate::FeedName;

/// What a feed lets other instances do as their replication server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerMode {
    /// Nothing.
    #[default]
    Disabled,
    /// Read its changes.
    ReadOnly,
    /// Read its changes and push theirs.
    ReadWrite,
}

/// What a feed does as a replication client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientMode {
    /// Nothing.
    #[default]
    Disabled,
    /// Takes the source's changes; its own stay local.
    PullOnly,
    /// Sends its own changes; never takes any.
    PushOnly,
    /// Both.
    Mirror,
}

impl ClientMode {
    /// Whether it takes changes.
    #[must_use]
    pub const fn pulls(self) -> bool {
        matches!(self, Self::PullOnly | Self::Mirror)
    }

    /// Whether it sends changes.
    #[must_use]
    pub const fn pushes(self) -> bool {
        matches!(self, Self::PushOnly | Self::Mirror)
    }
}

/// A text that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no replication mode here: use {known}")]
pub struct UnknownMode {
    given: String,
    known: &'static str,
}

macro_rules! mode_text {
    ($mode:ty, $known:literal, $($variant:ident = $text:literal),+) => {
        impl fmt::Display for $mode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),+ })
            }
        }

        impl FromStr for $mode {
            type Err = UnknownMode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownMode { given: text.chars().take(40).collect(), known: $known }),
                }
            }
        }
    };
}

mode_text!(
    ServerMode,
    "disabled, read-only or read-write",
    Disabled = "disabled",
    ReadOnly = "read-only",
    ReadWrite = "read-write"
);
mode_text!(
    ClientMode,
    "disabled, pull-only, push-only or mirror",
    Disabled = "disabled",
    PullOnly = "pull-only",
    PushOnly = "push-only",
    Mirror = "mirror"
);

/// What a client knows of itself when it asks for a verdict.
#[derive(Debug, Clone)]
pub struct ClientSide {
    /// The id of its instance.
    pub instance_id: String,
    /// Its feed.
    pub feed: FeedName,
    /// The feed's package type.
    pub package_type: String,
    /// What it is set to do.
    pub mode: ClientMode,
    /// The version of Pakhus it runs.
    pub version: String,
}

/// Whether two feeds may replicate, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether.
    pub state: VerdictState,
    /// Why not, or what to mind; one sentence each.
    pub reasons: Vec<String>,
}

/// Whether two feeds may replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// They do.
    Valid,
    /// They do, in part or with a doubt.
    Warning,
    /// They don't.
    Invalid,
}

impl fmt::Display for VerdictState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Warning => "warning",
            Self::Invalid => "invalid",
        })
    }
}

impl Verdict {
    /// Nothing against it.
    #[must_use]
    pub const fn valid() -> Self {
        Self { state: VerdictState::Valid, reasons: Vec::new() }
    }

    /// One reason against it.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { state: VerdictState::Invalid, reasons: vec![reason.into()] }
    }

    fn add(&mut self, state: VerdictState, reason: impl Into<String>) {
        self.state = self.state.max(state);
        self.reasons.push(reason.into());
    }
}

/// Decides whether `client` may replicate with the source that answered `source`.
#[must_use]
pub fn verdict(client: &ClientSide, source: &Handshake) -> Verdict {
    use VerdictState::{Invalid, Warning};

    let mut verdict = Verdict::valid();
    match (source.server_mode, client.mode) {
        (_, ClientMode::Disabled) => {}
        (ServerMode::Disabled, _) => verdict.add(
            Invalid,
            "the source feed does not allow other feeds to replicate with it (server mode `disabled`)",
        ),
        (ServerMode::ReadOnly, ClientMode::PushOnly) => verdict.add(
            Invalid,
            "the source feed is `read-only` and takes no changes from a `push-only` client",
        ),
        (ServerMode::ReadOnly, ClientMode::Mirror) => verdict.add(
            Warning,
            "the source feed is `read-only`: its changes are pulled, local changes stay local",
        ),
        (ServerMode::ReadOnly, ClientMode::PullOnly) | (ServerMode::ReadWrite, _) => {}
    }
    if source.protocol != PROTOCOL {
        verdict.add(
            Invalid,
            format!(
                "the source speaks replication protocol {}, this instance {PROTOCOL}",
                source.protocol
            ),
        );
    }
    if source.package_type != client.package_type {
        verdict.add(
            Invalid,
            format!(
                "the source feed holds {} packages, this feed {} packages",
                source.package_type, client.package_type
            ),
        );
    }
    if source.instance.id == client.instance_id {
        verdict.add(Invalid, "the source is a feed of this same instance");
    }
    let is_this_feed =
        |instance: &str, feed: &FeedName| instance == client.instance_id && *feed == client.feed;
    if source.sources.iter().any(|next| is_this_feed(&next.instance_id, &next.feed)) {
        verdict.add(Invalid, "the source feed is itself a client of this feed");
    } else if source.sources.iter().any(|next| next.reaches(&is_this_feed)) {
        verdict.add(
            Invalid,
            "the source feed is a client of this feed through other hubs: the path is a circle",
        );
    }
    let minor = |version: &str| {
        let mut parts = version.split('.').map(str::to_owned);
        (parts.next(), parts.next())
    };
    if minor(&source.version) != minor(&client.version) {
        verdict.add(
            Warning,
            format!("the source runs Pakhus {}, this instance {}", source.version, client.version),
        );
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::super::log::Position;
    use super::super::message::{InstanceInfo, SourceOfSource};
    use super::*;

    fn client(mode: ClientMode) -> ClientSide {
        ClientSide {
            instance_id: "tokyo".to_owned(),
            feed: "libs".parse().expect("a feed name"),
            package_type: "npm".to_owned(),
            mode,
            version: "0.1.0".to_owned(),
        }
    }

    fn source(server_mode: ServerMode) -> Handshake {
        Handshake {
            protocol: PROTOCOL,
            version: "0.1.7".to_owned(),
            instance: InstanceInfo { id: "la".to_owned(), name: "Los Angeles".to_owned() },
            feed: "libs".parse().expect("a feed name"),
            package_type: "npm".to_owned(),
            capabilities: crate::Capabilities::default(),
            server_mode,
            lineage: "l".to_owned(),
            end: Position::START,
            sources: Vec::new(),
            clock: None,
        }
    }

    #[test]
    fn the_matrix_of_the_contract_holds() {
        use ClientMode::{Disabled as Off, Mirror, PullOnly, PushOnly};
        use ServerMode::{Disabled, ReadOnly, ReadWrite};
        use VerdictState::{Invalid, Valid, Warning};
        let cells = [
            (Disabled, PullOnly, Invalid),
            (Disabled, PushOnly, Invalid),
            (Disabled, Mirror, Invalid),
            (ReadOnly, PullOnly, Valid),
            (ReadOnly, PushOnly, Invalid),
            (ReadOnly, Mirror, Warning),
            (ReadWrite, PullOnly, Valid),
            (ReadWrite, PushOnly, Valid),
            (ReadWrite, Mirror, Valid),
            (Disabled, Off, Valid),
        ];
        for (server_mode, client_mode, state) in cells {
            let verdict = verdict(&client(client_mode), &source(server_mode));
            assert_eq!(verdict.state, state, "{server_mode} {client_mode}: {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), state == Valid, "{verdict:?}");
        }
    }

    #[test]
    fn what_can_never_replicate_is_invalid_with_its_reason() {
        type Change = fn(&mut Handshake);
        let cases: [(&str, Change); 4] = [
            ("protocol", |source| source.protocol = PROTOCOL + 1),
            ("nuget packages", |source| source.package_type = "nuget".to_owned()),
            ("same instance", |source| source.instance.id = "tokyo".to_owned()),
            ("client of this feed", |source| {
                source.sources.push(SourceOfSource {
                    instance_id: "tokyo".to_owned(),
                    feed: "libs".parse().expect("a feed name"),
                    sources: Vec::new(),
                });
            }),
        ];
        for (reason, change) in cases {
            let mut source = source(ServerMode::ReadWrite);
            change(&mut source);
            let verdict = verdict(&client(ClientMode::Mirror), &source);
            assert_eq!(verdict.state, VerdictState::Invalid);
            assert!(verdict.reasons[0].contains(reason), "{verdict:?}");
        }
    }

    #[test]
    fn another_minor_version_is_warned_of_and_a_circle_of_hubs_refused() {
        let mut newer = source(ServerMode::ReadWrite);
        newer.version = "0.2.0".to_owned();
        assert_eq!(verdict(&client(ClientMode::Mirror), &newer).state, VerdictState::Warning);

        let mut circle = source(ServerMode::ReadWrite);
        let this = SourceOfSource {
            instance_id: "tokyo".to_owned(),
            feed: "libs".parse().expect("a feed name"),
            sources: Vec::new(),
        };
        circle.sources.push(SourceOfSource {
            instance_id: "cleveland".to_owned(),
            feed: "libs".parse().expect("a feed name"),
            sources: vec![this],
        });
        assert_eq!(verdict(&client(ClientMode::Mirror), &circle).state, VerdictState::Invalid);
    }
}
