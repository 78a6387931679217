use pakhus_npm::Npm;
use pakhus_plugin_api::{
    Action, Method, PackageName, PackageType, RequestHead, Result, Route, RoutePath, Timestamp,
};
use proptest::prelude::*;

use crate::support::{assert_refused, feed};

fn head(method: Method, path: &str) -> Option<RequestHead> {
    Some(RequestHead {
        method,
        path: RoutePath::parse(path).ok()?,
        query: String::new(),
        headers: Vec::new(),
        base_url: String::new(),
        now: Timestamp::EPOCH,
    })
}

fn route(method: Method, path: &str) -> Result<Route> {
    Npm::default().route(&head(method, path).expect("a path"))
}

#[track_caller]
fn assert_route(method: Method, path: &str, name: &str, action: Action, package: Option<&str>) {
    let route = route(method, path).unwrap_or_else(|refusal| panic!("{path}: {refusal}"));
    assert_eq!((route.name, route.action), (name, action), "{path}");
    assert_eq!(route.package.as_ref().map(PackageName::key), package, "{path}");
}

#[test]
fn a_scoped_package_is_found_by_every_spelling() {
    for path in ["@acme%2fpad", "@acme%2Fpad", "@acme/pad", "%40acme%2Fpad", "%40acme/pad"] {
        assert_route(Method::Get, path, "npm.packument", Action::View, Some("@acme/pad"));
        assert_route(Method::Put, path, "npm.put", Action::Publish, Some("@acme/pad"));
        let manifest = format!("{path}/latest");
        assert_route(Method::Get, &manifest, "npm.manifest", Action::View, Some("@acme/pad"));
        let unpublish = format!("{path}/-rev/1-a");
        let (versions, package) = ("npm.put_rev", "npm.unpublish_package");
        assert_route(Method::Put, &unpublish, versions, Action::Delete, Some("@acme/pad"));
        assert_route(Method::Delete, &unpublish, package, Action::Delete, Some("@acme/pad"));
        let tags = format!("-/package/{path}/dist-tags");
        assert_route(Method::Get, &tags, "npm.dist_tags", Action::View, Some("@acme/pad"));
    }
}

#[test]
fn a_tarball_is_found_by_every_spelling() {
    for path in [
        "@acme/pad/-/pad-1.0.0.tgz",
        "@acme%2fpad/-/pad-1.0.0.tgz",
        "%40acme%2Fpad/-/pad-1.0.0.tgz",
        "@acme/pad/-/@acme/pad-1.0.0.tgz",
        "@acme%2fpad/-/@acme%2fpad-1.0.0.tgz",
    ] {
        assert_route(Method::Get, path, "npm.tarball", Action::View, Some("@acme/pad"));
        let delete = format!("{path}/-rev/1-a");
        let name = "npm.unpublish_tarball";
        assert_route(Method::Delete, &delete, name, Action::Delete, Some("@acme/pad"));
    }
    assert_route(Method::Get, "a/-/a-1.0.0-b.1.tgz", "npm.tarball", Action::View, Some("a"));
    assert_route(Method::Get, "a-b/-/a-b-1.0.0.tgz", "npm.tarball", Action::View, Some("a-b"));
}

#[test]
fn tags_are_set_and_removed_by_paths() {
    let path = "-/package/@acme%2fpad/dist-tags/stable";
    let package = Some("@acme/pad");
    assert_route(Method::Put, path, "npm.set_dist_tag", Action::Publish, package);
    assert_route(Method::Post, path, "npm.set_dist_tag", Action::Publish, package);
    assert_route(Method::Delete, path, "npm.remove_dist_tag", Action::Delete, package);
    let slash = "-/package/@acme/pad/dist-tags/a%2fb";
    assert_route(Method::Put, slash, "npm.set_dist_tag", Action::Publish, package);
}

#[test]
fn endpoints_of_no_package_need_no_permission() {
    for path in ["-/ping", "-/ping/", "-/whoami", "-/npm/v1/tokens", "-/npm/v1/user"] {
        assert_eq!(route(Method::Get, path).expect(path).action, Action::Open);
    }
    let audits = "-/npm/v1/security";
    for path in ["advisories/bulk", "audits", "audits/quick"] {
        let path = format!("{audits}/{path}");
        assert_eq!(route(Method::Post, &path).expect("a route").action, Action::Open);
    }
}

#[test]
fn signing_in_and_out_takes_no_notice_of_who_asks() {
    let user = "-/user/org.couchdb.user:alice";
    for (method, path) in [
        (Method::Put, user.to_owned()),
        (Method::Put, format!("{user}/-rev/1-0")),
        (Method::Post, "-/v1/login".to_owned()),
        (Method::Get, "-/v1/done".to_owned()),
        (Method::Delete, "-/user/token/abc".to_owned()),
    ] {
        assert_eq!(route(method, &path).expect("a route").action, Action::SignIn, "{path}");
    }
    assert_eq!(route(Method::Get, user).expect("a route").action, Action::Open);
}

#[test]
fn what_cannot_be_a_package_is_malformed_and_not_missing() {
    for path in ["/_x", "/@x", "/x@y", "/@x%2fy%2fz", "/a%20b", "/.x", "/a%2fb", "/a//b", "/%ff"] {
        assert_refused(&feed().request("GET", path).send(), 400, "");
    }
}

#[test]
fn unknown_endpoints_are_not_found() {
    for path in
        ["/", "/-", "/-/v1", "/-/user", "/-/user/alice", "/-/all", "/-/package", "/-/npm/v1/keys"]
    {
        assert_refused(&feed().request("GET", path).send(), 404, "");
    }
    for path in
        ["/a/-", "/a/b/c", "/a/-/b-1.0.0.tgz", "/a/-/a-1.tgz", "/a/-/a.tgz", "/-/package/a/trust"]
    {
        assert_refused(&feed().request("GET", path).send(), 404, "");
    }
}

#[test]
fn known_paths_say_when_only_the_method_is_wrong() {
    for (method, path) in [
        ("DELETE", "/a"),
        ("POST", "/a"),
        ("PUT", "/a/1.0.0"),
        ("PUT", "/a/-/a-1.0.0.tgz"),
        ("POST", "/a/-rev/1"),
        ("GET", "/-/package/a/dist-tags/latest"),
        ("POST", "/-/ping"),
        ("GET", "/-/v1/login"),
        ("PUT", "/-/npm/v1/tokens"),
        ("GET", "/-/npm/v1/tokens/token/abc"),
        ("DELETE", "/-/npm/v1/user"),
        ("GET", "/-/user/token/abc"),
        ("DELETE", "/-/user/org.couchdb.user:alice"),
        ("PURGE", "/a"),
    ] {
        assert_refused(&feed().request(method, path).send(), 405, "");
    }
}

proptest! {
    #[test]
    fn no_head_makes_it_panic(
        method in prop_oneof![
            Just(Method::Get), Just(Method::Put), Just(Method::Post), Just(Method::Delete),
        ],
        path in prop_oneof![
            any::<String>(),
            "(-|@?[a-z%2f.]{0,4}|-rev|package|dist-tags|a-1\\.0\\.0\\.tgz|/){0,9}",
        ],
        accept in any::<String>(),
    ) {
        if let Some(mut head) = head(method, &path) {
            head.headers.push(("accept".to_owned(), accept));
            let _ = Npm::default().route(&head);
        }
    }
}
