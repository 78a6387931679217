//! The index that search looks into.
//!
//! It follows the packages: [`index`] brings it up to date after each change. SQLite keeps the words in
//! an FTS5 table, PostgreSQL in a `tsvector`; both get them ready-made from [`terms`], so that they
//! find the same.

mod ask;
mod index;
mod terms;

pub use ask::{MOST_MATCHES, find};
pub(crate) use index::remove_feed;
pub use index::{Pending, index, pending};
