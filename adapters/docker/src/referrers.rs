//! Manifests that are about others: signatures, bills of materials and the like.
//!
//! That a manifest is about another is an attribute of it. Its name is made of the digest of the
//! subject, so that all about one subject are found together, and its value is the descriptor that
//! listings show.

use pakhus_core::{
    ContentDigest, Edit, Host, Metadata, PackageName, PackageVersion, Refusal, RequestHead,
    Response, Result,
};
use serde_json::json;

use crate::descriptor::Descriptor;
use crate::manifest::{self, INDEX, Manifest};
use crate::page::path_below;

/// What the names of such attributes begin with.
const ATTRIBUTE: &str = "refers-to-";

/// Attributes read at once: each may be as long as a manifest.
const STEP: u64 = 20;

/// A page ends once its descriptors have so many bytes.
const PAGE_BYTES: usize = 4 << 20;

/// The name of the attribute of what is about `subject`: its hexadecimal digits as letters, as no
/// attribute has digits in its name. How many there are tells the algorithm.
fn attribute(subject: &ContentDigest) -> String {
    let letter = |digit: u8| match digit {
        b'0'..=b'9' => char::from(digit - b'0' + b'a'),
        digit => char::from(digit + 10),
    };
    subject.hex().bytes().map(letter).fold(ATTRIBUTE.to_owned(), |mut name, letter| {
        name.push(letter);
        name
    })
}

/// The descriptor by which a manifest of `size` bytes is listed.
pub(crate) fn descriptor(manifest: &Manifest, digest: ContentDigest, size: usize) -> Descriptor {
    Descriptor {
        media_type: manifest.media_type.to_owned(),
        digest,
        size: size as u64,
        artifact_type: manifest.artifact_type.clone(),
        annotations: manifest.annotations.clone(),
        platform: None,
    }
}

/// The edit that says that `version` is about `subject`, or no longer.
pub(crate) fn edit(
    name: &PackageName,
    version: &PackageVersion,
    subject: &ContentDigest,
    descriptor: Option<&Descriptor>,
) -> Result<Edit> {
    let value = descriptor.map(Metadata::from_value).transpose().map_err(Refusal::internal)?;
    Ok(Edit::SetAttribute {
        name: name.clone(),
        version: Some(version.clone()),
        attribute: attribute(subject),
        value,
    })
}

/// Checks an attribute that another site sends.
pub(crate) fn check_attribute(
    attribute: &str,
    version: Option<&str>,
    value: &Metadata,
) -> Result<()> {
    let Some(subject) = attribute.strip_prefix(ATTRIBUTE) else { return Ok(()) };
    let is_digest = matches!(subject.len(), 64 | 128)
        && subject.bytes().all(|letter| (b'a'..=b'p').contains(&letter));
    let descriptor: Descriptor = value
        .parse()
        .map_err(|error| Refusal::invalid(format!("its descriptor is malformed: {error}")))?;
    let is_whole = is_digest
        && version == Some(descriptor.digest.to_string().as_str())
        && manifest::known_type(&descriptor.media_type).is_some()
        && value.as_json().len() <= 2 * manifest::MAX_BYTES;
    if is_whole {
        return Ok(());
    }
    Err(Refusal::invalid("its descriptor is not one of a manifest that is about another"))
}

/// Answers `GET /{name}/referrers/{digest}`: also for what is not there, as it may come later.
pub(crate) async fn list(
    name: &PackageName,
    subject: &ContentDigest,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let wanted = head.query_parameter("artifactType").filter(|wanted| !wanted.is_empty());
    let mut after = head.query_parameter("last");
    let (attribute, mut found, mut bytes) = (attribute(subject), Vec::new(), 0);
    let has_more = loop {
        let step = host.attributes(name, &attribute, after.as_deref(), STEP).await?;
        let is_last = (step.len() as u64) < STEP;
        for entry in step {
            let descriptor: Descriptor = entry.value.parse().map_err(Refusal::internal)?;
            after = entry.version;
            if wanted.is_none() || descriptor.artifact_type == wanted {
                bytes += entry.value.as_json().len();
                found.push(descriptor);
            }
        }
        if is_last || bytes >= PAGE_BYTES {
            break !is_last;
        }
    };
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": found });
    let mut response =
        Response::json(200, index.to_string()).with_header("cache-control", "no-cache");
    response.headers[0].1 = INDEX.to_owned();
    if wanted.is_some() {
        response = response.with_header("oci-filters-applied", "artifactType");
    }
    Ok(match after.filter(|_| has_more) {
        Some(last) => {
            let path = path_below(head, &format!("{}/referrers/{subject}", name.display()));
            let kept: Vec<_> =
                head.query.split('&').filter(|pair| pair.starts_with("artifactType=")).collect();
            let query = [kept, vec![&format!("last={last}")]].concat().join("&");
            response.with_header("link", format!("<{path}?{query}>; rel=\"next\""))
        }
        None => response,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_is_named_by_the_digits_as_letters() {
        let digest = "sha256:00".to_owned() + &"9f".repeat(31);
        let name = attribute(&digest.parse().expect("a digest"));
        assert_eq!(name, format!("refers-to-aa{}", "jp".repeat(31)));
    }
}
