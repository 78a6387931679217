//! A load program: `cargo build --release && cargo run --release -p pakhus-tests --bin bench`.
//!
//! It starts servers of its own on loopback ports, measures for less than two minutes, and prints.
//! With `--verdaccio` it installs Verdaccio by npm into a temporary folder, measures the same of it,
//! and prints how the two compare.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

mod load;
mod processor;
mod registry;
mod sites;
mod table;
mod verdaccio;

use std::path::Path;
use std::process::ExitCode;

use pakhus_tests::server::Setup;
use registry::Registry;
use table::Table;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let compare = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--verdaccio"] => true,
        _ => {
            println!("usage: bench [--verdaccio]");
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
    let table = one_site().await;
    println!();
    sites::first_sync().await;
    sites::latency().await;
    if compare {
        println!();
        table.compare(&verdaccio::measure().await);
    }
    ExitCode::SUCCESS
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
