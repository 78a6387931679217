//! Who asks, and whether anybody is there.

use pakhus_core::{Identity, Refusal, RefusalKind, Response, Result};

use crate::json::ObjectWriter;

/// Answers `GET /-/ping`.
pub(crate) fn ping() -> Response {
    Response::json(200, "{}")
}

/// Answers `GET /-/whoami`.
pub(crate) fn who_am_i(identity: Option<&Identity>) -> Result<Response> {
    let Some(identity) = identity else {
        let message = "nobody is logged in; run `npm login` or set a token for this registry";
        return Err(Refusal::new(RefusalKind::Unauthorized, message));
    };
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    object.string("username", &identity.name);
    object.close();
    Ok(Response::json(200, text).with_header("cache-control", "private, no-cache"))
}
