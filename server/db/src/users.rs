//! Users: people with a name and a password, which is kept as a slow hash.

use std::fmt;

use pakhus_core::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use crate::api_keys::remove_orphans;
use crate::entity::users;
use crate::feeds::{Origin, from_word, word};
use crate::{Database, Result};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its address of e-mail.
    pub email: Option<String>,
    /// What it may do, in the words of the configuration.
    pub scopes: Vec<String>,
    /// The hash of its password.
    pub password: PasswordHash,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The hash of a password, with its salt and what it was made with (a PHC string). Not shown when it is
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A user that is to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: String,
    /// Its address of e-mail.
    pub email: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The hash of its password.
    pub password: PasswordHash,
}

/// What changes of a user; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Its address of e-mail, or that it has none.
    pub email: Option<Option<String>>,
    /// What it may do.
    pub scopes: Option<Vec<String>>,
    /// The hash of its password.
    pub password: Option<PasswordHash>,
}

/// Adds a user; `None` when the name is taken.
///
/// # Errors
/// When the database fails.
pub async fn create(database: &Database, new: &NewUser, now: Timestamp) -> Result<Option<User>> {
    let row = users::ActiveModel {
        name: Set(new.name.clone()),
        email: Set(new.email.clone()),
        password: Set(new.password.0.clone()),
        scopes: Set(new.scopes.join(" ")),
        origin: Set(word(&Origin::Database)),
        created_at: Set(now.millis()),
        updated_at: Set(now.millis()),
        ..Default::default()
    };
    let inserted = users::Entity::insert(row)
        .on_conflict(OnConflict::column(users::Column::Name).do_nothing().to_owned())
        .exec_without_returning(database.writer())
        .await?;
    if inserted == 0 { Ok(None) } else { find(database, &new.name).await }
}

/// The user called `name`.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, name: &str) -> Result<Option<User>> {
    let row =
        users::Entity::find().filter(users::Column::Name.eq(name)).one(database.reader()).await?;
    row.map(user_of).transpose()
}

/// The user of this number.
///
/// # Errors
/// When the database fails.
pub async fn get(database: &Database, id: i64) -> Result<Option<User>> {
    users::Entity::find_by_id(id).one(database.reader()).await?.map(user_of).transpose()
}

/// At most `limit` users by their names, those behind `after`.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database, after: Option<&str>, limit: u64) -> Result<Vec<User>> {
    let mut query = users::Entity::find().order_by_asc(users::Column::Name).limit(limit);
    if let Some(after) = after {
        query = query.filter(users::Column::Name.gt(after));
    }
    query.all(database.reader()).await?.into_iter().map(user_of).collect()
}

/// Changes a user; `None` when there is none of this number.
///
/// # Errors
/// When the database fails.
pub async fn update(
    database: &Database,
    id: i64,
    change: UserChange,
    now: Timestamp,
) -> Result<Option<User>> {
    let transaction = database.begin().await?;
    let Some(row) = users::Entity::find_by_id(id).lock_exclusive().one(&transaction).await? else {
        return Ok(None);
    };
    let mut row: users::ActiveModel = row.into();
    if let Some(email) = change.email {
        row.email = Set(email);
    }
    if let Some(scopes) = change.scopes {
        row.scopes = Set(scopes.join(" "));
    }
    if let Some(password) = change.password {
        row.password = Set(password.0);
    }
    row.updated_at = Set(now.millis());
    let user = user_of(row.update(&transaction).await?)?;
    transaction.commit().await?;
    database.raise_stamp_of_keys();
    Ok(Some(user))
}

/// Removes a user and its API keys; `false` when there is none called so.
///
/// # Errors
/// When the database fails.
pub async fn delete(database: &Database, name: &str) -> Result<bool> {
    let transaction = database.begin().await?;
    let deleted = users::Entity::delete_many()
        .filter(users::Column::Name.eq(name))
        .exec(&transaction)
        .await?;
    remove_orphans(&transaction).await?;
    transaction.commit().await?;
    database.raise_stamp_of_keys();
    Ok(deleted.rows_affected > 0)
}

fn user_of(row: users::Model) -> Result<User> {
    Ok(User {
        id: row.id,
        name: row.name,
        email: row.email,
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        password: PasswordHash(row.password),
        origin: from_word(&row.origin)?,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}
