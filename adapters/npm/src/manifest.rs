//! A manifest, as clients publish it, taken apart.

use pakhus_core::{PackageName, PackageVersion, Refusal, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document::malformed;
use crate::json::{self, Members, ObjectWriter};
use crate::metadata::{INSTALL, RENDERED};

/// The most bytes of a manifest without its readme.
const MAX_BYTES: usize = 1 << 20;

/// Members that some clients leave in, of use to nobody else: hashes under other names, paths of the
/// publisher's machine, what belongs to the package and not to a version.
const LEFT_OUT: [&str; 10] = [
    "_attachments",
    "_from",
    "_integrity",
    "_resolved",
    "_rev",
    "_revisions",
    "_shasum",
    "_where",
    "integrity",
    "shasum",
];

/// The scripts that run when a package is installed.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// A published manifest, taken apart.
#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    /// What installing needs.
    pub(crate) install: Box<RawValue>,
    /// The rest.
    pub(crate) details: Box<RawValue>,
    pub(crate) readme: Option<&'a RawValue>,
    pub(crate) readme_filename: Option<&'a RawValue>,
    pub(crate) deprecated: Option<&'a RawValue>,
}

impl<'a> Manifest<'a> {
    /// Takes apart the manifest that a document has for this version, of a tarball that runs something
    /// when it is installed or does not.
    pub(crate) fn parse(
        json: &'a RawValue,
        name: &PackageName,
        version: &PackageVersion,
        tarball_runs: bool,
    ) -> Result<Self> {
        json::check_plain(json).map_err(malformed("the manifest"))?;
        let members: Members =
            serde_json::from_str(json.get()).map_err(malformed("the manifest"))?;
        for (member, expected) in [("name", name.key()), ("version", version.display())] {
            let said = members.get(member).and_then(json::string).unwrap_or_default();
            if said != expected {
                let said: String = said.chars().take(80).collect();
                return Err(Refusal::invalid(format!(
                    "the manifest's {member} is `{said}`, but `{expected}` is published"
                )));
            }
        }
        let (mut install, mut details) = (String::new(), String::new());
        let mut install_writer = ObjectWriter::open(&mut install);
        let mut details_writer = ObjectWriter::open(&mut details);
        for (member, value) in &members.0 {
            let member = member.as_str();
            if member == "hasInstallScript" {
                // What a client says of this decides whether scripts are run: it is worked out below.
            } else if INSTALL.contains(&member) {
                install_writer.raw(member, value.get());
            } else if !RENDERED.contains(&member) && !LEFT_OUT.contains(&member) {
                details_writer.raw(member, value.get());
            }
        }
        if tarball_runs || has_install_script(&members) {
            install_writer.raw("hasInstallScript", "true");
        }
        install_writer.close();
        details_writer.close();
        if install.len() + details.len() > MAX_BYTES {
            return Err(Refusal::invalid(format!("the manifest is longer than {MAX_BYTES} bytes")));
        }
        Ok(Self {
            install: RawValue::from_string(install).map_err(Refusal::internal)?,
            details: RawValue::from_string(details).map_err(Refusal::internal)?,
            readme: members.get("readme"),
            readme_filename: members.get("readmeFilename"),
            deprecated: members.get("deprecated"),
        })
    }
}

/// What a manifest says of its tarball.
pub(crate) fn dist(json: &RawValue) -> Result<Option<&RawValue>> {
    let members: Members = serde_json::from_str(json.get()).map_err(malformed("the manifest"))?;
    Ok(members.get("dist"))
}

/// Whether installing the package runs something: a script, or the build that npm runs where there
/// is a `binding.gyp`.
fn has_install_script(members: &Members) -> bool {
    let scripts: Members = members
        .get("scripts")
        .and_then(|scripts| serde_json::from_str(scripts.get()).ok())
        .unwrap_or_default();
    let has_script = |name: &&str| {
        scripts.get(name).and_then(json::string).is_some_and(|script| !script.is_empty())
    };
    let is_gyp = members
        .get("gypfile")
        .is_some_and(|gypfile| bool::deserialize(gypfile).unwrap_or_default());
    is_gyp || INSTALL_SCRIPTS.iter().any(has_script)
}
