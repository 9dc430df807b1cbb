//! Finds the PostgreSQL programs installed on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io, thread};

use super::children;
use super::environment::clean_environment;
use super::error::ClusterError;

/// The oldest supported major version.
const MIN_MAJOR_VERSION: u32 = 13;

/// Directories where distributions install PostgreSQL. A `*` matches any text within one path component.
const DISTRIBUTION_DIRECTORIES: &[&str] = &[
    // Debian, Ubuntu
    "/usr/lib/postgresql/*/bin",
    // Fedora and Red Hat: the distribution's packages and PostgreSQL's own
    "/usr/bin",
    "/usr/pgsql-*/bin",
    // Alpine
    "/usr/libexec/postgresql*",
    // Arch, builds from source, NixOS
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/run/current-system/sw/bin",
    // Homebrew on Apple and Intel machines, and on Linux
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    // Postgres.app
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// An installation: a directory with `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Installation {
    pub major: u32,
    pub directory: PathBuf,
    /// What `postgres --version` prints.
    pub version: String,
}

impl Installation {
    /// Returns the path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Returns the installation in the directory `programs`, which must be of the version `major`, where that is given. `directory` is named in
/// the error.
pub fn find_in(programs: &Path, major: Option<&str>, directory: &Path) -> Result<Installation, ClusterError> {
    let programs = std::path::absolute(programs).unwrap_or_else(|_| programs.to_owned());
    let none = || ClusterError::NoPrograms { directory: programs.clone(), minimum: MIN_MAJOR_VERSION };
    let found = installation_in(&programs).ok_or_else(none)?;
    select([found].into(), major, directory)
}

/// Returns the installation in a directory, if it has one whose version is supported.
pub fn installation_in(programs: &Path) -> Option<Installation> {
    with_programs([programs.to_owned()]).first().and_then(|known| installation(known))
}

/// Returns the newest installation or, where `major` is given, one of that version. `directory` is named in the error.
pub fn select(
    mut found: BTreeSet<Installation>,
    major: Option<&str>,
    directory: &Path,
) -> Result<Installation, ClusterError> {
    let Some(wanted) = major else { return found.pop_last().ok_or_else(not_found) };
    let majors: Vec<_> = found.iter().map(|installation| installation.major.to_string()).collect();
    let other = || ClusterError::OtherVersion {
        directory: directory.to_owned(),
        wanted: wanted.to_owned(),
        found: if majors.is_empty() { "none".to_owned() } else { majors.join(", ") },
    };
    found.into_iter().find(|installation| installation.major.to_string() == wanted).ok_or_else(other)
}

fn not_found() -> ClusterError {
    ClusterError::NotFound { minimum: MIN_MAJOR_VERSION, hint: install_hint() }
}

/// Returns all supported installations of the machine, oldest first.
pub fn installations() -> BTreeSet<Installation> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
    directories.extend(DISTRIBUTION_DIRECTORIES.iter().flat_map(|pattern| expand(pattern)));
    // Run the programs at the same time, because each takes several milliseconds.
    thread::scope(|scope| {
        let pg_config = scope.spawn(pg_config_directory);
        let known = with_programs(directories);
        let versions: Vec<_> =
            known.clone().into_iter().map(|known| scope.spawn(move || installation(&known))).collect();
        let other = with_programs(pg_config.join().ok().flatten());
        let others: Vec<_> = other.difference(&known).filter_map(|other| installation(other)).collect();
        versions.into_iter().filter_map(|version| version.join().ok().flatten()).chain(others).collect()
    })
}

/// Returns those of the directories that contain PostgreSQL's programs. Links are resolved, so that a link in `PATH` and
/// its target count as one installation.
fn with_programs(directories: impl IntoIterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
    directories
        .into_iter()
        .filter(|directory| directory.is_absolute())
        .filter_map(|directory| fs::canonicalize(directory.join("postgres")).ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .filter(|directory| directory.join("initdb").exists())
        .collect()
}

/// Returns the installation in a directory, if its version is supported.
fn installation(directory: &Path) -> Option<Installation> {
    let version = version(&directory.join("postgres"))?;
    let major = parse_major(&version).filter(|major| *major >= MIN_MAJOR_VERSION)?;
    Some(Installation { major, directory: directory.to_owned(), version })
}

/// Returns the program directory that `pg_config` reports, if `pg_config` is installed.
fn pg_config_directory() -> Option<PathBuf> {
    let mut command = Command::new("pg_config");
    clean_environment(&mut command);
    let output = children::output(command.arg("--bindir")).ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Returns the version that a `postgres` program prints, for example `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn version(postgres: &Path) -> Option<String> {
    let output = print_version(postgres).ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program of PostgreSQL with `--version`.
pub fn print_version(program: &Path) -> io::Result<Output> {
    let mut command = Command::new(program);
    clean_environment(&mut command);
    children::output(command.arg("--version"))
}

fn parse_major(version: &str) -> Option<u32> {
    let number = version.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Returns the directories that match a pattern with at most one `*`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let after = after.trim_start_matches('/');
    let Ok(entries) = fs::read_dir(if parent.is_empty() { "/" } else { parent }) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| if after.is_empty() { entry.path() } else { entry.path().join(after) })
        .collect()
}

/// Returns the command that installs PostgreSQL on this system.
pub fn install_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17";
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default().to_lowercase();
    let is_like = |name: &str| {
        release
            .lines()
            .filter_map(|line| line.strip_prefix("id=").or_else(|| line.strip_prefix("id_like=")))
            .any(|names| names.trim_matches('"').split(' ').any(|id| id == name))
    };
    match () {
        () if is_like("debian") || is_like("ubuntu") => "sudo apt-get install postgresql",
        () if is_like("fedora") || is_like("rhel") => "sudo dnf install postgresql-server",
        () if is_like("alpine") => "apk add postgresql",
        () if is_like("arch") => "sudo pacman -S postgresql",
        () if is_like("suse") || is_like("opensuse") => "sudo zypper install postgresql-server",
        () => "your package manager's postgresql server package",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_version_is_parsed_from_program_output() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("mysqld 8"), None);
    }

    #[test]
    fn star_matches_any_text_within_a_component() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pg-13/bin", "pg-17/bin", "other/bin"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let mut found = expand(&format!("{}/pg-*/bin", root.path().display()));
        found.sort();
        assert_eq!(found, [root.path().join("pg-13/bin"), root.path().join("pg-17/bin")]);
    }
}
