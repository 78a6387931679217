use crate::support::{assert_refused, feed, publish, tarball};

#[test]
fn a_tarball_comes_back_byte_by_byte_by_every_spelling() {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    for path in [
        "/@acme/pad/-/pad-1.0.0.tgz",
        "/@acme%2fpad/-/pad-1.0.0.tgz",
        "/%40acme%2Fpad/-/pad-1.0.0.tgz",
        "/@acme/pad/-/@acme/pad-1.0.0.tgz",
    ] {
        // Yarn 1 and pnpm ask for tarballs as if they were packuments.
        let accept = "application/vnd.npm.install-v1+json";
        let answer = feed.request("GET", path).header("accept", accept).send();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, tarball("@acme/pad", "1.0.0"));
        assert!(answer.blob.is_some());
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("cache-control"), Some("private, max-age=31536000, immutable"));
        assert_eq!(answer.transcript, ["? version @acme/pad 1.0.0", "= 1.0.0"]);
    }
}

#[test]
fn a_tarball_that_is_not_there_is_not_found() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    for path in [
        "/left-pad/-/left-pad-9.9.9.tgz",
        "/left-pad/-/right-pad-1.0.0.tgz",
        "/left-pad/-/left-pad-1.0.0.zip",
        "/left-pad/-/left-pad-latest.tgz",
        "/right-pad/-/right-pad-1.0.0.tgz",
        "/@acme/left-pad/-/left-pad-1.0.0.tgz",
    ] {
        assert_refused(&feed.request("GET", path).send(), 404, "");
    }
}
