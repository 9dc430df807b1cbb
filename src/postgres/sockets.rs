//! The directory of PostgreSQL's socket. The path of a socket may have few bytes, however long the path of the data is.

use std::env;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::ClusterError;

/// Bytes of the path of a socket directory. The path of a socket may have 103 bytes on every system: macOS has room for 104 with the zero
/// at the end, Linux for 108.
const MAX_DIRECTORY_BYTES: usize = 103 - "/.s.PGSQL.5432".len();
/// Name prefix of a directory for sockets outside of the data. Random letters follow.
const PREFIX: &str = "voucherify-emulator-run-";
const RANDOM_LETTERS: usize = 6;
/// Directories for temporary files with short paths, one of which every system has.
const SHORT_DIRECTORIES: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Returns whether the path of a socket in the directory is short enough, and one that the client's library supports: it must be UTF-8.
pub fn fits(directory: &Path) -> bool {
    directory.to_str().is_some_and(|path| path.len() <= MAX_DIRECTORY_BYTES)
}

/// Creates a directory whose path is short enough: in the directory for temporary files, or else in one that every system has.
///
/// # Errors
/// Returns an error when none of them can be written.
pub fn create() -> Result<TempDir, ClusterError> {
    create_in([env::temp_dir()].into_iter().chain(SHORT_DIRECTORIES.map(PathBuf::from)))
}

fn create_in(places: impl Iterator<Item = PathBuf>) -> Result<TempDir, ClusterError> {
    let mut failure = None;
    for place in places.filter(|place| fits(&place.join("x".repeat(PREFIX.len() + RANDOM_LETTERS)))) {
        match tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM_LETTERS).tempdir_in(&place) {
            Ok(directory) => return Ok(directory),
            Err(error) => failure = failure.or(Some((place, error))),
        }
    }
    Err(failure.map_or(ClusterError::NoShortDirectory, |(path, error)| ClusterError::temporary(&path, &error)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn the_first_place_is_used_whose_path_is_short_and_that_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("l".repeat(80));
        fs::create_dir(&long).unwrap();
        let missing = folder.path().join("missing");
        let created = create_in([long.clone(), missing.clone(), folder.path().to_owned()].into_iter()).unwrap();
        assert_eq!(created.path().parent(), Some(folder.path()));
        assert!(fits(created.path()) && !fits(Path::new(OsStr::from_bytes(b"/\xe9"))));
        assert!(matches!(create_in([long].into_iter()), Err(ClusterError::NoShortDirectory)));
        let error = create_in([missing.clone()].into_iter()).unwrap_err().to_string();
        let expected = format!("{}, cannot be used: No such file or directory.", missing.display());
        assert!(error.contains(&expected), "{error}");
    }
}
