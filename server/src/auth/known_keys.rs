//! API keys that were shown of late, in front of the database.

use std::time::Duration;

use moka::sync::Cache;
use pakhus_core::{Digest, Timestamp};
use pakhus_db::api_keys::{self, KeyChain};
use pakhus_db::{Database, Result};

/// The most keys that are kept.
const CAPACITY: u64 = 10_000;

/// How long a key is kept at most: two processes may have one SQLite database open.
const LIFETIME: Duration = Duration::from_secs(1);

/// Keys that opened something, by the digests of their secrets, each with the stamp of all keys before
/// it was read: whatever ends or changes one raises that.
pub(crate) struct KnownKeys(Cache<Digest, (u64, KeyChain)>);

impl KnownKeys {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(LIFETIME).build())
    }

    /// The key that `secret` is, as [`api_keys::chain`] finds it.
    pub(super) async fn chain(
        &self,
        database: &Database,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<KeyChain>> {
        let Some(stamp) = database.stamp_of_keys() else {
            return api_keys::chain(database, secret, now).await;
        };
        let digest = Digest::of(secret.as_bytes());
        if let Some((of, chain)) = self.0.get(&digest)
            && of == stamp
        {
            return Ok(Some(chain));
        }
        let chain = api_keys::chain(database, secret, now).await?;
        if let Some(chain) = &chain {
            self.0.insert(digest, (stamp, chain.clone()));
        }
        Ok(chain)
    }
}
