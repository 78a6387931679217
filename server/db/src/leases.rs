//! Leases: which node of an instance does what only one may do at a time. A lease is a row with an
//! expiry, renewed by its holder, and a fencing number that grows with each new holder: who acts under
//! an older number is refused. Session locks of PostgreSQL would leak behind a connection pooler.

use pakhus_core::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, Set,
};

use crate::entity::leases;
use crate::{Database, Error, Result};

/// A lease that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// The number under which its holder acts.
    pub fence: i64,
}

/// Takes the lease `name` for `holder` until `until`, or renews it; `None` when another holds it at
/// `now`.
///
/// # Errors
/// When the database fails.
pub async fn take(
    database: &Database,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>> {
    let transaction = database.begin().await?;
    let free = leases::ActiveModel {
        name: Set(name.to_owned()),
        holder: Set(String::new()),
        fence: Set(0),
        expires_at: Set(0),
    };
    leases::Entity::insert(free)
        .on_conflict(OnConflict::column(leases::Column::Name).do_nothing().to_owned())
        .exec_without_returning(&transaction)
        .await?;
    let expired = leases::Column::ExpiresAt.lte(now.millis());
    let taken = leases::Entity::update_many()
        .col_expr(
            leases::Column::Fence,
            Expr::case(leases::Column::Holder.eq(holder), Expr::col(leases::Column::Fence))
                .finally(Expr::col(leases::Column::Fence).add(1))
                .into(),
        )
        .col_expr(leases::Column::Holder, Expr::value(holder))
        .col_expr(leases::Column::ExpiresAt, Expr::value(until.millis()))
        .filter(leases::Column::Name.eq(name))
        .filter(Condition::any().add(expired).add(leases::Column::Holder.eq(holder)))
        .exec(&transaction)
        .await?;
    let lease = match taken.rows_affected {
        0 => None,
        _ => leases::Entity::find_by_id(name.to_owned()).one(&transaction).await?,
    };
    transaction.commit().await?;
    Ok(lease.map(|row| Lease { name: row.name, fence: row.fence }))
}

/// Gives up the lease `name`, if `holder` has it.
///
/// # Errors
/// When the database fails.
pub async fn release(database: &Database, name: &str, holder: &str) -> Result<()> {
    give_up(database, leases::Column::Holder.eq(holder).and(leases::Column::Name.eq(name))).await
}

/// Gives up all leases of `holder`.
///
/// # Errors
/// When the database fails.
pub async fn release_all(database: &Database, holder: &str) -> Result<()> {
    give_up(database, leases::Column::Holder.eq(holder)).await
}

async fn give_up(database: &Database, which: Expr) -> Result<()> {
    leases::Entity::update_many()
        .col_expr(leases::Column::ExpiresAt, Expr::value(0))
        .col_expr(leases::Column::Holder, Expr::value(""))
        .filter(which)
        .exec(database.writer())
        .await?;
    Ok(())
}

/// Removes leases that expired before `before`: nobody acts under their numbers any more.
///
/// # Errors
/// When the database fails.
pub async fn forget_expired(database: &Database, before: Timestamp) -> Result<()> {
    leases::Entity::delete_many()
        .filter(leases::Column::ExpiresAt.lt(before.millis()))
        // A lease that was given up has no expiry, and is for something that is still there.
        .filter(leases::Column::ExpiresAt.gt(0))
        .exec(database.writer())
        .await?;
    Ok(())
}

/// Who holds leases at `now` whose names begin with `prefix`.
///
/// # Errors
/// When the database fails.
pub async fn holders(database: &Database, prefix: &str, now: Timestamp) -> Result<Vec<String>> {
    let rows = leases::Entity::find()
        .filter(leases::Column::Name.starts_with(prefix))
        .filter(leases::Column::ExpiresAt.gt(now.millis()))
        .all(database.reader())
        .await?;
    Ok(rows.into_iter().map(|row| row.holder).collect())
}

/// Refuses to go on under a lease that another has taken over since.
pub(crate) async fn check(transaction: &DatabaseTransaction, lease: &Lease) -> Result<()> {
    let row = leases::Entity::find_by_id(lease.name.clone()).one(transaction).await?;
    match row {
        Some(row) if row.fence == lease.fence => Ok(()),
        _ => Err(Error::LeaseLost),
    }
}
