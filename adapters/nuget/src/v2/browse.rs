//! Versions of packages that are not named: `Search()`, and `Packages()` with a filter.
//!
//! What an index of search can find is asked of that: words, whether there is a version to see, and the
//! order. What is left of a filter is tried on the versions of one package after the other, as many as
//! [`MOST_LOOKED_AT`]; an answer that has not come to the end by then links to where it goes on.

use std::collections::HashMap;
use std::sync::Arc;

use pakhus_core::{
    FoundPackage, Host, PackageContents, PackageName, Refusal, RequestHead, Result, Search,
    SearchOrder,
};

use super::answer::{Asked, Page};
use super::expression::Expression;
use super::find::{self, AT_ONCE};
use super::query::Query;
use super::row::Row;
use crate::search;
use crate::view::Filter;

/// The most packages that are looked at for one answer.
const MOST_LOOKED_AT: u64 = 10_000;

/// The most packages whose versions are put in an order that the index does not have.
const MOST_SORTED: u64 = 1_000;

/// How many packages are asked of the index at once.
const FOUND_AT_ONCE: u64 = 500;

/// What is looked for in a feed.
struct Browse<'a> {
    search: Search,
    /// What every version must be.
    conditions: Vec<&'a Expression>,
    /// Whether pre-releases are wanted.
    prerelease: bool,
    /// Whether the latest version of each package is wanted, and no other.
    only_latest: bool,
    query: &'a Query,
    base: Arc<str>,
}

/// Answers `Search()`: listed versions of the packages that are found by the words.
pub(super) async fn search(asked: &Asked<'_>, head: &RequestHead, host: &dyn Host) -> Result<Page> {
    let query = &asked.query;
    let text = query.argument("searchTerm").unwrap_or_default();
    // PowerShell marks words that go on by a star. All do here.
    let search = search::parse(&text.replace('*', " "));
    let prerelease = query.flag("includePrerelease")?;
    Browse::new(search, prerelease, query, head)?.page(SearchOrder::Best, host).await
}

/// Answers `Packages()`: listed versions, unless the filter says of which package.
pub(super) async fn packages(
    asked: &Asked<'_>,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Page> {
    let query = &asked.query;
    if let Some(id) = query.filter.iter().find_map(Expression::id) {
        return find::of_id(id, query, head, host).await;
    }
    Browse::new(Search::default(), true, query, head)?.page(SearchOrder::Name, host).await
}

impl<'a> Browse<'a> {
    fn new(
        mut search: Search,
        prerelease: bool,
        query: &'a Query,
        head: &RequestHead,
    ) -> Result<Self> {
        let is_latest = |condition: &Expression| condition.is_property("IsLatestVersion");
        let is_absolute = |condition: &Expression| condition.is_property("IsAbsoluteLatestVersion");
        let latest = query.filter.iter().any(is_latest);
        let absolute_latest = query.filter.iter().any(is_absolute);
        // A search without pre-releases calls the latest what is so without them.
        let prerelease = prerelease && !latest;
        let filter = Filter { prerelease, semver2: query.semver2 };
        search.labels.push(vec![search::seen(filter)]);
        Ok(Self {
            search,
            conditions: query
                .filter
                .iter()
                .filter(|condition| !is_latest(condition) && !is_absolute(condition))
                .collect(),
            prerelease,
            only_latest: latest || absolute_latest,
            query,
            base: head.base_url.as_str().into(),
        })
    }

    /// The page that the query asks for; in the order `unasked` where it says nothing of one.
    async fn page(mut self, unasked: SearchOrder, host: &dyn Host) -> Result<Page> {
        match order_of(&self.query.order, unasked) {
            Some(order) => self.search.order = order,
            None => return self.sorted(host).await,
        }
        if self.only_latest && self.conditions.is_empty() {
            return self.latest(host).await;
        }
        self.scan(host).await
    }

    /// A page of packages of which one version each is wanted: the index knows how many there are.
    async fn latest(self, host: &dyn Host) -> Result<Page> {
        let query = self.query;
        let search = Search { skip: query.skip, take: query.page(), ..self.search.clone() };
        let found = host.search(search).await?;
        let shown = found.found.len() as u64;
        let mut rows = Vec::with_capacity(found.found.len());
        for found in found.found.chunks(AT_ONCE) {
            for of_package in self.rows(found, host).await? {
                rows.extend(of_package);
            }
        }
        let skip = query.skip.saturating_add(shown);
        let rest = (shown > 0 && skip < found.total).then(|| query.rest(shown, 0, skip)).flatten();
        Ok(Page { rows, total: query.is_counted.then_some(found.total), rest })
    }

    /// A page of versions, found by looking at one package after the other.
    async fn scan(self, host: &dyn Host) -> Result<Page> {
        let query = self.query;
        let mut page = Page::default();
        let mut total = 0;
        let mut done = query.done;
        let mut skip = query.skip;
        let last = done.saturating_add(MOST_LOOKED_AT);
        loop {
            let search = Search { skip: done, take: FOUND_AT_ONCE, ..self.search.clone() };
            let found = host.search(search).await?;
            if query.is_counted && found.total > MOST_LOOKED_AT {
                return Err(too_many("count", MOST_LOOKED_AT));
            }
            if found.found.is_empty() {
                page.total = query.is_counted.then_some(total);
                return Ok(page);
            }
            for found in found.found.chunks(AT_ONCE) {
                for rows in self.rows(found, host).await? {
                    total += rows.len() as u64;
                    let passed = skip.min(rows.len() as u64);
                    skip -= passed;
                    let wanted = rows.into_iter().skip(usize::try_from(passed).unwrap_or(0));
                    for (row, place) in wanted.zip(passed..) {
                        if (page.rows.len() as u64) < query.page() {
                            page.rows.push(row);
                        } else if page.rest.is_none() {
                            page.rest = query.rest(page.rows.len() as u64, done, place);
                            if !query.is_counted {
                                return Ok(page);
                            }
                        }
                    }
                    done += 1;
                }
            }
            if done >= last {
                page.rest = page.rest.or_else(|| query.rest(page.rows.len() as u64, done, skip));
                return Ok(page);
            }
        }
    }

    /// All versions there are, in an order that the index does not have.
    async fn sorted(self, host: &dyn Host) -> Result<Page> {
        let search = Search { take: MOST_SORTED, ..self.search.clone() };
        let found = host.search(search).await?;
        if found.total > MOST_SORTED {
            return Err(too_many("put in this order", MOST_SORTED));
        }
        let mut rows = Vec::new();
        for found in found.found.chunks(AT_ONCE) {
            rows.extend(self.rows(found, host).await?.into_iter().flatten());
        }
        Ok(find::page(rows, self.query))
    }

    /// The versions of each of these packages that are wanted, in the order of the packages.
    async fn rows(&self, found: &[FoundPackage], host: &dyn Host) -> Result<Vec<Vec<Row>>> {
        let names: Vec<PackageName> = found.iter().map(|found| found.name.clone()).collect();
        let contents = host.contents_of(&names).await?;
        let mut contents: HashMap<String, PackageContents> =
            contents.into_iter().map(|of| (of.package.name.key().to_owned(), of)).collect();
        let mut all = Vec::with_capacity(found.len());
        for found in found {
            let mut rows = match contents.remove(found.name.key()) {
                Some(contents) => {
                    Row::of(contents, &found.downloads, &self.base, self.query.semver2)?
                }
                // It was deleted since it was found.
                None => Vec::new(),
            };
            rows.retain(|row| self.wants(row));
            all.push(rows);
        }
        Ok(all)
    }

    fn wants(&self, row: &Row) -> bool {
        let is_latest = if self.prerelease { row.is_absolute_latest } else { row.is_latest };
        row.is_listed
            && (self.prerelease || !row.is_prerelease())
            && (!self.only_latest || is_latest)
            && self.conditions.iter().all(|condition| condition.holds(row))
    }
}

/// The order of the index that is the one asked for, if it has it. Versions of one package are in their
/// order in all of them.
fn order_of(order: &[(Expression, bool)], unasked: SearchOrder) -> Option<SearchOrder> {
    let by = |place: usize, name: &str, descending: bool| {
        order
            .get(place)
            .is_some_and(|(by, is_descending)| by.is_property(name) && *is_descending == descending)
    };
    match order.len() {
        0 => Some(unasked),
        1 if by(0, "Id", false) => Some(SearchOrder::Name),
        2 if by(0, "Id", false) && by(1, "Version", false) => Some(SearchOrder::Name),
        1 if by(0, "Id", true) => Some(SearchOrder::NameDescending),
        1 if by(0, "DownloadCount", true) => Some(SearchOrder::Downloads),
        2 if by(0, "DownloadCount", true) && by(1, "Id", false) => Some(SearchOrder::Downloads),
        _ => None,
    }
}

fn too_many(what: &str, most: u64) -> Refusal {
    Refusal::invalid(format!(
        "there are more than {most} packages, too many to {what}: narrow the search down"
    ))
}
