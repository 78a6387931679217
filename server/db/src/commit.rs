//! Changes that clients of this site make.

mod queue;

use std::collections::HashMap;

use pakhus_core::replication::{Applying, CheckedRecord, EditContext, RecordKey, State, evaluate};
use pakhus_core::{Change, Committed, Edit, Precondition, Refusal, SortKey};
use sea_orm::{DatabaseTransaction, DbErr};

pub(crate) use self::queue::Queues;
use self::queue::{Waiting, Working};
use crate::records::fingerprint;
use crate::write::{self, LockedFeed, lock_feed, states_of, write_records};
use crate::{Database, Error, Result};

/// Makes `change` in one transaction, which changes of other packages may share. When this returns, the
/// change is durable.
///
/// # Errors
/// [`crate::Error::Refused`] when a precondition does not hold or an edit cannot be made; nothing has
/// changed then.
pub async fn commit(
    database: &Database,
    feed_id: i64,
    change: Change,
    context: EditContext,
) -> Result<Committed> {
    let (waiting, answered) = Waiting::new(change, context);
    if database.waiting().add(feed_id, waiting) {
        // In a task of its own, which goes on when the caller is dropped: others wait for it.
        tokio::spawn(make_all(database.clone(), feed_id));
    }
    let given_up = |_| DbErr::Custom("the change was given up".to_owned());
    answered.await.map_err(given_up)?
}

/// Makes the changes that wait for the feed, until none does.
async fn make_all(database: Database, feed_id: i64) {
    let _working = Working { queues: database.waiting(), feed_id };
    while !database.waiting().is_done(feed_id) {
        let begun = begin(&database, feed_id).await;
        // Not before: those that came while the database was busy are among them.
        let group = database.waiting().take_group(feed_id);
        match begun {
            Ok(_) if group.is_empty() => {}
            Ok(begun) => make_group(&database, begun, group).await,
            Err(error) => fail(group, &error),
        }
    }
}

type Begun = (DatabaseTransaction, LockedFeed);

async fn begin(database: &Database, feed_id: i64) -> Result<Begun> {
    let transaction = database.begin().await?;
    let feed = lock_feed(&transaction, feed_id).await?;
    Ok((transaction, feed))
}

fn fail(group: Vec<Waiting>, error: &Error) {
    for waiting in group {
        waiting.answer(Err(error.clone()));
    }
}

/// Makes changes that touch different packages, and answers them. Where one cannot be written, each is
/// made by itself.
async fn make_group(database: &Database, begun: Begun, group: Vec<Waiting>) {
    let (transaction, mut feed) = begun;
    let outcomes = match write_group(&transaction, &mut feed, &group).await {
        Ok(outcomes) => outcomes,
        Err(error) if group.len() == 1 => return fail(group, &error),
        Err(_) => {
            drop(transaction);
            for waiting in group {
                match begin(database, feed.id).await {
                    Ok(begun) => Box::pin(make_group(database, begun, vec![waiting])).await,
                    Err(error) => waiting.answer(Err(error)),
                }
            }
            return;
        }
    };
    let sequence = feed.end.seq;
    if let Err(error) = write::commit(database, transaction, feed).await {
        return fail(group, &error);
    }
    for (waiting, outcome) in group.into_iter().zip(outcomes) {
        waiting.answer(outcome.map(|()| Committed { sequence }));
    }
}

/// Writes what the changes come to, and says of each whether it was made or why not.
async fn write_group(
    transaction: &DatabaseTransaction,
    feed: &mut LockedFeed,
    group: &[Waiting],
) -> Result<Vec<Result<()>>> {
    let before = states_before(transaction, feed.id, group).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    let mut replacements = Vec::new();
    for Waiting { change, context, .. } in group {
        let context = &EditContext { first_incarnation: feed.first_incarnation, ..context.clone() };
        let checked = check(transaction, feed.id, &change.preconditions).await;
        outcomes.push(match checked.and_then(|()| evaluated(&change.edits, context, &before)) {
            Ok(evaluated) => {
                replacements.extend(evaluated);
                Ok(())
            }
            Err(refused @ Error::Refused(_)) => Err(refused),
            Err(error) => return Err(error),
        });
    }
    if let Some(now) = group.iter().map(|waiting| waiting.context.now).max() {
        write_records(transaction, feed, &replacements, now).await?;
    }
    Ok(outcomes)
}

/// Checks that the preconditions hold.
async fn check(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    preconditions: &[Precondition],
) -> Result<()> {
    for Precondition::Fingerprint { name, fingerprint: expected } in preconditions {
        if fingerprint(transaction, feed_id, name.key()).await? != *expected {
            return Err(Refusal::conflict(format!(
                "{} was changed by somebody else in the meantime; read it again and retry",
                name.display()
            ))
            .into());
        }
    }
    Ok(())
}

/// What the edits of a change make of the records that were there before it, each key once.
fn evaluated(
    edits: &[Edit],
    context: &EditContext,
    before: &HashMap<RecordKey, State>,
) -> Result<Vec<Applying>> {
    let mut after: HashMap<RecordKey, (State, Option<SortKey>)> = HashMap::new();
    let mut order = Vec::new();
    for edit in edits {
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
    let replacements = order.into_iter().filter_map(|key| {
        let (state, sort_key) = after.remove(&key)?;
        let previous = before.get(&key).cloned();
        Some(Applying { record: CheckedRecord { key, state, sort_key }, previous, kept: None })
    });
    Ok(replacements.collect())
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
    group: &[Waiting],
) -> Result<HashMap<RecordKey, State>> {
    let version_key = |name: &str, version: &str| RecordKey::Version {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let mut keys = Vec::new();
    for edit in group.iter().flat_map(|waiting| &waiting.change.edits) {
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
