//! Unpublishing: of versions, in two steps as npm does it, and of whole packages.

use std::collections::HashSet;

use pakhus_core::{Edit, Host, PackageName, PackageVersion, Refusal, Response, Result};

use crate::document::PackageDocument;
use crate::owners::MAINTAINERS;
use crate::view::View;
use crate::{rev, tag, version};

/// Answers `PUT /{pkg}/-rev/{rev}` with versions: the packument comes back without the versions to remove and
/// with the tags as they shall be. `rev` says which versions the client has seen; what was published
/// since is not among those it leaves out.
pub(crate) async fn versions(
    name: &PackageName,
    rev: &str,
    document: &PackageDocument<'_>,
    host: &dyn Host,
) -> Result<Response> {
    let versions = &document.versions()?.0;
    if versions.is_empty() {
        return Err(Refusal::invalid(
            "the document has no version left: unpublish the whole package instead",
        ));
    }
    let contents = rev::unchanged(name, rev, host).await?;
    let view = View::of(&contents);
    let mut kept = HashSet::new();
    for (written, _) in versions {
        let version = version::parse(written).map_err(Refusal::invalid)?;
        let record = view.version(version.key()).ok_or_else(|| {
            Refusal::invalid(format!("version {written} is not there; an unpublish adds none"))
        })?;
        kept.insert(record.version.key());
    }
    let is_kept = |version: &PackageVersion| kept.contains(version.key());
    let mut edits: Vec<_> = contents
        .versions
        .iter()
        .filter(|record| !is_kept(&record.version))
        .map(|record| Edit::Delete { name: name.clone(), version: record.version.clone() })
        .collect();
    edits.extend(tag_edits(name, document, &view, is_kept)?);
    if !edits.is_empty() {
        rev::commit(&contents, edits, host).await?;
    }
    Ok(changed("package changed"))
}

/// What makes the tags those of the document. One that is not in it goes; only `latest` stays where
/// it is as long as its version does.
fn tag_edits(
    name: &PackageName,
    document: &PackageDocument<'_>,
    view: &View<'_>,
    is_kept: impl Fn(&PackageVersion) -> bool,
) -> Result<Vec<Edit>> {
    let Some(wanted) = &document.dist_tags else { return Ok(Vec::new()) };
    let mut edits = Vec::new();
    for (tag, version) in &wanted.0 {
        tag::check(tag)?;
        let version = version::of_json(version)?;
        if !view.version(version.key()).is_some_and(|record| is_kept(&record.version)) {
            return Err(Refusal::invalid(format!(
                "the dist-tag `{tag}` points to {}, which is not there",
                version.display()
            )));
        }
        if view.tags.get(tag.as_str()).is_none_or(|record| record.version.key() != version.key()) {
            let (name, tag) = (name.clone(), tag.clone());
            edits.push(Edit::SetTag { name, tag, version, only_if_absent: false });
        }
    }
    for (tag, record) in &view.tags {
        let stays = *tag == tag::LATEST && is_kept(&record.version);
        if wanted.get(tag).is_none() && !stays {
            edits.push(Edit::RemoveTag { name: name.clone(), tag: (*tag).to_owned() });
        }
    }
    Ok(edits)
}

/// Answers `DELETE /{pkg}/-/{file}/-rev/{rev}`, the second step: the tarball went with its version.
pub(crate) async fn tarball(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    if host.version(name, version).await?.is_some() {
        return Err(Refusal::conflict(format!(
            "version {} of `{}` is still published; unpublish it, and its tarball goes with it",
            version.display(),
            name.display()
        )));
    }
    Ok(changed("tarball removed"))
}

/// Answers `DELETE /{pkg}/-rev/{rev}`: all versions, all tags and the owners go.
pub(crate) async fn package(name: &PackageName, rev: &str, host: &dyn Host) -> Result<Response> {
    let contents = rev::unchanged(name, rev, host).await?;
    let versions = contents
        .versions
        .iter()
        .map(|record| Edit::Delete { name: name.clone(), version: record.version.clone() });
    let tags = contents
        .tags
        .iter()
        .map(|tag| Edit::RemoveTag { name: name.clone(), tag: tag.name.clone() });
    // A package of the same name that comes later is somebody else's.
    let has_owners = contents
        .attributes
        .iter()
        .any(|attribute| attribute.version.is_none() && attribute.name == MAINTAINERS);
    let owners = has_owners.then(|| Edit::SetAttribute {
        name: name.clone(),
        version: None,
        attribute: MAINTAINERS.to_owned(),
        value: None,
    });
    let edits = versions.chain(tags).chain(owners).collect();
    rev::commit(&contents, edits, host).await?;
    Ok(changed("package removed"))
}

fn changed(what: &str) -> Response {
    Response::json(200, format!(r#"{{"ok":"{what}","success":true}}"#))
}
