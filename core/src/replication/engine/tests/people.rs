//! What people do at the sites, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use super::chance::Chance;
use super::memory::Site;
use super::topology::Topology;
use crate::replication::{RecordKey, State};
use crate::{BlobRef, Digest, Edit, Metadata, NewVersion, PackageName, PackageVersion, SortKey};

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
    /// A link was set differently: what went over it before may be where its mode now lets nothing go.
    pub(super) remoded: bool,
    /// Sites that only followed their source for a time: what they refused then, others still have.
    pub(super) followed: BTreeSet<usize>,
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
    pub(super) fn begin_with(&mut self, topology: &Topology) {
        self.states.clear();
        for (number, site) in topology.sites.iter().enumerate() {
            let disk = site.disk();
            let states = disk.records.iter().map(|(key, (state, _))| (key.clone(), state.clone()));
            self.states.extend(states.map(|(key, state)| (number, key, state)));
        }
    }
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

/// People at the sites.
pub(super) struct People {
    chance: Chance,
    pub(super) history: History,
    versions: u64,
    /// Tells every step on standard error: for the replay of one seed.
    trace: bool,
}

impl People {
    pub(super) fn new(seed: u64, trace: bool) -> Self {
        Self { chance: Chance::new(seed), history: History::default(), versions: 0, trace }
    }

    pub(super) fn tell(&self, step: impl FnOnce() -> String) {
        if self.trace {
            let line = step();
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Sometimes somebody does something while a run is under way.
    pub(super) fn meanwhile(&mut self, sites: &[Site], percent: u64) {
        if self.chance.percent(percent) {
            self.operate(sites);
        }
    }

    /// Somebody does something at some site.
    pub(super) fn operate(&mut self, sites: &[Site]) {
        let number = self.chance.index(sites.len());
        let site = sites[number].clone();
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
            sha512: None,
        };
        Edit::Publish(NewVersion {
            name: name.clone(),
            version: version.clone(),
            metadata: Metadata::from_value(&content).expect("JSON"),
            blobs: vec![blob],
        })
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
