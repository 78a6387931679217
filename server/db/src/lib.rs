//! The database of an instance: feeds, the records they hold, the change log, links to other sites,
//! executions, diagnostics, users and keys. On SQLite (the embedded default) and PostgreSQL, by the same code.
//!
//! Invariants: every change of a feed's records goes through [`mod@write`], which gives it the feed's
//! next sequence number and a line in the feed's log within the transaction that makes it; a feed's row
//! is locked for the length of such a transaction, so that numbers become visible in order.

pub mod api_keys;
pub mod apply;
pub mod asides;
pub mod blobs;
pub mod changes;
pub mod commit;
mod connect;
pub mod diagnostics;
pub mod downloads;
#[expect(unreachable_pub, reason = "the tables as they are; read the migrations")]
mod entity;
mod error;
pub mod executions;
pub mod feeds;
pub mod garbage;
pub mod instance;
pub mod kept;
mod keyed;
pub mod leases;
pub mod links;
pub mod logins;
mod migration;
pub mod package_blobs;
pub mod packages;
#[cfg(test)]
mod plans;
pub mod pruning;
pub mod records;
pub mod registers;
pub mod search;
pub mod settings;
mod stamps;
pub mod sync_tokens;
pub mod tree;
pub mod users;
pub mod version_changes;
pub mod write;

pub use connect::Database;
pub use error::{Error, Result};

// By this name the tests' own files know the crate, which `plans` takes in.
#[cfg(test)]
extern crate self as pakhus_db;
