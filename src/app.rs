//! Starts the server from its parts (database, router, workers, listener), and stops it in order.

mod addresses;
mod build;
mod database;
mod documents;
mod error;
mod port_owner;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use self::addresses::Addresses;
pub use self::build::{app, service};
pub use self::database::migrate;
use self::database::{analyze_grown_tables, database, migrate_schema};
pub use self::error::StartError;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::pool::{Pool, PoolSettings};
use crate::domain::project::{KeyPair, ProjectId};
use crate::domain::webhook::RetrySchedule;
use crate::http::HttpServer;
use crate::http::scheme::Scheme;
use crate::http::state::AppState;
use crate::postgres::Cluster;
use crate::service::{Core, Error};
use crate::tls::Tls;
use crate::webhook::Sender;
use crate::worker::{DeliverySettings, Workers};

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
        let load_tls = |source| Tls::load(source, addresses.most_open(), &build::named_hosts(config));
        let tls = config.tls.as_ref().map(load_tls).transpose()?;
        let (database, mut cluster) = database(config).await?;
        let pool = Pool::new(
            database.clone(),
            PoolSettings {
                connections: config.connections,
                statement_timeout: config.request_timeout,
                ..PoolSettings::default()
            },
        );
        if !cluster.as_ref().is_some_and(Cluster::is_prepared) {
            migrate_schema(config, &pool).await?;
        }
        let app = Arc::new(app(config, clock, pool.clone(), &addresses).await?);
        documents::load(config, &app, cluster.is_some()).await?;
        let core = Arc::clone(&app.core);
        let workers = Workers::start(&core, database, worker_count(config.connections), delivery_settings(config)?);
        let service = service(config, Arc::clone(&app), &addresses);
        warn_about_built_in_keys(config, &addresses);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(analyze_grown_tables(pool.clone(), stopped));
        let http = HttpServer::start(
            listeners,
            service,
            config.connection_limits,
            core.metrics.requests.connections.clone(),
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

    /// Returns the data directory of the private PostgreSQL, if there is one.
    #[must_use]
    pub fn data_directory(&self) -> Option<&Path> {
        self.cluster.as_ref().map(Cluster::directory)
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
        app.core.tracer.stop(deadline).await;
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
