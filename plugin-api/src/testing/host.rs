//! The host of one request.

use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use pakhus_core::replication::RecordKey;

use super::feed::MemoryFeed;
use super::receive;
use crate::{
    Accounts, Attribute, BlobRef, Change, Committed, Digest, Document, Edit, FeedPolicy, Host,
    Identity, LogStretch, Package, PackageBlobs, PackageContents, PackageName, PackageVersion,
    Packing, PathStep, Precondition, ReceiveDocument, ReceivedDocument, ReceivedFile,
    RecentDownloads, Refusal, RefusalKind, Result, Search, SearchPage, Timestamp, VersionChanges,
    VersionRecord,
};

/// Answers what the adapter asks while it serves one request, and writes it down.
pub(super) struct MemoryHost<'f> {
    pub(super) feed: &'f MemoryFeed,
    pub(super) identity: Option<Identity>,
    content_type: String,
    body: Mutex<Option<Bytes>>,
    transcript: Mutex<Vec<String>>,
}

impl<'f> MemoryHost<'f> {
    pub(super) fn new(
        feed: &'f MemoryFeed,
        identity: Option<Identity>,
        content_type: &str,
        body: Bytes,
    ) -> Self {
        let (content_type, body) = (content_type.to_owned(), Mutex::new(Some(body)));
        Self { feed, identity, content_type, body, transcript: Mutex::default() }
    }

    pub(super) fn into_transcript(self) -> Vec<String> {
        self.transcript.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.feed.store().now
    }

    pub(super) fn note<T>(
        &self,
        question: &str,
        answer: Result<T>,
        say: impl Fn(&T) -> String,
    ) -> Result<T> {
        let answered = match &answer {
            Ok(value) => say(value),
            Err(refusal) => format!("refused ({}): {refusal}", refusal.kind.status()),
        };
        let mut lines = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(format!("? {question}"));
        lines.push(format!("= {answered}"));
        answer
    }

    /// The body streams by once, here as in the server.
    pub(super) fn take_body(&self) -> Result<Bytes> {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        body.ok_or_else(|| Refusal::internal("the body was received already"))
    }
}

#[async_trait]
impl Host for MemoryHost<'_> {
    async fn package(&self, name: &PackageName) -> Result<Option<Package>> {
        let answer = Ok(self.feed.package(name));
        self.note(&format!("package {}", name.display()), answer, |package| {
            package
                .as_ref()
                .map_or_else(nothing, |package| format!("revision {}", package.revision))
        })
    }

    async fn contents(&self, name: &PackageName) -> Result<Option<PackageContents>> {
        let answer = self.feed.contents(name);
        self.note(&format!("contents {}", name.display()), answer, |contents| {
            contents.as_ref().map_or_else(nothing, |contents| {
                format!("{} versions, {} tags", contents.versions.len(), contents.tags.len())
            })
        })
    }

    async fn contents_of(&self, names: &[PackageName]) -> Result<Vec<PackageContents>> {
        let mut names: Vec<_> = names.iter().collect();
        names.sort_by(|one, two| one.key().cmp(two.key()));
        names.dedup();
        let all = names.iter().map(|name| self.feed.contents(name));
        let answer = all.filter_map(Result::transpose).collect::<Result<Vec<_>>>();
        let asked: Vec<_> = names.iter().map(|name| name.display()).collect();
        self.note(&format!("contents of {}", asked.join(", ")), answer, |all| {
            format!("{} packages", all.len())
        })
    }

    async fn downloads(&self, names: &[PackageName]) -> Result<HashMap<String, RecentDownloads>> {
        let asked: Vec<_> = names.iter().map(PackageName::display).collect();
        // Nothing counts here.
        self.note(&format!("downloads of {}", asked.join(", ")), Ok(HashMap::new()), |_| {
            "none".to_owned()
        })
    }

    async fn version(
        &self,
        name: &PackageName,
        version: &PackageVersion,
    ) -> Result<Option<VersionRecord>> {
        let answer = self.feed.version(&RecordKey::Version {
            name: name.key().to_owned(),
            version: version.key().to_owned(),
        });
        let question = format!("version {} {}", name.display(), version.display());
        self.note(&question, answer, |version| {
            version.as_ref().map_or_else(nothing, |version| version.version.display().to_owned())
        })
    }

    async fn versions(
        &self,
        name: &PackageName,
        versions: &[PackageVersion],
    ) -> Result<Vec<VersionRecord>> {
        let there = versions.iter().map(|version| {
            let (name, version) = (name.key().to_owned(), version.key().to_owned());
            self.feed.version(&RecordKey::Version { name, version })
        });
        let answer = there.filter_map(Result::transpose).collect::<Result<Vec<_>>>();
        let question = format!("{} versions of {}", versions.len(), name.display());
        self.note(&question, answer, |there| format!("{} there", there.len()))
    }

    async fn tag(&self, name: &PackageName, tag: &str) -> Result<Option<String>> {
        let answer = self.feed.tag(name, tag);
        self.note(&format!("tag {tag} of {}", name.display()), answer, |version| {
            version.clone().unwrap_or_else(nothing)
        })
    }

    async fn tags(
        &self,
        name: &PackageName,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<(String, String)>> {
        let answer = self.feed.contents(name).map(|contents| {
            let contents = contents.into_iter();
            let mut there: Vec<_> = contents
                .flat_map(|contents| {
                    let is_there = |key: &str| {
                        contents.versions.iter().any(|version| version.version.key() == key)
                    };
                    let tags = contents.tags.iter().filter(|tag| is_there(&tag.version));
                    let tags = tags.map(|tag| (tag.name.clone(), tag.version.clone()));
                    tags.filter(|(tag, _)| after.is_none_or(|after| tag.as_str() > after))
                        .collect::<Vec<_>>()
                })
                .collect();
            there.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            there
        });
        self.note(&format!("tags of {}", name.display()), answer, |tags| {
            format!("{} tags", tags.len())
        })
    }

    async fn attributes(
        &self,
        name: &PackageName,
        attribute: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Attribute>> {
        let answer = Ok(self.feed.attributes(name, attribute, after, limit));
        let question = format!("attributes {attribute} of {}", name.display());
        self.note(&question, answer, |found| format!("{} found", found.len()))
    }

    async fn packages(&self, after: Option<&str>, limit: u64) -> Result<Vec<PackageName>> {
        let answer = self.feed.names().map(|names| {
            let names = names.into_iter().filter(|name| self.feed.package(name).is_some());
            let names = names.filter(|name| after.is_none_or(|after| name.key() > after));
            names.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect::<Vec<_>>()
        });
        self.note("packages", answer, |names| format!("{} packages", names.len()))
    }

    async fn sequence(&self) -> Result<u64> {
        self.note("sequence", Ok(self.feed.sequence()), u64::to_string)
    }

    async fn changes(&self, after: u64, limit: u64) -> Result<VersionChanges> {
        let answer = self.feed.changes(after, limit);
        self.note(&format!("changes after {after}"), answer, |found| {
            format!("{} changes", found.changes.len())
        })
    }

    async fn stretches(&self, length: u64) -> Result<Vec<LogStretch>> {
        let answer = self.feed.stretches(length);
        self.note("stretches", answer, |found| found.len().to_string())
    }

    async fn search(&self, asked: Search) -> Result<SearchPage> {
        let answer = self.feed.search(&asked);
        self.note(&format!("search {:?}", asked.text), answer, |page| {
            format!("{} found", page.total)
        })
    }

    fn is_public(&self) -> bool {
        self.feed.is_public
    }

    fn policy(&self) -> FeedPolicy {
        self.feed.policy
    }

    async fn receive_bytes(&self, max: usize) -> Result<Bytes> {
        let answer = self.take_body().and_then(|body| {
            if body.len() > max {
                let message = format!("the body is longer than {max} bytes");
                return Err(Refusal::new(RefusalKind::TooLarge, message));
            }
            Ok(body)
        });
        self.note("receive_bytes", answer, |body| format!("{} bytes", body.len()))
    }

    async fn receive_document(&self, rules: ReceiveDocument) -> Result<ReceivedDocument> {
        let answer = self.take_body().and_then(|body| receive::document(&body, &rules));
        let answer = answer.map(|(document, blobs)| {
            self.feed.store().blobs.extend(blobs);
            document
        });
        let steps: Vec<_> = rules
            .lift
            .path
            .iter()
            .map(|step| match step {
                PathStep::Member(name) => (*name).to_owned(),
                PathStep::MemberEndingIn(end) => format!("*{end}"),
            })
            .collect();
        self.note(&format!("receive_document, lift {}", steps.join("/")), answer, |document| {
            format!("{} bytes, {} lifted", document.json.len(), document.lifted.len())
        })
    }

    async fn receive_file(&self, max: u64) -> Result<ReceivedFile> {
        let answer = self.take_body().and_then(|body| {
            let (file, (digest, bytes)) = receive::file(&self.content_type, &body, max)?;
            self.feed.store().blobs.insert(digest, bytes);
            Ok(file)
        });
        self.note("receive_file", answer, |file| format!("{} bytes", file.blob.size))
    }

    async fn read_blob(&self, digest: &Digest, offset: u64, length: usize) -> Result<Bytes> {
        let blob = self.feed.store().blobs.get(digest).cloned();
        let answer = blob
            .map(|blob| {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(blob.len());
                blob.slice(start..start.saturating_add(length).min(blob.len()))
            })
            .ok_or_else(|| Refusal::internal(format!("the blob {digest} is not here")));
        self.note(&format!("read_blob from {offset} on"), answer, |bytes| {
            format!("{} bytes", bytes.len())
        })
    }

    async fn unpack(
        &self,
        from: &Digest,
        part: Range<u64>,
        packing: Packing,
        max: u64,
    ) -> Result<BlobRef> {
        let blob = self.feed.store().blobs.get(from).cloned();
        let answer = blob
            .ok_or_else(|| Refusal::internal(format!("the blob {from} is not here")))
            .and_then(|blob| receive::unpacked(&blob, &part, packing, max))
            .map(|bytes| {
                let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
                self.feed.store().blobs.insert(digest, bytes);
                BlobRef { digest, size, role: String::new(), sha512: None }
            });
        let question = format!("unpack {} bytes from {} on", part.end - part.start, part.start);
        self.note(&question, answer, |blob| format!("{} bytes", blob.size))
    }

    async fn commit(&self, change: Change) -> Result<Committed> {
        let answer = self.feed.commit(&change);
        self.note(&format!("commit {}", describe(&change)), answer, |committed| {
            format!("sequence {}", committed.sequence)
        })
    }

    async fn document(&self, key: &str, revision: u64) -> Result<Option<Document>> {
        let kept = self.feed.store().documents.get(key).cloned();
        let answer = Ok(kept.filter(|(of, _)| *of == revision).map(|(_, document)| document));
        self.note(&format!("document {key} of revision {revision}"), answer, |document| {
            document.as_ref().map_or_else(nothing, |_| "kept".to_owned())
        })
    }

    async fn keep_document(&self, key: &str, revision: u64, bytes: Bytes) -> Result<Document> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let gzip = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        let answer = gzip.map_err(Refusal::internal).map(|gzip| {
            let etag = format!("\"{}\"", Digest::of(&bytes).hex());
            let document = Document { bytes, gzip: gzip.into(), etag };
            let kept = (revision, document.clone());
            self.feed.store().documents.insert(key.to_owned(), kept);
            document
        });
        self.note(&format!("keep_document {key} of revision {revision}"), answer, |document| {
            format!("{} bytes", document.bytes.len())
        })
    }

    fn blobs(&self) -> &dyn PackageBlobs {
        self
    }

    fn accounts(&self) -> &dyn Accounts {
        self
    }
}

fn nothing() -> String {
    "nothing".to_owned()
}

fn describe(change: &Change) -> String {
    let mut parts = Vec::new();
    for precondition in &change.preconditions {
        let Precondition::Fingerprint { name, .. } = precondition;
        parts.push(format!("if {} is unchanged", name.display()));
    }
    for edit in &change.edits {
        parts.push(match edit {
            Edit::Publish(new) => {
                format!("publish {} {}", new.name.display(), new.version.display())
            }
            Edit::SetTag { tag, version, only_if_absent, .. } => format!(
                "tag {tag} = {}{}",
                version.display(),
                if *only_if_absent { " if absent" } else { "" }
            ),
            Edit::RemoveTag { tag, .. } => format!("remove tag {tag}"),
            Edit::SetAttribute { version, attribute, value, .. } => format!(
                "{attribute} of {} = {}",
                version.as_ref().map_or("the package", PackageVersion::display),
                value.as_ref().map_or("nothing", |value| value.as_json())
            ),
            Edit::Delete { name, version } => {
                format!("delete {} {}", name.display(), version.display())
            }
        });
    }
    parts.join("; ")
}
