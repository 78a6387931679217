//! How long searches take where there are very many packages.

use std::time::{Duration, Instant};

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use rand::RngExt as _;
use serde_json::json;

use crate::compared::milliseconds;
use crate::seed;
use crate::sites::percentile;
use crate::table::line;

/// How many packages there are unless it is said.
pub(crate) const PACKAGES: usize = 1_000_000;

/// How many words names and descriptions are made of.
const WORDS: usize = 5_000;

/// How often each search is asked.
const TIMES: usize = 20;

/// What is looked for, and what it stands for.
const SEARCHES: [(&str, &str); 9] = [
    ("a name", "text=package-777"),
    ("a rare word", "text=word4321"),
    ("a frequent word", "text=word1"),
    ("two words", "text=word7+word4000"),
    ("a word that is begun", "text=wor"),
    ("a keyword", "text=keywords:word3"),
    ("a scope", "text=scope:acme"),
    ("a scope and a word", "text=scope:acme+word9"),
    ("all", "text="),
];

/// Fills a server with so many packages, and searches them.
pub(crate) async fn measure(packages: usize) {
    let server = Setup::new().npm_feed("libs", "read-write").start().await;
    let started = Instant::now();
    let tarball = seed::upload(&server, Package::new("all", "1.0.0")).await;
    for first in (0..packages).step_by(seed::PAGE) {
        let numbers = first..packages.min(first + seed::PAGE);
        let records: Vec<_> = numbers
            .map(|number| {
                let scope = if number % 100 == 0 { "@acme/" } else { "" };
                let name = format!("{scope}{}-package-{number}", word());
                let description = [(); 8].map(|()| word()).join(" ");
                let keywords = [(); 3].map(|()| word());
                let mut record = seed::record(&tarball, &name, "1.0.0");
                let content = &mut record["state"]["version"]["standing"]["content"];
                content["metadata"]["details"] =
                    json!({ "description": description, "keywords": keywords });
                record
            })
            .collect();
        seed::push(&server, &records).await;
    }
    line("packages", &packages.to_string());
    line("until all were received", &format!("{:.0} s", started.elapsed().as_secs_f64()));
    while total(&server, "text=").await < packages as u64 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    line("until all were found", &format!("{:.0} s", started.elapsed().as_secs_f64()));
    println!("\n{:<44} {:>13} {:>15} {:>12}", "search for", "half within", "all within", "found");
    for (what, query) in SEARCHES {
        let mut took = Vec::with_capacity(TIMES);
        let mut found = 0;
        for _ in 0..TIMES {
            let asked = Instant::now();
            found = total(&server, query).await;
            took.push(asked.elapsed());
        }
        let [half, all] = [50, 100].map(|percent| milliseconds(percentile(&mut took, percent)));
        println!("{what:<44} {half:>13} {all:>15} {found:>12}");
    }
    line("most memory of the server", &format!("{} MiB", server.peak_memory() >> 20));
}

async fn total(server: &Server, query: &str) -> u64 {
    let answer = server.json(&format!("/npm/libs/-/v1/search?{query}")).await;
    answer["total"].as_u64().expect("a number")
}

/// A word, some much more often than others.
fn word() -> String {
    let chance: f64 = rand::rng().random();
    format!("word{}", (WORDS as f64 * chance.powi(3)) as usize)
}
