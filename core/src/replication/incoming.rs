//! Records from another site, checked as if a stranger had sent them.

use super::key::RecordKey;
use super::state::{CountState, Record, RegisterState, Standing, State};
use crate::{BlobRef, NewVersion, PackageType, SortKey};

/// Counters stay below this: a record cannot make the next change overflow.
const MAX_COUNTER: u64 = 1 << 53;
/// The most blobs of one version.
const MAX_BLOBS: usize = 10_000;
/// The most bytes of one blob: 256 TiB.
const MAX_BLOB_SIZE: u64 = 1 << 48;
/// The longest tag, instance id or attribute name, in bytes.
const MAX_TEXT: usize = 256;

/// A record that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRecord {
    /// The key.
    pub key: RecordKey,
    /// Its state.
    pub state: State,
    /// How the version sorts; `None` for what is no version.
    pub sort_key: Option<SortKey>,
}

/// Checks a record against its package type.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn check(package_type: &dyn PackageType, record: Record) -> Result<CheckedRecord, String> {
    let Record { key, state } = record;
    if !state.fits(key.kind()) {
        return Err("the state does not fit the key".to_owned());
    }
    if state.counter() >= MAX_COUNTER {
        return Err("the counter is too large".to_owned());
    }
    let name = package_type.parse_name(key.name()).map_err(|error| error.to_string())?;
    if name.key() != key.name() {
        return Err(format!("`{}` is not how this package is keyed", key.name()));
    }
    let sort_key = match (&key, &state) {
        (RecordKey::Version { version, .. }, State::Version(version_state)) => {
            if version_state.incarnation == 0 {
                return Err("an incarnation begins at 1".to_owned());
            }
            Some(check_version(package_type, key.name(), version, &version_state.standing)?)
        }
        (RecordKey::Tag { tag, .. }, State::Register(register)) => {
            check_text("tag", tag)?;
            package_type.check_tag(tag).map_err(|refusal| refusal.message)?;
            check_text("origin", &register.origin)?;
            check_removal(package_type, register)?;
            if let Some(value) = &register.value {
                let version: String =
                    value.parse().map_err(|_| "a tag points to a version".to_owned())?;
                package_type.parse_version(&version).map_err(|error| error.to_string())?;
            }
            None
        }
        (RecordKey::Attribute { version, attribute, .. }, State::Register(register)) => {
            check_text("origin", &register.origin)?;
            let is_word = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            };
            if !is_word(attribute) || attribute.len() > MAX_TEXT {
                return Err(format!("`{attribute}` is no name of an attribute"));
            }
            if let Some(version) = version {
                parse_key(package_type, version)?;
            }
            check_removal(package_type, register)?;
            if let Some(value) = &register.value {
                package_type
                    .check_attribute(attribute, version.as_deref(), value)
                    .map_err(|refusal| refusal.message)?;
            }
            None
        }
        (RecordKey::Downloads { version, instance, .. }, State::Count(downloads)) => {
            if downloads.days.len() > CountState::DAYS {
                return Err("it tells more days apart than are counted".to_owned());
            }
            downloads.days.keys().try_for_each(|day| check_text("day", day))?;
            check_text("instance id", instance)?;
            if instance.contains('/') {
                return Err("an instance id has no slash".to_owned());
            }
            parse_key(package_type, version)?;
            None
        }
        _ => None,
    };
    Ok(CheckedRecord { key, state, sort_key })
}

/// Refuses a removal where those do not travel.
fn check_removal(package_type: &dyn PackageType, register: &RegisterState) -> Result<(), String> {
    if register.value.is_none() && !package_type.descriptor().capabilities.tracks_deletions {
        return Err("removals of this package type do not travel".to_owned());
    }
    Ok(())
}

fn check_version(
    package_type: &dyn PackageType,
    name_key: &str,
    version_key: &str,
    standing: &Standing,
) -> Result<SortKey, String> {
    let content = match standing {
        Standing::Deleted { .. } => {
            if !package_type.descriptor().capabilities.tracks_deletions {
                return Err("deletions of this package type do not travel".to_owned());
            }
            return parse_key(package_type, version_key);
        }
        Standing::Content(content) => content,
    };
    let name = package_type.parse_name(&content.name).map_err(|error| error.to_string())?;
    let version =
        package_type.parse_version(&content.version).map_err(|error| error.to_string())?;
    if name.key() != name_key || version.key() != version_key {
        return Err("the content is of another package or version than its key".to_owned());
    }
    check_text("origin", &content.origin)?;
    let syncs = package_type.descriptor().capabilities.syncs_publish_date;
    if content.published_at.is_some() != syncs {
        return Err("the publish date is missing, or does not travel for this type".to_owned());
    }
    if content.blobs.len() > MAX_BLOBS {
        return Err(format!("it has more than {MAX_BLOBS} blobs"));
    }
    if content.blobs.iter().any(|blob| blob.size > MAX_BLOB_SIZE) {
        return Err("a blob of it is larger than any can be".to_owned());
    }
    let is_other = |blob: &BlobRef| blob.sha512.is_some_and(|name| name.sha512().is_none());
    if content.blobs.iter().any(is_other) {
        return Err("the `sha512` of a blob is a digest of another algorithm".to_owned());
    }
    let sort_key = version.sort_key().clone();
    let new = NewVersion {
        name,
        version,
        metadata: content.metadata.clone(),
        blobs: content.blobs.clone(),
    };
    package_type.check_version(&new).map_err(|refusal| refusal.message)?;
    Ok(sort_key)
}

fn parse_key(package_type: &dyn PackageType, key: &str) -> Result<SortKey, String> {
    let version = package_type.parse_version(key).map_err(|error| error.to_string())?;
    if version.key() != key {
        return Err(format!("`{key}` is not how this version is keyed"));
    }
    Ok(version.sort_key().clone())
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(format!("the {what} is empty, too long or has a control character"));
    }
    Ok(())
}
