//! What was read of packages and versions, kept in memory as long as nothing has changed: most
//! requests ask for the same few.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use pakhus_core::{BlobRef, ContentDigest, Package, PackageName, PackageVersion, VersionRecord};
use pakhus_db::{Database, Result, package_blobs, records, registers};

/// The most bytes of versions that are kept.
const VERSIONS_CAPACITY: u64 = 16 * 1024 * 1024;

/// The most packages that are kept.
const PACKAGES_CAPACITY: u64 = 20_000;

/// The most tags that are kept.
const TAGS_CAPACITY: u64 = 20_000;

/// The most blobs that are kept.
const BLOBS_CAPACITY: u64 = 20_000;

/// How long it is kept at most: two processes may have one SQLite database open, as when one takes
/// over from another that still answers.
const LIFETIME: Duration = Duration::from_secs(1);

/// What is known of packages, in front of the database.
pub(crate) struct Known {
    database: Database,
    packages: Cache<(i64, String), KnownPackage>,
    versions: Cache<(i64, String, String), KnownVersion>,
    tags: Cache<(i64, String, String), Stamped<Option<String>>>,
    blobs: Cache<(i64, String, ContentDigest), Stamped<BlobRef>>,
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
            tags: Cache::builder().max_capacity(TAGS_CAPACITY).time_to_live(LIFETIME).build(),
            blobs: Cache::builder().max_capacity(BLOBS_CAPACITY).time_to_live(LIFETIME).build(),
        }
    }

    /// The key of the version that a tag points to, as [`registers::tag`] reads it.
    pub(crate) async fn tag(
        &self,
        feed: i64,
        name: &PackageName,
        tag: &str,
    ) -> Result<Option<String>> {
        let read = || registers::tag(&self.database, feed, name.key(), tag);
        let Some(stamp) = self.database.stamp(feed, name.key()) else { return read().await };
        let key = (feed, name.key().to_owned(), tag.to_owned());
        if let Some(known) = self.tags.get(&key)
            && known.stamp == stamp
        {
            return Ok(known.value);
        }
        let value = read().await?;
        self.tags.insert(key, Stamped { stamp, value: value.clone() });
        Ok(value)
    }

    /// A blob of a package, as [`package_blobs::find`] finds it. That there is none is not kept.
    pub(crate) async fn blob(
        &self,
        feed: i64,
        name: &PackageName,
        digest: ContentDigest,
    ) -> Result<Option<BlobRef>> {
        let stamp = self.database.stamp(feed, name.key());
        let key = (feed, name.key().to_owned(), digest);
        if let (Some(stamp), Some(known)) = (stamp, self.blobs.get(&key))
            && known.stamp == stamp
        {
            return Ok(Some(known.value));
        }
        let found = package_blobs::find(&self.database, feed, Some(name.key()), &[digest]).await?;
        let found = found.into_values().next();
        if let (Some(stamp), Some(value)) = (stamp, found.clone()) {
            self.blobs.insert(key, Stamped { stamp, value });
        }
        Ok(found)
    }

    /// Says that a blob was taken from a package.
    pub(crate) fn forget_blob(&self, feed: i64, name: &PackageName, digest: ContentDigest) {
        self.blobs.invalidate(&(feed, name.key().to_owned(), digest));
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
