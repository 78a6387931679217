//! Trying again what was set aside.

use super::super::key::RecordKey;
use super::super::state::Record;
use super::run::{Result, Run};
use super::serve::read_records;
use super::store::{Aside, AsideKind, Batch};

/// Records asked for at once.
const CHUNK: usize = 200;

impl Run<'_> {
    /// Asks the source again for the records whose blobs could not be fetched, as they are now.
    pub(super) async fn retry_fetches(&mut self) -> Result<()> {
        for keys in self.due(AsideKind::Fetch).await?.chunks(CHUNK) {
            let (records, end) = self.remote.records(keys).await?;
            self.witness(end);
            self.settle_gone(AsideKind::Fetch, keys, &records).await?;
            self.take(records).await?;
        }
        Ok(())
    }

    /// Sends again the records whose blobs could not be sent, as they are now.
    pub(super) async fn retry_sends(&mut self) -> Result<()> {
        for keys in self.due(AsideKind::Send).await?.chunks(CHUNK) {
            let mut records = read_records(self.store, keys).await?;
            records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            self.settle_gone(AsideKind::Send, keys, &records).await?;
            self.send(records).await?;
        }
        Ok(())
    }

    /// What there is nothing of any more waits no longer.
    async fn settle_gone(
        &self,
        kind: AsideKind,
        keys: &[RecordKey],
        records: &[Record],
    ) -> Result<()> {
        let mut gone = Batch::new(self.policy);
        gone.settled = keys
            .iter()
            .filter(|key| records.iter().all(|record| record.key != **key))
            .map(|key| (kind, key.clone()))
            .collect();
        if !gone.settled.is_empty() {
            self.store.apply(gone).await?;
        }
        Ok(())
    }

    /// What is to be tried again by now.
    async fn due(&self, kind: AsideKind) -> Result<Vec<RecordKey>> {
        if self.options.dry_run {
            return Ok(Vec::new());
        }
        let now = self.store.now();
        let asides = self.store.asides(kind).await?;
        // Where everything was compared, the others were just tried.
        let due = |aside: &Aside| aside.next_at <= now;
        Ok(asides.into_iter().filter(due).map(|aside| aside.key).collect())
    }
}
