//! nginx, serving as files what a feed answers with.

use std::process::Command;

use pakhus_tests::package::Package;
use pakhus_tests::server::Setup;

use crate::argument;
use crate::load::Load;
use crate::processor;
use crate::programs::{Running, free_address};
use crate::registry::{Registry, both, many_versions, publish, random};
use crate::table::Table;

/// What is read: its name, the path in the feed, and the coding that is accepted.
pub(crate) type Read = (&'static str, String, Option<&'static str>);

/// Measures an npm feed beside nginx.
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
    let reads = [
        ("packument, 1 version", "small".to_owned(), None),
        ("packument, 500 versions, gzip", "many".to_owned(), Some("gzip")),
        ("tarball, 10 kB", "small/-/small-1.0.0.tgz".to_owned(), None),
    ];
    compare(&feed, &reads).await;
}

/// Measures reads of a feed that needs no key, then the same bytes served by nginx, and prints how the two
/// compare.
pub(crate) async fn compare(feed: &Registry, reads: &[Read]) {
    let folder = tempfile::tempdir().expect("a folder");
    let client = reqwest::Client::new();
    for (number, (_, path, coding)) in reads.iter().enumerate() {
        let request = client.get(format!("http://{}{}", feed.address, feed.path(path)));
        let request = request.header("accept-encoding", coding.unwrap_or("identity"));
        let answer = request.send().await.expect("the server answers");
        let bytes = answer.bytes().await.expect("it answers whole");
        std::fs::write(folder.path().join(file_name(number, *coding)), bytes).expect("written");
    }
    let address = free_address();
    let config = folder.path().join("nginx.conf");
    std::fs::write(&config, configuration(&address)).expect("written");
    let mut command = Command::new("/usr/sbin/nginx");
    command.args(["-p", argument(folder.path()), "-c", argument(&config), "-e", "/dev/null"]);
    let nginx = Running::server(&mut command, &address).await;
    let files = Registry { address, root: "/".to_owned(), key: None, process: nginx.id() };

    let mut own = Table::begin("pakhus");
    for (what, path, coding) in reads {
        let load = Load::get(feed, path);
        let load = load.header("accept-encoding", coding.unwrap_or("identity"));
        both(feed, &mut own, what, &load).await;
    }
    let mut others = Table::begin("nginx");
    for (number, (what, _, coding)) in reads.iter().enumerate() {
        let load = Load::get(&files, &file_name(number, *coding));
        both(&files, &mut others, what, &load).await;
    }
    println!();
    own.compare(&others);
}

fn file_name(number: usize, coding: Option<&str>) -> String {
    format!("{}{number}", coding.unwrap_or("identity"))
}

/// One process, which leaves none behind when it is killed and the load takes the other processor; no log,
/// and connections that stay open.
fn configuration(address: &str) -> String {
    format!(
        "master_process off;\ndaemon off;\npid pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         open_file_cache max=100;\n  default_type application/octet-stream;\n\
         server {{\n    listen {address};\n    root .;\n\
         location /gzip {{ add_header Content-Encoding gzip; }}\n  }}\n}}\n"
    )
}
