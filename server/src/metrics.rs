//! What Prometheus reads at `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::replication::Standing;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedLabels {
    feed: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedLabel {
    feed: String,
}

/// The metrics of a running server.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    replication_runs: Family<FeedLabels, Counter>,
    lag_changes: Family<FeedLabel, Gauge>,
    lag_seconds: Family<FeedLabel, Gauge>,
    last_success: Family<FeedLabel, Gauge>,
    failures: Family<FeedLabel, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("pakhus");
        let requests = Family::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.001, 4.0, 8))
        });
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        let replication_runs = Family::default();
        registry.register(
            "replication_runs",
            "Replication executions that ended",
            replication_runs.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Family::<FeedLabel, Gauge>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let lag_changes = gauge(
            "replication_lag_changes",
            "Changes that are not yet at both ends of a client feed's link",
        );
        let lag_seconds =
            gauge("replication_lag_seconds", "Seconds for which a client feed has been behind");
        let last_success = gauge(
            "replication_last_success_timestamp_seconds",
            "When a client feed's replication last succeeded, in seconds since 1970",
        );
        let failures =
            gauge("replication_failures_in_a_row", "Replication executions that failed since");
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
            replication_runs,
            lag_changes,
            lag_seconds,
            last_success,
            failures,
        }
    }

    /// Counts an answered request.
    pub(crate) fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        let labels = RequestLabels { route: route.clone(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Counts a replication execution.
    pub(crate) fn replication_run(&self, feed: &str, outcome: &'static str) {
        let labels = FeedLabels { feed: feed.to_owned(), outcome };
        self.replication_runs.get_or_create(&labels).inc();
    }

    /// Forgets how feeds stood, before it is told anew.
    pub(crate) fn clear_standings(&self) {
        for gauge in [&self.lag_changes, &self.lag_seconds, &self.last_success, &self.failures] {
            gauge.clear();
        }
    }

    /// Tells how a feed stands as a replication client.
    pub(crate) fn replication_standing(&self, feed: &str, standing: &Standing) {
        let label = FeedLabel { feed: feed.to_owned() };
        let set = |gauge: &Family<FeedLabel, Gauge>, value: u64| {
            gauge.get_or_create(&label).set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        let changes = standing.to_pull.unwrap_or(0).saturating_add(standing.to_push.unwrap_or(0));
        set(&self.lag_changes, changes);
        if let Some(seconds) = standing.seconds {
            set(&self.lag_seconds, seconds);
        }
        set(&self.failures, standing.failures);
        if let Some(at) = standing.last_success_at {
            set(&self.last_success, u64::try_from(at.millis() / 1_000).unwrap_or(0));
        }
    }

    /// All metrics in the text form of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
