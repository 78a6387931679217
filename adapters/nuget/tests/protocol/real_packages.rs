//! Packages that were made with real tools.

use std::fs;
use std::path::PathBuf;

use crate::support::{assert_refused, feed, json, push};

fn packages() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/packages");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut packages: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "nupkg")).collect();
    packages.sort();
    assert!(packages.len() > 20);
    packages
}

#[test]
fn they_come_back_byte_for_byte() {
    for path in packages() {
        let (feed, bytes) = (feed(), fs::read(&path).unwrap());
        let answer = push(&feed, &bytes);
        let file = path.file_name().unwrap().to_string_lossy();
        let broken = [
            ("Zip64Package.Corrupted.1.0.0.nupkg", "damaged"),
            ("PackageWithInvalidUnicodeCharacters.1.0.0.nupkg", "the icon `Rougamo.png`"),
        ];
        if let Some((_, message)) = broken.iter().find(|(broken, _)| file == *broken) {
            assert_refused(&answer, 400, message);
            continue;
        }
        assert_eq!(answer.status, 201, "{file}: {}", answer.text());
        let found = json(&feed, "/v3/search?prerelease=true&semVerLevel=2.0.0");
        let (id, version) = (&found["data"][0]["id"], &found["data"][0]["version"]);
        let id = id.as_str().unwrap().to_lowercase();
        let version = version.as_str().unwrap().split('+').next().unwrap().to_lowercase();
        let path = format!("/v3/flat/{id}/{version}/{id}.{version}.nupkg");
        assert_eq!(feed.request("GET", &path).send().body, bytes, "{file}");
    }
}
