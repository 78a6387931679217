//! NuGet packages made on the spot.

use std::path::{Path, PathBuf};

use super::zip::Zip;

/// A package to push.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its id.
    pub id: String,
    /// Its version, as it is written.
    pub version: String,
    elements: String,
    files: Vec<(String, Vec<u8>)>,
}

const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\" />\
    <Default Extension=\"nuspec\" ContentType=\"application/octet\" />\
    <Default Extension=\"txt\" ContentType=\"application/octet\" />\
    <Default Extension=\"bin\" ContentType=\"application/octet\" />\
    <Default Extension=\"_\" ContentType=\"application/octet\" />\
    <Default Extension=\"ps1\" ContentType=\"application/octet\" /></Types>";

impl Package {
    /// A package with one file that says which it is.
    #[must_use]
    pub fn new(id: &str, version: &str) -> Self {
        let said = format!("{id} {version}\n").into_bytes();
        let file = ("content/about.txt".to_owned(), said);
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            elements: String::new(),
            files: vec![file],
        }
    }

    /// Says this too in the nuspec: elements of `metadata`.
    #[must_use]
    pub fn saying(mut self, elements: &str) -> Self {
        self.elements.push_str(elements);
        self
    }

    /// Has this file too.
    #[must_use]
    pub fn with_file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.push((path.to_owned(), bytes.to_owned()));
        self
    }

    /// The package file, as OPC has it: versions of NuGet before 4 read no other zip files.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let Self { id, version, elements, files } = self;
        let nuspec = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <package xmlns=\"http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd\"><metadata>\
             <id>{id}</id><version>{version}</version><authors>Somebody</authors>\
             <requireLicenseAcceptance>false</requireLicenseAcceptance>\
             <description>Something</description>{elements}</metadata></package>"
        );
        let relations = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Type=\"http://schemas.microsoft.com/packaging/2010/07/manifest\" \
             Target=\"/{id}.nuspec\" Id=\"R1\" /></Relationships>"
        );
        let mut zip = Zip::default();
        zip.add("[Content_Types].xml", CONTENT_TYPES.as_bytes());
        zip.add("_rels/.rels", relations.as_bytes());
        zip.add(&format!("{id}.nuspec"), nuspec.as_bytes());
        for (path, bytes) in files {
            zip.add(path, bytes);
        }
        zip.finish()
    }

    /// Writes the package file into `folder`, under its usual name.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn save(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.{}.nupkg", self.id, self.version));
        std::fs::write(&path, self.bytes()).expect("written");
        path
    }
}
