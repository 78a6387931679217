//! Refusals of the admin and replication APIs.

use reqwest::Response;
use serde_json::Value;

/// The answer is a problem (RFC 9457) of this status that says something, which is returned.
///
/// # Panics
/// When it is not.
pub async fn is_problem(answer: Response, status: u16) -> String {
    let found = answer.status().as_u16();
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    assert_eq!(kind.expect("a type"), "application/problem+json", "{text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["status"], status);
    let detail = body["detail"].as_str().expect("a detail");
    assert!(detail.contains(' '), "`{detail}` is no sentence");
    detail.to_owned()
}
