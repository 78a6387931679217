//! Holding the transfers of a run to so many bytes a second, together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets bytes pass at a rate; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Limiter(Option<Arc<Rate>>);

#[derive(Debug)]
struct Rate {
    bytes_a_second: u64,
    /// When all that has passed will have taken its time.
    paid_until: Mutex<Instant>,
}

impl Limiter {
    /// Lets `bytes_a_second` pass; `None`: all.
    pub(super) fn new(bytes_a_second: Option<u64>) -> Self {
        Self(bytes_a_second.map(|bytes_a_second| {
            Arc::new(Rate { bytes_a_second, paid_until: Mutex::new(Instant::now()) })
        }))
    }

    /// Lets `bytes` more pass, once those before them have taken their time.
    pub(super) async fn pass(&self, bytes: usize) {
        if let Some(rate) = &self.0 {
            tokio::time::sleep_until(rate.reserve(bytes, Instant::now())).await;
        }
    }
}

impl Rate {
    /// When bytes that want to pass `now` will have passed.
    fn reserve(&self, bytes: usize, now: Instant) -> Instant {
        let seconds = bytes as f64 / self.bytes_a_second.max(1) as f64;
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_until = (*paid_until).max(now) + Duration::from_secs_f64(seconds);
        *paid_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_transfers_share_the_rate() {
        let Some(rate) = Limiter::new(Some(1_000)).0 else { panic!("a rate") };
        let now = Instant::now();
        let passed = (0..10).map(|_| rate.reserve(500, now)).max();
        assert_eq!(passed, Some(now + Duration::from_secs(5)));
        // What was not used is not saved up.
        let later = now + Duration::from_secs(60);
        assert_eq!((rate.reserve(1_000, later) - later).as_secs(), 1);
    }
}
