//! Tests an adapter without a server.
//!
//! A [`MemoryFeed`] is a feed of one package type, held in memory. It answers requests as the server
//! does: it lets the adapter recognise the request, serves it, and has refusals rendered by the
//! adapter. What the adapter asks of its [`Host`](crate::Host) is really done, by the same functions
//! the server uses: changes are evaluated edit by edit, preconditions checked, documents received
//! and their blobs lifted out. Nothing is mocked, so a test says what a client would see.
//!
//! ```no_run
//! # use pakhus_plugin_api::PackageType;
//! use pakhus_plugin_api::testing::MemoryFeed;
//!
//! fn a_package_is_published_and_read(my_type: impl PackageType) {
//!     let feed = MemoryFeed::new(my_type);
//!     let answer = feed.request("PUT", "/left-pad").by("alice").body("{}").send();
//!     assert_eq!(answer.status, 201);
//!     let answer = feed.request("GET", "/left-pad").header("accept", "application/json").send();
//!     assert_eq!(answer.json()["name"], "left-pad");
//! }
//! ```
//!
//! Every [`Answer`] carries the [transcript](Answer::transcript) of what was asked to make it: the
//! dialogue between adapter and host, one line each, to assert on or to read when a test fails.
//!
//! Two feeds stand for two sites: [`MemoryFeed::pull_from`] merges the records of one into the
//! other, as replication does.
//!
//! [`MemoryFeed::add_user`] makes somebody who can sign in, and [`MemoryFeed::approve_login`] does what
//! they would do on the page of a sign-in in a browser.
//!
//! No executor is needed. An adapter awaits only its host, and this host is always ready, so a
//! request is answered in one poll; an adapter that waits for anything else is told so by a panic.
//!
//! A [`Fuzz`] feeds what must hold for every input with mutations of known ones.
//!
//! The laws checked for every adapter: a name or version that is stored parses again from its
//! display form to the key it had, and [`check_version`](crate::PackageType::check_version) accepts
//! whatever the adapter publishes, because other sites will ask that of it.

mod accounts;
mod answer;
mod blobs;
mod feed;
mod fuzz;
mod host;
mod log;
mod receive;
mod registers;
mod request;
mod search;

pub use answer::Answer;
pub use feed::MemoryFeed;
pub use fuzz::Fuzz;
pub use request::RequestBuilder;
