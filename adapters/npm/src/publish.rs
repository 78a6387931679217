//! Publishing a version.

use std::borrow::Cow;

use pakhus_core::{
    BlobRef, Change, Edit, Host, Identity, Lifted, Metadata, NewVersion, PackageName,
    PackageVersion, ReceivedFile, Refusal, RefusalKind, Response, Result,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::deprecate::{DEPRECATED, deprecation};
use crate::dist::Dist;
use crate::document::{PackageDocument, malformed};
use crate::json::{self, Members};
use crate::manifest::{self, Manifest};
use crate::metadata::{self, VersionMetadata};
use crate::{package_json, tag, version};

/// The most bytes that are kept of a readme.
const MAX_README: usize = 64 << 10;

/// The longest name of a readme's file that is kept, in bytes.
const MAX_README_FILENAME: usize = 255;

/// The most bytes of a provenance bundle.
const MAX_PROVENANCE: usize = 1 << 20;

/// The most dist-tags that one publish sets.
const MAX_TAGS: usize = 100;

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A publish that was found to be in order.
#[derive(Debug)]
pub(crate) struct Publish {
    new: NewVersion,
    deprecation: Option<Metadata>,
    tags: Vec<(String, PackageVersion)>,
}

/// An attachment, its data lifted out when it is a tarball.
#[derive(Deserialize)]
struct Attachment<'a> {
    length: Option<u64>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
}

impl Publish {
    /// Reads and checks what a client publishes.
    pub(crate) async fn read(
        name: &PackageName,
        document: &PackageDocument<'_>,
        attachments: &Members<'_>,
        lifted: &[Lifted],
        identity: Option<Identity>,
        host: &dyn Host,
    ) -> Result<Self> {
        if !document.is_named() {
            return Err(Refusal::invalid("the document has no `name`"));
        }
        let [(written, manifest)] = document.versions()?.0.as_slice() else {
            return Err(Refusal::invalid("a publish has exactly one version"));
        };
        let version = version::parse(written).map_err(Refusal::invalid)?;
        let tarball = tarball(attachments, lifted)?;
        let dist = Dist::verified(manifest::dist(manifest)?, tarball)?;
        let tarball_runs =
            package_json::runs_at_install(&tarball.blob, name, &version, host).await?;
        let manifest = Manifest::parse(manifest, name, &version, tarball_runs)?;
        let readme = readme(manifest.readme.or(document.readme))?;
        let readme_filename = manifest.readme_filename.or(document.readme_filename);
        let provenance = provenance(attachments)?;

        let mut stored = VersionMetadata::new(&manifest.install, &manifest.details, dist);
        stored.publisher = identity.map(|identity| Cow::Owned(identity.name));
        stored.readme = readme.as_deref();
        stored.readme_filename = readme_filename.filter(|name| {
            json::string(name).is_some_and(|name| name.len() <= MAX_README_FILENAME)
        });
        stored.provenance = provenance.as_deref();

        let new = NewVersion {
            name: name.clone(),
            version,
            metadata: Metadata::from_value(&stored).map_err(Refusal::internal)?,
            blobs: vec![BlobRef { role: metadata::TARBALL.to_owned(), ..tarball.blob.clone() }],
        };
        // Every site that gets the version holds it to the same.
        metadata::check(&new)?;
        let tags = tags(document)?;
        Ok(Self { new, deprecation: deprecation(manifest.deprecated)?, tags })
    }

    /// Publishes. Of two publishes of one version, however close together, one is refused.
    pub(crate) async fn commit(self, host: &dyn Host) -> Result<Response> {
        let Self { new, deprecation, tags } = self;
        let (name, version) = (new.name.clone(), new.version.clone());
        let mut edits = vec![
            Edit::Publish(new),
            // A version that was deprecated, unpublished and is published anew starts afresh.
            Edit::SetAttribute {
                name: name.clone(),
                version: Some(version.clone()),
                attribute: DEPRECATED.to_owned(),
                value: deprecation,
            },
        ];
        let sets_latest = tags.iter().any(|(tag, _)| tag == tag::LATEST);
        for (tag, version) in tags {
            edits.push(Edit::SetTag { name: name.clone(), tag, version, only_if_absent: false });
        }
        if !sets_latest {
            let (tag, version) = (tag::LATEST.to_owned(), version.clone());
            edits.push(Edit::SetTag { name, tag, version, only_if_absent: true });
        }
        let change = Change { preconditions: Vec::new(), edits };
        host.commit(change).await.map_err(|refusal| match refusal.kind {
            RefusalKind::Conflict => Refusal::conflict(format!(
                "You cannot publish over the previously published versions: {}.",
                version.display()
            )),
            // A tag points to a version that is not there. The package is, so it is not a 404.
            RefusalKind::NotFound => Refusal::invalid(format!("a dist-tag is wrong: {refusal}")),
            _ => refusal,
        })?;
        Ok(Response::json(201, r#"{"ok":"version published","success":true}"#))
    }
}

/// The one tarball of the document. Its name there does not matter: clients write the scope into it
/// in different ways.
fn tarball<'l>(attachments: &Members<'_>, lifted: &'l [Lifted]) -> Result<&'l ReceivedFile> {
    let tarballs: Vec<_> =
        attachments.0.iter().filter(|(name, _)| name.ends_with(".tgz")).collect();
    let [(_, attachment)] = tarballs.as_slice() else {
        return Err(Refusal::invalid("a publish has exactly one tarball"));
    };
    let [Lifted { file: tarball, .. }] = lifted else {
        return Err(Refusal::invalid("the tarball has no `data`"));
    };
    let attachment: Attachment =
        serde_json::from_str(attachment.get()).map_err(malformed("the attachment"))?;
    if let Some(length) = attachment.length
        && length != tarball.blob.size
    {
        return Err(Refusal::invalid(format!(
            "the tarball is damaged: {} bytes came, its `length` says {length}",
            tarball.blob.size
        )));
    }
    if !tarball.first_bytes.starts_with(&GZIP) {
        return Err(Refusal::invalid("the tarball is not compressed by gzip"));
    }
    Ok(tarball)
}

/// The provenance that may lie beside the tarball. It is JSON in a string, not base64.
fn provenance(attachments: &Members<'_>) -> Result<Option<Box<RawValue>>> {
    let mut bundles = attachments.0.iter().filter(|(name, _)| name.ends_with(".sigstore"));
    let Some((_, bundle)) = bundles.next() else { return Ok(None) };
    if bundles.next().is_some() {
        return Err(Refusal::invalid("a publish has at most one provenance bundle"));
    }
    let attachment: Attachment =
        serde_json::from_str(bundle.get()).map_err(malformed("the provenance"))?;
    let text = attachment.data.unwrap_or_default();
    if text.len() > MAX_PROVENANCE {
        let message = format!("the provenance is longer than {MAX_PROVENANCE} bytes");
        return Err(Refusal::invalid(message));
    }
    serde_json::from_str(&text).map(Some).map_err(malformed("the provenance"))
}

/// The beginning of the readme, when there is one.
fn readme(readme: Option<&RawValue>) -> Result<Option<Box<RawValue>>> {
    let Some(mut text) = readme.and_then(json::string) else { return Ok(None) };
    text.truncate(text.floor_char_boundary(MAX_README));
    to_raw_value(&text).map(Some).map_err(Refusal::internal)
}

fn tags(document: &PackageDocument<'_>) -> Result<Vec<(String, PackageVersion)>> {
    let Some(tags) = &document.dist_tags else { return Ok(Vec::new()) };
    if tags.0.len() > MAX_TAGS {
        return Err(Refusal::invalid(format!("a publish sets at most {MAX_TAGS} dist-tags")));
    }
    tags.0
        .iter()
        .map(|(tag, version)| {
            tag::check(tag)?;
            Ok((tag.clone(), version::of_json(version)?))
        })
        .collect()
}
