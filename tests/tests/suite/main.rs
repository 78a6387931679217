//! The tests of the whole: one binary, a module for each subject.
#![expect(clippy::print_stdout, reason = "a failing case is named on standard output")]

mod bad_publish;
mod bad_replication;
mod crash;
mod large;
mod npm_client;
mod real_application;
mod replication;
