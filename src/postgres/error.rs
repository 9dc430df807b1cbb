//! Why there is no private cluster: each message says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private cluster cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "no PostgreSQL {minimum} or later was found on this machine (looked in PATH, pg_config and the usual places). \
         Install it with `{hint}`, or name a running one with DATABASE_URL"
    )]
    NotFound { minimum: u32, hint: &'static str },
    #[error(
        "the data directory {} was made by PostgreSQL {wanted}, which is not installed (found: {found}). \
         Install that version, or choose another --data-dir", .directory.display()
    )]
    OtherVersion { directory: PathBuf, wanted: String, found: String },
    #[error(
        "the data directory {} is in use by another voucherify-emulator. \
         Stop that one, or choose another --data-dir (or --ephemeral)", .directory.display()
    )]
    InUse { directory: PathBuf },
    #[error(
        "the data directory {} holds something else. Choose an empty or a new one with --data-dir", .directory.display()
    )]
    Foreign { directory: PathBuf },
    #[error("no home directory was found to keep data in. Name a directory with --data-dir, or use --ephemeral")]
    NoHome,
    #[error("PostgreSQL does not run as root, and neither a user `postgres` nor `nobody` exists to run it as")]
    NoUser,
    #[error(
        "PostgreSQL may not reach {}: it runs as another user than root, who must be able to pass through every directory \
         above. Choose another --data-dir, or `chmod o+x` those directories", .directory.display()
    )]
    Closed { directory: PathBuf },
    #[error("{program} failed: {output}")]
    Failed { program: &'static str, output: String },
    #[error("PostgreSQL did not start in time: {output}")]
    NotReady { output: String },
    #[error("{}: {error}", .path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl ClusterError {
    /// Says at which path an operation failed.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
