use serde_json::json;

use crate::support::{
    File, archive, assert_refused, feed, json, nuspec, package, package_of, pushed,
};

#[test]
fn versions_are_listed_as_urls_have_them_and_in_order() {
    let feed = feed();
    for version in ["2.0.0-RC.1+build.7", "1.10.0", "1.2.3.4", "1.0.01", "1.9"] {
        pushed(&feed, &package("Acme.Lib", version));
    }
    let versions = ["1.0.1", "1.2.3.4", "1.9.0", "1.10.0", "2.0.0-rc.1"];
    assert_eq!(json(&feed, "/v3/flat/acme.lib/index.json"), json!({ "versions": versions }));
}

#[test]
fn what_is_not_here_is_not_found() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    for path in [
        "/v3/flat/acme/index.json",
        "/v3/flat/acme.lib/2.0.0/acme.lib.2.0.0.nupkg",
        "/v3/flat/acme.lib/1.0.0/acme.lib.2.0.0.nupkg",
        "/v3/flat/acme.lib/1.0.0/other.1.0.0.nupkg",
        "/v3/flat/acme.lib/1.0.0/other.nuspec",
        "/v3/flat/acme.lib/1.0.0/icon",
        "/v3/flat/acme.lib/1.0.0/readme",
        "/v3/flat/acme.lib/1.0.0/license",
        "/v3/flat/acme.lib/1.0.0/other",
    ] {
        assert_eq!(feed.request("GET", path).send().status, 404, "{path}");
    }
    assert_refused(&feed.request("GET", "/v3/flat/acme/index.json").send(), 404, "package acme");
}

#[test]
fn a_package_is_found_however_its_version_is_written_and_counts_as_downloaded() {
    let feed = feed();
    let bytes = package("Acme.Lib", "1.0.0-Beta");
    pushed(&feed, &bytes);
    for path in [
        "/v3/flat/acme.lib/1.0.0-beta/acme.lib.1.0.0-beta.nupkg",
        "/v3/flat/Acme.Lib/1.0.0-Beta/Acme.Lib.1.0.0-Beta.nupkg",
        "/v3/flat/acme.lib/1.0-beta/acme.lib.1.0.0.0-beta.nupkg",
    ] {
        let answer = feed.request("GET", path).send();
        assert_eq!((answer.status, &answer.body), (200, &bytes.clone().into()), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        let download = answer.download.unwrap();
        assert_eq!((&*download.name, &*download.version), ("acme.lib", "1.0.0-beta"));
    }
}

#[test]
fn files_are_served_out_of_the_package() {
    let feed = feed();
    let more = "<icon>images\\icon.png</icon><readme>./docs/README.md</readme>\
                <license type=\"file\">license.TXT</license>";
    let png = b"\x89PNG\r\n\x1a\nimage";
    pushed(
        &feed,
        &archive(&[
            File::packed("Acme.nuspec", nuspec("Acme.Lib", "1.0.0", more)),
            File::stored("images/icon.png", png),
            File::packed("docs/README.md", "# Acme"),
            File::packed("LICENSE.txt", "<script>"),
        ]),
    );
    for (file, kind, content) in [
        ("icon", "image/png", png.as_slice()),
        ("readme", "text/markdown; charset=utf-8", b"# Acme"),
        ("license", "text/plain; charset=utf-8", b"<script>"),
    ] {
        let answer = feed.request("GET", &format!("/v3/flat/acme.lib/1.0.0/{file}")).send();
        assert_eq!((answer.status, &*answer.body), (200, content), "{file}");
        assert_eq!(answer.header("content-type"), Some(kind));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let details = json(&feed, "/v3/details/acme.lib/1.0.0.json");
    for (member, file) in [("iconUrl", "icon"), ("readmeUrl", "readme"), ("licenseUrl", "license")]
    {
        let url = format!("https://pakhus.test/nuget/main/v3/flat/acme.lib/1.0.0/{file}");
        assert_eq!(details[member], url);
    }
}

#[test]
fn an_icon_that_is_no_image_is_of_no_type() {
    let feed = feed();
    let text = nuspec("Acme.Lib", "1.0.0", "<icon>icon.svg</icon>");
    let icon = File::stored("icon.svg", "<svg onload='alert(1)'/>");
    pushed(&feed, &archive(&[File::packed("Acme.nuspec", text), icon]));
    let answer = feed.request("GET", "/v3/flat/acme.lib/1.0.0/icon").send();
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
}

#[test]
fn a_read_again_unpacks_nothing() {
    let feed = feed();
    pushed(&feed, &package_of(nuspec("Acme.Lib", "1.0.0", "")));
    let path = "/v3/flat/acme.lib/1.0.0/acme.lib.nuspec";
    let read = |path: &str| feed.request("GET", path).send().transcript;
    assert!(read(path).iter().any(|line| line.contains("read_blob")));
    assert!(!read(path).iter().any(|line| line.contains("read_blob")));
}
