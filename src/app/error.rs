//! Why the server did not start.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::port_owner::{PortOwner, port_owner};
use crate::api::FileError;
use crate::config::OptionsError;
use crate::db::connect::SchemaError;
use crate::domain::error_text::without_number;
use crate::postgres::ClusterError;
#[cfg(feature = "fetch-postgresql")]
use crate::postgres::FetchError;
use crate::service::configured_keys::ConfigureError;
use crate::tls::TlsError;
use crate::webhook::SenderError;

/// Why the server did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {}. Choose another address; --listen {}:0 picks a free port", without_number(.error), host(.address))]
    Listen { address: SocketAddr, error: io::Error },
    #[error("cannot listen on {address}: {owner} listens there. Stop it, or choose another address; --listen {}:0 picks a free port", host(.address))]
    InUse { address: SocketAddr, owner: PortOwner },
    #[error(
        "cannot listen on {host}: the name has no address. Choose another host, or give a port alone for this machine only"
    )]
    UnknownHost { host: String },
    #[error("DATABASE_URL is not a PostgreSQL URL: {0}. It looks like postgres://user:password@host:5432/database")]
    Url(String),
    #[error("the database cannot be reached: {}. Check DATABASE_URL, or leave it out for a private PostgreSQL", without_number(.0))]
    Database(sqlx::Error),
    #[error("the database did not answer within {} s. Check DATABASE_URL, or leave it out for a private PostgreSQL", .0.as_secs())]
    Silent(Duration),
    #[error(
        "DATABASE_URL names a pooler of connections (PgBouncer or another) that gives each transaction another session of PostgreSQL: name \
         PostgreSQL itself, or a pool in session mode"
    )]
    Pooler,
    #[error(
        "the tables cannot be distributed: {0}. The database must be the coordinator of a Citus cluster whose servers were added to it"
    )]
    Distribution(sqlx::Error),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[cfg(feature = "fetch-postgresql")]
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Keys(#[from] ConfigureError),
    #[error("{0}. Correct the file of --state, or leave the option out")]
    State(FileError),
    #[error("{0}. Correct the file of --template, or leave the option out")]
    Template(FileError),
    #[error(transparent)]
    Sender(#[from] SenderError),
    #[error("a task of the start failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl StartError {
    /// Returns the error for an address that cannot be listened on. It names the process that uses the address, if that is known.
    pub(super) fn listen(address: SocketAddr, error: io::Error) -> Self {
        let owner = (error.kind() == io::ErrorKind::AddrInUse).then(|| port_owner(address)).flatten();
        match owner {
            Some(owner) => Self::InUse { address, owner },
            None => Self::Listen { address, error },
        }
    }
}

/// Returns the host of an address as `--listen` takes it.
fn host(address: &SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}
