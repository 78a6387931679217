//! Attestations: Sigstore bundles in which who built a package says how and from what.
//!
//! A bundle is kept as it came. That it is signed by whom it says is for clients to verify, who have
//! the roots of trust; here it is checked that it is about the version that it comes with. Bundles
//! without an in-toto statement are kept and not shown: nothing says what they attest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::digest::hex;
use pakhus_core::{Host, PackageName, PackageVersion, Refusal, Response, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document::malformed;
use crate::json::{self, ObjectWriter};
use crate::metadata::VersionMetadata;
use crate::version;

/// The payload type of an in-toto statement in its envelope (in-toto attestation framework 1.0).
const IN_TOTO: &str = "application/vnd.in-toto+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
}

/// What an attestation says: of which files, and in what terms.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    pub(crate) predicate_type: String,
    #[serde(default)]
    subject: Vec<Subject>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    name: String,
    #[serde(default)]
    digest: Digests,
}

#[derive(Debug, Default, Deserialize)]
struct Digests {
    sha512: Option<String>,
}

impl Statement {
    /// Reads the statement in a bundle; `None` when the bundle has none.
    pub(crate) fn of(bundle: &RawValue) -> Result<Option<Self>> {
        let bundle: Bundle =
            serde_json::from_str(bundle.get()).map_err(malformed("the provenance"))?;
        let Some(envelope) = bundle.dsse_envelope.filter(|it| it.payload_type == IN_TOTO) else {
            return Ok(None);
        };
        let payload = STANDARD
            .decode(envelope.payload)
            .map_err(|_| Refusal::invalid("the payload of the provenance is not base64"))?;
        serde_json::from_slice(&payload).map(Some).map_err(malformed("the provenance's statement"))
    }
}

/// Checks that a bundle is about this version and this tarball, of which `integrity` is the SHA-512.
/// It has one subject, as npm itself requires of a bundle that it publishes (`libnpmpublish`).
pub(crate) fn check(bundle: &RawValue, name: &str, version: &str, integrity: &str) -> Result<()> {
    json::check_plain(bundle).map_err(malformed("the provenance"))?;
    let Some(statement) = Statement::of(bundle)? else { return Ok(()) };
    let [subject] = statement.subject.as_slice() else {
        return Err(Refusal::invalid("the provenance has not exactly one subject"));
    };
    if !is_url_of(&subject.name, name, version) {
        let said: String = subject.name.chars().take(120).collect();
        return Err(Refusal::invalid(format!(
            "the provenance is of `{said}`, but {name} {version} is published"
        )));
    }
    let sha512 = integrity.strip_prefix("sha512-").and_then(|hash| STANDARD.decode(hash).ok());
    let said = subject.digest.sha512.as_deref().unwrap_or_default();
    if !sha512.is_some_and(|sha512| hex(&sha512).eq_ignore_ascii_case(said)) {
        return Err(Refusal::invalid("the provenance is of another tarball: its SHA-512 differs"));
    }
    Ok(())
}

/// Whether `url` is the package URL of the version: `pkg:npm/%40scope/name@1.0.0`.
fn is_url_of(url: &str, name: &str, version: &str) -> bool {
    let Some((said_name, said_version)) =
        url.strip_prefix("pkg:npm/").and_then(|rest| rest.rsplit_once('@'))
    else {
        return false;
    };
    let (scope, rest) = match said_name.strip_prefix("%40") {
        Some(rest) => ("@", rest),
        None => ("", said_name),
    };
    let said_name = format!("{scope}{}", rest.replace("%2F", "/").replace("%2f", "/"));
    let said_version = said_version.replace("%2B", "+").replace("%2b", "+");
    // Clients leave build metadata out, or not.
    let without_build =
        |version: &str| version.split_once('+').map_or(version, |(it, _)| it).to_owned();
    said_name == name && without_build(&said_version) == without_build(version)
}

/// Where clients find the attestations of a version.
pub(crate) fn url(name: &PackageName, version: &PackageVersion, base_url: &str) -> String {
    let name = name.key().replace('/', "%2f");
    format!("{base_url}/-/npm/v1/attestations/{name}@{}", version.display())
}

/// Answers `GET /-/npm/v1/attestations/{pkg}@{version}`. Clients ask this of every package that they
/// install, most of which have none: one record is read.
pub(crate) async fn serve(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let metadata = VersionMetadata::of(&record)?;
    let statement = metadata.provenance.map(Statement::of).transpose()?.flatten();
    let (Some(bundle), Some(statement)) = (metadata.provenance, statement) else {
        let (name, version) = (name.display(), version.display());
        return Err(Refusal::not_found(format!("{name} {version} has no attestations")));
    };
    let mut text = r#"{"attestations":["#.to_owned();
    let mut attestation = ObjectWriter::open(&mut text);
    attestation.string("predicateType", &statement.predicate_type);
    attestation.raw("bundle", bundle.get());
    attestation.close();
    text.push_str("]}");
    Ok(Response::json(200, text).with_header("cache-control", "private, no-cache"))
}

/// Answers `GET /-/npm/v1/keys`. Versions are not signed here; were keys listed, clients would take
/// every version without a signature for a forged one.
pub(crate) fn keys() -> Refusal {
    Refusal::not_found("this registry does not sign packages: it has no keys")
}
