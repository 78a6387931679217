//! Pushing manifests.

use std::collections::HashMap;

use bytes::Bytes;
use pakhus_core::{
    BlobRef, Change, ContentDigest, Edit, Host, Metadata, NewVersion, PackageName, PackageVersion,
    ReceivedFile, Refusal, RefusalKind, RequestHead, Response, Result,
};

use crate::descriptor::Descriptor;
use crate::manifest::{self, Manifest, invalid};
use crate::metadata::{self, CONFIG, LAYER, MANIFEST, MAX_DEPTH, Stored};
use crate::page::path_below;
use crate::reference::{self, Reference};
use crate::{error, referrers};

/// The most tags that come with one manifest.
const MAX_TAGS: usize = 100;

/// Answers `PUT /{name}/manifests/{reference}`.
pub(crate) async fn manifest(
    name: &PackageName,
    reference: &Reference,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let tags = tags(reference, head)?;
    let bytes = host.receive_bytes(manifest::MAX_BYTES).await?;
    let parsed = Manifest::parse(&bytes, head.header("content-type"))?;
    let file = host.blobs().hold(bytes.clone()).await?;
    let digest = digest(reference, &file)?;
    let version = reference::of_digest(&digest)?;
    let subject = parsed.subject.as_ref().map(|subject| subject.digest);
    let pushed = Pushed { name, version: &version, manifest: &parsed, file: &file, digest };
    let mut edits = Vec::new();
    if host.version(name, &version).await?.is_none() {
        edits = pushed.edits(&bytes, host).await?;
    }
    let tagging = tags.iter().map(|tag| Edit::SetTag {
        name: name.clone(),
        tag: tag.clone(),
        version: version.clone(),
        only_if_absent: false,
    });
    let tagging: Vec<_> = tagging.collect();
    let change = Change { edits: [edits, tagging.clone()].concat(), ..Change::default() };
    match host.commit(change).await {
        // Somebody else pushed the same a moment ago.
        Err(refusal) if refusal.kind == RefusalKind::Conflict => {
            host.commit(Change { edits: tagging, ..Change::default() }).await?;
        }
        committed => drop(committed?),
    }
    let location = path_below(head, &format!("{}/manifests/{digest}", name.display()));
    let mut response = Response::empty(201)
        .with_header("location", location)
        .with_header("docker-content-digest", digest.to_string());
    if let Some(subject) = subject {
        response = response.with_header("oci-subject", subject.to_string());
    }
    if matches!(reference, Reference::Digest(_)) {
        for tag in tags {
            response = response.with_header("oci-tag", tag);
        }
    }
    Ok(response)
}

/// The tags that the manifest gets.
fn tags(reference: &Reference, head: &RequestHead) -> Result<Vec<String>> {
    let tags = match reference {
        Reference::Tag(tag) => return Ok(vec![tag.clone()]),
        Reference::Digest(_) => head.query_parameters("tag"),
    };
    if tags.len() > MAX_TAGS {
        return Err(invalid(format!("more than {MAX_TAGS} tags come with the manifest")));
    }
    tags.iter().try_for_each(|tag| reference::check_tag(tag))?;
    Ok(tags)
}

/// The digest that the manifest is called by from now on.
fn digest(reference: &Reference, file: &ReceivedFile) -> Result<ContentDigest> {
    let of_sha256 = ContentDigest::Sha256(file.blob.digest);
    let (said, actual) = match reference {
        Reference::Tag(_) => return Ok(of_sha256),
        Reference::Digest(said @ ContentDigest::Sha256(_)) => (said, of_sha256),
        Reference::Digest(said) => (said, ContentDigest::Sha512(file.sha512)),
    };
    if *said == actual {
        return Ok(actual);
    }
    Err(Refusal::invalid(format!("the manifest has the digest {actual}, not {said}"))
        .coded(error::DIGEST_INVALID))
}

/// A manifest that the repository does not have yet.
struct Pushed<'a> {
    name: &'a PackageName,
    version: &'a PackageVersion,
    manifest: &'a Manifest,
    file: &'a ReceivedFile,
    digest: ContentDigest,
}

impl Pushed<'_> {
    /// The edits that publish it, once everything that it needs is there.
    async fn edits(&self, bytes: &Bytes, host: &dyn Host) -> Result<Vec<Edit>> {
        let depth = self.depth(host).await?;
        let mut blobs = vec![BlobRef {
            role: MANIFEST.to_owned(),
            sha512: self.digest.sha512().map(ContentDigest::Sha512),
            ..self.file.blob.clone()
        }];
        blobs.extend(self.needed(host).await?);
        let stored = Stored::of(self.manifest, depth);
        let new = NewVersion {
            name: self.name.clone(),
            version: self.version.clone(),
            metadata: Metadata::from_value(&stored).map_err(Refusal::internal)?,
            blobs,
        };
        // Every site that gets the version holds it to the same.
        metadata::check(&new)?;
        let mut edits = vec![Edit::Publish(new)];
        if let Some(subject) = &self.manifest.subject {
            let descriptor = referrers::descriptor(self.manifest, self.digest, bytes.len());
            edits.push(referrers::edit(
                self.name,
                self.version,
                &subject.digest,
                Some(&descriptor),
            )?);
        }
        Ok(edits)
    }

    /// The config and the layers, all of them in the repository but those that are distributed
    /// elsewhere.
    async fn needed(&self, host: &dyn Host) -> Result<Vec<BlobRef>> {
        let config = self.manifest.config.iter().map(|blob| (CONFIG, blob));
        let layers = self.manifest.layers.iter().map(|blob| (LAYER, blob));
        let wanted: Vec<_> = config.chain(layers).collect();
        let mut digests: Vec<_> = wanted.iter().map(|(_, blob)| blob.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        let found = host.blobs().find(self.name, &digests).await?;
        let mut needed = Vec::with_capacity(wanted.len());
        for (role, descriptor) in wanted {
            needed.extend(blob(role, descriptor, &found)?);
        }
        Ok(needed)
    }

    /// How deep the children of an index are, all of them in the repository.
    async fn depth(&self, host: &dyn Host) -> Result<u8> {
        let is_index = self.manifest.config.is_none();
        let children = &self.manifest.children;
        if children.is_empty() {
            return Ok(u8::from(is_index));
        }
        let versions = children.iter().map(|child| reference::of_digest(&child.digest));
        let versions: Vec<_> = versions.collect::<Result<_>>()?;
        let there = host.versions(self.name, &versions).await?;
        let there: HashMap<_, _> =
            there.iter().map(|record| (record.version.key(), record)).collect();
        let mut deepest = 0;
        for child in children {
            let record = there.get(child.digest.to_string().as_str());
            let record = record.ok_or_else(|| unknown("manifest", &child.digest))?;
            if metadata::manifest_of(record)?.size != child.size {
                return Err(other_size(child));
            }
            deepest = deepest.max(Stored::read(record)?.depth);
        }
        if deepest >= MAX_DEPTH {
            return Err(invalid(format!("indexes may be {MAX_DEPTH} deep in each other at most")));
        }
        Ok(deepest + 1)
    }
}

/// The blob that a descriptor refers to; `None` for one that is not here and need not be.
fn blob(
    role: &str,
    descriptor: &Descriptor,
    found: &HashMap<ContentDigest, BlobRef>,
) -> Result<Option<BlobRef>> {
    let Some(blob) = found.get(&descriptor.digest) else {
        if role == LAYER && descriptor.is_distributed_elsewhere() {
            return Ok(None);
        }
        return Err(unknown("blob", &descriptor.digest));
    };
    if blob.size != descriptor.size {
        return Err(other_size(descriptor));
    }
    Ok(Some(BlobRef { role: role.to_owned(), ..blob.clone() }))
}

fn unknown(what: &str, digest: &ContentDigest) -> Refusal {
    Refusal::invalid(format!("the repository does not have the {what} {digest}: push that first"))
        .coded(error::MANIFEST_BLOB_UNKNOWN)
}

fn other_size(descriptor: &Descriptor) -> Refusal {
    invalid(format!("{} has another length than the manifest says", descriptor.digest))
}
