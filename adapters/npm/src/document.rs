//! The documents that clients send: packuments, whole or in part.

use pakhus_core::{PackageName, Refusal, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::json::Members;

/// The most bytes of a document, without its tarball. Deprecating and unpublishing send the whole
/// packument back, which of a package with thousands of versions is tens of megabytes; this much is
/// held in memory while such a request is served.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// What a client sends of a package, its versions not unpacked.
#[derive(Debug, Deserialize)]
pub(crate) struct PackageDocument<'a> {
    #[serde(rename = "_id")]
    id: Option<String>,
    name: Option<String>,
    /// The revision that the client read.
    #[serde(rename = "_rev")]
    pub(crate) rev: Option<String>,
    #[serde(rename = "dist-tags", borrow)]
    pub(crate) dist_tags: Option<Members<'a>>,
    #[serde(borrow)]
    pub(crate) versions: Option<Members<'a>>,
    #[serde(rename = "_attachments", borrow)]
    attachments: Option<Members<'a>>,
    #[serde(borrow)]
    pub(crate) readme: Option<&'a RawValue>,
    #[serde(rename = "readmeFilename", borrow)]
    pub(crate) readme_filename: Option<&'a RawValue>,
    users: Option<IgnoredAny>,
    #[serde(borrow)]
    pub(crate) maintainers: Option<&'a RawValue>,
}

impl<'a> PackageDocument<'a> {
    /// Parses a document that was sent to `name`.
    pub(crate) fn parse(json: &'a [u8], name: &PackageName) -> Result<Self> {
        let document: Self =
            serde_json::from_slice(json).map_err(malformed("the package document"))?;
        let others = [("_id", &document.id), ("name", &document.name)];
        for (member, value) in others {
            if let Some(value) = value
                && value != name.key()
            {
                let value: String = value.chars().take(80).collect();
                let name = name.display();
                return Err(Refusal::invalid(format!(
                    "the document's `{member}` is `{value}`, but it was sent to `{name}`"
                )));
            }
        }
        Ok(document)
    }

    /// The attachments, when there are any: then the document is a publish.
    pub(crate) fn attachments(&self) -> Option<&Members<'a>> {
        self.attachments.as_ref().filter(|attachments| !attachments.0.is_empty())
    }

    /// Whether the document says its package's name.
    pub(crate) const fn is_named(&self) -> bool {
        self.name.is_some()
    }

    /// The versions. A document without them is about something else, which is refused by name.
    pub(crate) fn versions(&self) -> Result<&Members<'a>> {
        if let Some(versions) = &self.versions {
            return Ok(versions);
        }
        Err(if self.maintainers.is_some() {
            Refusal::invalid("owners are changed with `npm owner`, at the package's `-rev`")
        } else if self.users.is_some() {
            Refusal::invalid("this registry keeps no stars")
        } else {
            Refusal::invalid("the document has neither versions nor attachments")
        })
    }
}

/// Makes a refusal of a parser's error in `what`.
pub(crate) fn malformed(what: &str) -> impl Fn(serde_json::Error) -> Refusal {
    move |error| Refusal::invalid(format!("{what} is malformed: {error}"))
}
