use pakhus_npm::Npm;
use pakhus_plugin_api::{Body, Mount, PackageType, Refusal, RefusalKind};
use serde_json::json;

use crate::support::{assert_refused, feed};

#[test]
fn the_adapter_says_what_it_can_do() {
    let npm = Npm::default();
    let descriptor = npm.descriptor();
    assert_eq!(descriptor.name, "npm");
    let capabilities = &descriptor.capabilities;
    assert!(capabilities.tracks_deletions && capabilities.syncs_publish_date);
    assert!(capabilities.syncs_download_count && capabilities.mount == Mount::Feed);
}

#[test]
fn a_ping_is_answered_to_everybody() {
    for target in ["/-/ping", "/-/ping?write=true"] {
        let answer = feed().request("GET", target).send();
        assert_eq!((answer.status, answer.json()), (200, json!({})));
    }
}

#[test]
fn who_asks_is_told_who_they_are() {
    let answer = feed().request("GET", "/-/whoami").by("alice").send();
    assert_eq!((answer.status, answer.json()), (200, json!({"username": "alice"})));
    let answer = feed().request("GET", "/-/whoami").send();
    assert_refused(&answer, 401, "npm login");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"npm\""));
}

#[test]
fn audits_are_answered_at_once_without_a_look_at_them() {
    let feed = feed();
    let security = "/-/npm/v1/security";
    let answer = feed
        .request("POST", &format!("{security}/advisories/bulk"))
        .header("content-encoding", "gzip")
        .body(&b"\x1f\x8b\x00"[..])
        .send();
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    assert!(answer.transcript.is_empty());
    for audits in ["audits", "audits/quick"] {
        let answer = feed.request("POST", &format!("{security}/{audits}")).body("{}").send();
        let report = answer.json();
        assert_eq!(report["advisories"], json!({}));
        assert_eq!(report["metadata"]["vulnerabilities"]["critical"], 0);
        assert_eq!(report["metadata"]["totalDependencies"], 0);
    }
}

#[test]
fn every_refusal_is_json_that_npm_prints() {
    for kind in [
        RefusalKind::Invalid,
        RefusalKind::Unauthorized,
        RefusalKind::Forbidden,
        RefusalKind::NotFound,
        RefusalKind::Conflict,
        RefusalKind::TooLarge,
        RefusalKind::Internal,
        RefusalKind::Unavailable,
    ] {
        let response = Npm::default().refuse(&Refusal::new(kind, "a \"quoted\" reason\n"));
        assert_eq!(response.status, kind.status());
        assert!(response.headers.contains(&("content-type", "application/json".to_owned())));
        let challenged = response.headers.iter().any(|(name, _)| *name == "www-authenticate");
        assert_eq!(challenged, kind == RefusalKind::Unauthorized);
        let Body::Bytes(body) = response.body else { panic!("a refusal has a body") };
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let shown = body["error"].as_str().unwrap();
        assert_eq!(shown.contains("quoted"), kind != RefusalKind::Internal);
    }
}

#[test]
fn who_asks_for_an_audit_is_told_that_nothing_was_checked() {
    let path = "/-/npm/v1/security/advisories/bulk";
    let notice = |command: &str| {
        let answer = feed().request("POST", path).header("npm-command", command).send();
        answer.header("npm-notice").map(str::to_owned)
    };
    assert!(notice("audit").is_some_and(|notice| notice.contains("nothing was checked")));
    assert_eq!(notice("install"), None);
}
