//! The private PostgreSQL on a small RAM disk, which these tests mount. They are skipped where a file system cannot be mounted.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::program::{Program, command, wait_until};

const MEGABYTE: u64 = 1024 * 1024;

/// A file system in memory, which is unmounted when it is dropped.
struct RamDisk(tempfile::TempDir);

impl RamDisk {
    /// Mounts a file system of that size. Returns `None` where that is not allowed.
    fn mount(megabytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m,mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: a file system cannot be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn used(&self) -> u64 {
        let status = rustix::fs::statvfs(self.path()).unwrap();
        (status.f_blocks - status.f_bfree) * status.f_frsize
    }
}

impl Drop for RamDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn an_ephemeral_emulator_stays_small_while_its_rows_change_often() {
    const CUSTOMERS: usize = 1600;
    const UPDATES_OF_EACH: usize = 30;
    const CLIENTS: usize = 8;
    let Some(disk) = RamDisk::mount(200) else { return };
    let mut command = command(&["--ephemeral"]);
    let program = Program::of(command.env("TMPDIR", disk.path()).stdout(Stdio::piped()).stderr(Stdio::null()));
    let is_done = AtomicBool::new(false);
    let highest = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let program = &program;
                scope.spawn(move || {
                    for round in 0..=UPDATES_OF_EACH {
                        let bodies = (client..CUSTOMERS).step_by(CLIENTS).map(|number| {
                            format!(
                                r#"{{"source_id":"c{number}","metadata":{{"round":{round},"text":"{}"}}}}"#,
                                "x".repeat(200)
                            )
                        });
                        program.post_all("/v1/customers", bodies);
                    }
                })
            })
            .collect();
        let watching = scope.spawn(|| {
            let mut highest = 0;
            while !is_done.load(Ordering::Relaxed) {
                highest = highest.max(disk.used());
                std::thread::sleep(Duration::from_millis(20));
            }
            highest
        });
        for client in clients {
            client.join().unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
        watching.join().unwrap()
    });
    eprintln!("at most {} MB", highest / MEGABYTE);
    assert!(highest < 180 * MEGABYTE, "{highest} bytes");
    let (_, list) = program.call("GET", "/v1/customers?limit=1", "");
    assert!(list.contains(&format!(r#""total":{CUSTOMERS}"#)), "{list}");
}

#[test]
fn a_full_disk_is_reported_as_such_and_nothing_that_was_answered_is_lost() {
    let Some(disk) = RamDisk::mount(150) else { return };
    let data = disk.path().join("data");
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(&["--data-dir", data.to_str().unwrap()]);
    let program = Program::of(command.stdout(Stdio::piped()).stderr(log.reopen().unwrap()));
    let create = |number: usize| {
        let body = format!(r#"{{"source_id":"c{number}","metadata":{{"text":"{}"}}}}"#, "x".repeat(3000));
        program.call("POST", "/v1/customers", &body)
    };
    assert_eq!(create(0).0, 200);
    fill(disk.path());
    let (mut created, mut refusal) = (1, String::new());
    for _ in 0..3000 {
        match create(created) {
            (200, _) => created += 1,
            (status, body) => {
                assert_eq!(status, 503, "{body}");
                refusal = body;
                break;
            }
        }
    }
    assert!(refusal.contains(r#""details":"No space is left on the disk of the database""#), "{created}: {refusal}");
    // A job is accepted or refused, and none of its records fails.
    let records: Vec<_> =
        (0..50).map(|number| format!(r#"{{"source_id":"job {number}","name":"{}"}}"#, "n".repeat(200))).collect();
    let (job_status, job) = program.call("POST", "/v1/customers/bulk/async", &format!("[{}]", records.join(",")));
    assert!([202, 503].contains(&job_status), "{job}");
    for _ in 0..200 {
        let (status, body) = create(created);
        created += usize::from(status == 200);
        assert!([200, 503].contains(&status), "{body}");
    }
    // 503 while PostgreSQL is stopped by the full disk.
    let (status, health) = program.call("GET", "/_emulator/health", "");
    let is_degraded = health.contains(r#""status":"degraded","reason":"no space left on the disk""#);
    assert!(status == 503 || status == 200 && is_degraded, "{status} {health}");
    let warnings = fs::read_to_string(log.path()).unwrap().matches("the database fails").count();
    assert_eq!(warnings, 1, "{}", fs::read_to_string(log.path()).unwrap());

    fs::remove_file(disk.path().join("filling")).unwrap();
    wait_until("the database works again", || {
        program.call("GET", "/_emulator/health", "").1.starts_with(r#"{"status":"ok""#)
    });
    assert_eq!(create(created).0, 200);
    let mut total = created + 1;
    if job_status == 202 {
        let id =
            serde_json::from_str::<serde_json::Value>(&job).unwrap()["async_action_id"].as_str().unwrap().to_owned();
        let action = || program.call("GET", &format!("/v1/async-actions/{id}"), "").1;
        wait_until("the job is done", || action().contains(r#""status":"DONE""#));
        assert!(action().contains(r#""failed_count":0"#), "{}", action());
        total += 50;
    }
    let (_, list) = program.call("GET", "/v1/customers?limit=1", "");
    assert!(list.contains(&format!(r#""total":{total}"#)), "{total}: {list}");
    assert!(fs::metadata(data.join("postgres.log")).unwrap().len() < 2 * MEGABYTE);
    assert!(log.path().metadata().unwrap().len() < 10_000, "{}", fs::read_to_string(log.path()).unwrap());
    assert_eq!(program.end(Signal::TERM).0, Some(0));
}

/// Writes a file until the file system is full.
fn fill(folder: &Path) {
    let mut file = File::create(folder.join("filling")).unwrap();
    let block = vec![1; 64 * 1024];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&block[..512]).is_ok() {}
}
