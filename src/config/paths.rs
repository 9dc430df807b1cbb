//! The directories of this program in those of the user.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::postgres::ClusterError;

/// Returns the user's data directory for this program. For root it is under `/var/lib`, because PostgreSQL runs as
/// another user, which has no access to root's home directory.
pub fn data_dir() -> Result<PathBuf, ClusterError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/voucherify-emulator"));
    }
    project_directories().map(|directories| directories.data_local_dir().to_owned()).ok_or(ClusterError::NoHome)
}

/// Returns the directory of this program in the user's cache directory. PostgreSQL's user needs no access to it.
pub fn cache_dir() -> Option<PathBuf> {
    project_directories().map(|directories| directories.cache_dir().to_owned())
}

/// Returns the directory in which programs are kept that PostgreSQL's user must be able to run. That is the user's cache directory, and
/// for root one under `/var/cache`, because PostgreSQL runs as another user, which has no access to root's home directory.
pub fn program_cache_dir() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/cache/voucherify-emulator"));
    }
    cache_dir()
}

/// Returns the directory of the templates of ephemeral databases that an installation of the program may bring: for
/// `/usr/local/bin/voucherify-emulator` it is `/usr/local/share/voucherify-emulator/templates`.
pub fn shared_templates() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.parent()?.join("share/voucherify-emulator/templates"))
}

fn project_directories() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "voucherify-emulator")
}
