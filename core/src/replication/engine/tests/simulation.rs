//! Random operations and faults at random topologies, by seed.

use std::collections::BTreeMap;
use std::io::Write as _;

use super::breakage::Breakage;
use super::chance::Chance;
use super::invariants;
use super::memory::Disk;
use super::topology::{RunOptions, Topology};
use crate::replication::engine::{EngineError, Fuse};
use crate::replication::{RecordKey, State};
use crate::{BlobRef, Digest, Edit, Metadata, NewVersion, PackageName, PackageVersion, SortKey};

/// How many seeds the test runs; `PAKHUS_SIMULATION_SEEDS` sets another number for a long run, and
/// `PAKHUS_SIMULATION_SEED` replays one.
const SEEDS: u64 = 4_000;

const ONE_SEED: &str = "PAKHUS_SIMULATION_SEED";

/// What happened in a simulation, as far as the invariants ask for it.
#[derive(Default)]
pub(super) struct History {
    /// All states that there ever were, by site.
    states: Vec<(usize, RecordKey, State)>,
    /// All contents that were published, by site.
    pub(super) contents: Vec<(usize, Digest)>,
    /// Contents that somebody deleted where they stood.
    pub(super) deleted_by_hand: Vec<Digest>,
    /// A backup was restored somewhere: what was not yet elsewhere may be gone.
    pub(super) restored: bool,
    /// Tombstones were forgotten somewhere.
    pub(super) pruned: bool,
}

impl History {
    /// The greatest state of each key that there ever was in a group of sites.
    pub(super) fn greatest(&self, group: &[usize]) -> BTreeMap<RecordKey, State> {
        let mut greatest: BTreeMap<RecordKey, State> = BTreeMap::new();
        for (site, key, state) in &self.states {
            if group.contains(site)
                && greatest.get(key).is_none_or(|known| known.cmp_to(state).is_lt())
            {
                greatest.insert(key.clone(), state.clone());
            }
        }
        greatest
    }

    /// Begins anew with what the sites hold: after a restore, what was nowhere else is gone.
    fn begin_with(&mut self, topology: &Topology) {
        self.states.clear();
        for (number, site) in topology.sites.iter().enumerate() {
            let disk = site.disk();
            let states = disk.records.iter().map(|(key, (state, _))| (key.clone(), state.clone()));
            self.states.extend(states.map(|(key, state)| (number, key, state)));
        }
    }
}

/// One simulation.
struct Simulation {
    topology: Topology,
    chance: Chance,
    history: History,
    backups: Vec<(usize, Disk)>,
    versions: u64,
    /// Tells every step on standard error: for the replay of one seed.
    trace: bool,
}

fn name(number: u64) -> PackageName {
    let name = format!("package-{number}");
    PackageName::new(name.clone(), name).expect("a name")
}

fn version(number: u64) -> PackageVersion {
    let version = format!("{number}.0.0");
    let sort_key = SortKey::from_bytes(version.clone().into_bytes());
    PackageVersion::new(version.clone(), version, sort_key).expect("a version")
}

impl Simulation {
    fn new(seed: u64, breakage: Option<Breakage>) -> Self {
        let mut chance = Chance::new(seed);
        let topology = Topology::random(&mut chance, breakage);
        let history = History::default();
        Self {
            topology,
            chance,
            history,
            backups: Vec::new(),
            versions: 0,
            trace: number_from(ONE_SEED).is_some(),
        }
    }

    fn go(mut self) -> Result<(), String> {
        let faults = self.chance.below(4) * 5;
        let crashes = self.chance.below(3) * 10;
        let (restores, prunes) = (self.chance.percent(30), self.chance.percent(15));
        for site in &self.topology.sites {
            site.set_crashes(crashes);
        }
        for _ in 0..40 + self.chance.below(60) {
            self.topology.tick(i64::try_from(self.chance.below(3_000)).expect("small"));
            match self.chance.below(20) {
                0 if restores => self.back_up(),
                1 if restores => self.restore(),
                2 if prunes => self.prune(),
                0..=11 => self.operate(),
                _ => self.run_one(faults)?,
            }
        }
        self.come_to_rest()?;
        invariants::check(&self.topology, &self.history)
    }

    fn tell(&self, step: impl FnOnce() -> String) {
        if self.trace {
            let line = step();
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn back_up(&mut self) {
        let site = self.chance.index(self.topology.sites.len());
        let disk = self.topology.sites[site].disk().clone();
        self.tell(|| format!("site {site} is backed up at {}", disk.end().seq));
        self.backups.push((site, disk));
    }

    fn restore(&mut self) {
        if self.backups.is_empty() {
            return;
        }
        let (site, disk) = self.backups[self.chance.index(self.backups.len())].clone();
        self.tell(|| format!("site {site} goes back to {}", disk.end().seq));
        // Blobs are never taken away by a restore of the database.
        let blobs = self.topology.sites[site].disk().blobs.clone();
        *self.topology.sites[site].disk() = Disk { blobs, ..disk };
        self.history.restored = true;
        self.history.begin_with(&self.topology);
    }

    fn prune(&mut self) {
        let site = self.chance.index(self.topology.sites.len());
        self.tell(|| format!("site {site} forgets tombstones"));
        self.topology.sites[site].prune();
        self.history.pruned = true;
    }

    /// Somebody does something at some site.
    fn operate(&mut self) {
        let number = self.chance.index(self.topology.sites.len());
        let site = self.topology.sites[number].clone();
        let (name, version) = (name(self.chance.below(4)), version(self.chance.below(3)));
        let edit = match self.chance.below(10) {
            0..=3 => self.publish(&name, &version),
            4..=5 => Edit::Delete { name: name.clone(), version: version.clone() },
            6 => Edit::SetTag {
                name: name.clone(),
                tag: "latest".to_owned(),
                version: version.clone(),
                only_if_absent: false,
            },
            7 => Edit::RemoveTag { name: name.clone(), tag: "latest".to_owned() },
            8 => Edit::SetAttribute {
                name: name.clone(),
                version: Some(version.clone()),
                attribute: "deprecated".to_owned(),
                value: Metadata::from_value(&self.chance.below(3)).ok(),
            },
            _ => {
                site.download(name.key(), version.key(), 1 + self.chance.below(5));
                let key = RecordKey::Downloads {
                    name: name.key().to_owned(),
                    version: version.key().to_owned(),
                    instance: site.id.clone(),
                };
                let state = site.disk().records[&key].0.clone();
                self.history.states.push((number, key, state));
                return;
            }
        };
        let key = key_of(&edit);
        let before = site.disk().records.get(&key).map(|(state, _)| state.clone());
        let Some(state) = site.edit(&edit) else { return };
        self.tell(|| format!("site {number}: {key:?} becomes {state:?}"));
        if let Some(content) = state.content() {
            self.history.contents.push((number, content.digest()));
        } else if let Some(content) = before.as_ref().and_then(State::content) {
            self.history.deleted_by_hand.push(content.digest());
        }
        self.history.states.push((number, key, state));
    }

    fn publish(&mut self, name: &PackageName, version: &PackageVersion) -> Edit {
        // Often the same bytes are published at several sites, often not.
        let content = if self.chance.percent(30) { 0 } else { self.versions };
        self.versions += 1;
        let bytes = format!("{} {} {content}", name.key(), version.key());
        let blob = BlobRef {
            digest: Digest::of(bytes.as_bytes()),
            size: bytes.len() as u64,
            role: "file".to_owned(),
        };
        Edit::Publish(NewVersion {
            name: name.clone(),
            version: version.clone(),
            metadata: Metadata::from_value(&content).expect("JSON"),
            blobs: vec![blob],
        })
    }

    fn run_one(&mut self, faults: u64) -> Result<(), String> {
        if self.topology.connections.is_empty() {
            return Ok(());
        }
        let index = self.chance.index(self.topology.connections.len());
        let connection = self.topology.connections[index].clone();
        let options = RunOptions {
            dry_run: self.chance.percent(5),
            full: self.chance.percent(5),
            allow_deletes: self.chance.percent(20),
        };
        let client = self.topology.sites[connection.client].clone();
        let before = client.at_rest();
        let versions = client.disk().named_blobs().count() as u64;
        let result = self.topology.run(&connection, &mut self.chance, faults, options);
        self.tell(|| format!("{connection:?} {options:?}: {result:?}"));
        if options.dry_run && client.at_rest() != before {
            return Err("a dry run changed something".to_owned());
        }
        let allowed = Fuse { least: 3, percent: 20 }.allowed(versions);
        match result {
            Ok(report)
                if report.deleted > allowed && !options.allow_deletes && report.held == 0 =>
            {
                Err(format!("{} deletes went through a fuse of {allowed}", report.deleted))
            }
            Err(EngineError::Verdict(reason)) => Err(format!("refused: {reason}")),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// No more operations and faults: every link runs until nothing moves.
    fn come_to_rest(&mut self) -> Result<(), String> {
        for site in &self.topology.sites {
            site.set_crashes(0);
        }
        let options = RunOptions { allow_deletes: true, ..RunOptions::default() };
        for _ in 0..50 {
            // What was set aside is due again.
            self.topology.tick(2 * 3_600_000);
            let before = self.ends();
            for connection in self.topology.connections.clone() {
                let report = self
                    .topology
                    .run(&connection, &mut self.chance, 0, options)
                    .map_err(|error| format!("a run without faults failed: {error}"))?;
                self.tell(|| format!("at rest, {connection:?}: {report:?}"));
            }
            let waits = self.topology.sites.iter().any(|site| !site.disk().asides.is_empty());
            if self.ends() == before && !waits {
                return Ok(());
            }
        }
        Err("it does not come to rest".to_owned())
    }

    fn ends(&self) -> Vec<u64> {
        self.topology.sites.iter().map(|site| site.disk().end().seq).collect()
    }
}

fn key_of(edit: &Edit) -> RecordKey {
    match edit {
        Edit::Publish(new) => RecordKey::Version {
            name: new.name.key().to_owned(),
            version: new.version.key().to_owned(),
        },
        Edit::Delete { name, version } => {
            RecordKey::Version { name: name.key().to_owned(), version: version.key().to_owned() }
        }
        Edit::SetTag { name, tag, .. } | Edit::RemoveTag { name, tag } => {
            RecordKey::Tag { name: name.key().to_owned(), tag: tag.clone() }
        }
        Edit::SetAttribute { name, version, attribute, .. } => RecordKey::Attribute {
            name: name.key().to_owned(),
            version: version.as_ref().map(|version| version.key().to_owned()),
            attribute: attribute.clone(),
        },
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_seed_converges_and_loses_nothing() {
    let seeds = match number_from(ONE_SEED) {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("PAKHUS_SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(broken) = Simulation::new(seed, None).go() {
            panic!("PAKHUS_SIMULATION_SEED={seed} breaks an invariant: {broken}");
        }
    }
}

#[test]
fn the_simulation_finds_every_way_to_break_the_engine() {
    for breakage in Breakage::ALL {
        let found = (0..SEEDS).any(|seed| Simulation::new(seed, Some(breakage)).go().is_err());
        assert!(found, "{breakage:?} was not found in {SEEDS} seeds");
    }
}
