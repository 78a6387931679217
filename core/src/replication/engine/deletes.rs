//! Deleting what the source deleted, once it is known how much that is.

use super::super::state::Record;
use super::report::Movement;
use super::run::{Result, Run};
use super::store::{AsideKind, Batch};

/// Deletes of one transaction.
const CHUNK: usize = 500;

impl Run<'_> {
    /// Carries out the deletes that wait, or leaves them all waiting when there are more than the fuse
    /// allows.
    pub(super) async fn settle_deletes(&mut self) -> Result<()> {
        if self.options.dry_run {
            let (deletes, allowed) = (self.report.deleted, self.allowed_deletes);
            if deletes > allowed && !self.options.allow_deletes {
                self.warn(too_many(deletes, allowed));
                self.report.held = deletes;
            }
            return Ok(());
        }
        let waiting = self.store.asides(AsideKind::Delete).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        // The fuse is one for the whole run, and deletes are settled before and after the push.
        let count = self.report.deleted + waiting.len() as u64;
        if count > self.allowed_deletes && !self.options.allow_deletes {
            self.warn(too_many(count, self.allowed_deletes));
            self.report.held = waiting.len() as u64;
            return Ok(());
        }
        self.journal.moved(Movement::Phase("delete"));
        for chunk in waiting.chunks(CHUNK) {
            let mut batch = Batch::new(self.policy);
            for aside in chunk {
                batch.settled.push((AsideKind::Delete, aside.key.clone()));
                let Some(state) = aside.state.clone() else { continue };
                let record = Record { key: aside.key.clone(), state };
                match self.store.check(record) {
                    Ok(record) => batch.writes.push(record),
                    Err(reason) => {
                        self.fails(&aside.key, "is not deleted", &reason);
                    }
                }
            }
            let outcome = self.store.apply(batch).await?;
            self.report.pulled += outcome.applied;
            self.report.deleted += outcome.deleted;
        }
        Ok(())
    }
}

fn too_many(deletes: u64, allowed: u64) -> String {
    format!(
        "held: {deletes} versions would be deleted and the fuse allows {allowed}; look at them and \
         run again with --allow-deletes"
    )
}
