//! The Pakhus server and command line.
//!
//! `http` takes requests in and sends answers out; `host` does for an adapter what it asks;
//! `replication` keeps feeds in step with other sites; `pakhus-db` and `pakhus-blobs` keep what there
//! is. Adapters are named in one place, [`package_types::built_in`].

mod app;
mod auth;
mod bootstrap;
pub mod cli;
mod collection;
mod config;
mod demo;
mod diagnostics;
mod downloads;
mod expiry;
mod feeds;
mod host;
mod housekeeping;
mod http;
mod metrics;
mod package_types;
mod rendering;
mod replication;
mod search;
mod secrets;
mod serve;
mod telemetry;
mod users;
