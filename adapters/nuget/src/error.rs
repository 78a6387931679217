//! Refusals, as NuGet clients print them.

use pakhus_core::{Refusal, RefusalKind, Response};
use serde_json::json;

/// Renders a refusal. Clients of NuGet print what stands beside the number of the status, and nothing
/// of the body, which is for people with other tools.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let message = refusal.public_message();
    let mut response =
        Response::json(refusal.kind.status(), json!({ "error": message }).to_string());
    response.reason = Some(message.to_owned());
    match refusal.kind {
        // Who gave credentials for the source sends them after this, and not before.
        RefusalKind::Unauthorized => {
            response.with_header("www-authenticate", "Basic realm=\"NuGet\"")
        }
        _ => response,
    }
}
