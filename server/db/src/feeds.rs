//! Feeds and their settings.

use std::collections::HashMap;

use pakhus_core::replication::engine::Fuse;
use pakhus_core::replication::{ClientMode, ServerMode};
use pakhus_core::{Digest, FeedName, FeedPolicy, Refusal, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};
use serde::{Deserialize, Serialize};

use crate::entity::{
    asides, feed_log, feeds, fingerprints, kept_states, links, package_blobs, packages,
    received_blobs, record_blobs, records, shadows, sync_tokens,
};
use crate::write::lock_feed;
use crate::{Database, Error, Result, search};

/// What somebody who shows no key may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anonymous {
    /// Nothing.
    #[default]
    None,
    /// Read.
    View,
    /// Read and publish.
    Publish,
}

/// Where a feed's settings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the database: operators change them by the API.
    Database,
    /// In the configuration file, which alone changes them.
    File,
}

/// What the feed does as a replication client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// What.
    pub mode: ClientMode,
    /// The replication address of the source feed.
    pub source_url: Option<String>,
    /// The sync token to show there.
    pub sync_token: Option<String>,
    /// Milliseconds between two runs.
    pub interval_ms: u64,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self { mode: ClientMode::Disabled, source_url: None, sync_token: None, interval_ms: 60_000 }
    }
}

/// How replication of a feed is held within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationLimits {
    /// How much one run may delete without approval.
    pub fuse: Fuse,
    /// Bytes of blobs a second that runs of this feed move, at most; `None`: as the line allows.
    pub bandwidth: Option<u64>,
    /// Requests for blobs that a run has under way at once.
    pub concurrency: u32,
    /// Milliseconds for which what was deleted or replaced from elsewhere can be restored.
    pub keep_trash_ms: u64,
    /// Milliseconds for which a deletion is remembered: a site that was away for longer compares
    /// everything.
    pub keep_deleted_ms: u64,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Default for ReplicationLimits {
    fn default() -> Self {
        Self {
            fuse: Fuse::default(),
            bandwidth: None,
            concurrency: 6,
            keep_trash_ms: 30 * DAY_MS,
            keep_deleted_ms: 730 * DAY_MS,
        }
    }
}

/// The settings of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Its name.
    pub name: FeedName,
    /// Its package type.
    pub package_type: String,
    /// What it lets people without a key do.
    pub anonymous: Anonymous,
    /// What it lets clients do to versions that are there.
    pub policy: FeedPolicy,
    /// Where the settings are kept.
    pub origin: Origin,
    /// What it lets replication clients do.
    pub server_mode: ServerMode,
    /// What it does as a replication client.
    pub client: ClientSettings,
    /// What its replication is held to.
    pub limits: ReplicationLimits,
}

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its number in this database.
    pub id: i64,
    /// Its settings.
    pub settings: FeedSettings,
    /// Whether somebody paused its replication.
    pub paused: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Feed {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &FeedName {
        &self.settings.name
    }
}

/// All feeds, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database) -> Result<Vec<Feed>> {
    let rows =
        feeds::Entity::find().order_by_asc(feeds::Column::Name).all(database.reader()).await?;
    rows.into_iter().map(feed_of).collect()
}

/// Makes a feed, with a log of its own; `None` when there is one of this name.
///
/// # Errors
/// When the database fails.
pub async fn create(
    database: &Database,
    settings: &FeedSettings,
    now: Timestamp,
) -> Result<Option<Feed>> {
    let mut row = feeds::ActiveModel {
        lineage: Set(uuid::Uuid::new_v4().to_string()),
        head: Set(0),
        chain: Set(Digest::ZERO.as_bytes().to_vec()),
        floor: Set(0),
        first_incarnation: Set(1),
        created_at: Set(now.millis()),
        ..Default::default()
    };
    set_settings(&mut row, settings);
    match database.insert(row).await {
        Err(Error::Database(error))
            if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
        {
            Ok(None)
        }
        row => feed_of(row?).map(Some),
    }
}

/// Changes the settings of a feed, as they are at that moment: of two changes at once none is lost. Its
/// name and package type stay.
///
/// # Errors
/// When `change` refuses, the feed is gone or the database fails; nothing has changed then.
pub async fn update(
    database: &Database,
    feed_id: i64,
    change: impl FnOnce(&mut FeedSettings) -> Result<(), Refusal> + Send,
) -> Result<Feed> {
    let transaction = database.begin().await?;
    lock_feed(&transaction, feed_id).await?;
    let row = feeds::Entity::find_by_id(feed_id).one(&transaction).await?;
    let row = row.ok_or(Error::NoSuchFeed)?;
    let mode_before = row.client_mode.clone();
    let mut settings = feed_of(row.clone())?.settings;
    change(&mut settings)?;
    let mut row = row.into_active_model();
    let (name, package_type) = (row.name.clone(), row.package_type.clone());
    set_settings(&mut row, &settings);
    (row.name, row.package_type) = (name, package_type);
    let row = row.update(&transaction).await?;
    if row.client_mode != mode_before {
        crate::links::compare_again(&transaction, feed_id, settings.client.mode).await?;
    }
    transaction.commit().await?;
    feed_of(row)
}

/// Pauses the replication of a feed, or lets it go on.
///
/// # Errors
/// When the feed is gone or the database fails.
pub async fn set_paused(database: &Database, feed_id: i64, paused: bool) -> Result<()> {
    let updated = feeds::Entity::update_many()
        .col_expr(feeds::Column::Paused, Expr::value(paused))
        .filter(feeds::Column::Id.eq(feed_id))
        .exec(database.writer())
        .await?;
    if updated.rows_affected == 0 { Err(Error::NoSuchFeed) } else { Ok(()) }
}

/// Deletes a feed and everything in it but its blobs, which other feeds may hold too. Its executions
/// stay: they are the history of the instance.
///
/// # Errors
/// When the database fails; nothing is deleted then.
pub async fn delete(database: &Database, feed_id: i64) -> Result<()> {
    macro_rules! delete_from {
        ($transaction:expr, $($table:ident),+) => {$(
            $table::Entity::delete_many()
                .filter($table::Column::FeedId.eq(feed_id))
                .exec($transaction)
                .await?;
        )+};
    }
    let transaction = database.begin().await?;
    match lock_feed(&transaction, feed_id).await {
        Ok(_) => {}
        Err(Error::NoSuchFeed) => return Ok(()),
        Err(error) => return Err(error),
    }
    delete_from!(
        &transaction,
        records,
        packages,
        record_blobs,
        package_blobs,
        received_blobs,
        feed_log,
        kept_states,
        links,
        shadows,
        sync_tokens,
        fingerprints,
        asides
    );
    search::remove_feed(&transaction, feed_id).await?;
    feeds::Entity::delete_by_id(feed_id).exec(&transaction).await?;
    transaction.commit().await?;
    // SQLite gives the number to the next feed.
    database.stamps().raise_all();
    Ok(())
}

/// How much a feed holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packages with at least one version.
    pub packages: u64,
    /// Versions.
    pub versions: u64,
}

/// How much each feed holds, by its number.
///
/// # Errors
/// When the database fails.
pub async fn counts(database: &Database) -> Result<HashMap<i64, Counts>> {
    let rows: Vec<(i64, i64, Option<i64>)> = packages::Entity::find()
        .select_only()
        .column(packages::Column::FeedId)
        .column_as(packages::Column::Name.count(), "packages")
        // A sum of BIGINTs is NUMERIC on PostgreSQL.
        .column_as(packages::Column::LiveVersions.sum().cast_as("bigint"), "versions")
        .filter(packages::Column::LiveVersions.gt(0))
        .filter(packages::is_shown())
        .group_by(packages::Column::FeedId)
        .into_tuple()
        .all(database.reader())
        .await?;
    let counts = rows.into_iter().map(|(feed_id, packages, versions)| {
        let versions = versions.unwrap_or_default().cast_unsigned();
        (feed_id, Counts { packages: packages.cast_unsigned(), versions })
    });
    Ok(counts.collect())
}

/// How many versions a feed holds.
///
/// # Errors
/// When the database fails.
pub async fn live_versions(database: &Database, feed_id: i64) -> Result<u64> {
    let versions: Option<Option<i64>> = packages::Entity::find()
        .select_only()
        .column_as(packages::Column::LiveVersions.sum().cast_as("bigint"), "versions")
        .filter(packages::Column::FeedId.eq(feed_id))
        .into_tuple()
        .one(database.reader())
        .await?;
    Ok(versions.flatten().unwrap_or_default().cast_unsigned())
}

/// Whether there is any feed.
///
/// # Errors
/// When the database fails.
pub async fn any(database: &Database) -> Result<bool> {
    Ok(feeds::Entity::find().count(database.reader()).await? > 0)
}

fn set_settings(row: &mut feeds::ActiveModel, settings: &FeedSettings) {
    row.name = Set(settings.name.to_string());
    row.package_type = Set(settings.package_type.clone());
    row.anonymous = Set(word(&settings.anonymous));
    row.deletes = Set(word(&settings.policy.deletes));
    row.overwrite = Set(settings.policy.overwrite);
    row.origin = Set(word(&settings.origin));
    row.server_mode = Set(settings.server_mode.to_string());
    row.client_mode = Set(settings.client.mode.to_string());
    row.source_url = Set(settings.client.source_url.clone());
    row.sync_token = Set(settings.client.sync_token.clone());
    row.interval_ms = Set(settings.client.interval_ms.cast_signed());
    let limits = &settings.limits;
    row.max_deletes = Set(limits.fuse.least.cast_signed());
    row.max_deletes_percent = Set(limits.fuse.percent.into());
    row.bandwidth = Set(limits.bandwidth.map(u64::cast_signed));
    row.concurrency = Set(limits.concurrency.into());
    row.keep_trash_ms = Set(limits.keep_trash_ms.cast_signed());
    row.keep_deleted_ms = Set(limits.keep_deleted_ms.cast_signed());
}

fn feed_of(row: feeds::Model) -> Result<Feed> {
    let settings = FeedSettings {
        name: row.name.parse().map_err(Error::broken)?,
        package_type: row.package_type,
        anonymous: from_word(&row.anonymous)?,
        policy: FeedPolicy { deletes: from_word(&row.deletes)?, overwrite: row.overwrite },
        origin: from_word(&row.origin)?,
        server_mode: row.server_mode.parse().map_err(Error::broken)?,
        client: ClientSettings {
            mode: row.client_mode.parse().map_err(Error::broken)?,
            source_url: row.source_url,
            sync_token: row.sync_token,
            interval_ms: row.interval_ms.cast_unsigned(),
        },
        limits: ReplicationLimits {
            fuse: Fuse {
                least: row.max_deletes.cast_unsigned(),
                percent: u8::try_from(row.max_deletes_percent).map_err(Error::broken)?,
            },
            bandwidth: row.bandwidth.map(i64::cast_unsigned),
            concurrency: u32::try_from(row.concurrency).map_err(Error::broken)?,
            keep_trash_ms: row.keep_trash_ms.cast_unsigned(),
            keep_deleted_ms: row.keep_deleted_ms.cast_unsigned(),
        },
    };
    let created_at = Timestamp::from_millis(row.created_at);
    Ok(Feed { id: row.id, settings, paused: row.paused, created_at })
}

/// The word that serde writes for a value of an enum without fields.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(crate) fn from_word<T: for<'de> Deserialize<'de>>(word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(Error::broken)
}
