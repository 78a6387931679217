//! Taking the source's changes page by page.

use super::report::Movement;
use super::run::{Result, Run, shake_hands};
use crate::replication::{Position, ServerMode};

/// The most records of one page.
pub(super) const PAGE: u64 = 500;

impl Run<'_> {
    /// Pulls until there is no more.
    pub(super) async fn pull(&mut self) -> Result<()> {
        let fresh = self.link.is_unread() && self.link.cursor.witness == Position::START;
        loop {
            let page = self.remote.changes(&self.link.cursor, fresh, PAGE).await?;
            self.check_tag(page.tag).await?;
            let count = page.records.len() as u64;
            self.journal.moved(Movement::RecordsFound(count));
            let moved = self.link.cursor.seq != page.end.through
                || self.link.cursor.witness != page.end.head;
            self.link.cursor.seq = page.end.through;
            self.link.cursor.witness = page.end.head;
            if moved || count > 0 {
                self.take(page.records).await?;
            }
            self.journal.moved(Movement::RecordsDone(count));
            if !page.end.more {
                return Ok(());
            }
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
    async fn check_tag(&mut self, tag: Option<crate::Digest>) -> Result<()> {
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
