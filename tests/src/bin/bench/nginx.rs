//! nginx, serving as files what a feed answers with.

use std::path::Path;
use std::process::Command;

use pakhus_tests::package::Package;
use pakhus_tests::server::Setup;

use crate::argument;
use crate::load::Load;
use crate::processor;
use crate::programs::{Running, free_address};
use crate::registry::{Registry, both, many_versions, publish, random};
use crate::table::Table;

/// What is read: the path in the feed, and the coding that is accepted.
const READS: [(&str, &str, Option<&str>); 3] = [
    ("packument, 1 version", "small", None),
    ("packument, 500 versions, gzip", "many", Some("gzip")),
    ("tarball, 10 kB", "small/-/small-1.0.0.tgz", None),
];

/// Measures both, and prints how they compare.
pub(crate) async fn measure() {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let feed = Registry {
        address: server.address().to_owned(),
        root: "/npm/libs/".to_owned(),
        key: Some(server.key().to_owned()),
        process: processor::started_last(),
    };
    let small = publish(&Package::with_file("small", "1.0.0", &random(10_000)));
    Load::put(&feed, many_versions("many").chain([small]).collect()).all().await;

    let folder = tempfile::tempdir().expect("a folder");
    for (number, (_, path, coding)) in READS.into_iter().enumerate() {
        let request = server.anonymous(reqwest::Method::GET, &feed.path(path));
        let request = request.header("accept-encoding", coding.unwrap_or("identity"));
        let answer = request.send().await.expect("the server answers");
        let bytes = answer.bytes().await.expect("it answers whole");
        let name = format!("{}{number}", coding.unwrap_or("identity"));
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    let address = free_address();
    let config = folder.path().join("nginx.conf");
    std::fs::write(&config, configuration(folder.path(), &address)).expect("written");
    let mut command = Command::new("nginx");
    command.args(["-c", argument(&config), "-e", "/dev/null"]);
    let nginx = Running::server(&mut command, &address).await;
    let files = Registry { address, root: "/".to_owned(), key: None, process: nginx.id() };

    let mut own = Table::begin("pakhus");
    for (what, path, coding) in READS {
        let load = Load::get(&feed, path);
        both(&feed, &mut own, what, &load.header("accept-encoding", coding.unwrap_or("identity")))
            .await;
    }
    let mut others = Table::begin("nginx");
    for (number, (what, _, coding)) in READS.into_iter().enumerate() {
        let name = format!("{}{number}", coding.unwrap_or("identity"));
        both(&files, &mut others, what, &Load::get(&files, &name)).await;
    }
    own.compare(&others);
}

/// One process for each processor, no log, and connections that stay open.
fn configuration(folder: &Path, address: &str) -> String {
    let folder = argument(folder);
    format!(
        "daemon off;\nworker_processes auto;\npid {folder}/pid;\nuser root;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n\
         open_file_cache max=100;\n  default_type application/octet-stream;\n\
         server {{\n    listen {address};\n    root {folder};\n\
         location /gzip {{ add_header Content-Encoding gzip; }}\n  }}\n}}\n"
    )
}
