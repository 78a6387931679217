//! Search: what a package is found by, and `GET /-/v1/search`.

mod people;
mod text;

use pakhus_core::{
    FoundPackage, Host, Metadata, PackageContents, Refusal, RequestHead, Response, Result, Search,
    SearchEntry,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::people::name_of;
use crate::json::{self, Members, ObjectWriter};
use crate::metadata::VersionMetadata;
use crate::version;
use crate::view::View;

/// How many are answered where the client does not say.
const PAGE: u64 = 20;

/// The most that are answered at once, as the public registry has it.
const LARGEST_PAGE: u64 = 250;

/// The most packages of one owner that are listed.
const MOST_OWNED: u64 = 1_000;

/// The most keywords that are looked at.
const MOST_KEYWORDS: usize = 100;

/// The most bytes that are shown of a description.
const LONGEST_DESCRIPTION: usize = 1024;

/// What the package is found by: what its latest version says of itself.
pub(crate) fn entry(contents: &PackageContents) -> Result<SearchEntry> {
    let view = View::of(contents);
    let latest = view.latest().ok_or_else(|| Refusal::internal("a package without versions"))?;
    let metadata = VersionMetadata::of(latest)?;
    let details: Members =
        serde_json::from_str(metadata.details.get()).map_err(Refusal::internal)?;
    let said = |member: &str| details.get(member).and_then(json::string);
    let mut description = said("description").unwrap_or_default();
    description.truncate(description.floor_char_boundary(LONGEST_DESCRIPTION));
    let keywords = keywords(details.get("keywords"));
    let author = details.get("author").and_then(name_of);
    let owners = view.owners()?;

    let name = contents.package.name.display();
    let scope =
        name.strip_prefix('@').and_then(|rest| rest.split_once('/')).map(|(scope, _)| scope);
    let mut labels: Vec<_> = keywords.iter().map(|word| format!("keyword:{word}")).collect();
    labels.push(format!("scope:{}", scope.unwrap_or("unscoped")));
    labels.extend(author.iter().map(|author| format!("author:{author}")));
    labels.extend(owners.iter().map(|owner| maintained_by(&owner.name)));
    if latest.version.key().starts_with("0.") || version::is_pre_release(&latest.version) {
        labels.push("unstable".to_owned());
    }
    if view.deprecation(&latest.version).is_some() {
        labels.push("deprecated".to_owned());
    }

    let person = |name: &str, email: &str| json!({ "username": name, "email": email });
    let mut shown = json!({
        "name": name,
        "sanitized_name": name,
        "scope": scope.unwrap_or("unscoped"),
        "version": latest.version.display(),
        "description": description,
        "keywords": keywords,
        "date": latest.published_at.to_string(),
        "links": links(&details),
        "maintainers":
            owners.iter().map(|owner| person(&owner.name, &owner.email)).collect::<Vec<_>>(),
    });
    if let Some(publisher) = &metadata.publisher {
        shown["publisher"] = person(publisher, "");
    }
    if let Some(author) = author {
        shown["author"] = json!({ "name": author });
    }
    if let Some(license) = said("license") {
        shown["license"] = license.into();
    }
    let shown = Metadata::from_value(&shown).map_err(Refusal::internal)?;
    Ok(SearchEntry { keywords, description, labels, shown })
}

/// The label of what somebody is an owner of.
fn maintained_by(name: &str) -> String {
    format!("maintainer:{name}")
}

/// Answers `GET /-/user/{user}/package`, by which `npm access list packages` asks what somebody may write
/// to: what they are an owner of. The first of them, where there are very many.
pub(crate) async fn packages_of(user: &str, host: &dyn Host) -> Result<Response> {
    let labels = vec![vec![maintained_by(user)]];
    let page = host.search(Search { labels, take: MOST_OWNED, ..Search::default() }).await?;
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    for found in &page.found {
        object.string(found.name.display(), "write");
    }
    object.close();
    Ok(Response::json(200, text).with_header("cache-control", "private, no-cache"))
}

/// Answers `GET /-/v1/search`.
pub(crate) async fn serve(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let Some(text) = head.query_parameter("text") else {
        let error =
            json!({ "error": "'text' query parameter is required", "code": "ERR_TEXT_MISSING" });
        return Ok(Response::json(400, error.to_string()));
    };
    let number = |name: &str| -> Result<Option<u64>> {
        let Some(text) = head.query_parameter(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse().ok();
        number.map(Some).ok_or_else(|| Refusal::invalid(format!("`{name}` is no number")))
    };
    let asked = Search {
        skip: number("from")?.unwrap_or(0),
        take: number("size")?.unwrap_or(PAGE).min(LARGEST_PAGE),
        ..text::parse(&text)
    };
    let page = host.search(asked).await?;
    let objects: Vec<_> = page.found.iter().map(object).collect::<Result<_>>()?;
    let answer = json!({ "objects": objects, "total": page.total, "time": head.now.to_string() });
    Ok(Response::json(200, answer.to_string()).with_header("cache-control", "private, no-cache"))
}

fn object(found: &FoundPackage) -> Result<Value> {
    let package: Value = found.shown.parse().map_err(Refusal::internal)?;
    let updated = package["date"].clone();
    // As many as a package that everybody uses has in a week count as all there can be.
    let popularity = ((found.downloads.week + 1) as f64).log10().min(8.0) / 8.0;
    let detail = json!({ "quality": 1, "popularity": popularity, "maintenance": 1 });
    Ok(json!({
        "package": package,
        "score": { "final": 1, "detail": detail },
        "searchScore": 1,
        "downloads": { "weekly": found.downloads.week, "monthly": found.downloads.month },
        "dependents": 0,
        "updated": updated,
        "flags": { "unstable": 0 },
    }))
}

/// The keywords: a list of texts, or as some manifests have it, one text with commas or spaces.
fn keywords(keywords: Option<&RawValue>) -> Vec<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Keywords {
        List(Vec<Value>),
        Text(String),
    }
    let Some(keywords) = keywords.and_then(|json| serde_json::from_str(json.get()).ok()) else {
        return Vec::new();
    };
    let mut words: Vec<String> = match keywords {
        Keywords::List(words) => {
            words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        }
        Keywords::Text(text) => {
            text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    };
    words.truncate(MOST_KEYWORDS);
    words
}

/// The links of a package, as far as its manifest has them.
fn links(details: &Members<'_>) -> Value {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Link {
        Text(String),
        Object { url: String },
    }
    let mut links = serde_json::Map::new();
    for member in ["homepage", "repository", "bugs"] {
        let link = details.get(member).and_then(|json| serde_json::from_str(json.get()).ok());
        if let Some(Link::Text(url) | Link::Object { url }) = link {
            links.insert(member.to_owned(), url.into());
        }
    }
    links.into()
}
