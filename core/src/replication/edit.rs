//! What an edit makes of the records it touches.

use super::key::RecordKey;
use super::state::{Content, Record, RegisterState, Standing, State, VersionState};
use crate::{Edit, Metadata, Refusal, RefusalKind, Result, Timestamp};

/// Who edits, and when.
#[derive(Debug, Clone)]
pub struct EditContext {
    /// The id of this instance.
    pub origin: String,
    /// Now.
    pub now: Timestamp,
    /// The incarnation of a version that the feed remembers nothing of: one more than the greatest
    /// whose tombstone it has forgotten, so that a publish beats every delete that others remember.
    pub first_incarnation: u64,
    /// Whether the publish date is part of the state ([`crate::Capabilities::syncs_publish_date`]).
    pub syncs_publish_date: bool,
}

/// Evaluates `edit`, with `current` looking up the state that a key has at this point of the change.
/// `None` when the edit changes nothing.
///
/// # Errors
/// [`RefusalKind::Conflict`] for a publish of what is there, [`RefusalKind::NotFound`] for a delete or
/// tag of what is not.
pub fn evaluate(
    edit: &Edit,
    context: &EditContext,
    current: impl Fn(&RecordKey) -> Option<State>,
) -> Result<Option<Record>> {
    match edit {
        Edit::Publish(new) => {
            let key = RecordKey::Version {
                name: new.name.key().to_owned(),
                version: new.version.key().to_owned(),
            };
            let incarnation = match current(&key) {
                None => context.first_incarnation,
                Some(state) if state.is_live() => {
                    return Err(Refusal::conflict(format!(
                        "version {} of {} is published already",
                        new.version.display(),
                        new.name.display()
                    )));
                }
                Some(state) => state.counter() + 1,
            };
            let standing = Standing::Content(Content {
                name: new.name.display().to_owned(),
                version: new.version.display().to_owned(),
                published_at: context.syncs_publish_date.then_some(context.now),
                origin: context.origin.clone(),
                blobs: new.blobs.clone(),
                metadata: new.metadata.clone(),
            });
            let state = State::Version(VersionState { incarnation, standing });
            Ok(Some(Record { key, state }))
        }
        Edit::Delete { name, version } => {
            let key = RecordKey::Version {
                name: name.key().to_owned(),
                version: version.key().to_owned(),
            };
            match current(&key) {
                Some(state) if state.is_live() => {
                    let standing = Standing::Deleted { at: context.now };
                    let incarnation = state.counter();
                    let state = State::Version(VersionState { incarnation, standing });
                    Ok(Some(Record { key, state }))
                }
                _ => Err(not_there(name.display(), version.display())),
            }
        }
        Edit::SetTag { name, tag, version, only_if_absent } => {
            let is_live = |version: &str| {
                let key =
                    RecordKey::Version { name: name.key().to_owned(), version: version.to_owned() };
                current(&key).is_some_and(|state| state.is_live())
            };
            if !is_live(version.key()) {
                return Err(not_there(name.display(), version.display()));
            }
            let key = RecordKey::Tag { name: name.key().to_owned(), tag: tag.clone() };
            let state = current(&key);
            if *only_if_absent && state.as_ref().and_then(tagged).is_some_and(|key| is_live(&key)) {
                return Ok(None);
            }
            let value = Metadata::from_value(&version.key()).map_err(Refusal::internal)?;
            Ok(set(key, state.as_ref(), Some(value), context))
        }
        Edit::RemoveTag { name, tag } => {
            let key = RecordKey::Tag { name: name.key().to_owned(), tag: tag.clone() };
            let state = current(&key);
            Ok(set(key, state.as_ref(), None, context))
        }
        Edit::SetAttribute { name, version, attribute, value } => {
            let key = RecordKey::Attribute {
                name: name.key().to_owned(),
                version: version.as_ref().map(|version| version.key().to_owned()),
                attribute: attribute.clone(),
            };
            let state = current(&key);
            Ok(set(key, state.as_ref(), value.clone(), context))
        }
    }
}

fn tagged(state: &State) -> Option<String> {
    match state {
        State::Register(state) => state.value.as_ref()?.parse().ok(),
        _ => None,
    }
}

/// Sets a register, unless it has the value already.
fn set(
    key: RecordKey,
    current: Option<&State>,
    value: Option<Metadata>,
    context: &EditContext,
) -> Option<Record> {
    let standing = match current {
        Some(State::Register(state)) => state.value.as_ref(),
        _ => None,
    };
    if standing == value.as_ref() {
        return None;
    }
    let state = State::Register(RegisterState {
        counter: current.map_or(0, State::counter) + 1,
        value,
        at: context.now,
        origin: context.origin.clone(),
    });
    Some(Record { key, state })
}

fn not_there(name: &str, version: &str) -> Refusal {
    Refusal::new(RefusalKind::NotFound, format!("there is no version {version} of {name}"))
}
