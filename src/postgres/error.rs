//! Errors of the private cluster. Each message names the way out.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::preparation::PreparationError;
use super::report;
use crate::domain::error_text::io_reason;

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
        "the data directory {} was created by PostgreSQL {wanted}, which is not installed (found: {found}). Install that version, name its \
         programs with --postgres-bin, or choose another --data-dir. To carry the data over, start with PostgreSQL {wanted}, save the answer \
         of GET /_emulator/state, and load it with --state in another --data-dir", .directory.display()
    )]
    OtherVersion { directory: PathBuf, wanted: String, found: String },
    #[error(
        "the data directory {} is in use by another voucherify-emulator. \
         Stop that one, or choose another --data-dir (or --ephemeral)", .directory.display()
    )]
    InUse { directory: PathBuf },
    #[error(
        "the data directory {} is in use by a PostgreSQL that the emulator did not start (process {process}). \
         Stop that one, or choose another --data-dir", .directory.display()
    )]
    InUseByOther { directory: PathBuf, process: i32 },
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
    #[error(
        "{} is not a data directory of PostgreSQL: it contains no readable file PG_VERSION. Remove it, or choose another --data-dir",
        .path.display()
    )]
    NotData { path: PathBuf },
    #[error(
        "the path {} contains a line break, which PostgreSQL does not support. Choose another --data-dir, or another TMPDIR with --ephemeral",
        .path.display().to_string().escape_debug()
    )]
    LineBreak { path: PathBuf },
    #[error(
        "PostgreSQL's initdb does not run in the directory {}, because its path contains one of the characters \" $ ` \\ or a line break. \
         Choose other programs with --postgres-bin, or another cache directory (XDG_CACHE_HOME)", .directory.display()
    )]
    UnsupportedPath { directory: PathBuf },
    #[error(
        "the user ID {user} has no name on this machine (no entry in /etc/passwd), and PostgreSQL's initdb needs one. \
         Add an entry for it, run the emulator as another user, or set DATABASE_URL to a running PostgreSQL"
    )]
    NamelessUser { user: u32 },
    #[error("the new data directory {} cannot be initialised: {report}. Correct this, or choose another --data-dir", .directory.display())]
    NotInitialised { directory: PathBuf, report: String },
    #[error("PostgreSQL does not start with the data in {}: {report}. {}", .directory.display(), report::advice(.report))]
    NotStarted { directory: PathBuf, report: String },
    #[error(
        "a temporary PostgreSQL does not start: {report}. Correct this, or set DATABASE_URL to a running PostgreSQL"
    )]
    NotStartedTemporary { report: String },
    #[error("a process of PostgreSQL cannot be controlled: {0}")]
    Process(String),
    #[error(transparent)]
    Preparation(PreparationError),
    #[error(
        "PostgreSQL did not answer within {} s of its start: {report}. Start the emulator again when the machine is less busy, or set \
         DATABASE_URL to a running PostgreSQL", .waited.as_secs()
    )]
    NotReady { waited: Duration, report: String },
    #[error(
        "the directory for temporary files, {}, cannot be used: {reason}. Set TMPDIR to one that can be written, or choose a --data-dir",
        .path.display()
    )]
    Temporary { path: PathBuf, reason: String },
    #[error(
        "PostgreSQL's socket needs a directory with a short path, and neither TMPDIR nor /tmp is one. \
         Set TMPDIR to a directory whose path has at most 50 characters"
    )]
    NoShortDirectory,
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
    #[error("cannot use {}: {}. Correct this, or choose another --data-dir", .path.display(), io_reason(.error))]
    Io { path: PathBuf, error: io::Error },
}

impl ClusterError {
    /// Returns a function that adds the path to an I/O error.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }

    /// Returns the error for a directory for temporary files in which no directory can be created.
    pub(super) fn temporary(path: &Path, error: &io::Error) -> Self {
        Self::Temporary { path: path.to_owned(), reason: io_reason(error) }
    }
}
