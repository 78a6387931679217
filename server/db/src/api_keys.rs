//! API keys: kept as hashes, shown once.

use std::collections::BTreeMap;

use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};

use crate::entity::api_keys;
use crate::feeds::{Origin, from_word, word};
use crate::{Database, Result};

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it may do, in the words of the configuration: `publish:libs`, `admin`.
    pub scopes: Vec<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Adds a key. Keys have at least 128 bits of chance, so a plain hash keeps them.
///
/// # Errors
/// When the database fails.
pub async fn create(
    database: &Database,
    name: &str,
    secret: &str,
    scopes: &[String],
    origin: Origin,
    now: Timestamp,
) -> Result<ApiKey> {
    let row = api_keys::ActiveModel {
        name: Set(name.to_owned()),
        hash: Set(hash(secret)),
        scopes: Set(scopes.join(" ")),
        origin: Set(word(&origin)),
        created_at: Set(now.millis()),
        expires_at: Set(None),
        last_used_at: Set(None),
        ..Default::default()
    };
    key_of(database.insert(row).await?)
}

/// Makes the keys that come from the configuration file those in `keys` (name, secret, scopes).
///
/// # Errors
/// When the database fails; nothing has changed then.
pub async fn replace_file_keys(
    database: &Database,
    keys: &[(String, String, Vec<String>)],
    now: Timestamp,
) -> Result<()> {
    // By their hashes, so that two nodes that start at once take the rows in one order; where a
    // secret is written twice, the last of them counts.
    let keys: BTreeMap<_, _> =
        keys.iter().map(|(name, secret, scopes)| (hash(secret), (name, scopes))).collect();
    let transaction = database.begin().await?;
    api_keys::Entity::delete_many()
        .filter(api_keys::Column::Origin.eq(word(&Origin::File)))
        .filter(api_keys::Column::Hash.is_not_in(keys.keys().cloned()))
        .exec(&transaction)
        .await?;
    let rows = keys.into_iter().map(|(hash, (name, scopes))| api_keys::ActiveModel {
        name: Set(name.clone()),
        hash: Set(hash),
        scopes: Set(scopes.join(" ")),
        origin: Set(word(&Origin::File)),
        created_at: Set(now.millis()),
        ..Default::default()
    });
    api_keys::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::column(api_keys::Column::Hash)
                .update_columns([
                    api_keys::Column::Name,
                    api_keys::Column::Scopes,
                    api_keys::Column::Origin,
                ])
                .to_owned(),
        )
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The key that `secret` is, if it is one and has not expired.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, secret: &str, now: Timestamp) -> Result<Option<ApiKey>> {
    let row = api_keys::Entity::find()
        .filter(api_keys::Column::Hash.eq(hash(secret)))
        .one(database.reader())
        .await?;
    let key = row.map(key_of).transpose()?;
    Ok(key.filter(|key| key.expires_at.is_none_or(|end| now < end)))
}

/// Notes that a key was shown.
///
/// # Errors
/// When the database fails.
pub async fn touch(database: &Database, id: i64, now: Timestamp) -> Result<()> {
    api_keys::Entity::update_many()
        .col_expr(api_keys::Column::LastUsedAt, Expr::value(now.millis()))
        .filter(api_keys::Column::Id.eq(id))
        .exec(database.writer())
        .await?;
    Ok(())
}

/// All keys, in the order in which they were made.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database) -> Result<Vec<ApiKey>> {
    let rows =
        api_keys::Entity::find().order_by_asc(api_keys::Column::Id).all(database.reader()).await?;
    rows.into_iter().map(key_of).collect()
}

/// Removes a key; `false` when there is none with this number.
///
/// # Errors
/// When the database fails.
pub async fn revoke(database: &Database, id: i64) -> Result<bool> {
    let deleted = api_keys::Entity::delete_by_id(id).exec(database.writer()).await?;
    Ok(deleted.rows_affected > 0)
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    Digest::of(secret.as_bytes()).as_bytes().to_vec()
}

fn key_of(row: api_keys::Model) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        origin: from_word(&row.origin)?,
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
        last_used_at: row.last_used_at.map(Timestamp::from_millis),
    })
}
