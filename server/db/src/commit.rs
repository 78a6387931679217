//! Changes that clients of this site make.

use std::collections::{BTreeMap, HashMap};

use pakhus_core::replication::{Applying, CheckedRecord, EditContext, RecordKey, State, evaluate};
use pakhus_core::{Change, Committed, Edit, Precondition, Refusal, SortKey};
use sea_orm::DatabaseTransaction;

use crate::records::fingerprint;
use crate::write::{self, lock_feed, states_of, write_records};
use crate::{Database, Result};

/// Makes `change` in one transaction. When this returns, the change is durable.
///
/// # Errors
/// [`crate::Error::Refused`] when a precondition does not hold or an edit cannot be made; nothing has
/// changed then.
pub async fn commit(
    database: &Database,
    feed_id: i64,
    change: &Change,
    context: &EditContext,
) -> Result<Committed> {
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    let context = &EditContext { first_incarnation: feed.first_incarnation, ..context.clone() };
    for precondition in &change.preconditions {
        let Precondition::Fingerprint { name, fingerprint: expected } = precondition;
        if fingerprint(&transaction, feed_id, name.key()).await? != *expected {
            return Err(Refusal::conflict(format!(
                "{} was changed by somebody else in the meantime; read it again and retry",
                name.display()
            ))
            .into());
        }
    }
    let before = states_before(&transaction, feed_id, &change.edits).await?;
    let mut after: BTreeMap<RecordKey, (State, Option<SortKey>)> = BTreeMap::new();
    let mut order = Vec::new();
    for edit in &change.edits {
        let current = |key: &RecordKey| {
            after.get(key).map(|(state, _)| state).or_else(|| before.get(key)).cloned()
        };
        if let Some(record) = evaluate(edit, context, current)? {
            if !after.contains_key(&record.key) {
                order.push(record.key.clone());
            }
            after.insert(record.key, (record.state, sort_key(edit)));
        }
    }
    let replacements: Vec<_> = order
        .into_iter()
        .filter_map(|key| {
            let (state, sort_key) = after.remove(&key)?;
            let previous = before.get(&key).cloned();
            Some(Applying { record: CheckedRecord { key, state, sort_key }, previous, kept: None })
        })
        .collect();
    write_records(&transaction, &mut feed, &replacements, context.now).await?;
    let end = feed.end;
    write::commit(database, transaction, feed).await?;
    Ok(Committed { sequence: end.seq })
}

fn sort_key(edit: &Edit) -> Option<SortKey> {
    match edit {
        Edit::Publish(new) => Some(new.version.sort_key().clone()),
        Edit::Delete { version, .. } => Some(version.sort_key().clone()),
        Edit::SetTag { .. } | Edit::RemoveTag { .. } | Edit::SetAttribute { .. } => None,
    }
}

/// The states of all keys that the edits may look at, read in two queries: the keys they name, and
/// the versions that the tags among them point to.
async fn states_before(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    edits: &[Edit],
) -> Result<HashMap<RecordKey, State>> {
    let version_key = |name: &str, version: &str| RecordKey::Version {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let mut keys = Vec::new();
    for edit in edits {
        match edit {
            Edit::Publish(new) => keys.push(version_key(new.name.key(), new.version.key())),
            Edit::Delete { name, version } => keys.push(version_key(name.key(), version.key())),
            Edit::SetTag { name, tag, version, .. } => {
                keys.push(version_key(name.key(), version.key()));
                keys.push(RecordKey::Tag { name: name.key().to_owned(), tag: tag.clone() });
            }
            Edit::RemoveTag { name, tag } => {
                keys.push(RecordKey::Tag { name: name.key().to_owned(), tag: tag.clone() });
            }
            Edit::SetAttribute { name, version, attribute, .. } => {
                keys.push(RecordKey::Attribute {
                    name: name.key().to_owned(),
                    version: version.as_ref().map(|version| version.key().to_owned()),
                    attribute: attribute.clone(),
                });
            }
        }
    }
    keys.sort();
    keys.dedup();
    let mut states = states_of(transaction, feed_id, &keys).await?;
    let tagged: Vec<_> = states
        .iter()
        .filter_map(|(key, state)| match (key, state) {
            (RecordKey::Tag { name, .. }, State::Register(state)) => {
                let version: String = state.value.as_ref()?.parse().ok()?;
                Some(version_key(name, &version))
            }
            _ => None,
        })
        .filter(|key| !states.contains_key(key))
        .collect();
    states.extend(states_of(transaction, feed_id, &tagged).await?);
    Ok(states)
}
