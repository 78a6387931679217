//! The `package.json` in a tarball, which must be of the version that is published.
//!
//! Clients read the manifest of the registry to decide what to install, and the one in the tarball to
//! install it: a publish whose two manifests differ shows one package and installs another.

use std::borrow::Cow;

use pakhus_core::{BlobRef, Host, PackageName, PackageVersion, Refusal, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::archive;
use crate::node_version::NodeVersion;

/// What of it the registry looks at.
#[derive(Debug, Deserialize)]
struct PackageJson<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    /// An object of texts; clients pass over what is none.
    #[serde(default)]
    scripts: Value,
    #[serde(default)]
    gypfile: Value,
}

/// Reads it out of the tarball and checks that it says this name and version. True when installing the
/// tarball runs something: a script of it, or the build of a `binding.gyp` that no script replaces.
pub(crate) async fn runs_at_install(
    tarball: &BlobRef,
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<bool> {
    let found = archive::read(tarball, host).await?;
    let text = found.manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&found.manifest);
    let malformed = |error: serde_json::Error| {
        Refusal::invalid(format!("the `package.json` in the tarball is malformed: {error}"))
    };
    let package: PackageJson = serde_json::from_slice(text).map_err(malformed)?;
    // As npm normalises them before it makes the manifest that it publishes.
    if package.name.trim() != name.key() {
        return Err(differs("name", &package.name, name.display()));
    }
    let (said, published) =
        (NodeVersion::parse(&package.version, true), NodeVersion::parse(version.display(), false));
    if said.is_none() || said != published {
        return Err(differs("version", &package.version, version.display()));
    }
    let has = |script: &str| {
        package.scripts.get(script).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    let builds = found.has_binding
        && !has("install")
        && !has("preinstall")
        && package.gypfile != Value::Bool(false);
    Ok(builds || has("preinstall") || has("install") || has("postinstall"))
}

fn differs(member: &str, said: &str, published: &str) -> Refusal {
    let said: String = said.chars().take(80).collect();
    Refusal::invalid(format!(
        "the {member} in the tarball's `package.json` is `{said}`, but `{published}` is published"
    ))
}
