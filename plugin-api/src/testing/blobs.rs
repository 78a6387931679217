//! Blobs that come and go by themselves, held in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bytes::Bytes;
use pakhus_core::replication::{RecordKey, State};

use super::feed::Store;
use super::host::MemoryHost;
use super::receive;
use crate::{
    BlobRef, ContentDigest, PackageBlobs, PackageName, ReceivedFile, Refusal, RefusalKind, Result,
};

/// What was uploaded and is no version's yet.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// The uploads that are not finished, by their ids, with their packages.
    uploads: BTreeMap<String, (String, Vec<u8>)>,
    /// The blobs of packages, by their names there.
    blobs: BTreeMap<(String, ContentDigest), BlobRef>,
    begun: u64,
}

impl Store {
    fn upload(&mut self, package: &PackageName, id: &str) -> Result<&mut Vec<u8>> {
        let upload = self.brought.uploads.get_mut(id).filter(|(of, _)| of == package.key());
        let unknown = || Refusal::not_found(format!("upload {id} is not known"));
        Ok(&mut upload.ok_or_else(unknown)?.1)
    }

    /// The blob of a package, or of any when that is `None`, that is called so.
    fn blob(&self, package: Option<&str>, called: &ContentDigest) -> Option<BlobRef> {
        let is_of = |name: &str| package.is_none_or(|package| package == name);
        let named = self.records.iter().filter(|(key, _)| is_of(key.name()));
        let named = named.filter_map(|(key, stored)| match (key, &stored.state) {
            (RecordKey::Version { .. }, State::Version(_)) => stored.state.content(),
            _ => None,
        });
        let mut named = named.flat_map(|content| &content.blobs);
        let named = named
            .find(|blob| blob.is_called(called) || ContentDigest::Sha256(blob.digest) == *called);
        let mut brought = self.brought.blobs.iter();
        let brought = brought.find(|((name, digest), _)| is_of(name) && digest == called);
        let blob = named.or(brought.map(|(_, blob)| blob))?;
        let sha512 = called.sha512().map(ContentDigest::Sha512);
        Some(BlobRef { role: String::new(), sha512, ..blob.clone() })
    }

    fn bring(&mut self, package: &PackageName, called: &ContentDigest, blob: &BlobRef) {
        self.brought.blobs.insert((package.key().to_owned(), *called), blob.clone());
    }
}

#[async_trait]
impl PackageBlobs for MemoryHost<'_> {
    async fn begin(&self, package: &PackageName) -> Result<String> {
        let mut store = self.feed.store();
        store.brought.begun += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", store.brought.begun);
        store.brought.uploads.insert(id.clone(), (package.key().to_owned(), Vec::new()));
        drop(store);
        self.note(&format!("begin an upload to {}", package.display()), Ok(id), Clone::clone)
    }

    async fn offset(&self, package: &PackageName, upload: &str) -> Result<u64> {
        let answer = self.feed.store().upload(package, upload).map(|bytes| bytes.len() as u64);
        self.note("offset of the upload", answer, ToString::to_string)
    }

    async fn append(
        &self,
        package: &PackageName,
        upload: &str,
        at: Option<u64>,
        max: u64,
    ) -> Result<u64> {
        let answer = self.take_body().and_then(|body| {
            let mut store = self.feed.store();
            let bytes = store.upload(package, upload)?;
            let end = bytes.len() as u64;
            if at.is_some_and(|at| at != end) {
                let message = format!("the upload continues at byte {end}");
                return Err(Refusal::new(RefusalKind::RangeNotSatisfiable, message));
            }
            if end + body.len() as u64 > max {
                let message = format!("the blob is larger than the limit of {max} bytes");
                return Err(Refusal::new(RefusalKind::TooLarge, message));
            }
            bytes.extend_from_slice(&body);
            Ok(bytes.len() as u64)
        });
        self.note("append to the upload", answer, ToString::to_string)
    }

    async fn finish(
        &self,
        package: &PackageName,
        upload: &str,
        expected: &ContentDigest,
    ) -> Result<BlobRef> {
        let mut store = self.feed.store();
        let answer = store.upload(package, upload).map(std::mem::take).and_then(|bytes| {
            store.brought.uploads.remove(upload);
            let bytes = Bytes::from(bytes);
            let file = receive::received(&bytes);
            let actual = match expected {
                ContentDigest::Sha256(_) => ContentDigest::Sha256(file.blob.digest),
                ContentDigest::Sha512(_) => ContentDigest::Sha512(file.sha512),
            };
            if actual != *expected {
                let message =
                    format!("the bytes have the digest {actual}, but {expected} was announced");
                return Err(Refusal::invalid(message));
            }
            let sha512 = expected.sha512().map(ContentDigest::Sha512);
            let blob = BlobRef { sha512, ..file.blob };
            store.blobs.insert(blob.digest, bytes);
            store.bring(package, expected, &blob);
            Ok(blob)
        });
        drop(store);
        self.note(&format!("finish the upload as {expected}"), answer, |blob| {
            format!("{} bytes", blob.size)
        })
    }

    async fn cancel(&self, package: &PackageName, upload: &str) -> Result<()> {
        let mut store = self.feed.store();
        let answer = store.upload(package, upload).map(|_| ());
        if answer.is_ok() {
            store.brought.uploads.remove(upload);
        }
        drop(store);
        self.note("cancel the upload", answer, |()| "done".to_owned())
    }

    async fn find(
        &self,
        package: &PackageName,
        digests: &[ContentDigest],
    ) -> Result<HashMap<ContentDigest, BlobRef>> {
        let store = self.feed.store();
        let found = |digest: &ContentDigest| {
            store.blob(Some(package.key()), digest).map(|blob| (*digest, blob))
        };
        let answer: HashMap<_, _> = digests.iter().filter_map(found).collect();
        drop(store);
        self.note(&format!("find {} blobs", digests.len()), Ok(answer), |found| {
            format!("{} found", found.len())
        })
    }

    async fn mount(
        &self,
        package: &PackageName,
        digest: &ContentDigest,
        from: Option<&str>,
    ) -> Result<Option<BlobRef>> {
        let mut store = self.feed.store();
        // The feed in memory is the only one.
        let found = match from.map(|from| from.strip_prefix("main/")) {
            None => store.blob(None, digest),
            Some(from) => from.and_then(|from| store.blob(Some(from), digest)),
        };
        if let Some(blob) = &found {
            store.bring(package, digest, blob);
        }
        drop(store);
        let question = format!("mount {digest} from {}", from.unwrap_or("anywhere"));
        self.note(&question, Ok(found), |found| match found {
            Some(blob) => format!("{} bytes", blob.size),
            None => "nothing".to_owned(),
        })
    }

    async fn forget(&self, package: &PackageName, digest: &ContentDigest) -> Result<bool> {
        let key = (package.key().to_owned(), *digest);
        let answer = self.feed.store().brought.blobs.remove(&key).is_some();
        self.note(&format!("forget {digest}"), Ok(answer), ToString::to_string)
    }

    async fn hold(&self, bytes: Bytes) -> Result<ReceivedFile> {
        let file = receive::received(&bytes);
        self.feed.store().blobs.insert(file.blob.digest, bytes);
        self.note("hold bytes", Ok(file), |file| format!("{} bytes", file.blob.size))
    }
}
