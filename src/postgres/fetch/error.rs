//! Why PostgreSQL could not be fetched.

use std::io;
use std::path::PathBuf;

use crate::domain::error_text::io_reason;
use crate::postgres::find;

/// PostgreSQL could not be fetched. The message names the ways out.
#[derive(Debug, thiserror::Error)]
#[error(
    "no suitable PostgreSQL is installed, and PostgreSQL {version} could not be fetched from {url}: {failure}. Start again to \
     repeat this, install PostgreSQL with `{}`, name the directory of its programs with --postgres-bin, or set DATABASE_URL to \
     a running one",
    find::install_hint()
)]
pub struct FetchError {
    pub(super) version: String,
    /// The URL of the releases, without user and password.
    pub(super) url: String,
    pub(super) failure: Failure,
}

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("there is no home directory for the copy")]
    NoDirectory,
    #[error("there are no programs for this kind of machine ({} on {})", std::env::consts::OS, std::env::consts::ARCH)]
    NoBuild,
    #[error(
        "the root certificates of this machine, which HTTPS needs, cannot be read ({0}). Install them, for example with the \
         package `ca-certificates`"
    )]
    Certificates(String),
    #[error("the host cannot be reached ({0}). Where a proxy is needed, set HTTPS_PROXY")]
    Unreachable(String),
    #[error("the host did not answer within {0} s. Where a proxy is needed, set HTTPS_PROXY")]
    Silent(u64),
    #[error("the host answered with the status {0}")]
    Status(u16),
    #[error("the connection ended after {0} bytes, which are kept for the next attempt")]
    Interrupted(u64),
    #[error("the file with the checksum, {0}, has none")]
    NoChecksum(String),
    #[error("the archive does not have the published checksum, and was removed")]
    WrongChecksum,
    #[error("the archive cannot be unpacked ({0})")]
    Archive(String),
    #[error("its programs do not run on this machine ({0})")]
    Unusable(String),
    #[error("cannot use {} ({})", .0.display(), io_reason(.1))]
    Io(PathBuf, io::Error),
    #[error("a task failed ({0})")]
    Task(#[from] tokio::task::JoinError),
}

impl Failure {
    /// Returns a function that adds the path to an I/O error.
    pub fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io(path, error)
    }
}
