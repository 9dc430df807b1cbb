//! Errors of the private cluster. Each message names the way out.

use std::io;
use std::path::{Path, PathBuf};

use super::preparation::PreparationError;
use crate::domain::error_text::without_number;

/// Why nothing is fetched, and how to change that.
const NOT_FETCHED: [&str; 2] = if cfg!(feature = "fetch-postgresql") {
    ["with --no-download", "leave --no-download out"]
} else {
    ["by a program that was built without the feature `fetch-postgresql`", "build it with that feature"]
};

/// Why the private cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "no PostgreSQL {minimum} or later was found on this machine (searched PATH, pg_config and the usual directories), and \
         none is fetched {}. Install it with `{hint}`, name the directory of its programs with --postgres-bin, \
         {}, or set DATABASE_URL to a running one", NOT_FETCHED[0], NOT_FETCHED[1]
    )]
    NotFound { minimum: u32, hint: &'static str },
    #[error(
        "--postgres-bin {}: this directory does not contain the programs `initdb` and `postgres` of PostgreSQL {minimum} or \
         later. Correct the option, or leave it out", .directory.display()
    )]
    NoPrograms { directory: PathBuf, minimum: u32 },
    #[error(
        "PostgreSQL does not run as root, its user has no access to the programs in {}, and they cannot be copied: {error}. \
         Choose a directory that every user can read with --postgres-bin, or run the emulator as another user",
        .directory.display()
    )]
    ClosedPrograms { directory: PathBuf, error: String },
    #[error(
        "the data directory {} was created by PostgreSQL {wanted}, which is not installed (found: {found}). \
         Install that version, or choose another --data-dir", .directory.display()
    )]
    OtherVersion { directory: PathBuf, wanted: String, found: String },
    #[error(
        "the data directory {} is in use by another voucherify-emulator. \
         Stop that one, or choose another --data-dir (or --ephemeral)", .directory.display()
    )]
    InUse { directory: PathBuf },
    #[error(
        "the data directory {} holds something else. Choose an empty or new directory with --data-dir", .directory.display()
    )]
    Foreign { directory: PathBuf },
    #[error("no home directory was found for the data. Choose a directory with --data-dir, or use --ephemeral")]
    NoHome,
    #[error(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as. \
         Create one of them, or run the emulator as another user"
    )]
    NoUser,
    #[error(
        "PostgreSQL has no access to {}: it does not run as root, and its user needs execute permission on every \
         parent directory. Choose another --data-dir, or `chmod o+x` those directories", .directory.display()
    )]
    Closed { directory: PathBuf },
    #[error("{program} failed: {output}")]
    Failed { program: &'static str, output: String },
    #[error(transparent)]
    Preparation(PreparationError),
    #[error("PostgreSQL did not start in time: {output}")]
    NotReady { output: String },
    #[error(
        "{} is a symbolic link, which may lead to files outside of the data. \
         Remove the link, or choose another --data-dir", .path.display()
    )]
    Link { path: PathBuf },
    #[error(
        "the data directory {} is a symbolic link of another user (user ID {owner}). \
         Replace the link with your own, or choose the directory itself with --data-dir", .path.display()
    )]
    ForeignLink { path: PathBuf, owner: u32 },
    #[error(
        "{} belongs to another user (user ID {owner}), who could change the data. \
         If you trust its content, run `chown {wanted} {}`; otherwise choose another --data-dir",
        .path.display(), .path.display()
    )]
    ForeignOwner { path: PathBuf, owner: u32, wanted: u32 },
    #[error("{} is not a directory. Remove it, or choose another --data-dir", .path.display())]
    NotDirectory { path: PathBuf },
    #[error("{} is not a file of its own. Remove it, or choose another --data-dir", .path.display())]
    NotFile { path: PathBuf },
    #[error(
        "the data directory {} is a directory that users share. Choose a directory inside of it with --data-dir",
        .directory.display()
    )]
    SharedDirectory { directory: PathBuf },
    #[error("cannot use {}: {}. Correct this, or choose another --data-dir", .path.display(), without_number(.error))]
    Io { path: PathBuf, error: io::Error },
}

impl ClusterError {
    /// Returns a function that adds the path to an I/O error.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
