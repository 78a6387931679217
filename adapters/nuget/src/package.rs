//! A package file: a zip with one nuspec at its root.

use pakhus_core::{BlobRef, Host, Refusal, Result};

use crate::nuspec::{self, Nuspec};
use crate::zip::{Entry, ZipFile};

/// The most bytes of an icon, a readme or a licence in a package: what the public gallery allows.
pub(crate) const MAX_FILE: usize = 1 << 20;

/// A package whose list of files was read.
pub(crate) struct PackageFile<'h> {
    pub(crate) zip: ZipFile<'h>,
    manifest: Entry,
}

impl<'h> PackageFile<'h> {
    /// Opens a package. Every file in it has a path that a client can unpack to.
    pub(crate) async fn open(blob: &'h BlobRef, host: &'h dyn Host) -> Result<Self> {
        let zip = ZipFile::open(blob, host).await?;
        let mut manifests = Vec::new();
        zip.for_each(|entry| {
            let path = entry.path();
            if path.to_ascii_lowercase().ends_with(".nuspec") && !path.contains('/') {
                if !manifests.is_empty() {
                    return Err(Refusal::invalid("the package has two nuspecs at its root"));
                }
                manifests.push(entry);
            }
            Ok(())
        })
        .await?;
        let manifest = manifests
            .pop()
            .ok_or_else(|| Refusal::invalid("the package has no nuspec at its root"))?;
        Ok(Self { zip, manifest })
    }

    /// The bytes of the nuspec.
    pub(crate) async fn manifest(&self) -> Result<Vec<u8>> {
        self.zip.read(&self.manifest, nuspec::MAX_BYTES).await
    }

    /// The nuspec. The files that it names are in the package, and no larger than they may be.
    pub(crate) async fn nuspec(&self) -> Result<Nuspec> {
        let nuspec = Nuspec::parse(&self.manifest().await?)?;
        let named =
            [("icon", &nuspec.icon), ("readme", &nuspec.readme), ("license", &nuspec.license_file)];
        let named: Vec<_> =
            named.iter().filter_map(|(what, path)| Some((*what, path.as_deref()?))).collect();
        if named.is_empty() {
            return Ok(nuspec);
        }
        let paths: Vec<_> = named.iter().map(|(_, path)| *path).collect();
        let found = self.find(&paths).await?;
        for ((what, path), entry) in named.into_iter().zip(found) {
            let path: String = path.chars().take(80).collect();
            match entry {
                None => {
                    return Err(Refusal::invalid(format!(
                        "the nuspec names the {what} `{path}`, which is not in the package"
                    )));
                }
                Some(entry) if entry.size > MAX_FILE as u64 => {
                    return Err(Refusal::invalid(format!(
                        "the {what} `{path}` is larger than {MAX_FILE} bytes"
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(nuspec)
    }

    /// The bytes of the file that the nuspec names by `path`.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>> {
        let found = self.find(&[path]).await?.pop().flatten();
        let entry = found.ok_or_else(|| Refusal::not_found("the package has no such file"))?;
        self.zip.read(&entry, MAX_FILE).await
    }

    /// The entries of these paths, as the nuspec writes them: with slashes of either kind, and in
    /// another case where there is none in the same.
    async fn find(&self, paths: &[&str]) -> Result<Vec<Option<Entry>>> {
        let wanted: Vec<String> = paths
            .iter()
            .map(|path| path.replace('\\', "/").trim_start_matches("./").to_owned())
            .collect();
        let mut found: Vec<Option<Entry>> = vec![None; wanted.len()];
        self.zip
            .for_each(|entry| {
                let path = entry.path();
                for (wanted, found) in wanted.iter().zip(&mut found) {
                    let is_better = *wanted == path || found.is_none();
                    if is_better && wanted.eq_ignore_ascii_case(&path) {
                        *found = Some(entry.clone());
                    }
                }
                Ok(())
            })
            .await?;
        Ok(found)
    }
}
