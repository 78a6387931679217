//! What lost a conflict, or was deleted or replaced from elsewhere: kept, to be restored or dismissed.

use pakhus_core::replication::{
    Applying, CheckedRecord, Kept, RecordKey, Standing, State, VersionState,
};
use pakhus_core::{SortKey, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::kept_states;
use crate::feeds::{from_word, word};
use crate::keyed::key;
use crate::write::{self, lock_feed, states_of, write_records};
use crate::{Database, Error, Result};

/// A content that is kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptState {
    /// Its number.
    pub id: i64,
    /// The version that it was.
    pub key: RecordKey,
    /// Why it is kept.
    pub reason: Kept,
    /// What it was.
    pub state: State,
    /// When it was put aside here.
    pub at: Timestamp,
    /// What stands under the key now; `None` when nothing is known of it any more.
    pub stands: Option<State>,
}

/// At most `limit` contents that are kept for this reason, the newest first, older than number
/// `after`.
///
/// # Errors
/// When the database fails.
pub async fn list(
    database: &Database,
    feed_id: i64,
    reason: Kept,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<KeptState>> {
    let mut query = kept_states::Entity::find()
        .filter(kept_states::Column::FeedId.eq(feed_id))
        .filter(kept_states::Column::Reason.eq(word(&reason)));
    if let Some(after) = after {
        query = query.filter(kept_states::Column::Id.lt(after));
    }
    let rows =
        query.order_by_desc(kept_states::Column::Id).limit(limit).all(database.reader()).await?;
    let keys: Vec<_> =
        rows.iter().map(|row| key(row.kind, &row.name, &row.item)).collect::<Result<_>>()?;
    let stands = states_of(database.reader(), feed_id, &keys).await?;
    rows.into_iter()
        .zip(keys)
        .map(|(row, key)| kept_of(&row, stands.get(&key).cloned(), key))
        .collect()
}

/// How many contents a feed keeps for this reason.
///
/// # Errors
/// When the database fails.
pub async fn count(database: &Database, feed_id: i64, reason: Kept) -> Result<u64> {
    let query = kept_states::Entity::find()
        .filter(kept_states::Column::FeedId.eq(feed_id))
        .filter(kept_states::Column::Reason.eq(word(&reason)));
    Ok(query.count(database.reader()).await?)
}

/// One content that is kept; `None` when there is none of this number for this reason.
///
/// # Errors
/// When the database fails.
pub async fn find(
    database: &Database,
    feed_id: i64,
    reason: Kept,
    id: i64,
) -> Result<Option<KeptState>> {
    let row = kept_states::Entity::find_by_id(id)
        .filter(kept_states::Column::FeedId.eq(feed_id))
        .filter(kept_states::Column::Reason.eq(word(&reason)))
        .one(database.reader())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let key = key(row.kind, &row.name, &row.item)?;
    let stands = states_of(database.reader(), feed_id, std::slice::from_ref(&key)).await?;
    kept_of(&row, stands.get(&key).cloned(), key).map(Some)
}

fn kept_of(row: &kept_states::Model, stands: Option<State>, key: RecordKey) -> Result<KeptState> {
    Ok(KeptState {
        id: row.id,
        key,
        reason: from_word(&row.reason)?,
        state: serde_json::from_str(&row.state).map_err(Error::broken)?,
        at: Timestamp::from_millis(row.at),
        stands,
    })
}

/// Makes the kept content stand again, as one published after what stands now, which goes to the
/// trash. `false` when it is no longer kept.
///
/// # Errors
/// When the feed is gone or the database fails; nothing has changed then.
pub async fn restore(
    database: &Database,
    feed_id: i64,
    kept: &KeptState,
    sort_key: SortKey,
    now: Timestamp,
) -> Result<bool> {
    let Some(content) = kept.state.content() else {
        return Err(Error::broken("only contents are kept"));
    };
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    if kept_states::Entity::delete_by_id(kept.id).exec(&transaction).await?.rows_affected == 0 {
        return Ok(false);
    }
    let key = kept.key.clone();
    let mut states = states_of(&transaction, feed_id, std::slice::from_ref(&key)).await?;
    let previous = states.remove(&key);
    let newest = previous.as_ref().map_or(feed.first_incarnation - 1, State::counter);
    let state = State::Version(VersionState {
        incarnation: newest.max(kept.state.counter()) + 1,
        standing: Standing::Content(content.clone()),
    });
    let replaced = previous.as_ref().and_then(State::content);
    let differs = replaced.is_some_and(|replaced| replaced.digest() != content.digest());
    let applying = Applying {
        record: CheckedRecord { key, state, sort_key: Some(sort_key) },
        kept: differs.then_some(Kept::Trash),
        previous,
    };
    write_records(&transaction, &mut feed, &[applying], now).await?;
    write::commit(database, transaction, feed).await?;
    Ok(true)
}

/// Keeps a content no longer. `false` when it was not kept.
///
/// # Errors
/// When the database fails.
pub async fn dismiss(database: &Database, feed_id: i64, reason: Kept, id: i64) -> Result<bool> {
    let deleted = kept_states::Entity::delete_many()
        .filter(kept_states::Column::Id.eq(id))
        .filter(kept_states::Column::FeedId.eq(feed_id))
        .filter(kept_states::Column::Reason.eq(word(&reason)))
        .exec(database.writer())
        .await?;
    Ok(deleted.rows_affected > 0)
}

/// Empties the trash of what went there before `before`. Conflicts stay until somebody decides.
///
/// # Errors
/// When the database fails.
pub async fn empty_trash(database: &Database, feed_id: i64, before: Timestamp) -> Result<u64> {
    let deleted = kept_states::Entity::delete_many()
        .filter(kept_states::Column::FeedId.eq(feed_id))
        .filter(kept_states::Column::Reason.eq(word(&Kept::Trash)))
        .filter(kept_states::Column::At.lt(before.millis()))
        .exec(database.writer())
        .await?;
    Ok(deleted.rows_affected)
}
