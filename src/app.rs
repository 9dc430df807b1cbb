//! Starts the server from its parts (database, router, workers, listener), and stops it in order.

mod addresses;
mod error;
mod port_owner;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;

pub use self::addresses::Addresses;
pub use self::error::StartError;
use crate::api;
use crate::clock::Clock;
use crate::config::{self, Config, Storage};
use crate::console::{self, ConsoleAccess, KnownKey};
use crate::db;
use crate::db::batches::Batches;
use crate::db::connect;
use crate::db::pool::{Pool, PoolSettings};
use crate::domain::local_host::{AllowedHosts, HostPattern};
use crate::domain::project::{KeyPair, ProjectId};
use crate::domain::webhook::RetrySchedule;
use crate::http::edge::Edge;
use crate::http::scheme::Scheme;
use crate::http::state::{App, AppState};
use crate::http::{HttpServer, RateLimits};
use crate::ids::Ids;
#[cfg(feature = "fetch-postgresql")]
use crate::postgres::fetch;
use crate::postgres::{Cluster, Durability, Preparation};
use crate::service::authenticator::Authenticator;
use crate::service::cache_generation::CacheGeneration;
use crate::service::configured_keys::{self, ConfigureError, ConfiguredPair, ConfiguredPairs};
use crate::service::faults::cache::FaultCache;
use crate::service::jobs::JobScheduler;
use crate::service::request_log::RequestLog;
use crate::service::rules::RulesCache;
use crate::service::state::default_project;
use crate::service::webhooks::DeliveryNotifier;
use crate::service::{Core, Error};
use crate::tls::Tls;
use crate::webhook::Sender;
use crate::worker::{DeliverySettings, Workers};

/// How long a start waits for a database that does not answer yet.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(6);
/// The interval between two checks for tables that need `ANALYZE`.
const ANALYZE_INTERVAL: Duration = Duration::from_secs(1);
/// How long requests in flight, workers and database connections may take to stop, all together.
const STOP_TIMEOUT: Duration = Duration::from_secs(6);
/// How long after the beginning of a stop a private cluster is killed that has not stopped, so that the whole stop takes less than eight
/// seconds.
const CLUSTER_STOP_TIMEOUT: Duration = Duration::from_millis(7400);

/// A running server.
#[derive(Debug)]
pub struct Server {
    addresses: Addresses,
    tls: Option<Tls>,
    stop: watch::Sender<bool>,
    http: HttpServer,
    app: AppState,
    workers: Workers,
    pool: Pool,
    cluster: Option<Cluster>,
}

impl Server {
    /// Starts a server that reads the time from `clock`, and returns when it can answer requests.
    ///
    /// # Errors
    /// When the address is in use, or the database cannot be used.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let (listeners, addresses) = addresses::bind(&config.listen).await?;
        let load_tls = |source| Tls::load(source, addresses.most_open(), &named_hosts(config));
        let tls = config.tls.as_ref().map(load_tls).transpose()?;
        let (options, mut cluster) = database(config).await?;
        let pool = Pool::new(
            options.clone(),
            PoolSettings {
                connections: config.connections,
                statement_timeout: config.request_timeout,
                ..PoolSettings::default()
            },
        );
        if !cluster.as_ref().is_some_and(Cluster::is_prepared) {
            connect::migrate(&pool).await?;
        }
        let app = Arc::new(app(config, clock, pool.clone(), &addresses).await?);
        load_state(config, &app).await?;
        if let Some(path) = &config.template {
            api::load_template(&app, path, cluster.is_some()).await.map_err(StartError::Template)?;
        }
        let core = Arc::clone(&app.core);
        let workers = Workers::start(&core, options, worker_count(config.connections), delivery_settings(config)?);
        let service = service(config, Arc::clone(&app), &addresses);
        warn_about_built_in_keys(config, &addresses);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(analyze_grown_tables(pool.clone(), stopped));
        let http = HttpServer::start(
            listeners,
            service,
            config.connection_limits,
            tls.as_ref().map(|tls| Arc::clone(&tls.config)),
        );
        if let Some(cluster) = &mut cluster {
            cluster.make_template();
        }
        if let Some(tls) = &tls {
            tls.log();
        }
        Ok(Self { addresses, tls, stop, http, app, workers, pool, cluster })
    }

    /// Returns the address that the server listens on, the first one if there are several.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.first()
    }

    /// Returns the base URL: `http://` and the address.
    #[must_use]
    pub fn url(&self) -> String {
        Scheme::Http.origin(&self.address().to_string())
    }

    /// Returns what the server needs for HTTPS, if it is served.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Returns the state that the services use.
    #[must_use]
    pub fn core(&self) -> Arc<Core> {
        Arc::clone(&self.app.core)
    }

    /// Creates a project with the content of the template, and returns it with a pair of keys for it.
    ///
    /// # Errors
    /// Returns an error when a database statement fails.
    pub async fn create_project(&self) -> Result<(ProjectId, KeyPair), Error> {
        self.app.authenticator.create_project(&self.app.core).await
    }

    /// Stops the server: requests in flight and the current slices of background jobs finish, then the connections are closed and the
    /// private cluster is stopped.
    pub async fn stop(self) {
        let Self { stop, http, app, workers, pool, cluster, .. } = self;
        let cluster_deadline = Instant::now() + CLUSTER_STOP_TIMEOUT;
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        let _ = stop.send(true);
        app.core.request_log.close();
        http.stop().await;
        if tokio::time::timeout_at(deadline, workers.stop()).await.is_err() {
            tracing::warn!(
                "a background job was still running when the server stopped; it continues after the next start"
            );
        }
        let _ = tokio::time::timeout_at(deadline, pool.close()).await;
        if let Some(cluster) = cluster {
            let _ = tokio::task::spawn_blocking(move || cluster.stop_by(cluster_deadline)).await;
        }
    }
}

/// Returns how webhook messages are delivered.
///
/// # Errors
/// When TLS cannot be initialised.
pub fn delivery_settings(config: &Config) -> Result<DeliverySettings, StartError> {
    let sender = Sender::new(config.webhooks.allow_link_local)?;
    Ok(DeliverySettings { sender, schedule: RetrySchedule::new(config.webhooks.retry_speed) })
}

/// Returns how many workers run when requests and workers share that many connections. There are at least two, because one of them may
/// be busy with a long job.
fn worker_count(connections: u32) -> u32 {
    (connections / 4).clamp(2, 4)
}

/// Runs `ANALYZE` on tables that have grown, until the server stops.
async fn analyze_grown_tables(pool: Pool, mut stopped: watch::Receiver<bool>) {
    let stop = async {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let check = async {
        let mut seen = pool.acquire_count();
        loop {
            tokio::time::sleep(ANALYZE_INTERVAL).await;
            // Tables grow only while connections are used, so an idle emulator sends no statements.
            if pool.acquire_count() == seen {
                continue;
            }
            // Requests report an unreachable database, so this task does not.
            let Ok(mut connection) = pool.acquire().await else { continue };
            match db::statistics::analyze_changed_tables(&mut connection).await {
                Ok(()) => connection.release(),
                Err(error) => tracing::debug!(%error, "failed to analyze tables"),
            }
            seen = pool.acquire_count();
        }
    };
    tokio::select! { () = stop => {}, () = check => {} }
}

/// Applies the migrations to the configured database, for the subcommand `migrate`.
///
/// # Errors
/// When the database cannot be used, or a migration fails.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    let (options, cluster) = database(config).await?;
    let pool = Pool::new(options, PoolSettings::default());
    connect::migrate(&pool).await?;
    pool.close().await;
    if let Some(cluster) = cluster {
        tokio::task::spawn_blocking(move || cluster.stop()).await?;
    }
    Ok(())
}

/// Returns the state that requests use, on a migrated database.
///
/// # Errors
/// When a database query fails.
pub async fn app(config: &Config, clock: Clock, pool: Pool, addresses: &Addresses) -> Result<App, StartError> {
    let node = connect::next_node(&pool).await.map_err(StartError::Database)?;
    let core = Arc::new(Core {
        batches: Batches::new(&pool),
        pool,
        clock,
        ids: Arc::new(Ids::new(node)),
        rules_cache: RulesCache::default(),
        job_scheduler: JobScheduler::default(),
        delivery_notifier: DeliveryNotifier::default(),
        request_log: RequestLog::new(config.request_log),
        faults: FaultCache::default(),
        fault_operations: api::fault_operations(),
        credentials: CacheGeneration::default(),
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
fn named_hosts(config: &Config) -> Vec<HostPattern> {
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

/// Loads the state document of the option `--state` into the default project, if the project is empty.
async fn load_state(config: &Config, app: &AppState) -> Result<(), StartError> {
    let Some(path) = &config.state else { return Ok(()) };
    let project = default_project(&app.core, &config.server_keys.id).await.map_err(ConfigureError::from)?;
    let Some(caller) = project else {
        tracing::warn!("the state was not loaded, because the default project was deleted");
        return Ok(());
    };
    if api::load_file(app, &caller, path).await.map_err(StartError::State)?.is_some() {
        tracing::info!(path = %path.display(), "loaded the state of the default project");
    } else {
        tracing::info!("the state was not loaded, because the default project is not empty");
    }
    Ok(())
}

/// Warns when other machines can reach the server with keys that everybody knows.
fn warn_about_built_in_keys(config: &Config, addresses: &Addresses) {
    let options = config.options_with_built_in_keys().join(", ");
    let address = addresses.most_open();
    if !addresses.are_loopback() && !options.is_empty() {
        tracing::warn!(
            "other machines can reach {address}, and the built-in keys of {options} are public: set keys of your own, for example in \
             environment variables, and use --strict-auth, so that unknown keys get no project"
        );
    }
}

/// Returns the connection options of the configured database once it answers, and the private cluster if there is one.
async fn database(config: &Config) -> Result<(PgConnectOptions, Option<Cluster>), StartError> {
    match &config.storage {
        Storage::Url(url) => {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                return Err(StartError::Url("it begins with neither postgres:// nor postgresql://".to_owned()));
            }
            let options: PgConnectOptions =
                url.parse().map_err(|error: sqlx::Error| StartError::Url(error.to_string()))?;
            tokio::time::timeout(DATABASE_TIMEOUT, wait_until_available(&options))
                .await
                .map_err(|_| StartError::Silent(DATABASE_TIMEOUT))??;
            Ok((options, None))
        }
        Storage::Private(durability) => {
            let cluster = start_cluster(config, durability).await?;
            Ok((cluster.main_database(), Some(cluster)))
        }
    }
}

/// Starts the private cluster. Fetches PostgreSQL first, where no suitable one is found.
async fn start_cluster(config: &Config, durability: &Durability) -> Result<Cluster, StartError> {
    let start = || {
        let (durability, programs, cache) = (durability.clone(), config.programs.clone(), config.cache_dir.clone());
        tokio::task::spawn_blocking(move || match durability {
            Durability::Ephemeral => Cluster::start_prepared(&programs, preparation(), cache.as_deref()),
            Durability::Persistent(_) => Cluster::start(&durability, &programs),
        })
    };
    let started = start().await?;
    #[cfg(feature = "fetch-postgresql")]
    if let (Err(error), Some(source)) = (&started, &config.programs.source)
        && config.programs.is_solved_by_fetching(error)
    {
        fetch(&config.programs, source).await?;
        return Ok(start().await??);
    }
    Ok(started?)
}

/// Returns how the database of an ephemeral cluster is prepared: the schema is migrated.
fn preparation() -> Preparation {
    Preparation {
        digest: connect::schema_digest(),
        prepare: |connection| Box::pin(async { Ok(connect::migrate_connection(connection).await?) }),
        trim: |mut connection| {
            Box::pin(async move {
                connect::drop_template_databases(&mut connection).await?;
                Ok(connection)
            })
        },
    }
}

/// Waits until the database answers, because a database that is starting refuses connections for a while.
async fn wait_until_available(options: &PgConnectOptions) -> Result<(), StartError> {
    let begun = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return connection.close().await.map_err(StartError::Database),
            Err(error) if db::error::is_unavailable(&error) && begun.elapsed() < DATABASE_TIMEOUT / 2 => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(StartError::Database(error)),
        }
    }
}
