//! Access, teams and organisations: what `npm access` asks. Permissions are the feed's, so packages are
//! as public as it is, and nothing can be changed here.

use pakhus_core::{Host, PackageName, Refusal, RefusalKind, Response, Result};
use serde_json::Value;

use crate::document::malformed;
use crate::error::no_such_package;

/// The most bytes of a request.
const MAX_BODY: usize = 4 << 10;

/// Answers `GET /-/package/{pkg}/visibility`.
pub(crate) async fn visibility(name: &PackageName, host: &dyn Host) -> Result<Response> {
    is_there(name, host).await?;
    let text = format!(r#"{{"public":{}}}"#, host.is_public());
    Ok(Response::json(200, text).with_header("cache-control", "private, no-cache"))
}

/// Answers `POST /-/package/{pkg}/access`: what is so already may be set, nothing else.
pub(crate) async fn set(name: &PackageName, host: &dyn Host) -> Result<Response> {
    let body = host.receive_bytes(MAX_BODY).await?;
    let body: Value = serde_json::from_slice(&body).map_err(malformed("the access"))?;
    is_there(name, host).await?;
    let members = body.as_object().ok_or_else(|| Refusal::invalid("the access is no object"))?;
    // Clients say `private` in new versions and `restricted` in old ones.
    let (so_already, also_called) =
        if host.is_public() { ("public", "public") } else { ("restricted", "private") };
    let is_so = |value: &Value| {
        value.as_str().is_some_and(|access| access == so_already || access == also_called)
    };
    if members.iter().any(|(member, value)| member != "access" || !is_so(value)) {
        return Err(Refusal::new(
            RefusalKind::Forbidden,
            format!(
                "access is set on the feed, not on a package: this feed is {so_already}, and so is all in it"
            ),
        ));
    }
    Ok(Response::json(200, "{}"))
}

/// Refuses what manages teams and organisations.
pub(crate) fn no_teams() -> Refusal {
    Refusal::not_found(
        "this registry has no organisations and teams: permissions are set on the feed, by its operator",
    )
}

/// Refuses what asks for stars.
pub(crate) fn no_stars() -> Refusal {
    Refusal::not_found("this registry keeps no stars")
}

async fn is_there(name: &PackageName, host: &dyn Host) -> Result<()> {
    host.package(name).await?.map(drop).ok_or_else(|| no_such_package(name))
}
