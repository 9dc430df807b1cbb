//! The files of a template, and its name.

use std::env;
use std::io::{self, Read, Write};

use super::copy;
use super::error::ClusterError;
use super::manifest::{self, Manifest};
use super::open_directory::OpenDirectory;
use super::user::RunAs;

/// Name prefix of a template. A digest of what identifies its content follows.
pub const PREFIX: &str = "template-";
/// Names inside of a template.
pub const DATA: &str = "data";
pub const MANIFEST: &str = "manifest";
/// The first byte of the state in `global/pg_control`, and the state of a cluster that was stopped cleanly. All
/// versions of PostgreSQL since 8.2 have the same.
pub const CONTROL_STATE_OFFSET: usize = 16;
pub const CONTROL_STATE_SHUT_DOWN: u32 = 1;

/// Returns the name of the template that `content` identifies, of this program.
pub fn name(content: &str) -> String {
    let identity = format!("{} {} {} {content}", env!("CARGO_PKG_VERSION"), env::consts::OS, env::consts::ARCH);
    format!("{PREFIX}{}", manifest::digest(&identity))
}

/// Returns whether a copy failed because there is no room for it.
pub fn is_lack_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Reads the manifest of a template.
///
/// # Errors
/// Returns an error when it is missing or damaged.
pub fn read_manifest(template: &OpenDirectory) -> Result<Manifest, ClusterError> {
    let path = template.path().join(MANIFEST);
    let mut text = String::new();
    template.read(MANIFEST)?.read_to_string(&mut text).map_err(ClusterError::at(&path))?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    Manifest::parse(&text).ok_or_else(damaged).map_err(ClusterError::at(&path))
}

/// Writes a template: a copy of a stopped cluster, and its manifest.
///
/// # Errors
/// Returns an error when a file cannot be read or written.
pub fn write(template: &OpenDirectory, from: &OpenDirectory, manifest: &Manifest) -> Result<(), ClusterError> {
    let data = template.create(DATA)?;
    copy::copy(from, &data, manifest, None, true).map_err(ClusterError::at(data.path()))?;
    let mut file = template.append(MANIFEST, RunAs::CURRENT)?;
    file.write_all(manifest.to_text().as_bytes()).map_err(ClusterError::at(&template.path().join(MANIFEST)))
}

/// Checks that a cluster was stopped cleanly.
///
/// # Errors
/// Returns an error when it was not, or its state cannot be read.
pub fn check_shut_down(data: &OpenDirectory) -> Result<(), ClusterError> {
    let path = data.path().join("global/pg_control");
    let mut control = [0; CONTROL_STATE_OFFSET + 4];
    data.directory("global")?.read("pg_control")?.read_exact(&mut control).map_err(ClusterError::at(&path))?;
    let state = control.last_chunk().copied().map(u32::from_ne_bytes);
    if state == Some(CONTROL_STATE_SHUT_DOWN) {
        return Ok(());
    }
    Err(ClusterError::at(&path)(io::Error::other("the cluster was not stopped cleanly")))
}
