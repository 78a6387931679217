//! `GetUpdates()`: versions that are newer than what somebody has.

use std::collections::HashMap;

use pakhus_core::{Host, PackageVersion, Refusal, RequestHead, Result};

use super::answer::{Asked, Page};
use super::find;
use super::query::Query;
use super::row::Row;
use crate::range::VersionRange;
use crate::{name, version};

/// The most packages of one question.
const MOST_PACKAGES: usize = 500;

/// What somebody has of a package.
struct Installed {
    version: PackageVersion,
    /// What newer versions must be in, where that is said.
    within: Option<VersionRange>,
}

/// Answers `GetUpdates()`. Frameworks are not looked at: which ones a package is for stands in its
/// files, and clients look there.
pub(super) async fn updates(
    asked: &Asked<'_>,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Page> {
    let query = &asked.query;
    let list = |name: &str| query.argument(name).unwrap_or_default();
    let (ids, versions) = (list("packageIds"), list("versions"));
    let constraints = list("versionConstraints");
    if ids.split('|').count() > MOST_PACKAGES {
        return Err(Refusal::invalid(format!("it asks for more than {MOST_PACKAGES} packages")));
    }
    if !ids.is_empty() && ids.split('|').count() != versions.split('|').count() {
        return Err(Refusal::invalid("`packageIds` and `versions` are not equally many"));
    }
    let mut names = Vec::new();
    let mut installed: HashMap<String, Vec<Installed>> = HashMap::new();
    let constraints = constraints.split('|').chain(std::iter::repeat(""));
    for ((id, version), constraint) in ids.split('|').zip(versions.split('|')).zip(constraints) {
        // Of what cannot be here there are no updates.
        let Ok(name) = name::parse(id.trim()) else { continue };
        let within = Some(constraint.trim()).filter(|constraint| !constraint.is_empty());
        let had = Installed {
            version: version::parse(version).map_err(Refusal::invalid)?,
            within: within.map(VersionRange::parse).transpose()?,
        };
        installed.entry(name.key().to_owned()).or_default().push(had);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let rows = find::rows(&names, query.semver2, head, host).await?;
    let rows = newer(rows, &installed, query)?;
    Ok(find::page(rows, query))
}

fn newer(
    mut rows: Vec<Row>,
    installed: &HashMap<String, Vec<Installed>>,
    query: &Query,
) -> Result<Vec<Row>> {
    let prerelease = query.flag("includePrerelease")?;
    rows.retain(|row| {
        let had = installed.get(row.record.name.key()).map(Vec::as_slice).unwrap_or_default();
        row.is_listed
            && (prerelease || !row.is_prerelease())
            && had.iter().any(|had| {
                row.record.version > had.version
                    && had.within.as_ref().is_none_or(|range| range.contains(&row.record.version))
            })
    });
    if query.flag("includeAllVersions")? {
        return Ok(rows);
    }
    // The versions of a package are in their order: the last one is the newest.
    let mut newest: Vec<Row> = Vec::new();
    for row in rows {
        match newest.last_mut() {
            Some(last) if last.record.name.key() == row.record.name.key() => *last = row,
            _ => newest.push(row),
        }
    }
    Ok(newest)
}
