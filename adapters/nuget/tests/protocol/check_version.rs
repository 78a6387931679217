//! What another site sends is held to what a push here could have made.

use pakhus_nuget::NuGet;
use pakhus_plugin_api::{
    BlobRef, Digest, Metadata, NewVersion, PackageName, PackageType as _, VersionRecord,
};
use serde_json::{Value, json};

use crate::support::{feed, nuspec, package_of, pushed};

/// A version as a push here stored it.
fn stored() -> VersionRecord {
    let feed = feed();
    let more = "<projectUrl>https://a.example</projectUrl>\
        <dependencies><dependency id=\"B\" version=\"1.0\"/></dependencies>";
    pushed(&feed, &package_of(nuspec("Acme.Lib", "1.0.0", more)));
    feed.stored_version("acme.lib", "1.0.0").unwrap()
}

fn new(record: VersionRecord) -> NewVersion {
    let VersionRecord { name, version, metadata, blobs, .. } = record;
    NewVersion { name, version, metadata, blobs }
}

fn edited(edit: impl FnOnce(&mut Value)) -> NewVersion {
    let mut new = new(stored());
    let mut json: Value = new.metadata.parse().unwrap();
    edit(&mut json);
    new.metadata = Metadata::from_value(&json).unwrap();
    new
}

#[track_caller]
fn refused(new: &NewVersion, message: &str) {
    let refusal = NuGet::default().check_version(new).unwrap_err();
    assert!(refusal.message.contains(message), "{refusal}");
}

#[test]
fn what_was_pushed_passes_and_what_is_unknown_is_passed_over() {
    NuGet::default().check_version(&new(stored())).unwrap();
    let newer = edited(|json| json["nuspec"]["later"] = json!(1));
    NuGet::default().check_version(&newer).unwrap();
}

#[test]
fn a_version_has_its_package_and_nothing_else() {
    for blobs in [vec![], vec![("symbols", 1)], vec![("package", 1), ("package", 2)]] {
        let blobs = blobs.into_iter().map(|(role, size)| BlobRef {
            digest: Digest::of(b"a"),
            size,
            role: role.to_owned(),
            sha512: None,
        });
        refused(&NewVersion { blobs: blobs.collect(), ..new(stored()) }, "one blob");
    }
}

#[test]
fn metadata_is_of_this_version_and_makes_sense() {
    refused(&edited(|json| json["format"] = json!(2)), "format 2");
    refused(&edited(|json| json["sha512"] = json!("AAAA")), "SHA-512");
    refused(&edited(|json| *json = json!([])), "malformed");
    refused(&edited(|json| json["nuspec"]["id"] = json!("Other")), "another id");
    refused(&edited(|json| json["nuspec"]["version"] = json!("1.0.1")), "another id or version");
    refused(&edited(|json| json["nuspec"]["projectUrl"] = json!("javascript:a")), "projectUrl");
    refused(&edited(|json| json["nuspec"]["title"] = json!("a\u{1}")), "does not allow");
    refused(&edited(|json| json["nuspec"]["isSemver2"] = json!(true)), "who can read");
    let dependency = |member: &str, value: Value| {
        edited(|json| json["nuspec"]["dependencyGroups"][0]["dependencies"][0][member] = value)
    };
    refused(&dependency("range", json!("1.*")), "floats");
    refused(&dependency("id", json!("../b")), "is not of letters");
    refused(&edited(|json| json["nuspec"]["title"] = json!("a".repeat(3 << 20))), "longer than");
}

#[test]
fn only_that_a_version_is_not_listed_is_an_attribute_of_it() {
    let value = |value: Value| Metadata::from_value(&value).unwrap();
    let check = |version, json| NuGet::default().check_attribute("listed", version, &value(json));
    assert!(check(Some("1.0.0"), json!(false)).is_ok());
    for (version, json) in
        [(Some("1.0.0"), json!(true)), (Some("1.0.0"), json!("no")), (None, json!(false))]
    {
        assert!(check(version, json).is_err());
    }
    assert!(NuGet::default().check_tag("latest").is_err());
}

#[test]
fn names_and_versions_of_symbols_are_their_own_keys() {
    let nuget = NuGet::default();
    for (raw, key) in [
        (".symbols/Acme.Lib", Some(".symbols/acme.lib")),
        (".pdb/Acme.PDB", Some(".pdb/acme.pdb")),
        (".symbols/", None),
        (".symbols/../a", None),
        (".pdb/a.dll", None),
        (".pdb/a/b.pdb", None),
        (".other/a", None),
    ] {
        let name = nuget.parse_name(raw).ok();
        assert_eq!(name.as_ref().map(PackageName::key), key, "{raw}");
        if let Some(key) = key {
            assert_eq!(nuget.parse_name(key).unwrap().key(), key);
        }
    }
    let signature = format!("{}ffffffff", "0a".repeat(16));
    assert_eq!(nuget.parse_version(&signature).unwrap().key(), signature);
    assert!(nuget.parse_version(&signature.to_uppercase()).is_err());
}
