//! Sites and how they are linked, by chance.

use std::sync::{Arc, Mutex};

use super::breakage::Breakage;
use super::chance::Chance;
use super::line::{Line, Meanwhile};
use super::memory::Site;
use crate::replication::engine::{
    AsideKind, EngineError, Fuse, Journal, JournalLevel, Movement, Options, Report, run,
};
use crate::replication::{ClientMode, ClientSide, RecordKey, ServerMode};

/// A link from a site to its source.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) client: usize,
    pub(super) source: usize,
    pub(super) mode: ClientMode,
    pub(super) server_mode: ServerMode,
    /// Whether an operator stopped it.
    pub(super) paused: bool,
}

/// A tree of sites. The first is the root; every other has one source.
pub(super) struct Topology {
    pub(super) sites: Vec<Site>,
    pub(super) connections: Vec<Connection>,
    pub(super) clock: Arc<Mutex<i64>>,
}

pub(super) struct Silent;

impl Journal for Silent {
    fn log(&self, _: JournalLevel, _: String) {}

    fn failed(&self, _: &RecordKey, _: &str) {}

    fn moved(&self, _: Movement) {}
}

impl Topology {
    pub(super) fn random(chance: &mut Chance, breakage: Option<Breakage>) -> Self {
        let clock = Arc::new(Mutex::new(1_700_000_000_000));
        let count = 2 + chance.index(6);
        let hour = 3_600_000;
        let sites: Vec<_> = (0..count)
            .map(|number| {
                let skew = (i64::try_from(chance.below(5)).expect("small") - 2) * hour;
                Site::new(number, chance.next(), skew, Arc::clone(&clock), breakage)
            })
            .collect();
        let all_mirrors = chance.percent(50);
        let connections = (1..count)
            .map(|client| {
                let source = chance.index(client);
                let (mode, server_mode) = match all_mirrors {
                    true => (ClientMode::Mirror, ServerMode::ReadWrite),
                    false => Self::random_modes(chance),
                };
                Connection { client, source, mode, server_mode, paused: false }
            })
            .collect();
        Self { sites, connections, clock }
    }

    pub(super) fn random_modes(chance: &mut Chance) -> (ClientMode, ServerMode) {
        match chance.below(6) {
            0 => (ClientMode::PullOnly, ServerMode::ReadOnly),
            1 => (ClientMode::PullOnly, ServerMode::ReadWrite),
            2 => (ClientMode::Mirror, ServerMode::ReadOnly),
            3 => (ClientMode::PushOnly, ServerMode::ReadWrite),
            _ => (ClientMode::Mirror, ServerMode::ReadWrite),
        }
    }

    /// Sites that exchange everything in both directions, in groups.
    pub(super) fn mirrored_groups(&self) -> Vec<Vec<usize>> {
        let mut group: Vec<usize> = (0..self.sites.len()).collect();
        for connection in self.connections.iter().filter(|connection| connection.is_mirror()) {
            let (from, to) = (group[connection.client], group[connection.source]);
            group.iter_mut().filter(|number| **number == from).for_each(|number| *number = to);
        }
        (0..self.sites.len())
            .map(|number| (0..group.len()).filter(|site| group[*site] == number).collect())
            .filter(|members: &Vec<usize>| !members.is_empty())
            .collect()
    }

    /// What a site is to its source; the root has none.
    pub(super) fn mode_of(&self, site: usize) -> Option<ClientMode> {
        let mut own = self.connections.iter().filter(|connection| connection.client == site);
        own.next().map(|connection| connection.mode)
    }

    /// Whether a site only follows its source.
    pub(super) fn is_replica(&self, site: usize) -> bool {
        self.mode_of(site) == Some(ClientMode::PullOnly)
    }

    /// What it does to a client that its mode is now another: its next run compares.
    pub(super) fn compare_again(&self, client: usize, mode: ClientMode) {
        let site = &self.sites[client];
        let mut disk = site.disk();
        if let Some(link) = &mut disk.link
            && site.breakage != Some(Breakage::ModeChangesNothing)
        {
            (link.cursor.seq, link.push_seq) = (0, 0);
        }
        disk.asides.retain(|aside| aside.kind.waits_in(mode));
    }

    /// Whether something is set aside that a run can deal with.
    pub(super) fn anything_waits(&self) -> bool {
        self.connections.iter().any(|connection| {
            let read_only = connection.server_mode == ServerMode::ReadOnly;
            let waits = |kind| kind != AsideKind::Send || !read_only;
            self.sites[connection.client].disk().asides.iter().any(|aside| waits(aside.kind))
        })
    }

    pub(super) fn tick(&self, millis: i64) {
        *self.clock.lock().expect("no panic while it was held") += millis;
    }

    /// One run of a connection.
    pub(super) fn run(
        &self,
        connection: &Connection,
        chance: &mut Chance,
        faults: u64,
        options: RunOptions,
        meanwhile: Meanwhile,
    ) -> Result<Report, EngineError> {
        let client = &self.sites[connection.client];
        let line = Line {
            client: client.clone(),
            server: self.sites[connection.source].clone(),
            server_mode: connection.server_mode,
            server_is_replica: self.is_replica(connection.source),
            faults,
            chance: Mutex::new(Chance::new(chance.next())),
            sites: self.sites.clone(),
            meanwhile,
        };
        let options = Options {
            client: ClientSide {
                instance_id: client.id.clone(),
                feed: "feed".parse().expect("a feed name"),
                package_type: "plain".to_owned(),
                mode: connection.mode,
                version: "1.0.0".to_owned(),
            },
            source_url: String::new(),
            dry_run: options.dry_run,
            full: options.full,
            allow_deletes: options.allow_deletes,
            fuse: Fuse { least: 3, percent: 20 },
            known: None,
        };
        poll_to_end(run(client, &line, &Silent, &options)).map(|(report, _)| report)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunOptions {
    pub(super) dry_run: bool,
    pub(super) full: bool,
    pub(super) allow_deletes: bool,
}

impl Connection {
    pub(super) fn is_mirror(&self) -> bool {
        self.mode == ClientMode::Mirror && self.server_mode == ServerMode::ReadWrite
    }
}

/// Runs a future of the simulation. What waits in it goes on when it is polled again.
pub(super) fn poll_to_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
