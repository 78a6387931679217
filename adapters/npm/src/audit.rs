//! Advisories, of which this registry knows none.
//!
//! Clients ask at every install. They are answered at once and without a look at the body, which
//! names every package that a project uses.

use pakhus_core::Response;

/// Answers the bulk question.
pub(crate) fn advisories() -> Response {
    Response::json(200, "{}")
}

/// Answers the audits of older clients.
pub(crate) fn report() -> Response {
    Response::json(
        200,
        concat!(
            r#"{"actions":[],"advisories":{},"muted":[],"metadata":{"vulnerabilities":"#,
            r#"{"info":0,"low":0,"moderate":0,"high":0,"critical":0},"#,
            r#""dependencies":0,"devDependencies":0,"optionalDependencies":0,"totalDependencies":0}}"#,
        ),
    )
}
