//! The private PostgreSQL cluster: finds PostgreSQL on the machine, or fetches it, initialises a cluster, runs it on a Unix
//! socket, and stops it.
//!
//! An ephemeral cluster is a copy of a template, which is made once and kept in the user's cache directory.

mod children;
mod cluster;
mod copy;
mod directory;
mod environment;
mod error;
#[cfg(feature = "fetch-postgresql")]
mod fetch;
mod find;
mod manifest;
mod open_directory;
mod orphan;
mod preparation;
mod programs;
mod release;
mod report;
mod shared_template;
mod sockets;
mod start;
mod supervisor;
mod template;
mod template_files;
mod template_maker;
mod user;
mod version_directory;

pub use children::{inherits_processes, reap_inherited};
pub use cluster::Cluster;
pub use directory::tls_directory;
pub use error::ClusterError;
#[cfg(feature = "fetch-postgresql")]
pub use fetch::{FetchError, fetch};
pub use preparation::{Preparation, PreparationError};
pub use programs::{Programs, Source};
pub use release::Release;
pub use start::Durability;
