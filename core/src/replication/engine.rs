//! The engine of a link: what a client does with its source, and a server with its clients.
//!
//! It is the same code everywhere: the server runs it over its database and HTTP, the simulation over
//! memory and a line that fails. All it asks of the two ends is in [`FeedStore`] and [`Remote`].

mod deletes;
mod lengths;
mod pull;
mod push;
mod reconcile;
mod remote;
mod report;
mod retry;
mod run;
mod serve;
mod store;
mod take;
mod verify;

pub use push::has_unsent;
pub use remote::{Remote, RemoteError, RemotePage};
pub use report::{Journal, JournalLevel, Movement, Report, describe};
pub use run::{EngineError, Fuse, Options, run};
pub use serve::{
    CursorRefused, TakeRefused, read_changes, read_leaves, read_records, take_changes,
};
pub use store::{
    Aside, AsideKind, Batch, FeedStore, Link, LogEnd, Outcome, Page, StoreError, Tree,
};
pub use verify::{Difference, MOST as MOST_DIFFERENCES, Verification, verify};

#[cfg(test)]
mod tests;
