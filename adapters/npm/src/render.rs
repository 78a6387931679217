//! Rendering a package: the texts that clients read.
//!
//! Stored halves of manifests are spliced in as they are; only what depends on the package or on the
//! client's URL is written anew. Equal contents make equal texts, but for the URL.

use pakhus_core::{PackageContents, Result, Timestamp, VersionRecord};

use crate::attestation::{self, Statement};
use crate::json::{Members, ObjectWriter};
use crate::metadata::VersionMetadata;
use crate::owners::{self, Person};
use crate::view::View;
use crate::{rev, tarball};

/// The members of the latest manifest that the full packument shows for the package.
const HOISTED: [&str; 8] = [
    "description",
    "author",
    "contributors",
    "repository",
    "homepage",
    "bugs",
    "license",
    "keywords",
];

/// Where [`modified`] looks: behind the name, the revision and nothing longer.
const HEAD_BYTES: usize = 1024;

/// The full packument.
pub(crate) fn full(view: &View<'_>, base_url: &str) -> Result<String> {
    let contents = view.contents;
    let name = contents.package.name.display();
    let mut text = String::new();
    let mut packument = ObjectWriter::open(&mut text);
    packument.string("_id", name);
    packument.string("_rev", &rev::of(contents));
    packument.string("name", name);
    write_time(packument.member("time"), contents);
    write_dist_tags(packument.member("dist-tags"), view);

    let mut publishers = Vec::new();
    let mut versions = ObjectWriter::open(packument.member("versions"));
    for record in &contents.versions {
        let metadata = VersionMetadata::of(record)?;
        owners::add_publisher(&mut publishers, &metadata);
        let version = versions.member(record.version.display());
        write_manifest(version, view, record, &metadata, base_url);
    }
    versions.close();

    write_people(packument.member("maintainers"), &view.set_owners().unwrap_or(publishers));
    if let Some(latest) = view.latest() {
        let metadata = VersionMetadata::of(latest)?;
        let details: Members =
            serde_json::from_str(metadata.details.get()).map_err(pakhus_core::Refusal::internal)?;
        for member in HOISTED {
            if let Some(value) = details.get(member) {
                packument.raw(member, value.get());
            }
        }
        packument.raw("readme", metadata.readme.map_or("\"\"", |readme| readme.get()));
        if let Some(filename) = metadata.readme_filename {
            packument.raw("readmeFilename", filename.get());
        }
    }
    packument.close();
    Ok(text)
}

/// The abbreviated packument. It has `time`, which clients with a minimum age of releases would
/// otherwise fetch the full one for.
pub(crate) fn abbreviated(view: &View<'_>, base_url: &str) -> Result<String> {
    let contents = view.contents;
    let mut text = String::new();
    let mut packument = ObjectWriter::open(&mut text);
    packument.string("name", contents.package.name.display());
    packument.string("modified", &contents.modified_at.to_string());
    write_dist_tags(packument.member("dist-tags"), view);
    let mut versions = ObjectWriter::open(packument.member("versions"));
    for record in &contents.versions {
        let metadata = VersionMetadata::of(record)?;
        let mut manifest = ObjectWriter::open(versions.member(record.version.display()));
        manifest.splice(metadata.install);
        write_dist(&mut manifest, view, record, &metadata, base_url);
        manifest.close();
    }
    versions.close();
    write_time(packument.member("time"), contents);
    packument.close();
    Ok(text)
}

/// The manifest of one version, as the full packument has it.
pub(crate) fn manifest(view: &View<'_>, record: &VersionRecord, base_url: &str) -> Result<String> {
    let mut text = String::new();
    write_manifest(&mut text, view, record, &VersionMetadata::of(record)?, base_url);
    Ok(text)
}

/// The tags.
pub(crate) fn dist_tags(view: &View<'_>) -> String {
    let mut text = String::new();
    write_dist_tags(&mut text, view);
    text
}

/// When the package that a packument was rendered from was last changed, read back from its text, so
/// that a kept packument needs no look at the contents.
pub(crate) fn modified(packument: &[u8]) -> Option<Timestamp> {
    const BEFORE: &[u8] = b"\"modified\":\"";
    let head = &packument[..packument.len().min(HEAD_BYTES)];
    let at = head.windows(BEFORE.len()).position(|bytes| bytes == BEFORE)? + BEFORE.len();
    let text = head[at..].split(|byte| *byte == b'"').next()?;
    Timestamp::parse(std::str::from_utf8(text).ok()?)
}

fn write_manifest(
    text: &mut String,
    view: &View<'_>,
    record: &VersionRecord,
    metadata: &VersionMetadata<'_>,
    base_url: &str,
) {
    let mut manifest = ObjectWriter::open(text);
    manifest.splice(metadata.install);
    manifest.splice(metadata.details);
    let (name, version) = (record.name.display(), record.version.display());
    manifest.string("_id", &format!("{name}@{version}"));
    let publisher: Vec<_> = metadata.publisher.iter().map(|name| Person::named(name)).collect();
    if let Some(publisher) = publisher.first() {
        write_person(manifest.member("_npmUser"), publisher);
    }
    write_people(manifest.member("maintainers"), &publisher);
    write_dist(&mut manifest, view, record, metadata, base_url);
    manifest.close();
}

fn write_dist(
    manifest: &mut ObjectWriter<'_>,
    view: &View<'_>,
    record: &VersionRecord,
    metadata: &VersionMetadata<'_>,
    base_url: &str,
) {
    let mut dist = ObjectWriter::open(manifest.member("dist"));
    dist.string("shasum", &metadata.dist.shasum);
    dist.string("integrity", &metadata.dist.integrity);
    let numbers =
        [("fileCount", metadata.dist.file_count), ("unpackedSize", metadata.dist.unpacked_size)];
    for (member, number) in numbers {
        if let Some(number) = number {
            dist.raw(member, &number.to_string());
        }
    }
    dist.string("tarball", &tarball::url(&record.name, &record.version, base_url));
    // What is stored was checked when it came: a bundle that cannot be read is not there.
    let statement = metadata.provenance.and_then(|bundle| Statement::of(bundle).ok().flatten());
    if let Some(statement) = statement {
        write_attestations(dist.member("attestations"), record, &statement, base_url);
    }
    dist.close();
    if let Some(message) = view.deprecation(&record.version) {
        manifest.raw("deprecated", message.as_json());
    }
}

fn write_attestations(
    text: &mut String,
    record: &VersionRecord,
    statement: &Statement,
    base_url: &str,
) {
    let mut attestations = ObjectWriter::open(text);
    attestations.string("url", &attestation::url(&record.name, &record.version, base_url));
    let mut provenance = ObjectWriter::open(attestations.member("provenance"));
    provenance.string("predicateType", &statement.predicate_type);
    provenance.close();
    attestations.close();
}

/// Writes `time`, with `modified` first: see [`modified`].
fn write_time(text: &mut String, contents: &PackageContents) {
    let mut time = ObjectWriter::open(text);
    time.string("modified", &contents.modified_at.to_string());
    let created = contents.versions.iter().map(|record| record.published_at).min();
    time.string("created", &created.unwrap_or(contents.modified_at).to_string());
    for record in &contents.versions {
        time.string(record.version.display(), &record.published_at.to_string());
    }
    time.close();
}

fn write_dist_tags(text: &mut String, view: &View<'_>) {
    let mut tags = ObjectWriter::open(text);
    for (tag, record) in &view.tags {
        tags.string(tag, record.version.display());
    }
    tags.close();
}

fn write_people(text: &mut String, people: &[Person]) {
    text.push('[');
    for (index, somebody) in people.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_person(text, somebody);
    }
    text.push(']');
}

/// Writes a person. Clients print the address beside the name, and `undefined` where there is none.
fn write_person(text: &mut String, somebody: &Person) {
    let mut person = ObjectWriter::open(text);
    person.string("name", &somebody.name);
    person.string("email", &somebody.email);
    person.close();
}
