//! Versions: SemVer 2.0.0, as npm reads it.
//!
//! Build metadata tells versions apart for nobody (`1.0.0+a` is `1.0.0+b`), so the key is without it.

use pakhus_core::{
    Host, InvalidVersion, PackageName, PackageVersion, Refusal, Result, SortKey, VersionRecord,
};
use semver::Version;
use serde_json::value::RawValue;

use crate::error::no_such_version;
use crate::json;

/// The greatest number that JavaScript clients count to without a gap.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Parses a version. Strict: a leading `v`, spaces and the loose forms of old are refused.
pub(crate) fn parse(raw: &str) -> Result<PackageVersion, InvalidVersion> {
    if raw.len() > PackageVersion::MAX_BYTES {
        return Err(InvalidVersion(format!("longer than {} bytes", PackageVersion::MAX_BYTES)));
    }
    let version: Version =
        raw.parse().map_err(|error| InvalidVersion(format!("`{raw}`: {error}")))?;
    let numbers = [version.major, version.minor, version.patch];
    if numbers.iter().any(|number| *number > MAX_NUMBER) {
        return Err(InvalidVersion(format!("`{raw}` has a number greater than {MAX_NUMBER}")));
    }
    let key = raw.split_once('+').map_or(raw, |(key, _)| key);
    PackageVersion::new(key, raw, SortKey::of_numbers(&numbers, version.pre.as_str()))
}

/// Whether the version is a pre-release: nothing else of a key without build metadata has a hyphen.
pub(crate) fn is_pre_release(version: &PackageVersion) -> bool {
    version.key().contains('-')
}

/// What is stored of a version.
///
/// # Errors
/// [`pakhus_core::RefusalKind::NotFound`] when it is not there.
pub(crate) async fn stored(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<VersionRecord> {
    let record = host.version(name, version).await?;
    record.ok_or_else(|| no_such_version(name, version.display()))
}

/// Parses a version that stands in JSON, as dist-tags have them.
pub(crate) fn of_json(json: &RawValue) -> Result<PackageVersion> {
    let Some(text) = json::string(json) else {
        return Err(Refusal::invalid("a dist-tag points to something that is no text"));
    };
    parse(&text).map_err(Refusal::invalid)
}
