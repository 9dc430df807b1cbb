//! A private PostgreSQL cluster: found on the machine, initialised, started on a Unix socket, watched, stopped.

mod cluster;
mod directory;
mod error;
mod find;
mod orphan;
mod supervisor;
mod user;

pub use cluster::{Cluster, Durability};
pub use error::ClusterError;
