//! Bringing the index up to date.

use std::collections::HashMap;

use pakhus_core::{PackageContents, SearchEntry};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, Set, Statement, Value,
};

use super::terms::Terms;
use crate::entity::{packages, search_entries, search_progress};
use crate::write::{insert, lock_feed};
use crate::{Database, Result, downloads, records};

/// The most packages that are brought up to date at once.
const AT_ONCE: u64 = 100;

/// A package that has changed since it was last brought up to date.
#[derive(Debug)]
pub struct Pending {
    name: String,
    revision: i64,
    contents: Option<PackageContents>,
}

impl Pending {
    /// What the feed holds of it; `None` when it is gone.
    #[must_use]
    pub fn contents(&self) -> Option<&PackageContents> {
        self.contents.as_ref()
    }
}

/// Some of the packages of the feed that have changed since they were last brought up to date, in the
/// order of their changes; none when all are.
///
/// # Errors
/// When the database fails.
pub async fn pending(database: &Database, feed_id: i64) -> Result<Vec<Pending>> {
    let done = search_progress::Entity::find_by_id(feed_id).one(database.reader()).await?;
    let rows = packages::Entity::find()
        .filter(packages::Column::FeedId.eq(feed_id))
        .filter(packages::Column::Revision.gt(done.map_or(0, |done| done.revision)))
        .order_by_asc(packages::Column::Revision)
        .limit(AT_ONCE)
        .all(database.reader())
        .await?;
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    let contents = records::contents_of(database, feed_id, &names).await?.into_iter();
    let mut contents: HashMap<_, _> =
        contents.map(|contents| (contents.package.name.key().to_owned(), contents)).collect();
    let pending = rows.into_iter().map(|row| Pending {
        contents: contents.remove(&row.name),
        name: row.name,
        revision: row.revision,
    });
    Ok(pending.collect())
}

/// Brings packages up to date: each with what it is found by now, `None` where nothing is to find it.
/// A package that changes meanwhile is pending again.
///
/// # Errors
/// When the feed is gone or the database fails; nothing has changed then.
pub async fn index(
    database: &Database,
    feed_id: i64,
    entries: Vec<(Pending, Option<SearchEntry>)>,
) -> Result<()> {
    let Some(done) = entries.iter().map(|(pending, _)| pending.revision).max() else {
        return Ok(());
    };
    let names: Vec<_> = entries.iter().map(|(pending, _)| pending.name.clone()).collect();
    let transaction = database.begin().await?;
    // Two nodes do the same one after the other.
    lock_feed(&transaction, feed_id).await?;
    let counts = downloads::totals_in(&transaction, feed_id, &names).await?;
    remove(&transaction, feed_id, &names).await?;
    let mut rows = Vec::new();
    let mut terms = HashMap::new();
    for (Pending { name, contents, .. }, entry) in entries {
        let (Some(contents), Some(entry)) = (contents, entry) else { continue };
        terms.insert(name.clone(), Terms::of(feed_id, &contents.package.name, &entry));
        let downloads: u64 = counts
            .iter()
            .filter(|(download, _)| download.name == name)
            .fold(0, |sum, (_, count)| sum.saturating_add(*count));
        rows.push(search_entries::ActiveModel {
            feed_id: Set(feed_id),
            name: Set(name),
            display: Set(contents.package.name.display().to_owned()),
            shown: Set(entry.shown.as_json().to_owned()),
            downloads: Set(i64::try_from(downloads).unwrap_or(i64::MAX)),
            ..Default::default()
        });
    }
    insert(&transaction, rows, None).await?;
    add_terms(&transaction, feed_id, terms).await?;
    let known = || Expr::col((search_progress::Entity, search_progress::Column::Revision));
    let progress = search_progress::ActiveModel { feed_id: Set(feed_id), revision: Set(done) };
    search_progress::Entity::insert(progress)
        .on_conflict(
            OnConflict::column(search_progress::Column::FeedId)
                .value(
                    search_progress::Column::Revision,
                    Expr::case(known().lt(done), done).finally(known()),
                )
                .to_owned(),
        )
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes all that is found of a feed.
pub(crate) async fn remove_feed(transaction: &DatabaseTransaction, feed_id: i64) -> Result<()> {
    if transaction.get_database_backend() == DbBackend::Sqlite {
        let sql = "DELETE FROM search_text WHERE rowid IN \
                   (SELECT id FROM search_entries WHERE feed_id = ?)";
        run(transaction, sql, [feed_id.into()]).await?;
    }
    search_entries::Entity::delete_many()
        .filter(search_entries::Column::FeedId.eq(feed_id))
        .exec(transaction)
        .await?;
    search_progress::Entity::delete_by_id(feed_id).exec(transaction).await?;
    Ok(())
}

async fn remove(transaction: &DatabaseTransaction, feed_id: i64, names: &[String]) -> Result<()> {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let ids: Vec<_> = ids_of(transaction, feed_id, &names).await?.into_values().collect();
    if ids.is_empty() {
        return Ok(());
    }
    if transaction.get_database_backend() == DbBackend::Sqlite {
        let sql =
            format!("DELETE FROM search_text WHERE rowid IN ({})", vec!["?"; ids.len()].join(", "));
        run(transaction, &sql, ids.iter().copied().map(Value::from)).await?;
    }
    search_entries::Entity::delete_many()
        .filter(search_entries::Column::Id.is_in(ids))
        .exec(transaction)
        .await?;
    Ok(())
}

/// The numbers of the entries of packages, by their names.
async fn ids_of(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    names: &[&str],
) -> Result<HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = search_entries::Entity::find()
        .select_only()
        .columns([search_entries::Column::Name, search_entries::Column::Id])
        .filter(search_entries::Column::FeedId.eq(feed_id))
        .filter(search_entries::Column::Name.is_in(names.iter().copied()))
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Adds what the entries of packages are found by.
async fn add_terms(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    terms: HashMap<String, Terms>,
) -> Result<()> {
    if terms.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = terms.keys().map(String::as_str).collect();
    let ids = ids_of(transaction, feed_id, &names).await?;
    let entries = ids.iter().filter_map(|(name, id)| Some((*id, terms.get(name)?)));
    let mut values: Vec<Value> = Vec::new();
    if transaction.get_database_backend() == DbBackend::Sqlite {
        for (id, terms) in entries {
            values.push(id.into());
            let texts = [&terms.name, &terms.keywords, &terms.description, &terms.labels];
            values.extend(texts.map(|words| Value::from(words.join(" "))));
        }
        let rows = vec!["(?, ?, ?, ?, ?)"; ids.len()].join(", ");
        let sql = format!(
            "INSERT INTO search_text (rowid, name, keywords, description, labels) VALUES {rows}"
        );
        return run(transaction, &sql, values).await;
    }
    values.extend(entries.flat_map(|(id, terms)| [Value::from(id), vector_of(terms).into()]));
    let rows: Vec<_> =
        (1..=values.len()).step_by(2).map(|id| format!("(${id}::bigint, ${})", id + 1)).collect();
    let sql = format!(
        "UPDATE search_entries SET terms = new.terms::tsvector \
         FROM (VALUES {}) AS new (id, terms) WHERE search_entries.id = new.id",
        rows.join(", ")
    );
    run(transaction, &sql, values).await
}

/// The terms in the words of `tsvector`, ready-made: PostgreSQL would take words apart in its own way.
fn vector_of(terms: &Terms) -> String {
    let mut vector = String::new();
    let mut position = 1;
    let weighted = [
        (&terms.name, 'A'),
        (&terms.keywords, 'B'),
        (&terms.description, 'C'),
        (&terms.labels, 'D'),
    ];
    for (words, weight) in weighted {
        for word in words {
            vector.push_str(&format!("'{word}':{position}{weight} "));
            position += 1;
        }
    }
    vector
}

async fn run(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<()> {
    let backend = transaction.get_database_backend();
    transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}
