//! Advisories, of which this registry knows none.
//!
//! Clients ask at every install. They are answered at once and without a look at the body, which
//! names every package that a project uses.

use pakhus_core::{RequestHead, Response};

/// What npm shows of an answer besides what it says.
const NOTICE: &str = "npm-notice";

/// Answers the bulk question.
pub(crate) fn advisories(head: &RequestHead) -> Response {
    noted(head, Response::json(200, "{}"))
}

/// Answers the audits of older clients.
pub(crate) fn report(head: &RequestHead) -> Response {
    let report = Response::json(
        200,
        concat!(
            r#"{"actions":[],"advisories":{},"muted":[],"metadata":{"vulnerabilities":"#,
            r#"{"info":0,"low":0,"moderate":0,"high":0,"critical":0},"#,
            r#""dependencies":0,"devDependencies":0,"optionalDependencies":0,"totalDependencies":0}}"#,
        ),
    );
    noted(head, report)
}

/// Says to whoever asked for an audit, and not at every install, that nothing was looked up.
fn noted(head: &RequestHead, answer: Response) -> Response {
    match head.header("npm-command") {
        Some("audit") => {
            answer.with_header(NOTICE, "This registry knows no advisories: nothing was checked.")
        }
        _ => answer,
    }
}
