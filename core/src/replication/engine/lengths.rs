//! Lengths that records say of blobs that are here already: nothing is fetched that would show a wrong
//! one.

use std::collections::{HashMap, HashSet};

use super::super::incoming::CheckedRecord;
use super::run::{Result, Run};
use crate::{BlobRef, Digest};

impl Run<'_> {
    /// The blobs of `writes` of which a wrong length is said, with the reason; of those in `lacking`,
    /// which are fetched by what is said there, any other length.
    pub(super) async fn wrong_lengths(
        &self,
        writes: &[CheckedRecord],
        lacking: &[BlobRef],
    ) -> Result<HashMap<Digest, String>> {
        let fetched: HashMap<_, _> = lacking.iter().map(|blob| (blob.digest, blob.size)).collect();
        let contents = writes.iter().filter_map(|record| record.state.content());
        let (mut here, mut seen) = (Vec::new(), HashSet::new());
        let mut wrong = Vec::new();
        for blob in contents.flat_map(|content| &content.blobs) {
            match fetched.get(&blob.digest) {
                Some(size) if *size != blob.size => wrong.push(blob.digest),
                None if seen.insert((blob.digest, blob.size)) => here.push(blob.clone()),
                Some(_) | None => {}
            }
        }
        if !here.is_empty() {
            wrong.extend(self.store.of_other_length(here).await?);
        }
        let reason = |digest| format!("{digest} has another length than the record says");
        Ok(wrong.into_iter().map(|digest| (digest, reason(digest))).collect())
    }
}
