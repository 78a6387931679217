//! Pages that come while others are under way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::chance::wait;
use super::memory::Site;
use super::topology::{Silent, poll_to_end};
use crate::replication::engine::{
    AsideKind, EngineError, FeedStore as _, Fuse, Options, Remote, RemoteError, RemotePage, Report,
    run,
};
use crate::replication::{
    Applied, ClientMode, ClientSide, Content, Cursor, Fingerprint, Handshake, InstanceInfo, Leaf,
    PROTOCOL, PageEnd, Position, Record, RecordKey, ServerMode, Standing, State, VersionState,
};
use crate::{BlobRef, Capabilities, Digest, Metadata, Timestamp};

type Result<T> = std::result::Result<T, RemoteError>;

/// A source whose pages are given.
struct Pages {
    pages: Mutex<VecDeque<Result<RemotePage>>>,
    client: Site,
    /// How far the client had written when each page was asked for.
    written: Mutex<Vec<u64>>,
}

#[async_trait]
impl Remote for Pages {
    async fn handshake(&self) -> Result<Handshake> {
        Ok(Handshake {
            protocol: PROTOCOL,
            version: "1.0.0".to_owned(),
            instance: InstanceInfo { id: "source".to_owned(), name: "source".to_owned() },
            feed: "feed".parse().expect("a feed name"),
            package_type: "plain".to_owned(),
            capabilities: Capabilities { tracks_deletions: true, ..Capabilities::default() },
            server_mode: ServerMode::ReadOnly,
            lineage: "lineage".to_owned(),
            end: Position::START,
            sources: Vec::new(),
            clock: None,
        })
    }

    async fn changes(&self, _: &Cursor, _: bool, _: u64) -> Result<RemotePage> {
        let written = self.client.disk().link.as_ref().map_or(0, |link| link.cursor.seq);
        self.written.lock().expect("no panic").push(written);
        self.pages.lock().expect("no panic").pop_front().expect("a page that was not asked for")
    }

    async fn records(&self, _: &[RecordKey]) -> Result<(Vec<Record>, Position)> {
        unreachable!("nothing is set aside")
    }

    async fn sums(&self, _: Option<u8>) -> Result<Vec<Fingerprint>> {
        unreachable!("nothing is compared")
    }

    async fn leaves(&self, _: u16) -> Result<Vec<Leaf>> {
        unreachable!("nothing is compared")
    }

    async fn fetch(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        wait(3).await;
        self.client.disk().blobs.extend(blobs.iter().map(|blob| blob.digest));
        Ok(Vec::new())
    }

    async fn missing(&self, _: Vec<Digest>) -> Result<Vec<Digest>> {
        unreachable!("nothing is sent")
    }

    async fn send(&self, _: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        unreachable!("nothing is sent")
    }

    async fn push(&self, _: &[Record]) -> Result<Applied> {
        unreachable!("nothing is sent")
    }
}

fn key(number: u64) -> RecordKey {
    RecordKey::Version { name: "a".to_owned(), version: number.to_string() }
}

fn version(number: u64, standing: Standing) -> Record {
    Record { key: key(number), state: State::Version(VersionState { incarnation: 1, standing }) }
}

fn published(number: u64) -> Record {
    let blob = Digest::of(&number.to_be_bytes());
    version(
        number,
        Standing::Content(Content {
            name: "a".to_owned(),
            version: number.to_string(),
            published_at: Some(Timestamp::EPOCH),
            origin: "source".to_owned(),
            blobs: vec![BlobRef { digest: blob, size: 8, role: "file".to_owned(), sha512: None }],
            metadata: Metadata::from_value(&number).expect("JSON"),
        }),
    )
}

fn deleted(number: u64) -> Record {
    version(number, Standing::Deleted { at: Timestamp::EPOCH })
}

/// Pages of these records, and what comes after them.
fn pages(records: Vec<Record>, last: Option<RemoteError>) -> VecDeque<Result<RemotePage>> {
    let count = records.len() as u64;
    let mut pages: VecDeque<_> = (1..)
        .zip(records)
        .map(|(seq, record)| {
            let head = Position { seq: count, chain: Digest::of(b"head") };
            let more = seq < count || last.is_some();
            Ok(RemotePage {
                records: vec![record],
                end: PageEnd { through: seq, head, more },
                tag: None,
            })
        })
        .collect();
    pages.extend(last.map(Err));
    pages
}

fn pull(
    pages: VecDeque<Result<RemotePage>>,
) -> (Site, Vec<u64>, std::result::Result<Report, EngineError>) {
    let client = Site::new(0, 1, 0, Arc::default(), None);
    let source =
        Pages { pages: Mutex::new(pages), client: client.clone(), written: Mutex::default() };
    let options = Options {
        client: ClientSide {
            instance_id: client.id.clone(),
            feed: "feed".parse().expect("a feed name"),
            package_type: "plain".to_owned(),
            mode: ClientMode::Mirror,
            version: "1.0.0".to_owned(),
        },
        source_url: String::new(),
        dry_run: false,
        full: false,
        allow_deletes: false,
        fuse: Fuse { least: 0, percent: 0 },
        known: None,
    };
    let outcome = poll_to_end(run(&client, &source, &Silent, &options));
    let written = source.written.into_inner().expect("no panic");
    (client, written, outcome.map(|(report, _)| report))
}

#[test]
fn two_pages_are_under_way_while_one_is_written() {
    let (client, written, outcome) = pull(pages((1..=5).map(published).collect(), None));
    assert_eq!(outcome.expect("pulled").pulled, 5);
    assert_eq!(client.disk().records.len(), 5);
    assert_eq!(written[..3], [0, 0, 0]);
    assert!((1..).zip(written).all(|(asked, written)| asked - written <= 3));
}

#[test]
fn what_came_before_the_line_broke_is_written() {
    let broken = RemoteError::Unreachable("it is cut".to_owned());
    let (client, _, outcome) = pull(pages((1..=3).map(published).collect(), Some(broken)));
    assert!(
        matches!(outcome, Err(EngineError::Remote(RemoteError::Unreachable(_)))),
        "{outcome:?}"
    );
    let disk = client.disk();
    assert_eq!(disk.records.len(), 3);
    assert_eq!(disk.link.as_ref().map(|link| link.cursor.seq), Some(3));
}

#[test]
fn a_delete_right_after_what_it_deletes_waits_for_the_fuse() {
    let (client, _, outcome) = pull(pages(vec![published(1), deleted(1)], None));
    assert_eq!(outcome.expect("pulled").held, 1);
    let held = poll_to_end(client.asides(AsideKind::Delete)).expect("read");
    assert_eq!(held.len(), 1);
    let states = poll_to_end(client.states(&[key(1)])).expect("read");
    assert!(states[&key(1)].is_live());
}
