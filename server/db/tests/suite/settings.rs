//! Settings of the instance.

use pakhus_db::settings;

use crate::bench::Bench;

on_both_backends!(a_setting_has_the_value_set_last);

async fn a_setting_has_the_value_set_last(bench: &Bench) {
    let site = bench.site("la").await;
    let get = async |name| settings::get(&site.database, name).await.expect("no failure");
    assert_eq!(get("name").await, None);
    for value in ["Los Angeles", "", "LA"] {
        settings::set(&site.database, "name", value).await.expect("set");
        assert_eq!(get("name").await.as_deref(), Some(value));
    }
    assert_eq!(get("Name").await, None);
}
