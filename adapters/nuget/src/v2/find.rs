//! Versions of packages that are named: `FindPackagesById()`, `Packages(Id='…',Version='…')`.

use std::cmp::Ordering;
use std::sync::Arc;

use pakhus_core::{Host, PackageName, PackageVersion, Refusal, RequestHead, Response, Result};

use super::answer::{Asked, Page};
use super::query::Query;
use super::row::Row;
use crate::version::no_such_version;
use crate::{flat, name};

/// The most packages that are read at once.
pub(super) const AT_ONCE: usize = 20;

/// All versions of these packages that the client can read.
pub(super) async fn rows(
    names: &[PackageName],
    semver2: bool,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Vec<Row>> {
    let base: Arc<str> = head.base_url.as_str().into();
    let mut rows = Vec::new();
    for names in names.chunks(AT_ONCE) {
        let mut downloads = host.downloads(names).await?;
        for contents in host.contents_of(names).await? {
            let downloads = downloads.remove(contents.package.name.key()).unwrap_or_default();
            rows.extend(Row::of(contents, &downloads, &base, semver2)?);
        }
    }
    Ok(rows)
}

/// The page of those of `rows` that the query asks for. All rows there are were read.
pub(super) fn page(mut rows: Vec<Row>, query: &Query) -> Page {
    rows.retain(|row| query.filter.iter().all(|condition| condition.holds(row)));
    sort(&mut rows, query);
    let total = rows.len() as u64;
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let rows: Vec<_> = rows.into_iter().skip(place(query.skip)).take(place(query.page())).collect();
    let shown = rows.len() as u64;
    let skip = query.skip.saturating_add(shown);
    let rest = (skip < total).then(|| query.rest(shown, 0, skip)).flatten();
    Page { rows, total: query.is_counted.then_some(total), rest }
}

/// Orders rows as the query says; those that are alike stay in their order.
pub(super) fn sort(rows: &mut [Row], query: &Query) {
    rows.sort_by(|one, two| {
        let orders = query.order.iter().map(|(by, is_descending)| {
            let order = by.value(one).order(&by.value(two));
            if *is_descending { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
}

/// Answers `FindPackagesById()`: all versions, those that are not listed too. An id that no package can
/// have is one of which there is nothing: clients probe with such ids.
pub(super) async fn by_id(asked: &Asked<'_>, head: &RequestHead, host: &dyn Host) -> Result<Page> {
    let id = asked.query.argument("id");
    let id = id.ok_or_else(|| Refusal::invalid("`FindPackagesById()` needs an `id`"))?;
    of_id(&id, &asked.query, head, host).await
}

/// The versions of one package that the query asks for.
pub(super) async fn of_id(
    id: &str,
    query: &Query,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Page> {
    let names: Vec<_> = name::parse(id).into_iter().collect();
    Ok(page(rows(&names, query.semver2, head, host).await?, query))
}

/// Answers `Packages(Id='…',Version='…')`. Whoever knows the version can read it.
pub(super) async fn entry(
    asked: &Asked<'_>,
    name: &PackageName,
    version: &PackageVersion,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let rows = rows(std::slice::from_ref(name), true, head, host).await?;
    let row = rows.iter().find(|row| row.record.version.key() == version.key());
    row.map(|row| asked.entry(row)).ok_or_else(|| no_such_version(name, version))
}

/// Answers `package/{id}`: the package file of the latest version.
pub(super) async fn latest(
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let rows = rows(std::slice::from_ref(name), true, head, host).await?;
    let latest = rows.iter().find(|row| row.is_latest);
    let latest = latest.or_else(|| rows.iter().find(|row| row.is_absolute_latest));
    let row = latest.ok_or_else(|| {
        Refusal::not_found(format!("there is no version of {} that is listed here", name.display()))
    })?;
    flat::package(name, &row.record.version, host).await
}
