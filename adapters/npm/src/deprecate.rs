//! Deprecating versions: the packument comes back with messages in it.

use pakhus_core::{Edit, Host, Metadata, PackageName, Refusal, Response, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document::{PackageDocument, malformed};
use crate::view::View;
use crate::{rev, version};

/// The attribute of a version whose value is the message.
pub(crate) const DEPRECATED: &str = "deprecated";

/// The longest message, in bytes.
const MAX_MESSAGE: usize = 4 << 10;

#[derive(Deserialize)]
struct Deprecation<'a> {
    #[serde(borrow)]
    deprecated: Option<&'a RawValue>,
}

/// Applies what the document says of deprecation, and nothing else of it: the rest of each version
/// is what clients believe they read, and may be the work of tools that changed it.
pub(crate) async fn serve(
    name: &PackageName,
    document: &PackageDocument<'_>,
    host: &dyn Host,
) -> Result<Response> {
    let versions = document.versions()?;
    let rev = document.rev.as_deref().ok_or_else(|| {
        Refusal::invalid("the document has no `_rev`: read the package with `?write=true` first")
    })?;
    let contents = rev::unchanged(name, rev, host).await?;
    let view = View::of(&contents);
    let mut edits = Vec::new();
    for (written, manifest) in &versions.0 {
        let manifest: Deprecation = serde_json::from_str(manifest.get())
            .map_err(malformed(&format!("the manifest of {written}")))?;
        let message = deprecation(manifest.deprecated)?;
        let Some(record) =
            version::parse(written).ok().and_then(|version| view.version(version.key()))
        else {
            continue;
        };
        if view.deprecation(&record.version) != message.as_ref() {
            edits.push(Edit::SetAttribute {
                name: name.clone(),
                version: Some(record.version.clone()),
                attribute: DEPRECATED.to_owned(),
                value: message,
            });
        }
    }
    if !edits.is_empty() {
        rev::commit(&contents, edits, host).await?;
    }
    Ok(Response::json(200, r#"{"ok":"package changed","success":true}"#))
}

/// Checks an attribute of another site.
pub(crate) fn check_attribute(version: Option<&str>, value: &Metadata) -> Result<()> {
    let message: String =
        value.parse().map_err(|_| Refusal::invalid("a deprecation message is a text"))?;
    match version {
        None => Err(Refusal::invalid("a version is deprecated, not a package")),
        Some(_) if message.is_empty() || message.len() > MAX_MESSAGE => {
            Err(Refusal::invalid("a deprecation message is empty or too long"))
        }
        Some(_) => Ok(()),
    }
}

/// The message that a manifest's `deprecated` gives. The empty one takes a deprecation back.
pub(crate) fn deprecation(json: Option<&RawValue>) -> Result<Option<Metadata>> {
    let Some(json) = json else { return Ok(None) };
    if matches!(json.get(), "null" | "false") {
        return Ok(None);
    }
    let message: String = serde_json::from_str(json.get()).map_err(malformed("`deprecated`"))?;
    if message.len() > MAX_MESSAGE {
        return Err(Refusal::invalid(format!(
            "the deprecation message is longer than {MAX_MESSAGE} bytes"
        )));
    }
    if message.is_empty() {
        return Ok(None);
    }
    Metadata::from_value(&message).map(Some).map_err(Refusal::internal)
}
