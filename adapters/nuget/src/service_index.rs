//! The service index, by which clients find everything else.

use pakhus_core::{Host, RequestHead, Response, Result};
use serde_json::{Value, json};

use crate::documents;
use crate::urls::{Hive, Urls};

/// Answers `GET /v3/index.json`. It follows from the URL alone.
pub(crate) async fn serve(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let base = &head.base_url;
    let key = format!("nuget service index at {base}");
    let document = match host.document(&key, 0).await? {
        Some(document) => document,
        None => host.keep_document(&key, 0, index(Urls { base }).to_string().into()).await?,
    };
    Ok(documents::respond(document))
}

/// Every resource under each name by which some client looks for it: they compare names, and know no
/// order of versions.
fn index(urls: Urls<'_>) -> Value {
    let base = urls.base;
    let search = format!("{base}/v3/search");
    let autocomplete = format!("{base}/v3/autocomplete");
    let mut resources = Vec::new();
    let mut add = |id: &str, types: &[&str], comment: &str| {
        for kind in types {
            resources.push(json!({ "@id": id, "@type": kind, "comment": comment }));
        }
    };
    add(&urls.flat(), &["PackageBaseAddress/3.0.0"], "package files");
    add(
        &urls.hive(Hive::SemVer1),
        &[
            "RegistrationsBaseUrl",
            "RegistrationsBaseUrl/3.0.0-beta",
            "RegistrationsBaseUrl/3.0.0-rc",
        ],
        "what packages are, without SemVer 2.0.0",
    );
    add(
        &urls.hive(Hive::SemVer1Gzip),
        &["RegistrationsBaseUrl/3.4.0"],
        "what packages are, without SemVer 2.0.0",
    );
    add(&urls.hive(Hive::SemVer2), &["RegistrationsBaseUrl/3.6.0"], "what packages are");
    add(
        &search,
        &[
            "SearchQueryService",
            "SearchQueryService/3.0.0-beta",
            "SearchQueryService/3.0.0-rc",
            "SearchQueryService/3.4.0",
            "SearchQueryService/3.5.0",
        ],
        "search",
    );
    add(
        &autocomplete,
        &[
            "SearchAutocompleteService",
            "SearchAutocompleteService/3.0.0-beta",
            "SearchAutocompleteService/3.0.0-rc",
            "SearchAutocompleteService/3.5.0",
        ],
        "ids and versions that begin so",
    );
    add(&format!("{base}/v3/catalog/index.json"), &["Catalog/3.0.0"], "what changed, in order");
    // Clients put a slash behind it.
    add(&format!("{base}/v3/package"), &["PackagePublish/2.0.0"], "push, delete, list");
    add(&format!("{base}/v3/symbols"), &["SymbolPackagePublish/4.9.0"], "push symbols");
    // `nuget list` knows no other search.
    add(&format!("{base}/v2"), &["LegacyGallery/2.0.0"], "the second protocol");
    add(
        &format!("{}{{lower_id}}/{{lower_version}}/readme", urls.flat()),
        &["ReadmeUriTemplate/6.13.0"],
        "readmes",
    );
    json!({ "version": "3.0.0", "resources": resources })
}
