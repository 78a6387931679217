//! Deleting manifests and tags. It stays at this site: others keep what they have.

use pakhus_core::{Change, Edit, Host, PackageName, PackageVersion, Refusal, Response, Result};

use crate::metadata::Stored;
use crate::reference::{self, Reference};
use crate::{error, pull, referrers};

/// Tags read at once.
const PAGE: u64 = 5_000;

/// Answers `DELETE /{name}/manifests/{reference}`: of a tag alone, or of a manifest with all its tags.
pub(crate) async fn manifest(
    name: &PackageName,
    reference: &Reference,
    host: &dyn Host,
) -> Result<Response> {
    let edits = match reference {
        Reference::Tag(tag) => {
            // Refuses a tag that is not there.
            reference.version(name, host).await?;
            vec![Edit::RemoveTag { name: name.clone(), tag: tag.clone() }]
        }
        Reference::Digest(digest) => version(name, &reference::of_digest(digest)?, host).await?,
    };
    host.commit(Change { edits, ..Change::default() }).await.map_err(|refusal| {
        // Somebody else deleted it a moment ago.
        Refusal { code: Some(error::MANIFEST_UNKNOWN), ..refusal }
    })?;
    Ok(Response::empty(202))
}

async fn version(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Vec<Edit>> {
    let record = host.version(name, version).await?;
    let record = record.ok_or_else(|| pull::unknown(name, version.display()))?;
    let mut edits = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let tags = host.tags(name, after.as_deref(), PAGE).await?;
        for (tag, _) in tags.iter().filter(|(_, of)| of == version.key()) {
            edits.push(Edit::RemoveTag { name: name.clone(), tag: tag.clone() });
        }
        match tags.into_iter().last() {
            Some((last, _)) => after = Some(last),
            None => break,
        }
    }
    if let Some(subject) = Stored::read(&record)?.subject {
        edits.push(referrers::edit(name, version, &subject, None)?);
    }
    edits.push(Edit::Delete { name: name.clone(), version: version.clone() });
    Ok(edits)
}
