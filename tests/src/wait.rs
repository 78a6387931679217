//! Waiting for what happens elsewhere.

use std::time::{Duration, Instant};

/// The longest that anything may take to happen: a gigabyte is replicated on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until `condition` answers with something.
///
/// # Panics
/// When it has not within [`PATIENCE`]; `what` says what was waited for.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
