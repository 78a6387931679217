//! A load program: `cargo build --release && cargo run --release -p pakhus-tests --bin bench`.
//!
//! It starts servers of its own on loopback ports, measures for less than two minutes, and prints.
//! With `--verdaccio` it installs Verdaccio by npm into a temporary folder, measures the same of it,
//! and prints how the two compare. `--nuget` does so of NuGet: with nuget-server, which it installs by npm,
//! and nginx (`apt-get install nginx`), for some two minutes; `--images` of images, with docker-registry,
//! for a minute. With `replication` it measures replication beside rsync and skopeo,
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
    Images,
    NuGet,
    /// A part of it, or all.
    Replication(Option<&'a str>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let measured = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Measured::Site,
        ["--verdaccio"] => Measured::SiteAndVerdaccio,
        ["--images"] => Measured::Images,
        ["--nuget"] => Measured::NuGet,
        ["replication"] => Measured::Replication(None),
        ["replication", part] if replication::PARTS.contains(&part) => {
            Measured::Replication(Some(part))
        }
        _ => {
            let parts = replication::PARTS.join(" | ");
            println!("usage: bench [--verdaccio | --nuget | --images | replication [{parts}]]");
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
    let needed: &[&str] = match measured {
        Measured::Replication(_) => &["rsync", "skopeo", "docker-registry"],
        Measured::NuGet => &["nginx"],
        Measured::Images => &["docker-registry"],
        Measured::Site | Measured::SiteAndVerdaccio => &[],
    };
    if let Some(missing) = programs::missing(needed) {
        println!("{missing}");
        return ExitCode::FAILURE;
    }
    match measured {
        Measured::Replication(part) => replication::measure(part).await,
        Measured::NuGet => nuget::compare().await,
        Measured::Images => images::measure().await,
        Measured::Site | Measured::SiteAndVerdaccio => npm(measured).await,
    }
    ExitCode::SUCCESS
}

async fn npm(measured: Measured<'_>) {
    let table = one_site().await;
    println!();
    sites::first_sync().await;
    sites::latency().await;
    if measured == Measured::SiteAndVerdaccio {
        println!();
        table.compare(&verdaccio::measure().await);
    }
}

async fn one_site() -> Table {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let registry = Registry {
        address: server.address().to_owned(),
        root: "/npm/libs/".to_owned(),
        key: Some(server.key().to_owned()),
        process: processor::started_last(),
    };
    let table = registry::measure("pakhus", &registry).await;
    table::line("most memory of the server", &format!("{} MiB", server.peak_memory() >> 20));
    table
}

/// A path as an argument of a command.
fn argument(path: &Path) -> &str {
    path.to_str().expect("the path of a temporary folder is text")
}
