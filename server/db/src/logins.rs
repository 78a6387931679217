//! Sign-ins that are under way in a browser: a client has begun one and asks for its key again and again,
//! somebody says on a page who they are. Both hold a secret of their own, of which the hash is kept; the
//! key is made when the client asks once more, so it is nowhere kept readable.

use pakhus_core::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};

use crate::api_keys::{self, ApiKey, NewKey, Owner, hash};
use crate::entity::logins;
use crate::feeds::Origin;
use crate::{Database, Result};

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name of the key that is made in the end.
    pub label: String,
    /// The package type of the feed.
    pub package_type: String,
    /// The feed that the client asked.
    pub feed: String,
    /// The address of the client.
    pub address: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Whether somebody has said who they are.
    pub is_approved: bool,
}

/// A sign-in that is to be begun.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// The secret of the page.
    pub page: String,
    /// The secret of the client.
    pub poll: String,
    /// The name of the key that is made in the end.
    pub label: String,
    /// The package type of the feed.
    pub package_type: String,
    /// The feed that the client asked.
    pub feed: String,
    /// The address of the client.
    pub address: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a client hears that asks for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// There is no such sign-in, or no longer.
    Unknown,
    /// Nobody has said yet who they are.
    Waiting,
    /// This key was made.
    Made(Box<ApiKey>),
}

/// The most sign-ins under way, of one address and of all.
const MOST_OF_ADDRESS: u64 = 50;
const MOST: u64 = 5_000;

/// Begins a sign-in; `false` when too many are under way.
///
/// # Errors
/// When the database fails.
pub async fn begin(database: &Database, new: &NewLogin, now: Timestamp) -> Result<bool> {
    let transaction = database.begin().await?;
    let ended = logins::Column::ExpiresAt.lte(now.millis());
    logins::Entity::delete_many().filter(ended).exec(&transaction).await?;
    let of_address = logins::Entity::find().filter(logins::Column::Address.eq(&new.address));
    if of_address.count(&transaction).await? >= MOST_OF_ADDRESS
        || logins::Entity::find().count(&transaction).await? >= MOST
    {
        return Ok(false);
    }
    let row = logins::ActiveModel {
        page_hash: Set(hash(&new.page)),
        poll_hash: Set(hash(&new.poll)),
        label: Set(new.label.clone()),
        package_type: Set(new.package_type.clone()),
        feed: Set(new.feed.clone()),
        address: Set(new.address.clone()),
        created_at: Set(now.millis()),
        expires_at: Set(new.expires_at.millis()),
        user_id: Set(None),
        parent_id: Set(None),
        ..Default::default()
    };
    row.insert(&transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The sign-in of a page.
///
/// # Errors
/// When the database fails.
pub async fn of_page(database: &Database, page: &str, now: Timestamp) -> Result<Option<Login>> {
    let row = logins::Entity::find()
        .filter(logins::Column::PageHash.eq(hash(page)))
        .filter(logins::Column::ExpiresAt.gt(now.millis()))
        .one(database.reader())
        .await?;
    Ok(row.map(login_of))
}

/// Says for whom the key of a sign-in is; `false` when it is over, or was said already.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    database: &Database,
    page: &str,
    owner: Owner,
    now: Timestamp,
) -> Result<bool> {
    let approved = logins::Entity::update_many()
        .col_expr(logins::Column::UserId, Expr::value(owner.user))
        .col_expr(logins::Column::ParentId, Expr::value(owner.parent))
        .filter(logins::Column::PageHash.eq(hash(page)))
        .filter(logins::Column::ExpiresAt.gt(now.millis()))
        .filter(logins::Column::UserId.is_null())
        .filter(logins::Column::ParentId.is_null())
        .exec(database.writer())
        .await?;
    Ok(approved.rows_affected > 0)
}

/// Asks for the key of a sign-in. Once somebody has said who they are, `secret` becomes a key of theirs
/// and the sign-in is over.
///
/// # Errors
/// When the database fails.
pub async fn poll(database: &Database, poll: &str, secret: &str, now: Timestamp) -> Result<Polled> {
    let row = logins::Entity::find()
        .filter(logins::Column::PollHash.eq(hash(poll)))
        .filter(logins::Column::ExpiresAt.gt(now.millis()))
        .one(database.reader())
        .await?;
    let Some(row) = row else { return Ok(Polled::Unknown) };
    let owner = Owner { user: row.user_id, parent: row.parent_id };
    if owner == Owner::default() {
        return Ok(Polled::Waiting);
    }
    let transaction = database.begin().await?;
    // Two that ask at once: one finds it gone.
    let taken = logins::Entity::delete_by_id(row.id).exec(&transaction).await?;
    if taken.rows_affected == 0 {
        return Ok(Polled::Unknown);
    }
    let new = NewKey {
        name: row.label,
        secret: secret.to_owned(),
        scopes: Vec::new(),
        read_only: false,
        networks: Vec::new(),
        owner,
        expires_at: None,
    };
    let key = api_keys::insert(&transaction, &new, Origin::Database, now).await?;
    transaction.commit().await?;
    Ok(Polled::Made(Box::new(key)))
}

fn login_of(row: logins::Model) -> Login {
    Login {
        label: row.label,
        package_type: row.package_type,
        feed: row.feed,
        address: row.address,
        created_at: Timestamp::from_millis(row.created_at),
        is_approved: row.user_id.is_some() || row.parent_id.is_some(),
    }
}
