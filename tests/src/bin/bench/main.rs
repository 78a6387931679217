//! A load program: `cargo build --release && cargo run --release -p pakhus-tests --bin bench`.
//!
//! It starts servers of its own on loopback ports, measures for less than two minutes, and prints.
//! With `--verdaccio` it installs Verdaccio by npm into a temporary folder, measures the same of it,
//! and prints how the two compare; with `--nginx` it measures nginx serving the same bytes as files
//! (`apt-get install nginx`). `--nuget` measures NuGet, beside nuget-server, which it installs by npm, and
//! nginx, for some two minutes. With `search` it fills a server with a million packages, or another number,
//! and searches them, for some ten minutes. With `--images`
//! it measures images beside docker-registry, for a minute. With `replication` it measures replication beside rsync and skopeo,
//! for some minutes: `apt-get install rsync skopeo docker-registry` first.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

mod compared;
mod images;
mod load;
mod nginx;
mod nuget;
mod nuget_server;
mod processor;
mod programs;
mod registry;
mod replication;
mod rsync;
mod search;
mod seed;
mod sites;
mod skopeo;
mod table;
mod verdaccio;

use std::path::Path;
use std::process::ExitCode;

use pakhus_tests::server::Setup;
use registry::Registry;
use table::Table;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measured<'a> {
    Site,
    SiteAndVerdaccio,
    Nginx,
    /// Searches of so many packages.
    Search(usize),
    NuGet,
    Images,
    /// A part of it, or all.
    Replication(Option<&'a str>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let measured = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Measured::Site,
        ["--verdaccio"] => Measured::SiteAndVerdaccio,
        ["--nginx"] => Measured::Nginx,
        ["search"] => Measured::Search(search::PACKAGES),
        ["search", packages] if packages.parse::<usize>().is_ok() => {
            Measured::Search(packages.parse().unwrap_or(search::PACKAGES))
        }
        ["--nuget"] => Measured::NuGet,
        ["--images"] => Measured::Images,
        ["replication"] => Measured::Replication(None),
        ["replication", part] if replication::PARTS.contains(&part) => {
            Measured::Replication(Some(part))
        }
        _ => {
            let parts = replication::PARTS.join(" | ");
            println!(
                "usage: bench [--verdaccio | --nginx | --nuget | --images | search [PACKAGES] | \
                 replication [{parts}]]"
            );
            return ExitCode::from(2);
        }
    };
    let own = std::env::current_exe().expect("the path of this program");
    if !own.parent().is_some_and(|folder| folder.join("pakhus").exists()) {
        println!("pakhus is not built: build it with `cargo build --release`");
        return ExitCode::FAILURE;
    }
    if cfg!(debug_assertions) {
        println!("this is not a release build: the numbers say nothing\n");
    }
    let beside: &[&str] = match measured {
        Measured::Replication(_) => &["rsync", "skopeo", "docker-registry"],
        Measured::Images => &["docker-registry"],
        Measured::Nginx | Measured::NuGet => &["nginx"],
        Measured::Site | Measured::SiteAndVerdaccio | Measured::Search(_) => &[],
    };
    if let Some(missing) = programs::missing(beside) {
        println!("{missing}");
        return ExitCode::FAILURE;
    }
    match measured {
        Measured::Replication(part) => replication::measure(part).await,
        Measured::Nginx => nginx::measure().await,
        Measured::NuGet => nuget::compare().await,
        Measured::Images => images::measure().await,
        Measured::Search(packages) => search::measure(packages).await,
        Measured::Site => drop(site_and_replication().await),
        Measured::SiteAndVerdaccio => {
            let table = site_and_replication().await;
            println!();
            table.compare(&verdaccio::measure().await);
        }
    }
    ExitCode::SUCCESS
}

async fn site_and_replication() -> Table {
    let table = one_site().await;
    println!();
    sites::first_sync().await;
    sites::latency().await;
    table
}

async fn one_site() -> Table {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let registry = Registry {
        address: server.address().to_owned(),
        root: "/npm/libs/".to_owned(),
        key: Some(server.key().to_owned()),
        process: processor::started_last(),
    };
    registry::measure("pakhus", &registry).await
}

/// A path as an argument of a command.
fn argument(path: &Path) -> &str {
    path.to_str().expect("the path of a temporary folder is text")
}
