use pakhus_plugin_api::testing::Answer;

use crate::support::{File, archive, assert_refused, feed, nuspec, package_of, push};

/// Pushes what must be refused: nothing of it is left.
#[track_caller]
fn refused(package: &[u8], message: &str) -> Answer {
    let feed = feed();
    let answer = push(&feed, package);
    assert_refused(&answer, 400, message);
    assert!(feed.stored_version("Acme.Lib", "1.0.0").is_none());
    answer
}

#[track_caller]
fn refused_nuspec(nuspec: impl AsRef<[u8]>, message: &str) {
    refused(&package_of(nuspec), message);
}

fn right() -> String {
    nuspec("Acme.Lib", "1.0.0", "")
}

#[test]
fn a_package_has_one_nuspec_at_its_root() {
    refused(&archive(&[File::packed("lib/a.dll", "MZ")]), "no nuspec");
    refused(&archive(&[File::packed("lib/Acme.nuspec", right())]), "no nuspec");
    let two = [File::packed("Acme.nuspec", right()), File::packed("Other.NUSPEC", right())];
    refused(&archive(&two), "two nuspecs");
}

#[test]
fn what_is_no_whole_zip_is_refused() {
    let whole = package_of(right());
    refused(b"not a package", "no zip file");
    refused(&whole[..whole.len() - 1], "no zip file");
    refused(&[&whole[..20], &whole[40..]].concat(), "damaged");
    let mut wrong = whole.clone();
    let end = wrong.len();
    // The list of entries is said to be elsewhere.
    wrong[end - 6] ^= 0x10;
    refused(&wrong, "damaged");
    let mut more = whole;
    more[end - 12] += 1;
    more[end - 14] += 1;
    refused(&more, "cut off");
}

#[test]
fn a_nuspec_that_unpacks_to_more_than_it_may_is_refused_before_it_has() {
    let bomb = File::packed("Acme.nuspec", vec![b' '; 64 << 20]);
    let lying = File { size: 1000, ..bomb.clone() };
    for file in [bomb, lying] {
        refused(&archive(&[file]), "larger than 1048576 bytes");
    }
    let shorter = File { size: 10, ..File::packed("Acme.nuspec", right()) };
    refused(&archive(&[shorter]), "checksum");
    let other = File { checksum: 1, ..File::packed("Acme.nuspec", right()) };
    refused(&archive(&[other]), "checksum");
    let broken = File { packed: vec![0xff; 40], ..File::packed("Acme.nuspec", right()) };
    refused(&archive(&[broken]), "does not decompress");
}

#[test]
fn files_that_lead_out_of_the_package_are_refused() {
    for name in [
        "../a",
        "lib/../../a",
        "..\\a",
        "lib\\..\\..\\a",
        "/etc/passwd",
        "\\a",
        "C:\\a",
        "lib/%2e%2e/a",
        "%2e%2e%2fa",
        "lib/%2E.%5Ca",
    ] {
        let files = [File::packed("Acme.nuspec", right()), File::stored(name, "x")];
        refused(&archive(&files), "leads out of its folder");
    }
}

#[test]
fn encrypted_packages_and_unknown_compression_are_refused() {
    let encrypted = File { flags: 1, ..File::stored("lib/a.dll", "x") };
    refused(&archive(&[File::packed("Acme.nuspec", right()), encrypted]), "encrypted");
    let bzip2 = File { method: 12, ..File::stored("Acme.nuspec", right()) };
    refused(&archive(&[bzip2]), "compressed by method 12");
}

#[test]
fn a_nuspec_in_another_encoding_than_it_says_is_refused() {
    refused_nuspec(right().replace("utf-8", "utf-16"), "says that it is in UTF-16");
    refused_nuspec(right().replace("utf-8", "windows-1252"), "the encoding `windows-1252`");
    refused_nuspec([right().as_bytes(), b"\xff"].concat(), "not valid UTF-8");
    refused_nuspec([b"\xff\xfe".as_slice(), b"<\0?"].concat(), "not valid UTF-16");
}

#[test]
fn a_nuspec_that_is_no_plain_xml_is_refused() {
    for (text, message) in [
        ("", "not one whole element"),
        ("<package><metadata>", "not one whole element"),
        ("<package></metadata>", "malformed"),
        ("<a/><b/>", "not one whole element"),
        ("<package/>", "no `package`"),
        ("<metadata/>", "no `package`"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><package><metadata>&b;</metadata></package>", "type"),
        ("<package><metadata>&nbsp;</metadata></package>", "unknown"),
        ("<package><metadata a='1' a='2'/></package>", "malformed"),
        ("<package><metadata>&#1;</metadata></package>", "does not allow"),
    ] {
        refused_nuspec(text, message);
    }
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    refused_nuspec(deep, "nested too deep");
    let many = format!("<package>{}</package>", "<a/>".repeat(100_000));
    refused_nuspec(many, "too many elements");
}

#[test]
fn ids_and_versions_are_what_clients_can_use() {
    for (id, message) in [
        ("", "no `id`"),
        ("$id$", "placeholder"),
        ("Acme Lib", "is not of letters"),
        ("Acme..Lib", "is not of letters"),
        ("-Acme", "is not of letters"),
        ("../Acme", "is not of letters"),
        ("Größer", "is not of letters"),
        (&"a".repeat(101), "longer than 100"),
    ] {
        refused_nuspec(nuspec(id, "1.0.0", ""), message);
    }
    for (version, message) in [
        ("", "no `version`"),
        ("$version$", "placeholder"),
        ("1.0.0.0.0", "one to four numbers"),
        ("v1.0.0", "one to four numbers"),
        ("1.0.0-01", "label"),
        (&format!("1.0.0-{}", "a".repeat(60)), "longer than 64"),
    ] {
        refused_nuspec(nuspec("Acme.Lib", version, ""), message);
    }
}

#[test]
fn what_a_nuspec_says_must_make_sense() {
    let dependency = |inside: &str| format!("<dependencies>{inside}</dependencies>");
    for (more, message) in [
        ("<id>Other</id>", "`id` twice"),
        ("<projectUrl>example.com</projectUrl>", "`projectUrl`"),
        ("<iconUrl>javascript:alert(1)</iconUrl>", "`iconUrl`"),
        ("<licenseUrl>file:///etc</licenseUrl>", "`licenseUrl`"),
        ("<license>MIT</license>", "neither `expression` nor `file`"),
        ("<requireLicenseAcceptance>maybe</requireLicenseAcceptance>", "neither `true`"),
        ("<packageTypes><packageType/></packageTypes>", "has no `name`"),
        (&dependency("<dependency/>"), "has no `id`"),
        (&dependency("<dependency id=\"../b\"/>"), "is not of letters"),
        (&dependency("<dependency id=\"b\" version=\"1.*\"/>"), "floats"),
        (&dependency("<dependency id=\"b\" version=\"(1.0)\"/>"), "no range"),
        (&dependency("<group><dependency id=\"b\"/><dependency id=\"B\"/></group>"), "twice"),
    ] {
        refused_nuspec(nuspec("Acme.Lib", "1.0.0", more), message);
    }
    let text = right().replace("<metadata>", "<metadata minClientVersion=\"new\">");
    refused_nuspec(text, "`minClientVersion`");
}

#[test]
fn files_that_the_nuspec_names_are_in_the_package_and_no_larger_than_they_may_be() {
    for (more, message) in [
        ("<icon>icon.png</icon>", "icon `icon.png`"),
        ("<readme>docs/README.md</readme>", "readme `docs/README.md`"),
        ("<license type=\"file\">LICENSE</license>", "license `LICENSE`"),
    ] {
        refused_nuspec(nuspec("Acme.Lib", "1.0.0", more), message);
    }
    let text = nuspec("Acme.Lib", "1.0.0", "<icon>icon.png</icon>");
    let large = File::packed("icon.png", vec![0; (1 << 20) + 1]);
    refused(&archive(&[File::packed("Acme.nuspec", text), large]), "larger than 1048576");
}
