//! Search: what a package is found by, and the search and autocomplete services.
//!
//! What a client sees of a package depends on what it can read: whether it wants pre-releases, and
//! knows SemVer 2.0.0. For each of these four filters a package has a label when there is something to
//! see, one for each type that the latest version then has, and that latest version itself.

mod answer;
mod autocomplete;
mod card;
mod shown;
mod text;

use pakhus_core::{Metadata, PackageContents, Refusal, RequestHead, Result, Search, SearchEntry};

pub(crate) use self::answer::serve;
pub(crate) use self::autocomplete::serve as autocomplete;
use self::card::authors;
use self::shown::Shown;
pub(crate) use self::text::parse;
use crate::metadata::VersionMetadata;
use crate::nuspec::Nuspec;
use crate::registration::tags;
use crate::version::NuGetVersion;
use crate::view::{Filter, View};

/// How many are answered where the client does not say.
const PAGE: u64 = 20;

/// The most that are answered at once, as the public gallery has it.
const LARGEST_PAGE: u64 = 1000;

/// The type of packages that say none.
const DEPENDENCY: &str = "Dependency";

/// The most labels of one kind.
const MOST_LABELS: usize = 20;

/// What the package is found by: what its latest versions say of themselves. One that has no version
/// listed has no label, without which nothing is searched for.
pub(crate) fn entry(contents: &PackageContents) -> Result<SearchEntry> {
    let view = View::of(contents);
    if contents.package.name.is_companion() {
        let shown = Metadata::from_value(&()).map_err(Refusal::internal)?;
        return Ok(SearchEntry {
            keywords: Vec::new(),
            description: String::new(),
            labels: Vec::new(),
            shown,
        });
    }
    let mut listed = Vec::new();
    for record in &contents.versions {
        if view.is_listed(&record.version) {
            listed.push((record, VersionMetadata::of(record)?));
        }
    }
    let latest = Filter::ALL.map(|filter| {
        listed.iter().rposition(|(record, metadata)| {
            filter.passes(&record.version, metadata.nuspec.is_semver2)
        })
    });
    let mut labels = Vec::new();
    for filter in Filter::ALL {
        let Some(place) = latest[filter.number()] else { continue };
        labels.push(seen(filter));
        let types = &listed[place].1.nuspec.package_types;
        if types.is_empty() {
            labels.push(seen_as(filter, DEPENDENCY));
        }
        labels.extend(types.iter().take(MOST_LABELS).map(|kind| seen_as(filter, &kind.name)));
    }
    let (mut keywords, mut description) = (Vec::new(), String::new());
    let stable = latest[Filter { prerelease: false, semver2: true }.number()];
    if let Some((_, metadata)) = stable.or(listed.len().checked_sub(1)).map(|at| &listed[at]) {
        let nuspec = &metadata.nuspec;
        labels.extend(fields(view.id(), nuspec, metadata.publisher.as_deref()));
        let newest = listed.iter().rev().take(MOST_LABELS);
        labels.extend(newest.map(|(record, _)| format!("version:{}", record.version.key())));
        keywords.extend(tags(nuspec).into_iter().map(str::to_owned));
        keywords.extend(nuspec.title.clone());
        let texts = [&nuspec.summary, &nuspec.authors, &nuspec.description];
        for text in texts.into_iter().flatten() {
            description.push_str(text);
            description.push('\n');
        }
    }
    let shown = Shown::of(&view, &listed, latest)?;
    Ok(SearchEntry { keywords, description, labels, shown })
}

/// The labels that a search by field goes by.
fn fields(id: &str, nuspec: &Nuspec, publisher: Option<&str>) -> Vec<String> {
    let mut labels = vec![format!("packageid:{id}")];
    let words = |kind: &str, text: &str| {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        let parts = parts.take(MOST_LABELS).map(|part| format!("{kind}:{part}"));
        parts.chain([format!("{kind}:{text}")]).collect::<Vec<_>>()
    };
    labels.extend(words("id", id));
    labels.extend(tags(nuspec).into_iter().take(MOST_LABELS).map(|tag| format!("tags:{tag}")));
    for author in authors(nuspec).into_iter().take(5) {
        labels.extend(words("author", author).into_iter().take(5));
    }
    labels.extend(publisher.map(|publisher| format!("owner:{publisher}")));
    labels
}

/// The label of packages of which a client sees something.
pub(crate) fn seen(filter: Filter) -> String {
    format!("seen:{}", filter.number())
}

/// The label of packages that it sees as one of this type.
fn seen_as(filter: Filter, package_type: &str) -> String {
    format!("seen:{} as:{package_type}", filter.number())
}

/// What a client asks for, and what it wants to see.
fn asked(head: &RequestHead) -> Result<(Search, Filter)> {
    let number = |name: &str| -> Result<Option<u64>> {
        let Some(text) = head.query_parameter(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse().ok();
        number.map(Some).ok_or_else(|| Refusal::invalid(format!("`{name}` is no number")))
    };
    let filter = filter_of(head);
    let mut search = Search {
        skip: number("skip")?.unwrap_or(0),
        take: number("take")?.unwrap_or(PAGE).min(LARGEST_PAGE),
        ..text::parse(&head.query_parameter("q").unwrap_or_default())
    };
    search.labels.push(vec![seen(filter)]);
    // Documentation calls it by the first name, clients by the second.
    let types = ["packageType", "packageTypeFilter"];
    let types = types.iter().filter_map(|name| head.query_parameter(name));
    for wanted in types.filter(|wanted| !wanted.is_empty()) {
        search.labels.push(vec![seen_as(filter, &wanted)]);
    }
    Ok((search, filter))
}

/// What a client wants to see, by its query.
pub(crate) fn filter_of(head: &RequestHead) -> Filter {
    let prerelease = head.query_parameter("prerelease").unwrap_or_default();
    let level = head.query_parameter("semVerLevel").unwrap_or_default();
    let is_two = |level: NuGetVersion| level.major() >= 2;
    Filter {
        prerelease: prerelease.eq_ignore_ascii_case("true"),
        semver2: NuGetVersion::parse(&level).is_ok_and(is_two),
    }
}
