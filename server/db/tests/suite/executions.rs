//! Recorded runs.

use pakhus_core::Timestamp;
use pakhus_db::executions::{
    self, Ending, Execution, Failure, Filter, LogLine, Recorded, Status, Trigger,
};

use crate::bench::Bench;

on_both_backends!(
    an_execution_is_kept_with_its_log_and_failures,
    idle_scheduled_runs_keep_one_row,
    idle_runs_of_another_category_or_feed_stay,
    interrupted_executions_have_failed,
    what_another_node_runs_is_not_interrupted,
    old_executions_are_removed_with_their_logs,
    executions_are_listed_newest_first_and_by_what_they_are,
);

const CATEGORY: &str = "feed-replication";
const NODE: &str = "node-1";

async fn run(
    bench: &Bench,
    database: &pakhus_db::Database,
    category: &str,
    feed: Option<(i64, &str)>,
    trigger: Trigger,
    changed: bool,
) -> i64 {
    let id = executions::start(database, category, feed, trigger, NODE, bench.clock.now()).await;
    let id = id.expect("started");
    let line = LogLine { at: bench.clock.now(), level: 10, text: "a line".to_owned() };
    executions::log(database, id, 0, &[line]).await.expect("logged");
    executions::finish(
        database,
        id,
        Ending { status: Status::Done, summary: "done", counts: "{}", changed },
        bench.clock.now(),
    )
    .await
    .expect("finished");
    id
}

async fn all(database: &pakhus_db::Database) -> Vec<Execution> {
    executions::list(database, &Filter::default(), 100).await.expect("no failure")
}

async fn an_execution_is_kept_with_its_log_and_failures(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let feed = Some((site.feed.id, "libs"));
    let started_at = bench.clock.now();
    let id = executions::start(database, CATEGORY, feed, Trigger::Manual, NODE, started_at).await;
    let id = id.expect("started");
    let lines = [(0, "first", 10), (1, "second", 30)].map(|(line, text, level)| {
        (line, LogLine { at: Timestamp::from_millis(line), level, text: text.to_owned() })
    });
    for (line, entry) in &lines {
        executions::log(database, id, *line, std::slice::from_ref(entry)).await.expect("logged");
    }
    let failures = ["1.0.0", "2.0.0"].map(|version| Failure {
        at: Timestamp::from_millis(2),
        package: "left".to_owned(),
        version: Some(version.to_owned()),
        item: format!("left {version}"),
        reason: "no answer".to_owned(),
    });
    for (number, failure) in (0..).zip(&failures) {
        executions::fail(database, id, number, vec![failure.clone()]).await.expect("noted");
    }
    let mut expected = Execution {
        id,
        category: CATEGORY.to_owned(),
        feed: Some("libs".to_owned()),
        trigger: Trigger::Manual,
        status: Status::Running,
        started_at,
        finished_at: None,
        summary: String::new(),
        counts: "{}".to_owned(),
    };
    let log: Vec<_> = lines.into_iter().map(|(_, entry)| entry).collect();
    let recorded =
        |execution| Recorded { execution, log: log.clone(), failures: failures.to_vec() };
    let found = executions::find(database, id).await.expect("no failure");
    assert_eq!(found, Some(recorded(expected.clone())));

    let now = bench.clock.now();
    executions::finish(
        database,
        id,
        Ending { status: Status::Failed, summary: "no answer", counts: "{}", changed: false },
        now,
    )
    .await
    .expect("ended");
    (expected.status, expected.summary) = (Status::Failed, "no answer".to_owned());
    expected.finished_at = Some(now);
    let found = executions::find(database, id).await.expect("no failure");
    assert_eq!(found, Some(recorded(expected)));
    assert_eq!(executions::find(database, id + 1).await.expect("no failure"), None);
}

async fn idle_scheduled_runs_keep_one_row(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    for feed in [Some((site.feed.id, "libs")), None] {
        let run =
            async |trigger, changed| run(bench, database, CATEGORY, feed, trigger, changed).await;
        run(Trigger::Schedule, false).await;
        run(Trigger::Schedule, false).await;
        let idle = run(Trigger::Schedule, false).await;
        let changed = run(Trigger::Schedule, true).await;
        let idle_after_a_change = run(Trigger::Schedule, false).await;
        let manual = run(Trigger::Manual, false).await;
        run(Trigger::Schedule, false).await;
        let newest = run(Trigger::Schedule, false).await;
        let name = feed.map(|(_, name)| name.to_owned());
        let ids: Vec<_> = all(database)
            .await
            .into_iter()
            .filter(|execution| execution.feed == name)
            .map(|execution| execution.id)
            .collect();
        assert_eq!(ids, [newest, manual, idle_after_a_change, changed, idle], "of {feed:?}");
    }
    // Their lines go with them.
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM execution_log").await, 10);
}

async fn idle_runs_of_another_category_or_feed_stay(bench: &Bench) {
    let site = bench.site("la").await;
    let libs = Some((site.feed.id, "libs"));
    let others =
        [("clean-up", libs), (CATEGORY, Some((site.feed.id + 1, "other"))), (CATEGORY, None)];
    let mut expected = Vec::new();
    for (category, feed) in others {
        expected.push(run(bench, &site.database, category, feed, Trigger::Schedule, false).await);
    }
    run(bench, &site.database, CATEGORY, libs, Trigger::Schedule, false).await;
    expected.push(run(bench, &site.database, CATEGORY, libs, Trigger::Schedule, false).await);
    let mut ids: Vec<_> = all(&site.database).await.iter().map(|execution| execution.id).collect();
    ids.reverse();
    assert_eq!(ids, expected);
}

async fn interrupted_executions_have_failed(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let done = run(bench, database, CATEGORY, None, Trigger::Manual, true).await;
    for _ in 0..2 {
        executions::start(database, CATEGORY, None, Trigger::Change, NODE, bench.clock.now())
            .await
            .expect("started");
    }
    let now = bench.clock.now();
    assert_eq!(executions::fail_interrupted(database, &[], now).await.expect("no failure"), 2);
    let now_all = all(database).await;
    for execution in &now_all[..2] {
        assert_eq!((execution.status, execution.finished_at), (Status::Failed, Some(now)));
        assert_eq!(execution.summary, "interrupted: the server stopped");
    }
    assert_eq!((now_all[2].id, now_all[2].status), (done, Status::Done));
    assert_eq!(executions::fail_interrupted(database, &[], now).await.expect("no failure"), 0);
}

async fn what_another_node_runs_is_not_interrupted(bench: &Bench) {
    let site = bench.site("la").await;
    let now = bench.clock.now();
    executions::start(&site.database, CATEGORY, None, Trigger::Change, NODE, now)
        .await
        .expect("started");
    let living = [NODE.to_owned()];
    let failed = executions::fail_interrupted(&site.database, &living, now).await;
    assert_eq!(failed.expect("no failure"), 0);
    let living = ["another".to_owned()];
    let failed = executions::fail_interrupted(&site.database, &living, now).await;
    assert_eq!(failed.expect("no failure"), 1);
}

async fn old_executions_are_removed_with_their_logs(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    run(bench, database, CATEGORY, None, Trigger::Manual, true).await;
    let between = bench.clock.now();
    let kept = run(bench, database, CATEGORY, None, Trigger::Manual, true).await;
    let running =
        executions::start(database, CATEGORY, None, Trigger::Change, NODE, bench.clock.now());
    let running = running.await.expect("started");
    assert_eq!(executions::prune(database, between).await.expect("no failure"), 1);
    let ids: Vec<_> = all(database).await.iter().map(|execution| execution.id).collect();
    assert_eq!(ids, [running, kept]);
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM execution_log").await, 1);
}

async fn executions_are_listed_newest_first_and_by_what_they_are(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let feed = Some((site.feed.id, "libs"));
    let one = run(bench, database, CATEGORY, feed, Trigger::Manual, true).await;
    let two = run(bench, database, "clean-up", None, Trigger::Manual, true).await;
    let three =
        executions::start(database, CATEGORY, None, Trigger::Change, NODE, bench.clock.now());
    let three = three.await.expect("started");
    let ids = async |filter: Filter, limit| -> Vec<i64> {
        let listed = executions::list(database, &filter, limit).await.expect("no failure");
        listed.into_iter().map(|execution| execution.id).collect()
    };
    let filter = Filter::default;
    assert_eq!(ids(filter(), 10).await, [three, two, one]);
    assert_eq!(ids(filter(), 2).await, [three, two]);
    assert_eq!(ids(Filter { after: Some(two), ..filter() }, 10).await, [one]);
    assert_eq!(ids(Filter { feed: Some("libs".to_owned()), ..filter() }, 10).await, [one]);
    assert_eq!(ids(Filter { status: Some(Status::Running), ..filter() }, 10).await, [three]);
    let category = Some(CATEGORY.to_owned());
    assert_eq!(ids(Filter { category, ..filter() }, 10).await, [three, one]);
}
