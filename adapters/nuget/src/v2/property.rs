//! The properties of a package, as the public gallery names them.
//!
//! One list, which everything else follows: the document that describes the service, what a filter can
//! ask for, and what answers say.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use pakhus_core::{Refusal, Result, Timestamp, VersionRecord};

use super::row::Row;
use super::value::{Kind, Value};
use crate::nuspec::Nuspec;
use crate::registration::{icon_url, license_url};
use crate::urls::Urls;

/// One property.
pub(super) struct Property {
    /// Its name.
    pub(super) name: &'static str,
    /// Its type in the words of OData, such as `Edm.String`.
    pub(super) edm: &'static str,
    /// What it compares as.
    pub(super) kind: Kind,
    /// Whether it may be nothing.
    pub(super) is_optional: bool,
    of: fn(&Row) -> Value<'_>,
}

/// When something was published that is not listed, as clients read that from the date.
const UNLISTED: Timestamp = Timestamp::from_millis(-2_208_988_800_000);

/// All of them, in the order in which they are answered.
pub(super) static PROPERTIES: [Property; 33] = [
    text("Id", |row| Value::Text((&*row.id).into())).required(),
    Property {
        kind: Kind::Version,
        ..text("Version", |row| version(row, row.record.version.display())).required()
    },
    Property {
        kind: Kind::Version,
        ..text("NormalizedVersion", |row| version(row, row.normalized_version()))
    },
    text("Authors", |row| said(row, |nuspec| &nuspec.authors)),
    text("Copyright", |row| said(row, |nuspec| &nuspec.copyright)),
    moment("Created", |row| Value::Moment(row.record.published_at)),
    text("Dependencies", |row| Value::Text(dependencies(&row.metadata.nuspec).into())),
    text("Description", |row| said(row, |nuspec| &nuspec.description)),
    number("DownloadCount", "Edm.Int32", |row| int32(row.package_downloads)),
    text("GalleryDetailsUrl", |_| Value::Null),
    text("IconUrl", |row| address(row, icon_url)),
    boolean("IsLatestVersion", |row| Value::Boolean(row.is_latest)),
    boolean("IsAbsoluteLatestVersion", |row| Value::Boolean(row.is_absolute_latest)),
    boolean("IsPrerelease", |row| Value::Boolean(row.is_prerelease())),
    text("Language", |row| said(row, |nuspec| &nuspec.language)),
    moment("LastUpdated", |row| Value::Moment(row.record.published_at)),
    moment("Published", |row| {
        Value::Moment(if row.is_listed { row.record.published_at } else { UNLISTED })
    }),
    text("PackageHash", |row| Value::Text((&row.metadata.sha512).into())),
    text("PackageHashAlgorithm", |_| Value::Text("SHA512".into())),
    number("PackageSize", "Edm.Int64", |row| {
        let size: u64 = row.record.blobs.iter().map(|blob| blob.size).sum();
        Value::Number(i64::try_from(size).unwrap_or(i64::MAX))
    }),
    text("ProjectUrl", |row| said(row, |nuspec| &nuspec.project_url)),
    text("ReportAbuseUrl", |_| Value::Null),
    text("ReleaseNotes", |row| said(row, |nuspec| &nuspec.release_notes)),
    boolean("RequireLicenseAcceptance", |row| {
        Value::Boolean(row.metadata.nuspec.require_license_acceptance)
    }),
    text("Summary", |row| said(row, |nuspec| &nuspec.summary)),
    text("Tags", |row| said(row, |nuspec| &nuspec.tags)),
    text("Title", |row| said(row, |nuspec| &nuspec.title)),
    number("VersionDownloadCount", "Edm.Int32", |row| int32(row.downloads)),
    text("MinClientVersion", |row| said(row, |nuspec| &nuspec.min_client_version)),
    Property { is_optional: true, ..moment("LastEdited", |_| Value::Null) },
    text("LicenseUrl", |row| address(row, license_url)),
    text("LicenseNames", |row| said(row, |nuspec| &nuspec.license_expression)),
    text("LicenseReportUrl", |_| Value::Null),
];

impl Property {
    /// The property of this name.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when there is none.
    pub(super) fn named(name: &str) -> Result<&'static Self> {
        let found = PROPERTIES.iter().find(|property| property.name == name);
        found.ok_or_else(|| Refusal::invalid(format!("packages have no property `{name}` here")))
    }

    /// Its value for one version of a package.
    pub(super) fn of<'r>(&self, row: &'r Row) -> Value<'r> {
        (self.of)(row)
    }

    const fn required(mut self) -> Self {
        self.is_optional = false;
        self
    }
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Property {}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn property(
    name: &'static str,
    edm: &'static str,
    kind: Kind,
    of: fn(&Row) -> Value<'_>,
) -> Property {
    Property { name, edm, kind, is_optional: false, of }
}

const fn text(name: &'static str, of: fn(&Row) -> Value<'_>) -> Property {
    Property { is_optional: true, ..property(name, "Edm.String", Kind::Text, of) }
}

const fn moment(name: &'static str, of: fn(&Row) -> Value<'_>) -> Property {
    property(name, "Edm.DateTime", Kind::Moment, of)
}

const fn boolean(name: &'static str, of: fn(&Row) -> Value<'_>) -> Property {
    property(name, "Edm.Boolean", Kind::Boolean, of)
}

const fn number(name: &'static str, edm: &'static str, of: fn(&Row) -> Value<'_>) -> Property {
    property(name, edm, Kind::Number, of)
}

fn said(row: &Row, of: fn(&Nuspec) -> &Option<String>) -> Value<'_> {
    Value::optional(of(&row.metadata.nuspec).as_deref())
}

fn version<'r>(row: &'r Row, text: &'r str) -> Value<'r> {
    Value::Version { text: text.into(), version: Cow::Borrowed(&row.record.version) }
}

/// A count, as long as it fits: clients read numbers of 32 bits.
fn int32(number: u64) -> Value<'static> {
    Value::Number(number.min(i32::MAX as u64).cast_signed())
}

fn address(row: &Row, of: fn(&Nuspec, &str, &VersionRecord, Urls<'_>) -> String) -> Value<'static> {
    let id = row.record.name.key();
    let url = of(&row.metadata.nuspec, id, &row.record, Urls { base: &row.base });
    if url.is_empty() { Value::Null } else { Value::Text(url.into()) }
}

/// The dependencies, as `ID:RANGE:FRAMEWORK|…`; a framework without any is `::FRAMEWORK`.
fn dependencies(nuspec: &Nuspec) -> String {
    let mut text = String::new();
    for group in &nuspec.dependency_groups {
        // What parts the text cannot be in it.
        let framework = group.target_framework.as_deref().unwrap_or_default();
        let framework = framework.replace(['|', ':'], "");
        if group.dependencies.is_empty() {
            let _ = write!(text, "|::{framework}");
        }
        for dependency in &group.dependencies {
            let range = dependency.range.as_deref().unwrap_or_default();
            let _ = write!(text, "|{}:{range}:{framework}", dependency.id);
        }
    }
    text.split_off(text.len().min(1))
}
