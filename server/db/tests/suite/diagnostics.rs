//! Messages for operators.

use pakhus_db::diagnostics;

use crate::bench::Bench;

on_both_backends!(messages_are_listed_newest_first_and_by_what_they_are);

async fn messages_are_listed_newest_first_and_by_what_they_are(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    for (category, level) in [("a", 10), ("b", 30), ("a", 20), ("a", 30)] {
        let text = format!("{category} {level}");
        diagnostics::add(database, category, level, &text, bench.clock.now()).await.expect("added");
    }
    let texts = async |category, min_level, after, limit| -> Vec<String> {
        let listed = diagnostics::list(database, category, min_level, after, limit).await;
        listed.expect("no failure").into_iter().map(|message| message.text).collect()
    };
    assert_eq!(texts(None, 0, None, 10).await, ["a 30", "a 20", "b 30", "a 10"]);
    assert_eq!(texts(None, 0, None, 2).await, ["a 30", "a 20"]);
    assert_eq!(texts(Some("a"), 20, None, 10).await, ["a 30", "a 20"]);
    let newest = diagnostics::list(database, None, 0, None, 1).await.expect("no failure");
    assert_eq!(texts(None, 30, Some(newest[0].id), 10).await, ["b 30"]);
}
