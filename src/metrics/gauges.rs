//! The sample as metrics.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::exposition::PREFIX;
use super::sample::Sample;

/// Returns a registry that holds the numbers of the sample, except those of the process.
pub(super) fn of(sample: &Sample) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let Sample { pool, caches, request_log, work, process: _ } = sample;
    let connections = [("idle", count(pool.idle)), ("in_use", count(pool.in_use))];
    registry.register(
        "database_connections",
        "Open connections to the database, without the two that listen and deliver",
        family("state", &connections),
    );
    registry.register("database_connections_max", "The limit of these connections", gauge(count(pool.limit)));
    registry.register(
        "database_connection_waiters",
        "Requests and jobs that wait for a connection to the database now",
        gauge(count(pool.waiting)),
    );
    registry.register(
        "database_up",
        "Whether the database answered when it was last asked for the unfinished work",
        gauge(i64::from(work.is_some())),
    );
    if let Some(work) = work {
        let jobs = [("waiting", work.jobs_waiting), ("in_progress", work.jobs_in_progress)];
        registry.register("jobs", "Unfinished background jobs of all projects", family("state", &jobs));
        let deliveries = [("pending", work.deliveries_pending), ("failed", work.deliveries_failed)];
        registry.register(
            "webhook_deliveries",
            "Webhook deliveries of all projects that are not finished, or have failed",
            family("state", &deliveries),
        );
    }
    let entries: Vec<_> =
        caches.iter().map(|one| (one.cache, i64::try_from(one.entries).unwrap_or(i64::MAX))).collect();
    registry.register("cache_entries", "Values in a cache", family("cache", &entries));
    registry.register("request_log_entries", "Requests in the request log", gauge(count(request_log.entries)));
    registry.register_with_unit(
        "request_log",
        "Memory that the request log takes",
        Unit::Bytes,
        gauge(count(request_log.bytes)),
    );
    registry.register(
        "request_log_streams",
        "Open event streams of the request log",
        gauge(count(request_log.streams)),
    );
    registry
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn gauge(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}

fn family(label: &'static str, values: &[(&'static str, i64)]) -> Family<[(&'static str, &'static str); 1], Gauge> {
    let family = Family::<_, Gauge>::default();
    for (name, value) in values {
        family.get_or_create(&[(label, *name)]).set(*value);
    }
    family
}
