//! The API of dist-tags.

use pakhus_core::{Change, Edit, Host, PackageName, Refusal, RefusalKind, Response, Result};
use serde_json::value::RawValue;

use crate::accept::FULL;
use crate::document::malformed;
use crate::packument::{kept_document, respond};
use crate::{render, tag, version};

/// The most bytes of a body, which is one version in quotes.
const MAX_BODY: usize = 4 << 10;

/// Answers `GET …/dist-tags`.
pub(crate) async fn list(name: &PackageName, host: &dyn Host) -> Result<Response> {
    let document =
        kept_document("dist-tags of", name, "any URL", host, |view| Ok(render::dist_tags(view)))
            .await?;
    Ok(respond(document, FULL).with_header("vary", "accept-encoding"))
}

/// Answers `PUT …/dist-tags/{tag}`.
pub(crate) async fn set(name: &PackageName, tag: &str, host: &dyn Host) -> Result<Response> {
    tag::check(tag)?;
    let body = host.receive_bytes(MAX_BODY).await?;
    let body: &RawValue = serde_json::from_slice(&body).map_err(malformed("the version"))?;
    let edit = Edit::SetTag {
        name: name.clone(),
        tag: tag.to_owned(),
        version: version::of_json(body)?,
        only_if_absent: false,
    };
    commit(edit, host).await?;
    Ok(Response::json(201, r#"{"ok":"package tagged"}"#))
}

/// Answers `DELETE …/dist-tags/{tag}`.
pub(crate) async fn remove(name: &PackageName, tag: &str, host: &dyn Host) -> Result<Response> {
    tag::check(tag)?;
    if tag == tag::LATEST {
        return Err(cannot_remove_latest());
    }
    commit(Edit::RemoveTag { name: name.clone(), tag: tag.to_owned() }, host).await?;
    Ok(Response::json(200, r#"{"ok":"tag removed"}"#))
}

fn cannot_remove_latest() -> Refusal {
    Refusal::new(
        RefusalKind::Forbidden,
        "the dist-tag `latest` cannot be removed, only moved: clients install it when no other is asked for",
    )
}

async fn commit(edit: Edit, host: &dyn Host) -> Result<()> {
    host.commit(Change { preconditions: Vec::new(), edits: vec![edit] }).await.map(drop)
}
