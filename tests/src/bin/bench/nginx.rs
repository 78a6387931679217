//! nginx, which serves the same bytes from files: one process of it, which ends when it is ended.

use std::process::Command;
use std::time::Duration;

use crate::argument;
use crate::load::{Load, rate};
use crate::programs::{Running, free_address};
use crate::registry::Registry;
use crate::table::Table;

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(2);

/// Measures documents of a registry, each by its path, then the same bytes served by nginx, and prints how
/// the two compare.
pub(crate) async fn compare(registry: &Registry, documents: &[(&str, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (_, path) in documents {
        let url = format!("http://{}{}", registry.address, registry.path(path));
        let answer = reqwest::get(url).await.expect("the server answers");
        let file = folder.path().join("files").join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, answer.bytes().await.expect("a body")).expect("written");
    }
    let address = free_address();
    let config = format!(
        "master_process off; daemon off; pid nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; default_type application/json; sendfile on; keepalive_requests 1000000;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         open_file_cache max=100; server {{ listen {address}; root files; }} }}\n"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, config).expect("written");
    let mut command = Command::new("/usr/sbin/nginx");
    command.args(["-p", argument(folder.path()), "-c", argument(&file)]);
    let process = Running::server(&mut command, &address).await;
    let nginx = Registry { address, root: "/".to_owned(), key: None, process: process.id() };
    let own = measure("pakhus", registry, documents).await;
    println!();
    own.compare(&measure("nginx", &nginx, documents).await);
}

async fn measure(name: &str, registry: &Registry, documents: &[(&str, String)]) -> Table {
    let mut table = Table::begin(name);
    for (what, path) in documents {
        let load = Load::get(registry, path);
        let one = rate(registry, &load, 1, TIME).await;
        let many = rate(registry, &load, 16, TIME).await;
        table.rates(what, one, many);
    }
    table
}
