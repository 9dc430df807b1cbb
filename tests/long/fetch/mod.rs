//! PostgreSQL that is fetched where none is installed, from a server of the test.

mod server;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tempfile::TempDir;
use tokio::time::timeout;
use voucherify_emulator::app::Server;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::Config;
use voucherify_emulator::postgres::{Programs, Release, Source, fetch};

use self::server::{Fault, ReleaseServer};
use crate::command_line::installed_programs;

const POSTGRES: &str = "#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n";

/// A machine without PostgreSQL, and a server that publishes a release for it.
struct Machine {
    folder: TempDir,
    server: ReleaseServer,
    programs: Programs,
    name: String,
}

impl Machine {
    fn new(version: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL's user must be able to enter it.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let server = ReleaseServer::start();
        let release = Release::new(version);
        let name = release.name().unwrap();
        let programs = Programs {
            directory: None,
            ignore_installed: true,
            copies: Some(folder.path().join("copies")),
            release,
            source: Some(Source { base_url: server.url(), shows_progress: false }),
        };
        Self { folder, server, programs, name }
    }

    /// A machine for which small programs are published, which do nothing but print the version.
    fn with_small_release() -> Self {
        let machine = Self::new("18.6.0");
        machine.publish(machine.small_archive(POSTGRES));
        machine
    }

    fn small_archive(&self, postgres: &str) -> Vec<u8> {
        // Bytes that cannot be compressed make the archive as large as several packets.
        let mut state = 1_u32;
        let filler: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(200_000)
        .collect();
        archive(&[
            (format!("{}/share/filler", self.name), filler),
            (format!("{}/bin/postgres", self.name), postgres.into()),
            (format!("{}/bin/initdb", self.name), b"#!/bin/sh\n".into()),
        ])
    }

    fn publish(&self, archive: Vec<u8>) {
        self.server.publish(self.programs.release.version(), &self.name, archive);
    }

    async fn fetch(&self) -> Result<(), String> {
        let source = self.programs.source.as_ref().unwrap();
        fetch(&self.programs, source).await.map_err(|error| error.to_string())
    }

    /// Fetches, which must fail without leaving a copy.
    async fn fetch_error(&self) -> String {
        let error = self.fetch().await.unwrap_err();
        assert!(!self.copy().exists(), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert!(error.contains("--postgres-bin") && error.contains("DATABASE_URL"), "{error}");
        error
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copies").join(&self.name)
    }

    fn part(&self) -> PathBuf {
        self.copy().with_file_name(format!("{}.tar.gz.part", self.name))
    }

    /// The content of the directory for copies, without the file that is locked.
    fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("copies")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| *name != format!("{}.lock", self.name)).collect()
    }

    #[track_caller]
    fn assert_fetched(&self) {
        assert_eq!(self.entries(), [self.name.as_str()]);
        assert_eq!(fs::read_to_string(self.copy().join("bin/postgres")).unwrap(), POSTGRES);
    }
}

/// Returns a compressed archive of programs.
fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    // Not compressed, because that takes long without optimisation.
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[tokio::test]
async fn release_is_fetched_once() {
    let machine = Machine::with_small_release();
    machine.fetch().await.unwrap();
    machine.assert_fetched();
    machine.fetch().await.unwrap();
    assert_eq!(machine.server.take_ranges(), [""]);
}

#[tokio::test]
async fn damaged_copy_is_replaced() {
    let machine = Machine::with_small_release();
    machine.fetch().await.unwrap();
    fs::write(machine.copy().join("bin/postgres"), "").unwrap();
    // A process that was killed while it unpacked an archive leaves this.
    fs::create_dir(machine.copy().with_file_name("fetched.new-abc")).unwrap();
    machine.fetch().await.unwrap();
    machine.assert_fetched();
}

#[tokio::test]
async fn concurrent_fetches_download_once() {
    let machine = Machine::with_small_release();
    let (first, second, third) = tokio::join!(machine.fetch(), machine.fetch(), machine.fetch());
    assert_eq!([first, second, third], [Ok(()), Ok(()), Ok(())]);
    machine.assert_fetched();
    assert_eq!(machine.server.take_ranges(), [""]);
}

#[tokio::test]
async fn interrupted_download_is_continued() {
    let machine = Machine::with_small_release();
    machine.server.add_faults(&[Fault::CloseAfter(50_000), Fault::CloseAfter(70_000)]);
    machine.fetch().await.unwrap();
    machine.assert_fetched();
    assert_eq!(machine.server.take_ranges(), ["", "bytes=50000-", "bytes=120000-"]);

    let machine = Machine::with_small_release();
    machine.server.ignore_ranges();
    machine.server.add_faults(&[Fault::CloseAfter(50_000)]);
    machine.fetch().await.unwrap();
    machine.assert_fetched();
}

#[tokio::test]
async fn next_start_continues_the_download() {
    let machine = Machine::with_small_release();
    machine.server.add_faults(&[Fault::CloseAfter(50_000), Fault::CloseAfter(0)]);
    let error = machine.fetch_error().await;
    assert!(error.contains("the connection ended after 50000 bytes"), "{error}");
    machine.server.take_ranges();
    // The start is stopped while the host sends nothing.
    machine.server.add_faults(&[Fault::HangAfter(10_000)]);
    assert!(timeout(Duration::from_secs(1), machine.fetch()).await.is_err());
    machine.fetch().await.unwrap();
    machine.assert_fetched();
    assert_eq!(machine.server.take_ranges(), ["bytes=50000-", "bytes=60000-"]);
}

#[tokio::test]
async fn part_of_another_archive_is_discarded() {
    for length in [10, 1_000_000] {
        let machine = Machine::with_small_release();
        fs::create_dir_all(machine.folder.path().join("copies")).unwrap();
        fs::write(machine.part(), vec![7; length]).unwrap();
        machine.fetch().await.unwrap();
        machine.assert_fetched();
    }
}

#[tokio::test]
async fn archive_with_another_checksum_is_not_used() {
    let machine = Machine::with_small_release();
    machine.server.publish_checksum("18.6.0", &machine.name, &"0".repeat(64));
    let error = machine.fetch_error().await;
    assert!(error.contains("the archive does not have the published checksum, and was removed"), "{error}");
    assert_eq!(machine.entries(), Vec::<String>::new());
    machine.server.publish_checksum("18.6.0", &machine.name, "<html>Sign in to the network</html>");
    let error = machine.fetch_error().await;
    assert!(error.contains("the file with the checksum") && error.contains("has none"), "{error}");
}

#[tokio::test]
async fn unusable_archives_are_not_used() {
    let machine = Machine::new("18.6.0");
    let mut truncated = machine.small_archive(POSTGRES);
    truncated.truncate(100_000);
    let other_name = |name: &str| archive(&[(name.to_owned(), POSTGRES.into())]);
    for (archive, expected) in [
        (truncated, "the archive cannot be unpacked"),
        (b"no archive".to_vec(), "the archive cannot be unpacked (invalid gzip header)"),
        (other_name("top/lib/postgres"), "it has no program `bin/postgres`"),
        (machine.small_archive(&POSTGRES.replace("18.6", "17.1")), "its programs are not of PostgreSQL 18"),
        (
            machine.small_archive("#!/bin/sh\necho 'libssl.so.3 is missing' >&2\nexit 127\n"),
            "its programs do not run on this machine (libssl.so.3 is missing)",
        ),
        (
            machine.small_archive("#!/lib/no-loader\n"),
            "its programs do not run on this machine (No such file or directory)",
        ),
    ] {
        machine.publish(archive);
        let error = machine.fetch_error().await;
        assert!(error.contains(expected), "{error}");
        assert_eq!(machine.entries(), Vec::<String>::new(), "{expected}");
    }
}

#[tokio::test]
async fn missing_release_and_errors_of_the_host_are_reported() {
    let machine = Machine::new("18.6.0");
    let error = machine.fetch_error().await;
    let url = machine.server.url().replace("user:secret@", "");
    assert!(
        error.contains(&format!("could not be fetched from {url}: the host answered with the status 404")),
        "{error}"
    );
    machine.publish(machine.small_archive(POSTGRES));
    machine.server.add_faults(&[Fault::Status(503)]);
    let error = machine.fetch_error().await;
    assert!(error.contains("the host answered with the status 503"), "{error}");
}

#[tokio::test]
async fn host_that_does_not_answer_ends_the_fetch_in_time() {
    let mut machine = Machine::with_small_release();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    machine.programs.source.as_mut().unwrap().base_url = format!("http://{address}");
    let begun = Instant::now();
    let error = machine.fetch_error().await;
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert!(error.contains("the host did not answer within 6 s"), "{error}");
    drop(listener);
    let error = machine.fetch_error().await;
    assert!(error.contains("the host cannot be reached (Connection refused)"), "{error}");
}

/// Returns the configuration of an emulator on a machine.
fn config(machine: &Machine) -> Config {
    Config { programs: machine.programs.clone(), cache_dir: None, ..Config::default() }
}

#[tokio::test]
async fn start_fails_without_postgresql_when_nothing_may_be_fetched() {
    let mut machine = Machine::with_small_release();
    machine.programs.source = None;
    let error = Server::start(&config(&machine), Clock::System).await.unwrap_err().to_string();
    for way_out in ["Install it with `", "--postgres-bin", "--no-download", "DATABASE_URL"] {
        assert!(error.contains(way_out), "{error}");
    }
    assert_eq!(machine.server.take_ranges(), Vec::<String>::new());
}

/// The archive has the programs of this machine and two of their libraries. They find their other files where they were installed.
#[tokio::test]
async fn start_fetches_postgresql_and_later_starts_use_the_copy() {
    // Links are resolved, because the libraries are beside the programs.
    let postgres = fs::canonicalize(installed_programs().join("postgres")).unwrap();
    let version = std::process::Command::new(&postgres).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let number = version.split("(PostgreSQL) ").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut machine = Machine::new(&format!("{number}.0"));
    let top = postgres.ancestors().nth(2).unwrap();
    let names = ["bin/postgres", "bin/initdb", "lib/dict_snowball.so", "lib/plpgsql.so"].into_iter();
    let files = names.filter_map(|name| Some((format!("{}/{name}", machine.name), fs::read(top.join(name)).ok()?)));
    machine.publish(archive(&files.collect::<Vec<_>>()));

    let (first, second) = (config(&machine), config(&machine));
    let (first, second) = tokio::join!(Server::start(&first, Clock::System), Server::start(&second, Clock::System));
    assert_eq!(machine.server.take_ranges().len(), 1);
    machine.programs.source = None;
    let third = Server::start(&config(&machine), Clock::System).await;
    for server in [first, second, third] {
        let server = server.unwrap();
        server.create_project().await.unwrap();
        server.stop().await;
    }
}
