//! A load program: `cargo build --release && cargo run --release -p pakhus-tests --bin bench`.
//!
//! It starts servers of its own on loopback ports, measures for about a minute, and prints.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

mod load;
mod sites;

use std::time::Duration;

use load::{Load, rate};
use pakhus_tests::package::Package;
use pakhus_tests::server::Setup;
use reqwest::Method;

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(3);

fn random(bytes: usize) -> Vec<u8> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random[..]);
    random
}

#[tokio::main]
async fn main() {
    println!("{:<44} {:>12} {:>14}", "one site", "1 connection", "16 connections");
    reads().await;
    publishes().await;
    println!("\n{:<44} {:>12}", "two sites", "");
    sites::first_sync().await;
    sites::latency().await;
}

async fn row(what: &str, load: &Load) {
    let one = rate(load, 1, TIME).await;
    let many = rate(load, 16, TIME).await;
    println!("{what:<44} {one:>10.0}/s {many:>12.0}/s");
}

async fn reads() {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    server.publish("libs", &Package::with_file("small", "1.0.0", &random(10_000))).await;
    for number in 0..500 {
        server.publish("libs", &Package::new("many", &format!("1.{number}.0"))).await;
    }
    let small = server.url("/npm/libs/small");
    let many = server.url("/npm/libs/many");
    let abbreviated = "application/vnd.npm.install-v1+json";
    row("packument, full", &Load::get(&small)).await;
    row("packument, abbreviated", &Load::get(&small).header("accept", abbreviated)).await;
    row("packument of 500 versions, full", &Load::get(&many)).await;
    let gzip = Load::get(&many).header("accept-encoding", "gzip");
    row("packument of 500 versions, full, gzip", &gzip).await;
    let etag =
        server.get("/npm/libs/many").await.headers()["etag"].to_str().expect("text").to_owned();
    row(
        "packument of 500 versions, not modified",
        &Load::get(&many).header("if-none-match", &etag),
    )
    .await;
    row("tarball of 10 kB", &Load::get(&server.url("/npm/libs/small/-/small-1.0.0.tgz"))).await;
    server.publish("libs", &Package::with_file("large", "1.0.0", &random(100_000_000))).await;
    let large = Load::get(&server.url("/npm/libs/large/-/large-1.0.0.tgz"));
    let megabytes = 100.0 * rate(&large, 1, TIME).await;
    println!("{:<44} {megabytes:>7.0} MB/s", "tarball of 100 MB");
    println!("{:<44} {:>9} MiB", "most memory of the server", server.peak_memory() >> 20);
}

async fn publishes() {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let bytes = random(10_000);
    let numbers = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let (url, key) = (server.registry("libs"), server.key().to_owned());
    let load = Load::made(Method::PUT, move || {
        let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("package-{number}");
        let package = Package::with_file(&name, "1.0.0", &bytes);
        (format!("{url}{name}"), package.document().to_string())
    })
    .header("authorization", &format!("Bearer {key}"));
    row("publish of 10 kB, durable", &load).await;
}
