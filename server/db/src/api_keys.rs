//! API keys: kept as hashes, shown once. A key may belong to a user or to the key that made it, and
//! ends with its owner.

mod chain;

use std::collections::BTreeMap;

use pakhus_core::{Digest, Refusal, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, Set,
};

pub use chain::{KeyChain, chain};

use crate::entity::{api_keys, users};
use crate::feeds::{Origin, from_word, word};
use crate::{Database, Error, Result};

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: i64,
    /// What names it to its owner: no such text is the beginning of another.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// What it may do, in the words of the configuration: `publish:libs`, `admin`. None at all, where it
    /// has an owner: all that its owner may.
    pub scopes: Vec<String>,
    /// Whether it reads only, whatever its scopes say.
    pub read_only: bool,
    /// The networks that it may be used from, such as `10.0.0.0/8`; none: from anywhere.
    pub networks: Vec<String>,
    /// Whose it is.
    pub owner: Owner,
    /// The first characters of the key, to tell it from others; empty where they are not known.
    pub beginning: String,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Whose a key is; nobody's: the instance's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user that it acts for.
    pub user: Option<i64>,
    /// The key that made it.
    pub parent: Option<i64>,
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// The key itself.
    pub secret: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whether it reads only.
    pub read_only: bool,
    /// The networks that it may be used from.
    pub networks: Vec<String>,
    /// Whose it is.
    pub owner: Owner,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// The most keys that one owner has.
const MOST_KEYS: u64 = 1_000;
/// So many first characters of a key are kept, of keys that are long enough to stay secret.
const BEGINNING: usize = 12;
const LONG_ENOUGH: usize = 40;

/// Adds a key of the instance. Keys have at least 128 bits of chance, so a plain hash keeps them.
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
    let new = NewKey {
        name: name.to_owned(),
        secret: secret.to_owned(),
        scopes: scopes.to_vec(),
        read_only: false,
        networks: Vec::new(),
        owner: Owner::default(),
        expires_at: None,
    };
    let transaction = database.begin().await?;
    let key = insert(&transaction, &new, origin, now).await?;
    transaction.commit().await?;
    Ok(key)
}

/// Adds a key.
///
/// # Errors
/// [`Error::Refused`] when its owner has too many; when the database fails.
pub async fn add(database: &Database, new: &NewKey, now: Timestamp) -> Result<ApiKey> {
    let transaction = database.begin().await?;
    let key = insert(&transaction, new, Origin::Database, now).await?;
    transaction.commit().await?;
    Ok(key)
}

pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    new: &NewKey,
    origin: Origin,
    now: Timestamp,
) -> Result<ApiKey> {
    if let Some(owned) = of_owner(new.owner)
        && api_keys::Entity::find().filter(owned).count(connection).await? >= MOST_KEYS
    {
        let message = format!("there are {MOST_KEYS} API keys of this owner: revoke some first");
        return Err(Error::Refused(Refusal::conflict(message)));
    }
    let kept = if new.secret.len() < LONG_ENOUGH { 0 } else { BEGINNING };
    let row = api_keys::ActiveModel {
        name: Set(new.name.clone()),
        hash: Set(hash(&new.secret)),
        scopes: Set(new.scopes.join(" ")),
        origin: Set(word(&origin)),
        created_at: Set(now.millis()),
        expires_at: Set(new.expires_at.map(Timestamp::millis)),
        last_used_at: Set(None),
        user_id: Set(new.owner.user),
        parent_id: Set(new.owner.parent),
        read_only: Set(new.read_only),
        networks: Set(new.networks.join(" ")),
        beginning: Set(new.secret.chars().take(kept).collect()),
        ..Default::default()
    };
    key_of(row.insert(connection).await?)
}

/// The keys of an owner: of a user those that act for it, of a key those that it made.
fn of_owner(owner: Owner) -> Option<Condition> {
    let column = |column: api_keys::Column, id: i64| Condition::all().add(column.eq(id));
    match owner {
        Owner { user: Some(user), .. } => Some(column(api_keys::Column::UserId, user)),
        Owner { parent: Some(parent), .. } => Some(column(api_keys::Column::ParentId, parent)),
        Owner { .. } => None,
    }
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
        read_only: Set(false),
        networks: Set(String::new()),
        beginning: Set(String::new()),
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
    remove_orphans(&transaction).await?;
    transaction.commit().await?;
    database.raise_stamp_of_keys();
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
    database.raise_stamp_of_keys();
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

/// The keys of an owner, in the order in which they were made; none of nobody.
///
/// # Errors
/// When the database fails.
pub async fn list_owned(database: &Database, owner: Owner) -> Result<Vec<ApiKey>> {
    let Some(owned) = of_owner(owner) else { return Ok(Vec::new()) };
    let rows = api_keys::Entity::find().filter(owned).order_by_asc(api_keys::Column::Id);
    rows.all(database.reader()).await?.into_iter().map(key_of).collect()
}

/// The key of this number.
///
/// # Errors
/// When the database fails.
pub async fn get(database: &Database, id: i64) -> Result<Option<ApiKey>> {
    let row = api_keys::Entity::find_by_id(id).one(database.reader()).await?;
    row.map(key_of).transpose()
}

/// Removes a key and those that it made; `false` when there is none with this number.
///
/// # Errors
/// When the database fails.
pub async fn revoke(database: &Database, id: i64) -> Result<bool> {
    let transaction = database.begin().await?;
    let deleted = api_keys::Entity::delete_by_id(id).exec(&transaction).await?;
    remove_orphans(&transaction).await?;
    transaction.commit().await?;
    database.raise_stamp_of_keys();
    Ok(deleted.rows_affected > 0)
}

/// Removes keys that ended before `before`, and those whose owner is gone, which open nothing.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, before: Timestamp) -> Result<()> {
    let transaction = database.begin().await?;
    api_keys::Entity::delete_many()
        .filter(api_keys::Column::ExpiresAt.lt(before.millis()))
        .exec(&transaction)
        .await?;
    remove_orphans(&transaction).await?;
    transaction.commit().await?;
    database.raise_stamp_of_keys();
    Ok(())
}

/// Removes the keys whose owner is gone, and those that they made, and so on.
pub(crate) async fn remove_orphans(connection: &impl ConnectionTrait) -> Result<()> {
    let keys = Query::select().column(api_keys::Column::Id).from(api_keys::Entity).take();
    let users = Query::select().column(users::Column::Id).from(users::Entity).take();
    let lost = |column: api_keys::Column, owners| {
        Condition::all().add(column.is_not_null()).add(column.not_in_subquery(owners))
    };
    let lost = Condition::any()
        .add(lost(api_keys::Column::ParentId, keys))
        .add(lost(api_keys::Column::UserId, users));
    loop {
        let removed = api_keys::Entity::delete_many().filter(lost.clone()).exec(connection).await?;
        if removed.rows_affected == 0 {
            return Ok(());
        }
    }
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    Digest::of(secret.as_bytes()).as_bytes().to_vec()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn key_of(row: api_keys::Model) -> Result<ApiKey> {
    let handle = Digest::of_parts(&[b"handle", &row.hash]).hex();
    Ok(ApiKey {
        id: row.id,
        handle: handle.chars().take(32).collect(),
        name: row.name,
        scopes: words(&row.scopes),
        read_only: row.read_only,
        networks: words(&row.networks),
        owner: Owner { user: row.user_id, parent: row.parent_id },
        beginning: row.beginning,
        origin: from_word(&row.origin)?,
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
        last_used_at: row.last_used_at.map(Timestamp::from_millis),
    })
}
