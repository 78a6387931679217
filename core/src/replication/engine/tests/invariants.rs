//! What must hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use super::people::History;
use super::topology::Topology;
use crate::Digest;
use crate::replication::{ClientMode, Content, RecordKey, State};

type Check = Result<(), String>;

/// Checks all of it; says what does not hold.
pub(super) fn check(topology: &Topology, history: &History) -> Check {
    for site in 0..topology.sites.len() {
        whole_blobs(topology, site)?;
    }
    for group in topology.mirrored_groups() {
        // A replica shows what its source shows even where another content would win: what mirrors a
        // replica keeps its own then.
        if group.iter().any(|site| topology.is_replica(*site)) {
            continue;
        }
        mirrors_agree(topology, &group, history)?;
        nothing_is_lost(topology, &group, history)?;
    }
    for connection in &topology.connections {
        match connection.mode {
            ClientMode::PullOnly => {
                follows(topology, connection.client, connection.source, history)?;
            }
            ClientMode::Mirror if !connection.is_mirror() => {
                at_least(topology, connection.client, connection.source, history)?;
            }
            ClientMode::PushOnly if !topology.is_replica(connection.source) => {
                at_least(topology, connection.source, connection.client, history)?;
            }
            _ => {}
        }
        if !connection.is_mirror() && !history.remoded {
            stays_at_home(topology, connection.client, connection.source, connection.mode)?;
        }
    }
    Ok(())
}

fn states(topology: &Topology, site: usize) -> BTreeMap<RecordKey, State> {
    let disk = topology.sites[site].disk();
    disk.records.iter().map(|(key, (state, _))| (key.clone(), state.clone())).collect()
}

/// The states of a site that others must have: where tombstones were forgotten, any site may have
/// forgotten any of them.
fn remembered(topology: &Topology, site: usize, history: &History) -> BTreeMap<RecordKey, State> {
    let mut states = states(topology, site);
    states.retain(|_, state| state.is_live() || !history.pruned);
    states
}

/// A record is visible only when all its blobs are stored.
fn whole_blobs(topology: &Topology, site: usize) -> Check {
    let disk = topology.sites[site].disk();
    match disk.named_blobs().find(|blob| !disk.blobs.contains(&blob.digest)) {
        None => Ok(()),
        Some(blob) => Err(format!("site {site} names the blob {} and has it not", blob.digest)),
    }
}

/// Sites that mirror each other hold the same.
fn mirrors_agree(topology: &Topology, group: &[usize], history: &History) -> Check {
    let first = topology.sites[group[0]].disk().fingerprint();
    for site in &group[1..] {
        let other = topology.sites[*site].disk().fingerprint();
        // A site may have forgotten tombstones.
        if other.live != first.live || (!history.pruned && other.gone != first.gone) {
            let (a, b) = (states(topology, group[0]), states(topology, *site));
            let differing = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key));
            let states = differing.map(|key| (key, a.get(key), b.get(key)));
            return Err(format!("sites {} and {site} differ: {states:?}", group[0]));
        }
    }
    Ok(())
}

/// What stands is the greatest of all states that there ever were, and what lost is kept.
fn nothing_is_lost(topology: &Topology, group: &[usize], history: &History) -> Check {
    let stands = states(topology, group[0]);
    // A site that only pulls, or is pushed to, from outside the group gets more than was made in it.
    let closed = topology
        .connections
        .iter()
        .all(|connection| group.contains(&connection.client) == group.contains(&connection.source));
    if !closed || history.pruned {
        return Ok(());
    }
    // Where a site only followed for a time, something less than the greatest may stand since.
    let greatest = if history.remoded { BTreeMap::new() } else { history.greatest(group) };
    for (key, expected) in greatest {
        let found = stands.get(&key);
        // After a restore, what waited to be applied may bring back more than the sites then held.
        let more = history.restored && found.is_some_and(|found| found.cmp_to(&expected).is_gt());
        if found != Some(&expected) && !more {
            return Err(format!("{key:?} is {found:?} and should be {expected:?}"));
        }
    }
    if history.restored {
        return Ok(());
    }
    let mut kept: BTreeSet<Digest> = BTreeSet::new();
    for site in group {
        let disk = topology.sites[*site].disk();
        let contents = disk.kept.iter().filter_map(State::content);
        kept.extend(contents.map(Content::digest));
    }
    let live = stands.values().filter_map(State::content).map(Content::digest);
    kept.extend(live);
    kept.extend(history.deleted_by_hand.iter().copied());
    for (site, content) in &history.contents {
        if group.contains(site) && !kept.contains(content) {
            return Err(format!("the content {content} of site {site} is nowhere any more"));
        }
    }
    Ok(())
}

/// A replica shows what its source shows, except what it deleted or has newer itself.
fn follows(topology: &Topology, client: usize, source: usize, history: &History) -> Check {
    let (here, there) = (states(topology, client), remembered(topology, source, history));
    for (key, there) in there {
        let Some(here) = here.get(&key) else {
            // It may have been deleted here, and the deletion forgotten.
            if history.pruned {
                continue;
            }
            return Err(format!("site {client} lacks {key:?} of its source {source}"));
        };
        let replaced = here.content().is_some()
            && there.content().is_some()
            && here.counter() == there.counter();
        if here.cmp_to(&there).is_lt() || (replaced && *here != there) {
            return Err(format!("site {client} has {key:?} as {here:?}, its source as {there:?}"));
        }
    }
    Ok(())
}

/// A site has every record of another at a state not below it.
fn at_least(topology: &Topology, site: usize, other: usize, history: &History) -> Check {
    let (here, there) = (states(topology, site), remembered(topology, other, history));
    for (key, there) in there {
        match here.get(&key) {
            Some(here) if here.cmp_to(&there).is_ge() => {}
            // It may have been deleted there, and the deletion forgotten.
            None if history.pruned => {}
            here => {
                return Err(format!("site {site} has {key:?} as {here:?}, {other} as {there:?}"));
            }
        }
    }
    Ok(())
}

/// What goes one way does not come the other.
fn stays_at_home(topology: &Topology, client: usize, source: usize, mode: ClientMode) -> Check {
    let (from, to) = if mode == ClientMode::PushOnly { (source, client) } else { (client, source) };
    let origin = topology.sites[from].id.clone();
    for (key, state) in states(topology, to) {
        if state.content().is_some_and(|content| content.origin == origin) {
            return Err(format!("{key:?} went from site {from} to {to}, against the mode"));
        }
    }
    Ok(())
}
