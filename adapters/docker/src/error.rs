//! Refusals, in the form and the words of the distribution specification.

use pakhus_core::{Refusal, RefusalKind, Response};
use serde_json::json;

/// The repository does not have the blob.
pub(crate) const BLOB_UNKNOWN: &str = "BLOB_UNKNOWN";
/// The upload cannot go on so.
pub(crate) const BLOB_UPLOAD_INVALID: &str = "BLOB_UPLOAD_INVALID";
/// There is no such upload.
pub(crate) const BLOB_UPLOAD_UNKNOWN: &str = "BLOB_UPLOAD_UNKNOWN";
/// The digest is malformed, or not that of what was sent.
pub(crate) const DIGEST_INVALID: &str = "DIGEST_INVALID";
/// The manifest names a blob or manifest that the repository does not have.
pub(crate) const MANIFEST_BLOB_UNKNOWN: &str = "MANIFEST_BLOB_UNKNOWN";
/// The manifest is malformed.
pub(crate) const MANIFEST_INVALID: &str = "MANIFEST_INVALID";
/// The repository does not have the manifest.
pub(crate) const MANIFEST_UNKNOWN: &str = "MANIFEST_UNKNOWN";
/// The name of the repository is malformed.
pub(crate) const NAME_INVALID: &str = "NAME_INVALID";
/// The length is not the one that was said, or too large.
pub(crate) const SIZE_INVALID: &str = "SIZE_INVALID";
/// It cannot be done here.
pub(crate) const UNSUPPORTED: &str = "UNSUPPORTED";

/// Renders a refusal.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let code = refusal.code.unwrap_or(match refusal.kind {
        RefusalKind::Invalid => NAME_INVALID,
        RefusalKind::Unauthorized => "UNAUTHORIZED",
        RefusalKind::Forbidden => "DENIED",
        RefusalKind::NotFound => "NAME_UNKNOWN",
        RefusalKind::MethodNotAllowed | RefusalKind::UnsupportedMediaType => UNSUPPORTED,
        RefusalKind::Conflict | RefusalKind::RangeNotSatisfiable => BLOB_UPLOAD_INVALID,
        RefusalKind::TooLarge => SIZE_INVALID,
        RefusalKind::TooManyRequests { .. } => "TOOMANYREQUESTS",
        // Words of this server: the specification has none for its failures.
        RefusalKind::Internal => "UNKNOWN",
        RefusalKind::Unavailable => "UNAVAILABLE",
    });
    let error = json!({ "code": code, "message": refusal.public_message(), "detail": null });
    Response::json(refusal.kind.status(), json!({ "errors": [error] }).to_string())
        .with_header("docker-distribution-api-version", "registry/2.0")
}
