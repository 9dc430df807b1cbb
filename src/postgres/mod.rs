//! The private PostgreSQL cluster: finds PostgreSQL on the machine, initialises a cluster, runs it on a Unix socket,
//! and stops it.

mod cluster;
mod directory;
mod environment;
mod error;
mod find;
mod open_directory;
mod orphan;
mod supervisor;
mod user;

pub use cluster::{Cluster, Durability};
pub use error::ClusterError;
