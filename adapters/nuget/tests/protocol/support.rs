//! What the tests speak with: packages as clients pack them, and short ways to send them.

mod zip;

use pakhus_nuget::NuGet;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::Value;

pub(crate) use self::zip::{File, archive};

/// A new feed without a package.
pub(crate) fn feed() -> MemoryFeed {
    MemoryFeed::new(NuGet::default())
}

/// A nuspec with this id and version, and `more` in its metadata.
pub(crate) fn nuspec(id: &str, version: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\"><metadata>\
         <id>{id}</id><version>{version}</version><authors>Zoë, Bob</authors>\
         <description>does &lt;things&gt;</description>{more}</metadata></package>"
    )
}

/// A package with this nuspec.
pub(crate) fn package_of(nuspec: impl AsRef<[u8]>) -> Vec<u8> {
    archive(&[File::packed("Acme.nuspec", nuspec), File::packed("lib/net8.0/Acme.dll", "MZ")])
}

/// A package with this id and version.
pub(crate) fn package(id: &str, version: &str) -> Vec<u8> {
    package_of(nuspec(id, version, ""))
}

/// The body of a push and its type, as `dotnet` sends them.
pub(crate) fn form(package: &[u8]) -> (&'static str, Vec<u8>) {
    let mut body = b"--25b33b71-0f7b\r\nContent-Type: application/octet-stream\r\n\
        Content-Disposition: form-data; name=package; filename=package.nupkg; \
        filename*=utf-8''package.nupkg\r\n\r\n"
        .to_vec();
    body.extend_from_slice(package);
    body.extend_from_slice(b"\r\n--25b33b71-0f7b--\r\n");
    ("multipart/form-data; boundary=\"25b33b71-0f7b\"", body)
}

/// Pushes a package.
pub(crate) fn push(feed: &MemoryFeed, package: &[u8]) -> Answer {
    let (kind, body) = form(package);
    feed.request("PUT", "/v3/package/").header("content-type", kind).by("alice").body(body).send()
}

/// Pushes a package that must be accepted.
#[track_caller]
pub(crate) fn pushed(feed: &MemoryFeed, package: &[u8]) {
    let answer = push(feed, package);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Reads a document of JSON that must be there.
#[track_caller]
pub(crate) fn json(feed: &MemoryFeed, path: &str) -> Value {
    let answer = feed.request("GET", path).send();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

/// Asserts that an answer is a refusal that says `message` where clients look for it.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains(message), "{error}");
    assert_eq!(answer.reason.as_deref(), Some(&*error));
}
