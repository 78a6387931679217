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
use crate::write::lock_feed;
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
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    let contents = records::contents_of(database, feed_id, &names).await?;
    let mut contents: HashMap<_, _> =
        contents.into_iter().map(|of| (of.package.name.key().to_owned(), of)).collect();
    let pending = rows.into_iter().map(|row| {
        let contents = contents.remove(&row.name);
        Pending { name: row.name, revision: row.revision, contents }
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
    for (Pending { name, contents, .. }, entry) in entries {
        let (Some(contents), Some(entry)) = (contents, entry) else { continue };
        let terms = Terms::of(feed_id, &contents.package.name, &entry);
        let downloads: u64 = counts
            .iter()
            .filter(|(download, _)| download.name == name)
            .fold(0, |sum, (_, count)| sum.saturating_add(*count));
        let row = search_entries::ActiveModel {
            feed_id: Set(feed_id),
            name: Set(name),
            display: Set(contents.package.name.display().to_owned()),
            shown: Set(entry.shown.as_json().to_owned()),
            downloads: Set(i64::try_from(downloads).unwrap_or(i64::MAX)),
            ..Default::default()
        };
        let id = search_entries::Entity::insert(row).exec(&transaction).await?.last_insert_id;
        add_terms(&transaction, id, &terms).await?;
    }
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
    let of_names = || {
        search_entries::Entity::find()
            .filter(search_entries::Column::FeedId.eq(feed_id))
            .filter(search_entries::Column::Name.is_in(names.iter().cloned()))
    };
    let ids: Vec<i64> = of_names()
        .select_only()
        .column(search_entries::Column::Id)
        .into_tuple()
        .all(transaction)
        .await?;
    if transaction.get_database_backend() == DbBackend::Sqlite {
        for id in &ids {
            run(transaction, "DELETE FROM search_text WHERE rowid = ?", [(*id).into()]).await?;
        }
    }
    search_entries::Entity::delete_many()
        .filter(search_entries::Column::Id.is_in(ids))
        .exec(transaction)
        .await?;
    Ok(())
}

async fn add_terms(transaction: &DatabaseTransaction, id: i64, terms: &Terms) -> Result<()> {
    if transaction.get_database_backend() == DbBackend::Sqlite {
        let sql = "INSERT INTO search_text (rowid, name, keywords, description, labels) \
                   VALUES (?, ?, ?, ?, ?)";
        let texts = [&terms.name, &terms.keywords, &terms.description, &terms.labels];
        let mut values: Vec<Value> = vec![id.into()];
        values.extend(texts.map(|words| Value::from(words.join(" "))));
        return run(transaction, sql, values).await;
    }
    // Ready-made: PostgreSQL would take words apart in its own way.
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
    let sql = "UPDATE search_entries SET terms = $1::tsvector WHERE id = $2";
    run(transaction, sql, [vector.into(), id.into()]).await
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
