//! A line between two sites, which loses, cuts and repeats what goes over it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::breakage::Breakage;
use super::chance::{Chance, wait};
use super::memory::Site;
use super::people::People;
use crate::replication::engine::{
    CursorRefused, FeedStore, Remote, RemoteError, RemotePage, read_changes, read_leaves,
    read_records, take_changes,
};
use crate::replication::{
    Applied, Cursor, Fingerprint, Handshake, InstanceInfo, Leaf, PROTOCOL, Position, Record,
    RecordKey, ServerMode, SourceOfSource,
};
use crate::{BlobRef, Capabilities, Digest};

/// The way from a client to its source.
pub(super) struct Line {
    pub(super) client: Site,
    pub(super) server: Site,
    pub(super) server_mode: ServerMode,
    /// Whether the server only follows a source itself.
    pub(super) server_is_replica: bool,
    /// Percent of messages that something happens to.
    pub(super) faults: u64,
    pub(super) chance: Mutex<Chance>,
    pub(super) sites: Vec<Site>,
    pub(super) meanwhile: Meanwhile,
}

/// Who does something at the sites while a run is under way, and how often.
pub(super) struct Meanwhile {
    pub(super) people: Arc<Mutex<People>>,
    /// Percent of messages.
    pub(super) percent: u64,
}

/// The request may be lost on the way there, the answer on the way back, and the request may arrive
/// twice: then the client gets the second answer.
macro_rules! exchange {
    ($line:expr, $request:expr) => {{
        if $line.fault() {
            return Err(Line::lost());
        }
        if $line.fault() {
            let _: Result<_> = $request;
        }
        $line.time_passes().await;
        let answer: Result<_> = $request;
        $line.time_passes().await;
        if $line.fault() { Err(Line::lost()) } else { answer }
    }};
}

type Result<T> = std::result::Result<T, RemoteError>;

impl Line {
    fn fault(&self) -> bool {
        let mut chance = self.chance.lock().expect("no panic while it was held");
        chance.percent(self.faults)
    }

    /// Others do not stop while a message is under way, and neither does the rest of the run.
    async fn time_passes(&self) {
        self.others_act();
        let times = self.chance.lock().expect("no panic while it was held").below(3);
        wait(times).await;
    }

    fn others_act(&self) {
        let Meanwhile { people, percent } = &self.meanwhile;
        let mut people = people.lock().expect("no panic while it was held");
        people.meanwhile(&self.sites, *percent);
    }

    fn lost() -> RemoteError {
        RemoteError::Unreachable("the line is cut".to_owned())
    }

    fn introduction(&self) -> Handshake {
        let disk = self.server.disk();
        let link = disk.link.as_ref();
        let sources = link.map(|link| SourceOfSource {
            instance_id: link.source_instance.clone(),
            feed: "feed".parse().expect("a feed name"),
            sources: link.sources.clone(),
        });
        Handshake {
            protocol: PROTOCOL,
            version: "1.0.0".to_owned(),
            instance: InstanceInfo { id: self.server.id.clone(), name: self.server.id.clone() },
            feed: "feed".parse().expect("a feed name"),
            package_type: "plain".to_owned(),
            capabilities: Capabilities {
                tracks_deletions: self.server.tracks_deletions,
                ..Capabilities::default()
            },
            server_mode: self.server_mode,
            lineage: disk.lineage.clone(),
            end: disk.end(),
            sources: sources.into_iter().collect(),
            clock: Some(self.server.now()),
        }
    }

    async fn read(&self, cursor: &Cursor, fresh: bool, limit: u64) -> Result<RemotePage> {
        let page = read_changes(&self.server, cursor, fresh, limit).await;
        if self.client.breakage == Some(Breakage::AbsenceIsDelete) {
            let end = self.server.end().await.map_err(Self::broken)?;
            let through =
                cursor.witness.seq == 0 || self.server.disk().log.contains(&cursor.witness);
            if !through || cursor.seq > end.position.seq {
                return Err(RemoteError::Expired("so it says".to_owned()));
            }
        }
        match page {
            Ok(page) => Ok(RemotePage { records: page.records, end: page.end, tag: None }),
            Err(CursorRefused::Diverged(reason)) => Err(RemoteError::Diverged(reason.to_owned())),
            Err(CursorRefused::Expired) => Err(RemoteError::Expired(String::new())),
            Err(CursorRefused::Store(error)) => Err(Self::broken(error)),
        }
    }

    fn broken(error: impl std::fmt::Display) -> RemoteError {
        RemoteError::Broken(error.to_string())
    }
}

#[async_trait]
impl Remote for Line {
    async fn handshake(&self) -> Result<Handshake> {
        exchange!(self, Ok(self.introduction()))
    }

    async fn changes(&self, cursor: &Cursor, fresh: bool, limit: u64) -> Result<RemotePage> {
        // Small pages, so that there are many places to be cut at.
        let limit = limit.min(3);
        exchange!(self, self.read(cursor, fresh, limit).await)
    }

    async fn records(&self, keys: &[RecordKey]) -> Result<(Vec<Record>, Position)> {
        exchange!(self, {
            let mut records = read_records(&self.server, keys).await.map_err(Self::broken)?;
            // The same seed is the same run.
            records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            Ok((records, self.server.disk().end()))
        })
    }

    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>> {
        exchange!(self, { self.server.sums(branch).await.map_err(Self::broken) })
    }

    async fn leaves(&self, bucket: u16) -> Result<Vec<Leaf>> {
        exchange!(self, { read_leaves(&self.server, bucket).await.map_err(Self::broken) })
    }

    async fn fetch(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        let mut failed = Vec::new();
        for blob in blobs {
            self.time_passes().await;
            if self.fault() {
                return Err(Self::lost());
            }
            let whole = !self.fault() && self.server.disk().blobs.contains(&blob.digest);
            if whole {
                self.client.disk().blobs.insert(blob.digest);
            } else if self.client.breakage != Some(Breakage::BlobsDoNotMatter) {
                failed.push((blob.digest, "wrong bytes".to_owned()));
            }
        }
        Ok(failed)
    }

    async fn missing(&self, digests: Vec<Digest>) -> Result<Vec<Digest>> {
        exchange!(self, self.server.unknown_blobs(&digests).await.map_err(Self::broken))
    }

    async fn send(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        let mut failed = Vec::new();
        for blob in blobs {
            if self.fault() {
                return Err(Self::lost());
            }
            if self.fault() || !self.client.disk().blobs.contains(&blob.digest) {
                failed.push((blob.digest, "not taken".to_owned()));
                continue;
            }
            let mut disk = self.server.disk();
            disk.blobs.insert(blob.digest);
            disk.received.insert(blob.digest);
        }
        Ok(failed)
    }

    async fn push(&self, records: &[Record]) -> Result<Applied> {
        exchange!(self, {
            take_changes(&self.server, records.to_vec(), self.server_is_replica)
                .await
                .map_err(Self::broken)
        })
    }
}
