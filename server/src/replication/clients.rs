//! The replication clients of this instance's feeds, as far as they have shown themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_core::Timestamp;
use pakhus_core::replication::{ClientMode, ClientSide, Handshake, Verdict, VerdictState, verdict};

use pakhus_db::feeds::Feed;
use tokio::sync::watch;

use super::execution::CATEGORY;
use super::server_auth::Peer;
use crate::app::{App, now};
use crate::diagnostics::level;

/// A replication client of a feed here.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The id of its instance.
    pub(crate) instance_id: String,
    /// The name of its instance; empty when it does not say.
    pub(crate) name: String,
    /// Its feed.
    pub(crate) feed: String,
    /// What it is set to do.
    pub(crate) mode: ClientMode,
    /// The version of Pakhus it runs.
    pub(crate) version: String,
    /// The verdict that it was last given; `None` when it has not asked since this server started.
    pub(crate) verdict: Option<Verdict>,
    /// When it last asked for something.
    pub(crate) last_seen_at: Timestamp,
    /// How far it has read the feed's log; `None` when it does not read.
    pub(crate) read: Option<u64>,
    /// How far it has kept what it read; `None` when it has not said since this server started.
    pub(crate) kept: Option<u64>,
}

/// The feed here, and the instance and feed of the client.
type Key = (i64, String, String);

/// The clients that were seen, on this node since it started.
#[derive(Clone, Default)]
pub(crate) struct Clients {
    known: Arc<Mutex<HashMap<Key, Client>>>,
    /// When a stranger was last told of, by feed.
    strangers: Arc<Mutex<HashMap<i64, Timestamp>>>,
    moved: watch::Sender<()>,
}

/// The most clients remembered.
const MOST: usize = 10_000;

impl Clients {
    /// The clients of a feed, by their instance.
    pub(crate) fn of(&self, feed_id: i64) -> Vec<Client> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clients: Vec<_> =
            known.iter().filter(|(key, _)| key.0 == feed_id).map(|(_, it)| it.clone()).collect();
        clients.sort_by(|a, b| (&a.instance_id, &a.feed).cmp(&(&b.instance_id, &b.feed)));
        clients
    }

    /// Notes that a client asked, and how far it has read.
    pub(super) fn seen(&self, peer: &Peer, read: Option<u64>) {
        let Some(side) = &peer.client else { return };
        self.with(peer.feed.id, side, |client| {
            client.name.clone_from(&peer.client_name);
            client.read = read.or(client.read);
        });
    }

    /// Notes that a client has kept all changes up to number `seq`. It says so when it waits for more:
    /// in a run it may ask for what comes next before it has written what came before.
    pub(super) fn kept(&self, peer: &Peer, seq: u64) {
        let Some(side) = &peer.client else { return };
        self.with(peer.feed.id, side, |client| client.kept = Some(seq));
        self.moved.send_replace(());
    }

    /// Says when a client has come further.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// Notes the verdict on a client; `true` when it is another than before.
    fn judged(&self, feed_id: i64, side: &ClientSide, verdict: &Verdict) -> bool {
        self.with(feed_id, side, |client| {
            client.verdict.replace(verdict.clone()).as_ref() != Some(verdict)
        })
    }

    /// Whether a stranger at this feed is to be told of.
    fn has_new_stranger(&self, feed_id: i64) -> bool {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let last = strangers.get(&feed_id);
        let is_new = last.is_none_or(|last| now().millis() - last.millis() >= STRANGERS_EVERY);
        if is_new {
            strangers.insert(feed_id, now());
        }
        is_new
    }

    fn with<T>(&self, feed_id: i64, side: &ClientSide, look: impl FnOnce(&mut Client) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (feed_id, side.instance_id.clone(), side.feed.to_string());
        if known.len() >= MOST && !known.contains_key(&key) {
            known.clear();
        }
        let client = known.entry(key).or_insert_with(|| Client {
            instance_id: side.instance_id.clone(),
            name: String::new(),
            feed: side.feed.to_string(),
            mode: side.mode,
            version: side.version.clone(),
            verdict: None,
            last_seen_at: now(),
            read: None,
            kept: None,
        });
        (client.mode, client.last_seen_at) = (side.mode, now());
        client.version.clone_from(&side.version);
        look(client)
    }
}

/// Refusals of strangers are told this often for a feed, in milliseconds: who has no token must not
/// fill the Diagnostic Center.
const STRANGERS_EVERY: i64 = 60_000;

/// Writes into the Diagnostic Center that somebody, who says to be this client, showed no sync token of
/// the feed. Nothing else that a stranger says is kept.
pub(super) async fn note_stranger(app: &App, feed: &Feed, client: Option<ClientSide>) {
    let Some(client) = client else { return };
    if app.replicator.clients.has_new_stranger(feed.id) {
        let text = format!(
            "refused: who says to be the feed `{}` of instance {} shows no sync token of `{}`",
            client.feed,
            client.instance_id,
            feed.name()
        );
        app.diagnostics.add(CATEGORY, level::ERROR, &text).await;
    }
}

/// Writes the verdict on a client into the Diagnostic Center, when it is a new one.
pub(super) async fn note_verdict(app: &App, peer: &Peer, handshake: &Handshake) {
    let Some(client) = &peer.client else { return };
    let verdict = verdict(client, handshake);
    if !app.replicator.clients.judged(peer.feed.id, client, &verdict) {
        return;
    }
    let level = match verdict.state {
        VerdictState::Valid => level::INFO,
        VerdictState::Warning => level::WARNING,
        VerdictState::Invalid => level::ERROR,
    };
    let reasons = match verdict.reasons.as_slice() {
        [] => String::new(),
        reasons => format!(": {}", reasons.join("; ")),
    };
    let text = format!(
        "{}: the feed `{}` of instance {} replicates with `{}` as {}{reasons}",
        verdict.state,
        client.feed,
        client.instance_id,
        peer.feed.name(),
        client.mode,
    );
    app.diagnostics.add(CATEGORY, level, &text).await;
}
