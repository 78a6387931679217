//! Whether a version is listed: found by searches, and taken when no version is asked for. One that is
//! not can still be restored.

use pakhus_core::{Edit, LISTED, Metadata, PackageName, PackageVersion, Refusal, Result};

/// The edit that lists a version, or no longer does.
pub(crate) fn edit(name: &PackageName, version: &PackageVersion, is_listed: bool) -> Result<Edit> {
    let value = (!is_listed).then(|| Metadata::from_value(&false)).transpose();
    Ok(Edit::SetAttribute {
        name: name.clone(),
        version: Some(version.clone()),
        attribute: LISTED.to_owned(),
        value: value.map_err(Refusal::internal)?,
    })
}

/// Checks an attribute of another site.
pub(crate) fn check_attribute(version: Option<&str>, value: &Metadata) -> Result<()> {
    match (version, value.as_json()) {
        (Some(_), "false") => Ok(()),
        (Some(_), _) => Err(Refusal::invalid("a version that is not listed says `false`")),
        (None, _) => Err(Refusal::invalid("a version is listed, not a package")),
    }
}
