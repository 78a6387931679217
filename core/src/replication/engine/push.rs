//! Sending this feed's changes to the source page by page.

mod deliver;

use futures_util::future::join3;

use self::deliver::{Counted, Delivered, Ready};
use super::super::state::Record;
use super::report::{Movement, Report, describe};
use super::run::{Result, Run};
use super::store::{FeedStore, Page, StoreError};
use super::take::is_deleted;

/// The most records that are looked at, and sent, at once. Three pages are in memory.
const PAGE: u64 = 2_000;

/// Records whose blobs are at the source, and how far this feed's log is sent with them.
struct ReadyPage {
    ready: Ready,
    through: u64,
}

impl Run<'_> {
    /// Pushes until there is no more. While what the source made of a page is noted here, the next is
    /// delivered and the blobs of the one after that are sent. Pages are delivered and noted in order,
    /// each with the number up to which it counts as sent.
    pub(super) async fn push(&mut self) -> Result<()> {
        if self.holds_pushed_deletes().await? {
            return Ok(());
        }
        if self.options.dry_run {
            return self.tell_unsent().await;
        }
        let (mut ready, mut delivered) = (None, None);
        let (mut since, mut more) = (self.link.push_seq, true);
        let mut outcome = Ok(());
        while more || ready.is_some() || delivered.is_some() {
            let (noted, now_delivered, next) = join3(
                self.note_page(delivered),
                self.deliver_page(ready),
                self.ready_page(since, more),
            )
            .await;
            self.report.add(&noted?);
            // What came before a page that fails is noted all the same.
            delivered = self.counted(now_delivered).unwrap_or_else(|error| {
                outcome = Err(error);
                None
            });
            (ready, more) = match next {
                Ok(Some((page, goes_on))) if outcome.is_ok() => {
                    since = page.through;
                    (Some(page), goes_on)
                }
                Err(error) if outcome.is_ok() => {
                    outcome = Err(error);
                    (None, false)
                }
                _ => (None, false),
            };
        }
        outcome
    }

    /// Sends records of this feed, and notes what the source holds then.
    pub(super) async fn send(&mut self, records: Vec<Record>) -> Result<()> {
        let ready = self.send_blobs_of(records).await?;
        let delivered = self.deliver(ready).await?;
        let counted = self.count_delivered(delivered, self.link.push_seq);
        let noted = self.note_delivered(counted).await?;
        self.report.add(&noted);
        Ok(())
    }

    /// The next page of this feed's log, once its blobs are at the source, and whether there are more.
    async fn ready_page(&self, since: u64, more: bool) -> Result<Option<(ReadyPage, bool)>> {
        if !more {
            return Ok(None);
        }
        let (page, unsent) = unsent(self.store, since).await?;
        self.journal.moved(Movement::RecordsFound(unsent.len() as u64));
        let ready = self.send_blobs_of(unsent).await?;
        Ok(Some((ReadyPage { ready, through: page.end.through }, page.end.more)))
    }

    async fn deliver_page(&self, page: Option<ReadyPage>) -> Result<Option<(Delivered, u64)>> {
        let Some(ReadyPage { ready, through }) = page else { return Ok(None) };
        Ok(Some((self.deliver(ready).await?, through)))
    }

    /// Counts a page as sent.
    fn counted(&mut self, page: Result<Option<(Delivered, u64)>>) -> Result<Option<Counted>> {
        let Some((page, through)) = page? else { return Ok(None) };
        let before = self.link.clone();
        let page = self.count_delivered(page, through);
        Ok((!page.is_empty() || self.link != before).then_some(page))
    }

    async fn note_page(&self, page: Option<Counted>) -> Result<Report> {
        let Some(page) = page else { return Ok(Report::default()) };
        let count = page.records();
        let noted = self.note_delivered(page).await?;
        self.journal.moved(Movement::RecordsDone(count));
        Ok(noted)
    }

    async fn tell_unsent(&mut self) -> Result<()> {
        loop {
            let (page, unsent) = unsent(self.store, self.link.push_seq).await?;
            for record in &unsent {
                self.info(format!("would push {}", describe(&record.key)));
            }
            self.report.pushed += unsent.len() as u64;
            self.link.push_seq = page.end.through;
            if !page.end.more {
                return Ok(());
            }
        }
    }

    /// Whether more versions of the source would be deleted than the fuse allows. Then nothing is
    /// pushed: what was deleted here by mistake is not deleted everywhere.
    async fn holds_pushed_deletes(&mut self) -> Result<bool> {
        if self.options.allow_deletes {
            return Ok(false);
        }
        let mut deletes = 0;
        let mut since = self.link.push_seq;
        loop {
            let (page, unsent) = unsent(self.store, since).await?;
            let deleted: Vec<_> = unsent
                .into_iter()
                .filter(|record| is_deleted(&record.state))
                .map(|record| record.key)
                .collect();
            // Only what the source was seen to hold can be deleted there.
            deletes += self.store.shadows(&deleted).await?.len() as u64;
            since = page.end.through;
            if !page.end.more {
                break;
            }
        }
        let versions = self.store.live_versions().await? + deletes;
        let allowed = self.options.fuse.allowed(versions).max(self.allowed_deletes);
        if deletes <= allowed {
            return Ok(false);
        }
        self.warn(format!(
            "held: {deletes} versions would be deleted at the source and the fuse allows {allowed}; \
             look at them and run again with --allow-deletes"
        ));
        self.report.held += deletes;
        Ok(true)
    }
}

/// The next page of a feed's own log, and those of its records that the source is not known to have.
///
/// # Errors
/// When the store fails.
pub(super) async fn unsent(
    store: &dyn FeedStore,
    since: u64,
) -> Result<(Page, Vec<Record>), StoreError> {
    let mut page = store.page(since, PAGE).await?;
    let records = std::mem::take(&mut page.records);
    let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    let shadows = store.shadows(&keys).await?;
    let unsent = records
        .into_iter()
        .filter(|record| store.travels(&record.state))
        .filter(|record| shadows.get(&record.key) != Some(&record.state.digest()))
        .collect();
    Ok((page, unsent))
}

/// Whether the feed has something from `since` on that the source is not known to have. Otherwise,
/// how far the feed's log was looked through.
///
/// # Errors
/// When the store fails.
pub async fn has_unsent(store: &dyn FeedStore, since: u64) -> Result<Option<u64>, StoreError> {
    let mut since = since;
    loop {
        let (page, unsent) = unsent(store, since).await?;
        if !unsent.is_empty() {
            return Ok(None);
        }
        since = page.end.through;
        if !page.end.more {
            return Ok(Some(since));
        }
    }
}
