//! A feed held in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pakhus_core::replication::{
    EditContext, MergePolicy, Merged, RecordKey, State, evaluate, merge,
};

use super::accounts::{Everybody, MemoryUser};
use super::blobs::Brought;
use super::request::RequestBuilder;
use crate::{
    Attribute, Change, Committed, Digest, Document, Edit, FeedPolicy, Mount, NewVersion, Package,
    PackageContents, PackageName, PackageType, Precondition, Refusal, Result, SearchEntry, Tag,
    Timestamp, VersionRecord,
};

/// A feed of one package type, held in memory, that answers requests. See the
/// [module](crate::testing).
///
/// Its clock stands still until a request comes, and goes on by one second for each.
pub struct MemoryFeed {
    pub(super) package_type: Box<dyn PackageType>,
    pub(super) base_url: String,
    pub(super) is_public: bool,
    pub(super) policy: FeedPolicy,
    site: String,
    store: Mutex<Store>,
    pub(super) everybody: Mutex<Everybody>,
}

/// What the feed holds.
pub(super) struct Store {
    pub(super) now: Timestamp,
    pub(super) records: BTreeMap<RecordKey, Stored>,
    revisions: BTreeMap<String, u64>,
    pub(super) sequence: u64,
    pub(super) blobs: BTreeMap<Digest, Bytes>,
    pub(super) documents: BTreeMap<String, (u64, Document)>,
    pub(super) brought: Brought,
}

#[derive(Clone)]
pub(super) struct Stored {
    pub(super) state: State,
    /// Its number in the feed's log.
    pub(super) sequence: u64,
    /// Since when it is here, for package types that do not sync publish dates.
    pub(super) arrived_at: Timestamp,
}

impl MemoryFeed {
    /// Makes an empty feed of `package_type`.
    #[must_use]
    pub fn new(package_type: impl PackageType) -> Self {
        let descriptor = package_type.descriptor();
        let base_url = match descriptor.capabilities.mount {
            Mount::Feed => format!("https://pakhus.test/{}/main", descriptor.name),
            Mount::V2 => "https://pakhus.test/v2/main".to_owned(),
        };
        let store = Store {
            now: Timestamp::from_millis(1_700_000_000_000),
            records: BTreeMap::new(),
            revisions: BTreeMap::new(),
            sequence: 0,
            blobs: BTreeMap::new(),
            documents: BTreeMap::new(),
            brought: Brought::default(),
        };
        let site = "memory".to_owned();
        let (package_type, store) = (Box::new(package_type), Mutex::new(store));
        let everybody = Mutex::default();
        let policy = FeedPolicy::default();
        Self { package_type, base_url, is_public: true, policy, site, store, everybody }
    }

    /// Makes it a feed that not everybody may read.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.is_public = false;
        self
    }

    /// Says what it lets clients do to versions that are there.
    #[must_use]
    pub fn with_policy(mut self, policy: FeedPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Names the site that the feed is at: the origin of the changes made here.
    #[must_use]
    pub fn at_site(mut self, site: &str) -> Self {
        site.clone_into(&mut self.site);
        self
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.store().now = now;
    }

    /// Makes a user, whom [`RequestBuilder::by`] then means by this name.
    pub fn add_user(&self, name: &str, password: &str, email: Option<&str>) {
        let (name, password, email) =
            (name.to_owned(), password.to_owned(), email.map(str::to_owned));
        let since = self.store().now;
        self.everybody().users.push(MemoryUser { name, password, email, since });
    }

    /// Signs somebody in on the page at `url` of a sign-in that was begun.
    ///
    /// # Panics
    /// When none was begun there.
    pub fn approve_login(&self, url: &str, name: &str) {
        self.everybody().approve(url, name);
    }

    pub(super) fn everybody(&self) -> MutexGuard<'_, Everybody> {
        self.everybody.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a request of this feed. `target` is the path below the feed, with its query.
    pub fn request(&self, method: &str, target: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, method, target)
    }

    /// How many blobs are stored.
    #[must_use]
    pub fn blob_count(&self) -> usize {
        self.store().blobs.len()
    }

    /// What is stored of a version, if it is there.
    ///
    /// # Panics
    /// When the adapter takes `name` or `version` for none.
    #[must_use]
    pub fn stored_version(&self, name: &str, version: &str) -> Option<VersionRecord> {
        let name = self.name(name).expect("a name");
        let version = self.package_type.parse_version(version).expect("a version");
        let (name, version) = (name.key().to_owned(), version.key().to_owned());
        self.version(&RecordKey::Version { name, version }).expect("what is stored can be read")
    }

    /// Merges all that `source` holds into this feed, as replication does between two sites.
    ///
    /// # Errors
    /// When the adapter refuses a version, tag or attribute that the other site holds.
    pub fn pull_from(&self, source: &Self) -> Result<()> {
        let (records, blobs) = {
            let source = source.store();
            (source.records.clone(), source.blobs.clone())
        };
        for (key, stored) in &records {
            if let RecordKey::Tag { tag, .. } = key {
                self.package_type.check_tag(tag)?;
            }
            if let RecordKey::Attribute { version, attribute, .. } = key
                && let State::Register(state) = &stored.state
                && let Some(value) = &state.value
            {
                self.package_type.check_attribute(attribute, version.as_deref(), value)?;
            }
            if let RecordKey::Version { .. } = key
                && let Some(content) = stored.state.content()
            {
                self.package_type.check_version(&NewVersion {
                    name: self.name(&content.name)?,
                    version: self
                        .package_type
                        .parse_version(&content.version)
                        .map_err(Refusal::invalid)?,
                    metadata: content.metadata.clone(),
                    blobs: content.blobs.clone(),
                })?;
            }
        }
        let capabilities = &self.package_type.descriptor().capabilities;
        let mut store = self.store();
        store.blobs.extend(blobs);
        for (key, stored) in records {
            // What is deleted or removed is told to nobody where that does not travel.
            if !stored.state.is_live() && !capabilities.tracks_deletions {
                continue;
            }
            let local = store.records.get(&key).map(|local| &local.state);
            if let Merged::TakeRemote(_) = merge(local, &stored.state, MergePolicy::Converge) {
                store.put(key, stored.state);
            }
        }
        Ok(())
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // A test that failed while it held the lock has said so already.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of all packages of which anything is stored.
    pub(super) fn names(&self) -> Result<Vec<PackageName>> {
        let names: BTreeSet<_> = self.store().revisions.keys().cloned().collect();
        names.iter().map(|name| self.name(name)).collect()
    }

    pub(super) fn search_entry(&self, contents: &PackageContents) -> Result<SearchEntry> {
        self.package_type.search_entry(contents)
    }

    pub(super) fn package(&self, name: &PackageName) -> Option<Package> {
        let store = self.store();
        let has_version = store.of_package(name).any(|(key, stored)| {
            matches!(key, RecordKey::Version { .. }) && stored.state.is_live()
        });
        has_version.then(|| store.package(name))
    }

    pub(super) fn contents(&self, name: &PackageName) -> Result<Option<PackageContents>> {
        let store = self.store();
        let mut contents = PackageContents {
            package: store.package(name),
            versions: Vec::new(),
            tags: Vec::new(),
            attributes: Vec::new(),
            fingerprint: store.fingerprint(name),
            modified_at: Timestamp::EPOCH,
        };
        for (key, stored) in store.of_package(name) {
            contents.modified_at = contents.modified_at.max(stored.state.at());
            match (key, &stored.state) {
                (RecordKey::Version { .. }, _) => {
                    contents.versions.extend(self.version_record(stored)?);
                }
                (RecordKey::Tag { tag, .. }, State::Register(state)) => {
                    let Some(version) = &state.value else { continue };
                    let version = version.parse().map_err(Refusal::internal)?;
                    contents.tags.push(Tag { name: tag.clone(), version, at: state.at });
                }
                (RecordKey::Attribute { version, attribute, .. }, State::Register(state)) => {
                    let Some(value) = state.value.clone() else { continue };
                    let (name, version) = (attribute.clone(), version.clone());
                    contents.attributes.push(Attribute { name, version, value, at: state.at });
                }
                _ => {}
            }
        }
        contents.versions.sort_by(|a, b| a.version.cmp(&b.version));
        if let Some(record) = contents.versions.first() {
            contents.package.name = record.name.clone();
        }
        Ok((!contents.versions.is_empty()).then_some(contents))
    }

    pub(super) fn version(&self, key: &RecordKey) -> Result<Option<VersionRecord>> {
        let stored = self.store().records.get(key).cloned();
        stored.map_or(Ok(None), |stored| self.version_record(&stored))
    }

    pub(super) fn commit(&self, change: &Change) -> Result<Committed> {
        for edit in &change.edits {
            self.check(edit)?;
        }
        let mut store = self.store();
        for precondition in &change.preconditions {
            let Precondition::Fingerprint { name, fingerprint } = precondition;
            if store.fingerprint(name) != *fingerprint {
                return Err(Refusal::conflict(format!(
                    "{} was changed by somebody else in the meantime; read it again and retry",
                    name.display()
                )));
            }
        }
        let context = EditContext {
            first_incarnation: 1,
            origin: self.site.clone(),
            now: store.now,
            syncs_publish_date: self.package_type.descriptor().capabilities.syncs_publish_date,
        };
        let mut changed: BTreeMap<RecordKey, State> = BTreeMap::new();
        for edit in &change.edits {
            if let Edit::Publish(new) = edit
                && let Some(blob) =
                    new.blobs.iter().find(|blob| !store.blobs.contains_key(&blob.digest))
            {
                return Err(Refusal::invalid(format!("the blob {} is not stored", blob.digest)));
            }
            let record = evaluate(edit, &context, |key| {
                changed.get(key).or_else(|| store.records.get(key).map(|here| &here.state)).cloned()
            })?;
            if let Some(record) = record {
                changed.insert(record.key, record.state);
            }
        }
        for (key, state) in changed {
            store.put(key, state);
        }
        Ok(Committed { sequence: store.sequence })
    }

    /// The laws that hold for every adapter: what it makes here, another site can take.
    fn check(&self, edit: &Edit) -> Result<()> {
        match edit {
            Edit::Publish(new) => {
                let name = self.name(new.name.display())?;
                let version = self
                    .package_type
                    .parse_version(new.version.display())
                    .map_err(Refusal::internal)?;
                if name != new.name || version != new.version {
                    return Err(Refusal::internal(format!(
                        "{} {} parses to another identity from its display form",
                        new.name.display(),
                        new.version.display()
                    )));
                }
                self.package_type.check_version(new).map_err(|refusal| {
                    Refusal::internal(format!("another site would refuse the version: {refusal}"))
                })
            }
            Edit::SetAttribute { attribute, .. } => {
                let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
                if attribute.is_empty() || !attribute.bytes().all(fits) {
                    return Err(Refusal::internal(format!("`{attribute}` names no attribute")));
                }
                Ok(())
            }
            Edit::Delete { .. } | Edit::SetTag { .. } | Edit::RemoveTag { .. } => Ok(()),
        }
    }

    pub(super) fn version_record(&self, stored: &Stored) -> Result<Option<VersionRecord>> {
        let Some(content) = stored.state.content() else { return Ok(None) };
        Ok(Some(VersionRecord {
            name: self.name(&content.name)?,
            version: self
                .package_type
                .parse_version(&content.version)
                .map_err(Refusal::internal)?,
            metadata: content.metadata.clone(),
            blobs: content.blobs.clone(),
            published_at: content.published_at.unwrap_or(stored.arrived_at),
        }))
    }

    pub(super) fn name(&self, display: &str) -> Result<PackageName> {
        self.package_type.parse_name(display).map_err(Refusal::internal)
    }
}

impl Store {
    pub(super) fn of_package(
        &self,
        name: &PackageName,
    ) -> impl Iterator<Item = (&RecordKey, &Stored)> {
        self.records.iter().filter(move |(key, _)| key.name() == name.key())
    }

    fn package(&self, name: &PackageName) -> Package {
        let revision = self.revisions.get(name.key()).copied().unwrap_or(0);
        Package { name: name.clone(), revision }
    }

    fn fingerprint(&self, name: &PackageName) -> String {
        let mut digests = Vec::new();
        for (key, stored) in self.of_package(name) {
            let (kind, item) = ([key.kind() as u8], key.item());
            let state = stored.state.digest();
            digests.push(Digest::of_parts(&[&kind, item.as_bytes(), state.as_bytes()]));
        }
        let parts: Vec<_> = digests.iter().map(|digest| digest.as_bytes().as_slice()).collect();
        Digest::of_parts(&parts).hex()
    }

    fn put(&mut self, key: RecordKey, state: State) {
        self.sequence += 1;
        *self.revisions.entry(key.name().to_owned()).or_default() += 1;
        let (sequence, arrived_at) = (self.sequence, self.now);
        self.records.insert(key, Stored { state, sequence, arrived_at });
    }
}
