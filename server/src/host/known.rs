//! What was read of packages and versions, kept in memory as long as nothing has changed: most
//! requests ask for the same few.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use pakhus_core::{Package, PackageName, PackageVersion, VersionRecord};
use pakhus_db::{Database, Result, records};

/// The most bytes of versions that are kept.
const VERSIONS_CAPACITY: u64 = 16 * 1024 * 1024;

/// The most packages that are kept.
const PACKAGES_CAPACITY: u64 = 20_000;

/// How long it is kept at most: two processes may have one SQLite database open, as when one takes
/// over from another that still answers.
const LIFETIME: Duration = Duration::from_secs(1);

/// What is known of packages, in front of the database.
pub(crate) struct Known {
    database: Database,
    packages: Cache<(i64, String), KnownPackage>,
    versions: Cache<(i64, String, String), KnownVersion>,
}

type KnownPackage = Stamped<Option<Package>>;
type KnownVersion = Stamped<Option<Arc<VersionRecord>>>;

/// What was read, and the stamp that its package had before.
#[derive(Clone)]
struct Stamped<T> {
    stamp: u64,
    value: T,
}

impl Known {
    pub(crate) fn new(database: Database) -> Self {
        let weight = |key: &(i64, String, String), known: &KnownVersion| {
            let record = known.value.as_ref().map_or(0, |record| record.metadata.as_json().len());
            u32::try_from(key.1.len() + key.2.len() + record + 500).unwrap_or(u32::MAX)
        };
        Self {
            database,
            packages: Cache::builder()
                .max_capacity(PACKAGES_CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
            versions: Cache::builder()
                .weigher(weight)
                .max_capacity(VERSIONS_CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
        }
    }

    /// The package, as [`records::package`] reads it.
    pub(crate) async fn package(&self, feed: i64, name: &PackageName) -> Result<Option<Package>> {
        let read = || records::package(&self.database, feed, name.key());
        let Some(stamp) = self.database.stamp(feed, name.key()) else { return read().await };
        let key = (feed, name.key().to_owned());
        if let Some(known) = self.packages.get(&key)
            && known.stamp == stamp
        {
            return Ok(known.value);
        }
        let value = read().await?;
        self.packages.insert(key, Stamped { stamp, value: value.clone() });
        Ok(value)
    }

    /// The version, as [`records::version`] reads it.
    pub(crate) async fn version(
        &self,
        feed: i64,
        name: &PackageName,
        version: &PackageVersion,
    ) -> Result<Option<VersionRecord>> {
        let read = || records::version(&self.database, feed, name.key(), version.key());
        let Some(stamp) = self.database.stamp(feed, name.key()) else { return read().await };
        let key = (feed, name.key().to_owned(), version.key().to_owned());
        if let Some(known) = self.versions.get(&key)
            && known.stamp == stamp
        {
            return Ok(known.value.as_deref().cloned());
        }
        let value = read().await?;
        let kept = value.clone().map(Arc::new);
        self.versions.insert(key, Stamped { stamp, value: kept });
        Ok(value)
    }
}
