//! Which node of an instance does what: on a database that several nodes share, a link's schedule and
//! each run of it are one node's, by leases. With SQLite there is one process and nothing to agree on.

use std::time::Duration;

use pakhus_core::Timestamp;
use pakhus_db::leases::{self, Lease};

use crate::app::{App, now};

/// How long a lease lasts when it is not renewed: so long a link rests after a node has crashed.
const TERM: Duration = Duration::from_secs(10);
/// How often a lease is renewed, and tried for.
const RENEWAL: Duration = Duration::from_secs(3);
/// How often a run's lease is tried for: another node's run is soon over.
const NEXT_TRY: Duration = Duration::from_millis(250);

/// What the leases that say which nodes live are called by.
const NODES: &str = "node/";

async fn take(app: &App, name: &str) -> pakhus_db::Result<Option<Lease>> {
    let until = now().millis().saturating_add(i64::try_from(TERM.as_millis()).unwrap_or(0));
    leases::take(&app.database, name, &app.node, now(), Timestamp::from_millis(until)).await
}

/// Takes a lease as soon as it is free.
async fn wait_for(app: &App, name: &str, pause: Duration) -> Lease {
    loop {
        match take(app, name).await {
            Ok(Some(lease)) => return lease,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a lease could not be taken"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Renews a lease until another has it.
async fn renew(app: &App, name: &str) {
    let mut last = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(RENEWAL).await;
        match take(app, name).await {
            Ok(Some(_)) => last = tokio::time::Instant::now(),
            Ok(None) => return,
            // By now another may think that it is free.
            Err(_) if last.elapsed() >= TERM => return,
            Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
        }
    }
}

/// Does `work` while this node is the one that keeps the schedule of a feed. Returns when it is done
/// or another node has taken over.
pub(super) async fn as_scheduler(app: &App, feed_id: i64, work: impl Future<Output = ()>) {
    if !app.database.is_shared() {
        return work.await;
    }
    let name = format!("schedule/{feed_id}");
    wait_for(app, &name, RENEWAL).await;
    tokio::select! {
        () = work => {}
        () = renew(app, &name) => {}
    }
}

/// Does `work` while no other node runs this feed; `None` when another took over before it was done.
pub(super) async fn as_runner<T>(
    app: &App,
    feed_id: i64,
    work: impl AsyncFnOnce(Option<Lease>) -> T,
) -> Option<T> {
    if !app.database.is_shared() {
        return Some(work(None).await);
    }
    let name = format!("run/{feed_id}");
    let lease = wait_for(app, &name, NEXT_TRY).await;
    let done = tokio::select! {
        done = work(Some(lease)) => Some(done),
        () = renew(app, &name) => None,
    };
    if let Err(error) = leases::release(&app.database, &name, &app.node).await {
        tracing::warn!(%error, "a lease could not be given up: it ends by itself");
    }
    done
}

/// Tells the other nodes that this one lives, and marks as failed what those that do not any more left
/// running.
pub(crate) async fn keep_node(app: App) {
    while app.database.is_shared() {
        if let Err(error) = look_after_nodes(&app).await {
            tracing::warn!(%error, "the nodes of this instance could not be looked after");
        }
        tokio::time::sleep(RENEWAL).await;
    }
}

/// As [`keep_node`], once.
pub(crate) async fn look_after_nodes(app: &App) -> pakhus_db::Result<()> {
    let living = if app.database.is_shared() {
        take(app, &format!("{NODES}{}", app.node)).await?;
        leases::holders(&app.database, NODES, now()).await?
    } else {
        // Whoever ran before is gone, however short a time ago.
        vec![app.node.clone()]
    };
    pakhus_db::executions::fail_interrupted(&app.database, &living, now()).await?;
    Ok(())
}

/// Gives up all leases of this node.
pub(crate) async fn leave(app: &App) {
    if let Err(error) = leases::release_all(&app.database, &app.node).await {
        tracing::warn!(%error, "the leases of this node could not be given up");
    }
}
