//! Uploading blobs, at once or in pieces, and mounting those of other repositories.

use pakhus_core::{
    BlobRef, ContentDigest, Host, PackageName, Refusal, RefusalKind, RequestHead, Response, Result,
};

use crate::page::path_below;
use crate::route::UploadAct;
use crate::{error, reference};

/// The most bytes of one blob.
const MAX_BLOB: u64 = 256 << 30;

/// Answers `POST /{name}/blobs/uploads/`: mounts a blob, takes one that comes with the request, or
/// begins an upload.
pub(crate) async fn begin(
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    if let Some(mount) = head.query_parameter("mount") {
        let digest = reference::digest(&mount)?;
        let from = head.query_parameter("from").filter(|from| !from.is_empty());
        if let Some(blob) = host.blobs().mount(name, &digest, from.as_deref()).await? {
            return Ok(created(name, &digest, &blob, head));
        }
        // Where it cannot be mounted, the client uploads it.
    }
    let algorithm = head.query_parameter("digest-algorithm");
    if algorithm.is_some_and(|algorithm| !matches!(&*algorithm, "sha256" | "sha512")) {
        return Err(
            Refusal::invalid("digests are of SHA-256 or SHA-512 here").coded(error::DIGEST_INVALID)
        );
    }
    let digest = head.query_parameter("digest");
    let digest = digest.map(|digest| reference::digest(&digest)).transpose()?;
    let id = host.blobs().begin(name).await?;
    let Some(digest) = digest else {
        return Ok(standing(202, name, &id, 0, head));
    };
    if let Err(refusal) = append(name, &id, None, host).await {
        host.blobs().cancel(name, &id).await?;
        return Err(refusal);
    }
    finish(name, &id, &digest, head, host).await
}

/// Answers what is asked of an upload.
pub(crate) async fn go_on(
    name: &PackageName,
    id: &str,
    act: UploadAct,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    match act {
        UploadAct::Ask => {
            let offset = host.blobs().offset(name, id).await.map_err(|refusal| worded(&refusal))?;
            Ok(standing(204, name, id, offset, head))
        }
        UploadAct::Cancel => {
            host.blobs().cancel(name, id).await.map_err(|refusal| worded(&refusal))?;
            Ok(Response::empty(204))
        }
        UploadAct::Append => match append(name, id, chunk_start(head)?, host).await {
            Ok(offset) => Ok(standing(202, name, id, offset, head)),
            Err(refusal) => out_of_order(refusal, name, id, head, host).await,
        },
        UploadAct::Finish => {
            let missing = || {
                Refusal::invalid("`digest` is missing: the digest of the whole blob")
                    .coded(error::DIGEST_INVALID)
            };
            let digest = head.query_parameter("digest").ok_or_else(missing)?;
            let digest = reference::digest(&digest)?;
            let start = chunk_start(head)?;
            if head.header("content-length") != Some("0")
                && let Err(refusal) = append(name, id, start, host).await
            {
                return out_of_order(refusal, name, id, head, host).await;
            }
            finish(name, id, &digest, head, host).await
        }
    }
}

async fn append(name: &PackageName, id: &str, at: Option<u64>, host: &dyn Host) -> Result<u64> {
    let appended = host.blobs().append(name, id, at, MAX_BLOB).await;
    appended.map_err(|refusal| worded(&refusal))
}

async fn finish(
    name: &PackageName,
    id: &str,
    digest: &ContentDigest,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let finished = host.blobs().finish(name, id, digest).await;
    let blob = finished.map_err(|refusal| match refusal.kind {
        RefusalKind::Invalid => refusal.coded(error::DIGEST_INVALID),
        _ => worded(&refusal),
    })?;
    Ok(created(name, digest, &blob, head))
}

/// A refusal that also says where the upload stands: from there the client can go on.
async fn out_of_order(
    refusal: Refusal,
    name: &PackageName,
    id: &str,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    if refusal.kind != RefusalKind::RangeNotSatisfiable {
        return Err(refusal);
    }
    let offset = host.blobs().offset(name, id).await.map_err(|refusal| worded(&refusal))?;
    let mut response = error::refuse(&refusal);
    response.headers.extend(standing(416, name, id, offset, head).headers);
    Ok(response)
}

/// The protocol's word for what is refused of an upload.
fn worded(refusal: &Refusal) -> Refusal {
    let code = match refusal.kind {
        RefusalKind::NotFound => error::BLOB_UPLOAD_UNKNOWN,
        RefusalKind::TooLarge => error::SIZE_INVALID,
        RefusalKind::Invalid | RefusalKind::Conflict | RefusalKind::RangeNotSatisfiable => {
            error::BLOB_UPLOAD_INVALID
        }
        _ => return refusal.clone(),
    };
    refusal.clone().coded(code)
}

/// The byte that a piece begins with, where the request says so: `Content-Range: first-last`.
fn chunk_start(head: &RequestHead) -> Result<Option<u64>> {
    let Some(range) = head.header("content-range") else { return Ok(None) };
    let malformed = |reason: &str| {
        Refusal::invalid(format!("the `Content-Range` {reason}")).coded(error::BLOB_UPLOAD_INVALID)
    };
    let range = range.trim();
    let range = range.strip_prefix("bytes").map_or(range, str::trim_start);
    let range = range.split('/').next().unwrap_or_default();
    let (first, last) = range.split_once('-').ok_or_else(|| malformed("has no `first-last`"))?;
    let (Ok(first), Ok(last)) = (first.trim().parse::<u64>(), last.trim().parse::<u64>()) else {
        return Err(malformed("has something that is no number"));
    };
    let length = last.checked_sub(first).and_then(|length| length.checked_add(1));
    let length = length.ok_or_else(|| malformed("ends before it begins"))?;
    let said = head.header("content-length").map(str::parse::<u64>);
    if said.is_some_and(|said| said != Ok(length)) {
        return Err(malformed("is of another length than the body").coded(error::SIZE_INVALID));
    }
    Ok(Some(first))
}

/// Where an upload stands.
fn standing(
    status: u16,
    name: &PackageName,
    id: &str,
    offset: u64,
    head: &RequestHead,
) -> Response {
    let location = path_below(head, &format!("{}/blobs/uploads/{id}", name.display()));
    Response::empty(status)
        .with_header("location", location)
        .with_header("range", format!("0-{}", offset.saturating_sub(1)))
        .with_header("docker-upload-uuid", id)
}

/// The repository has the blob now.
fn created(
    name: &PackageName,
    digest: &ContentDigest,
    blob: &BlobRef,
    head: &RequestHead,
) -> Response {
    debug_assert!(blob.is_called(digest), "a blob is found by what it is called");
    let location = path_below(head, &format!("{}/blobs/{digest}", name.display()));
    Response::empty(201)
        .with_header("location", location)
        .with_header("docker-content-digest", digest.to_string())
}
