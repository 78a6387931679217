//! Two sites that hold the same.

use pakhus_nuget::NuGet;
use pakhus_plugin_api::testing::MemoryFeed;

use crate::support::{json, package, pushed};

fn site(name: &str) -> MemoryFeed {
    MemoryFeed::new(NuGet::default()).at_site(name)
}

#[test]
fn what_is_pushed_and_unlisted_at_one_site_is_so_at_the_other() {
    let (la, tokyo) = (site("la"), site("tokyo"));
    pushed(&la, &package("Acme.Lib", "1.0.0"));
    pushed(&la, &package("Acme.Lib", "1.1.0-rc.1"));
    pushed(&tokyo, &package("acme.lib", "2.0.0"));
    assert_eq!(la.request("DELETE", "/v3/package/acme.lib/1.0.0").send().status, 204);
    tokyo.pull_from(&la).unwrap();
    la.pull_from(&tokyo).unwrap();
    for path in [
        "/v3/flat/acme.lib/index.json",
        "/v3/registration-gz-semver2/acme.lib/index.json",
        "/v3/search?prerelease=true&semVerLevel=2.0.0",
    ] {
        assert_eq!(json(&la, path), json(&tokyo, path), "{path}");
    }
    let path = "/v3/flat/acme.lib/1.0.0/acme.lib.1.0.0.nupkg";
    assert_eq!(tokyo.request("GET", path).send().body, package("Acme.Lib", "1.0.0"));
}
