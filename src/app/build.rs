//! Builds what answers requests: the state that they use, and the service of the endpoints and the console.

use std::sync::Arc;

use super::addresses::Addresses;
use super::error::StartError;
use crate::api;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::console::{self, ConsoleAccess, KnownKey};
use crate::db::batches::Batches;
use crate::db::connect;
use crate::db::distribution;
use crate::db::pool::Pool;
use crate::domain::local_host::{AllowedHosts, HostPattern};
use crate::http::RateLimits;
use crate::http::edge::Edge;
use crate::http::state::{App, AppState};
use crate::ids::Ids;
use crate::metrics::Metrics;
use crate::service::Core;
use crate::service::authenticator::Authenticator;
use crate::service::cache_generation::CacheGeneration;
use crate::service::configured_keys::{self, ConfiguredPair, ConfiguredPairs};
use crate::service::database_health::DatabaseHealth;
use crate::service::faults::cache::FaultCache;
use crate::service::jobs::JobScheduler;
use crate::service::pending_work::PendingWork;
use crate::service::request_log::RequestLog;
use crate::service::rules::RulesCache;
use crate::service::webhooks::DeliveryNotifier;
use crate::service::work_counts::WorkCounts;
use crate::trace::Tracer;

/// Returns the state that requests use, on a migrated database.
///
/// # Errors
/// When a database query fails.
pub async fn app(config: &Config, clock: Clock, pool: Pool, addresses: &Addresses) -> Result<App, StartError> {
    let node = connect::next_node(&pool).await.map_err(StartError::Database)?;
    let is_distributed = distribution::is_distributed_of(&pool).await.map_err(StartError::Database)?;
    let metrics = Metrics::new(pool.metrics());
    let core = Arc::new(Core {
        batches: Batches::new(&pool, is_distributed),
        tracer: Tracer::start(config.otlp_endpoint.as_ref(), &metrics.traces),
        metrics,
        pool,
        database_health: DatabaseHealth::default(),
        clock,
        ids: Arc::new(Ids::new(node)),
        rules_cache: RulesCache::default(),
        job_scheduler: JobScheduler::default(),
        delivery_notifier: DeliveryNotifier::default(),
        pending_work: PendingWork::new(is_distributed),
        request_log: RequestLog::new(config.request_log),
        faults: FaultCache::default(),
        fault_operations: api::fault_operations(),
        credentials: CacheGeneration::default(),
        work_counts: WorkCounts::default(),
    });
    let [server, client, management] = [&config.server_keys, &config.client_keys, &config.management_keys]
        .map(|pair| ConfiguredPair { id: &pair.id, token: &pair.token });
    let configured = configured_keys::configure(&core, ConfiguredPairs { server, client, management }).await?;
    Ok(App {
        core,
        authenticator: Authenticator::new(config.strict_auth, configured),
        rate_limits: RateLimits::new(config.rate_limit),
        is_strict: config.strict,
        request_timeout: config.request_timeout,
        allow_link_local: config.webhooks.allow_link_local,
        allowed_hosts: allowed_hosts(config, addresses),
        authority: addresses.first().to_string(),
    })
}

/// Returns the host names of the options: those of `--allowed-hosts`, and the name that the server listens on.
pub(super) fn named_hosts(config: &Config) -> Vec<HostPattern> {
    config.allowed_hosts.iter().cloned().chain(config.listen.name()).collect()
}

/// Returns the hosts that requests may name.
fn allowed_hosts(config: &Config, addresses: &Addresses) -> AllowedHosts {
    if config.allowed_hosts.is_empty() && !addresses.are_loopback() {
        // Every host is allowed, also when the server listens on a name.
        return AllowedHosts::new(&[], false);
    }
    AllowedHosts::new(&named_hosts(config), addresses.are_loopback())
}

/// Returns the service that answers every request of the server: the endpoints and the console, and the outermost checks.
pub fn service(config: &Config, app: AppState, addresses: &Addresses) -> Edge {
    let start_page = config.console.then_some(console::PATH);
    let mut router = api::router(Arc::clone(&app), start_page);
    if config.console {
        let keys = |pair: &config::KeyPair| KnownKey { id: pair.id.clone(), token: pair.token.clone() };
        let access = ConsoleAccess {
            needs_sign_in: config.strict_auth || !addresses.are_loopback(),
            management: keys(&config.management_keys),
            server: keys(&config.server_keys),
            client: keys(&config.client_keys),
        };
        router = router.merge(console::router(Arc::clone(&app), access));
    }
    Edge::new(app, router)
}
