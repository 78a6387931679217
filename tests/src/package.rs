//! npm packages made on the spot.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

/// A package to publish.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The tag to set.
    pub tag: String,
    /// Its tarball.
    pub tarball: Vec<u8>,
}

impl Package {
    /// A package with one file that says which it is.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self::with_file(name, version, format!("module.exports = '{name}@{version}';\n").as_bytes())
    }

    /// A package with this `index.js`.
    #[must_use]
    pub fn with_file(name: &str, version: &str, index: &[u8]) -> Self {
        let manifest = json!({ "name": name, "version": version, "main": "index.js" }).to_string();
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, bytes) in
            [("package/package.json", manifest.as_bytes()), ("package/index.js", index)]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, bytes).expect("written to memory");
        }
        let mut encoder = archive.into_inner().expect("written to memory");
        encoder.flush().expect("written to memory");
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "latest".to_owned(),
            tarball: encoder.finish().expect("written to memory"),
        }
    }

    /// Sets this tag instead of `latest`.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// The subresource integrity of the tarball.
    #[must_use]
    pub fn integrity(&self) -> String {
        format!("sha512-{}", STANDARD.encode(Sha512::digest(&self.tarball)))
    }

    /// The SHA-1 of the tarball.
    #[must_use]
    pub fn shasum(&self) -> String {
        Sha1::digest(&self.tarball).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The document that `npm publish` sends.
    #[must_use]
    pub fn document(&self) -> Value {
        let Self { name, version, tag, tarball } = self;
        let file = format!("{name}-{version}.tgz");
        json!({
            "_id": name,
            "name": name,
            "dist-tags": { tag: version },
            "versions": { version: {
                "_id": format!("{name}@{version}"),
                "name": name,
                "version": version,
                "main": "index.js",
                "dist": { "integrity": self.integrity(), "shasum": self.shasum() },
            } },
            "_attachments": { file: {
                "content_type": "application/octet-stream",
                "data": STANDARD.encode(tarball),
                "length": tarball.len(),
            } },
        })
    }
}
