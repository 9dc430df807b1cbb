//! The release of PostgreSQL that is fetched where none is installed.

use std::path::Path;

/// The pinned version: major and minor version of PostgreSQL, and the number of the build. The data of a private PostgreSQL can only be
/// used with the major version that made it, so another one is pinned only together with a way to convert the data.
const VERSION: &str = "18.6.0";

/// A release of <https://github.com/theseus-rs/postgresql-binaries>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    version: String,
}

impl Default for Release {
    fn default() -> Self {
        Self::new(VERSION)
    }
}

impl Release {
    /// Returns the release with this version, for example `18.6.0`.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self { version: version.to_owned() }
    }

    /// Returns the version, for example `18.6.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the major version of PostgreSQL.
    #[must_use]
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or_default()
    }

    /// Returns the name of the release for this machine, for example `postgresql-18.6.0-x86_64-unknown-linux-gnu`; `None` when there is
    /// none for this kind of machine.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        Some(format!("postgresql-{}-{}", self.version, target()?))
    }
}

/// Returns the name of this kind of machine in the names of releases; `None` when no release supports it.
fn target() -> Option<String> {
    let architecture = Some(std::env::consts::ARCH).filter(|name| matches!(*name, "x86_64" | "aarch64"))?;
    match std::env::consts::OS {
        "macos" => Some(format!("{architecture}-apple-darwin")),
        "linux" => {
            Some(format!("{architecture}-unknown-linux-{}", if runs_musl(architecture) { "musl" } else { "gnu" }))
        }
        _ => None,
    }
}

/// Returns whether the programs of this machine use musl and not glibc. This program may be linked with musl and run on both.
fn runs_musl(architecture: &str) -> bool {
    cfg!(target_env = "musl") && Path::new(&format!("/lib/ld-musl-{architecture}.so.1")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_the_version_and_the_kind_of_machine() {
        let release = Release::default();
        assert_eq!((release.version(), release.major()), (VERSION, "18"));
        let name = release.name().unwrap();
        let target = name.strip_prefix("postgresql-18.6.0-").unwrap();
        let known = ["x86_64", "aarch64"].map(|architecture| {
            ["unknown-linux-gnu", "unknown-linux-musl", "apple-darwin"].map(|system| format!("{architecture}-{system}"))
        });
        assert!(known.iter().flatten().any(|known| known == target), "{target}");
    }
}
