//! The routes, read from the routers.

use crate::{read, says};

const PAGE: &str = "docs/reference/http-api.md";

/// The methods and paths of the routes that a file sets up.
fn routes(file: &str) -> Vec<(String, String)> {
    let text = read(file);
    let mut found = Vec::new();
    for part in text.split(".route(").skip(1) {
        let mut parts = part.split('"');
        let path = parts.nth(1).expect("a path");
        let handlers = parts.next().unwrap_or_default();
        let handlers = handlers.split(".nest(").next().unwrap_or_default();
        for method in ["get", "post", "put", "patch", "delete"] {
            let is_used = handlers.match_indices(&format!("{method}(")).any(|(at, _)| {
                let before = handlers[..at].chars().next_back();
                before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
            });
            if is_used {
                found.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(!found.is_empty(), "{file} sets up routes");
    found
}

/// A path as the page writes it.
fn written(path: &str) -> String {
    path.replace("{feed}", "FEED")
        .replace("{id}", "ID")
        .replace("{digest}", "DIGEST")
        .replace("{user}", "NAME")
}

/// The routes that the page leaves out; it may end a path with a question mark or with words.
fn left_out(routes: impl Iterator<Item = String>) -> Vec<String> {
    let page = read(PAGE);
    let is_told = |route: &String| {
        page.match_indices(&format!("`{route}"))
            .any(|(at, found)| page[at + found.len()..].starts_with(['`', '?', ' ']))
    };
    routes.filter(|route| !is_told(route)).collect()
}

#[test]
fn every_route_of_the_admin_api_is_listed() {
    let routes = routes("server/src/http/admin.rs").into_iter();
    let routes = routes.map(|(method, path)| format!("{method} /api/v1{}", written(&path)));
    says(PAGE, &left_out(routes));
}

#[test]
fn every_route_of_the_replication_api_is_listed() {
    let routes = routes("server/src/replication/serve.rs").into_iter();
    let routes = routes.filter(|(_, path)| !path.ends_with('/')).map(|(method, path)| {
        let path = match written(&path).strip_prefix("/replication/FEED/") {
            Some(rest) => format!("…/{rest}"),
            None => written(&path),
        };
        format!("{method} {path}")
    });
    says(PAGE, &left_out(routes));
}

#[test]
fn every_other_route_is_listed() {
    let routes = routes("server/src/http/router.rs").into_iter();
    says(PAGE, &left_out(routes.map(|(_, path)| written(&path))));
}
