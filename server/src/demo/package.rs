//! A small npm package, made on the spot.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The document that `npm publish` sends for a package of one file.
pub(crate) fn publish_document(name: &str, version: &str) -> io::Result<Value> {
    let manifest = json!({
        "name": name,
        "version": version,
        "description": "A package of the Pakhus demo",
        "main": "index.js",
        "license": "MIT",
    });
    let tarball = tarball(&manifest, &format!("module.exports = '{name} {version}';\n"))?;
    let file = format!("{name}-{version}.tgz");
    let mut published = manifest;
    published["_id"] = json!(format!("{name}@{version}"));
    published["dist"] = json!({});
    Ok(json!({
        "_id": name,
        "name": name,
        "dist-tags": { "latest": version },
        "versions": { version: published },
        "_attachments": {
            file: {
                "content_type": "application/octet-stream",
                "data": STANDARD.encode(&tarball),
                "length": tarball.len(),
            },
        },
    }))
}

fn tarball(manifest: &Value, index: &str) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let manifest = manifest.to_string();
    for (path, text) in [("package/package.json", manifest.as_str()), ("package/index.js", index)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}
