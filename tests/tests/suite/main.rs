//! The tests of the whole: one binary, a module for each subject.
#![expect(clippy::print_stdout, reason = "a failing case is named on standard output")]

mod accounts;
mod adversity;
mod bad_admin;
mod bad_publish;
mod bad_replication;
mod batch_uploads;
mod client_matrix;
mod compression;
mod configuration;
mod conflicts;
mod control;
mod crash;
mod docker;
mod downloads;
mod early_answers;
mod full_disk;
mod interrupted;
mod large;
mod lifecycle;
mod lying_source;
mod nodes;
mod npm_client;
mod nuget_clients;
mod nuget_replays;
mod nuget_replication;
mod nuget_work;
mod real_application;
mod replication;
mod several_servers;
mod slow_lines;
mod tls;
mod topologies;
