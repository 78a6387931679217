//! API keys: kept as hashes, shown once.

use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};

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
        hash: Set(Digest::of(secret.as_bytes()).as_bytes().to_vec()),
        scopes: Set(scopes.join(" ")),
        origin: Set(word(&origin)),
        created_at: Set(now.millis()),
        expires_at: Set(None),
        last_used_at: Set(None),
        ..Default::default()
    };
    key_of(row.insert(database.writer()).await?)
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
    let transaction = database.begin().await?;
    let hash = |secret: &str| Digest::of(secret.as_bytes()).as_bytes().to_vec();
    let hashes: Vec<_> = keys.iter().map(|(_, secret, _)| hash(secret)).collect();
    api_keys::Entity::delete_many()
        .filter(api_keys::Column::Origin.eq(word(&Origin::File)))
        .filter(api_keys::Column::Hash.is_not_in(hashes))
        .exec(&transaction)
        .await?;
    for (name, secret, scopes) in keys {
        let known = api_keys::Entity::find()
            .filter(api_keys::Column::Hash.eq(hash(secret)))
            .one(&transaction)
            .await?;
        let mut row = api_keys::ActiveModel {
            name: Set(name.clone()),
            scopes: Set(scopes.join(" ")),
            origin: Set(word(&Origin::File)),
            ..Default::default()
        };
        if let Some(known) = known {
            row.id = sea_orm::Unchanged(known.id);
            row.update(&transaction).await?;
        } else {
            row.hash = Set(hash(secret));
            row.created_at = Set(now.millis());
            row.insert(&transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// The key that `secret` is, if it is one and has not expired.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, secret: &str, now: Timestamp) -> Result<Option<ApiKey>> {
    let row = api_keys::Entity::find()
        .filter(api_keys::Column::Hash.eq(Digest::of(secret.as_bytes()).as_bytes().to_vec()))
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
