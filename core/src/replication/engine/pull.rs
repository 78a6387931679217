//! Taking the source's changes page by page.

use std::collections::HashSet;

use futures_util::future::join3;

use super::RemotePage;
use super::report::Movement;
use super::run::{Result, Run, shake_hands};
use super::store::{Batch, Link};
use super::take::{Taken, Taking};
use crate::Digest;
use crate::replication::{Position, Record, ServerMode};

/// The most records of one page. Larger pages are asked for, fetched and written less often; three are
/// in memory.
const PAGE: u64 = 2_000;

/// A page that came, with the link as it is once the page is written.
struct Page {
    records: Vec<Record>,
    link: Link,
}

/// A page whose blobs are here.
struct Prepared {
    records: u64,
    taking: Taking,
}

impl Run<'_> {
    /// Pulls until there is no more. While a page is written, the blobs of the next are fetched and the
    /// one after that is asked for: so three are in memory. They are written in order, each with the
    /// cursor that counts it as read.
    pub(super) async fn pull(&mut self) -> Result<()> {
        let fresh = self.link.is_unread() && self.link.cursor.witness == Position::START;
        let push_seq = self.link.push_seq;
        let (mut page, mut prepared) = (None, None);
        let mut more = true;
        let mut outcome = Ok(());
        while more || page.is_some() || prepared.is_some() {
            if must_wait(&page, &prepared) {
                let written = self.write_page(prepared.take()).await?;
                self.note_written(&written);
            }
            let fetched = prepared.as_mut().map(|page: &mut Prepared| page.taking.fetched());
            let (written, next_prepared, next) = join3(
                self.write_page(prepared),
                self.prepare_page(page, fetched.unwrap_or_default()),
                self.next_page(more, fresh),
            )
            .await;
            self.note_written(&written?);
            prepared = next_prepared?;
            let next = match next {
                Ok(next) => self.note(next).await,
                Err(error) => Err(error),
            };
            (page, more) = next.unwrap_or_else(|error| {
                // What came before is written all the same.
                outcome = Err(error);
                (None, false)
            });
        }
        if self.link.push_seq != push_seq {
            let mut batch = Batch::new(self.policy);
            batch.link = Some(self.link.clone());
            self.store.apply(batch).await?;
        }
        outcome
    }

    /// The page after the last that came, if there are `more`.
    async fn next_page(&self, more: bool, fresh: bool) -> Result<Option<RemotePage>> {
        if !more {
            return Ok(None);
        }
        Ok(Some(self.remote.changes(&self.link.cursor, fresh, PAGE).await?))
    }

    /// Notes how far a page goes. Returns it, unless it says nothing new, and whether there are more.
    async fn note(&mut self, page: Option<RemotePage>) -> Result<(Option<Page>, bool)> {
        let Some(RemotePage { records, end, tag }) = page else { return Ok((None, false)) };
        self.check_tag(tag).await?;
        self.journal.moved(Movement::RecordsFound(records.len() as u64));
        let cursor = &mut self.link.cursor;
        let moved = cursor.seq != end.through || cursor.witness != end.head;
        cursor.seq = end.through;
        cursor.witness = end.head;
        let is_news = moved || !records.is_empty();
        let page = is_news.then(|| Page { records, link: self.link.clone() });
        Ok((page, end.more))
    }

    async fn prepare_page(
        &self,
        page: Option<Page>,
        fetched: HashSet<Digest>,
    ) -> Result<Option<Prepared>> {
        let Some(Page { records, link }) = page else { return Ok(None) };
        let count = records.len() as u64;
        let taking = self.prepare(records, link, &fetched).await?;
        Ok(Some(Prepared { records: count, taking }))
    }

    async fn write_page(&self, page: Option<Prepared>) -> Result<Taken> {
        let Some(Prepared { records, taking }) = page else { return Ok(Taken::default()) };
        let taken = self.write(taking).await?;
        self.journal.moved(Movement::RecordsDone(records));
        Ok(taken)
    }

    /// Counts what was written. What was just taken from the source need not be looked at again to find
    /// what is to be sent to it, as long as nothing else was written here since the last push.
    fn note_written(&mut self, taken: &Taken) {
        self.report.add(&taken.report);
        if let Some((start, end)) = taken.written
            && start == self.link.push_seq
            && self.sends()
        {
            self.link.push_seq = end;
        }
    }

    /// For a feed that only pushes: whether the source still has what was pushed. A source that was
    /// restored from a backup has not.
    pub(super) async fn check_pushed(&mut self) -> Result<()> {
        let mut cursor = self.link.cursor.clone();
        cursor.seq = cursor.witness.seq;
        let fresh = cursor.witness == Position::START;
        match self.remote.changes(&cursor, fresh, 1).await {
            Ok(page) => {
                self.check_tag(page.tag).await?;
                self.link.cursor.witness = page.end.head;
                Ok(())
            }
            Err(error @ (super::RemoteError::Diverged(_) | super::RemoteError::Expired(_))) => {
                self.warn(format!("{error}: comparing"));
                self.reconcile(false).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Shakes hands again when the source says that what it said of itself is no longer true.
    async fn check_tag(&mut self, tag: Option<Digest>) -> Result<()> {
        if tag.is_none_or(|tag| tag == self.handshake.tag()) {
            return Ok(());
        }
        let now = self.store.now();
        self.handshake = shake_hands(self.remote, self.journal, &self.options.client, now).await?;
        self.takes_pushes = self.handshake.server_mode == ServerMode::ReadWrite;
        self.link.sources.clone_from(&self.handshake.sources);
        Ok(())
    }
}

/// Whether a page is to be decided on only after the one before it is written: both have a state of the
/// same record.
fn must_wait(page: &Option<Page>, before: &Option<Prepared>) -> bool {
    let (Some(page), Some(before)) = (page, before) else { return false };
    before.taking.is_about(&page.records)
}
