//! The caches in memory.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

type Counts = Family<[(&'static str, &'static str); 1], Counter>;

/// How often values were found in a cache.
#[derive(Clone, Debug)]
pub struct CacheCounters {
    hits: Counter,
    misses: Counter,
}

impl CacheCounters {
    /// Records a lookup.
    pub fn record(&self, is_hit: bool) {
        if is_hit { &self.hits } else { &self.misses }.inc();
    }
}

/// The counters of all caches.
#[derive(Clone, Debug)]
pub struct CacheMetrics {
    hits: Counts,
    misses: Counts,
    /// Keys and tokens.
    pub credentials: CacheCounters,
    /// The rules of projects.
    pub rules: CacheCounters,
    /// The faults of projects.
    pub faults: CacheCounters,
}

impl Default for CacheMetrics {
    fn default() -> Self {
        let (hits, misses) = (Counts::default(), Counts::default());
        let counters = |cache| CacheCounters {
            hits: hits.get_or_create_owned(&[("cache", cache)]),
            misses: misses.get_or_create_owned(&[("cache", cache)]),
        };
        let (credentials, rules, faults) = (counters("credentials"), counters("rules"), counters("faults"));
        Self { hits, misses, credentials, rules, faults }
    }
}

impl CacheMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("cache_hits", "Lookups in a cache that found a valid value", self.hits.clone());
        registry.register("cache_misses", "Lookups in a cache that found none", self.misses.clone());
    }
}
