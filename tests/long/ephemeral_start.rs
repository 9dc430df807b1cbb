//! The start of an ephemeral emulator: from a template, which the first start makes, and without one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::program::{Program, command, set_cache_home, wait_until};

/// Directories of a test, in place of those of the user.
struct Home {
    /// A directory that every user can enter, as PostgreSQL's user must.
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let home = Self { folder };
        fs::create_dir(home.temporary()).unwrap();
        home
    }

    /// The directory of the data of ephemeral emulators.
    fn temporary(&self) -> PathBuf {
        self.folder.path().join("t")
    }

    /// The cache directory of all programs.
    fn caches(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The cache directory of the emulator.
    #[cfg(target_os = "linux")]
    fn cache(&self) -> PathBuf {
        self.caches().join("voucherify-emulator")
    }

    #[cfg(not(target_os = "linux"))]
    fn cache(&self) -> PathBuf {
        self.caches().join("Library/Caches/voucherify-emulator")
    }

    fn start(&self) -> Program {
        let mut command = command(&["--ephemeral"]);
        set_cache_home(&mut command, &self.caches());
        command.env("TMPDIR", self.temporary());
        Program::of(command.stdout(Stdio::piped()).stderr(Stdio::null()))
    }

    /// Starts an emulator, checks that it works and is empty, and stops it when there is a template. Returns the
    /// identifier of its cluster.
    #[track_caller]
    fn run(&self) -> Vec<u8> {
        self.run_until(|| self.has_template())
    }

    /// Does the same, but waits for `condition` instead of a template.
    #[track_caller]
    fn run_until(&self, condition: impl FnMut() -> bool) -> Vec<u8> {
        let program = self.start();
        let identifier = identifier(&self.data());
        check(&program);
        wait_until("the emulator may stop", condition);
        assert_eq!(program.end(Signal::TERM), (Some(0), String::new()));
        assert_eq!(entries(&self.temporary()), Vec::<String>::new(), "temporary directories are removed");
        identifier
    }

    /// The data directory of the emulator that was started last.
    fn data(&self) -> PathBuf {
        let directories = fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path());
        let data = directories.map(|directory| directory.join("postgres")).filter(|data| data.join("base").exists());
        data.max_by_key(|data| data.metadata().unwrap().ctime()).unwrap()
    }

    /// Whether a template is complete and nothing is left of the work on it.
    fn has_template(&self) -> bool {
        let templates = self.templates();
        templates.len() == 1 && templates[0].starts_with("template-") && entries(&self.temporary()).len() == 1
    }

    fn templates(&self) -> Vec<String> {
        let names = entries(&self.cache().join("templates"));
        names.into_iter().filter(|name| name != "lock").collect()
    }

    /// The only template.
    #[track_caller]
    fn template(&self) -> PathBuf {
        let templates = self.templates();
        assert!(templates.len() == 1 && templates[0].starts_with("template-"), "{templates:?}");
        self.cache().join("templates").join(&templates[0])
    }
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Returns the system identifier of a cluster. `initdb` makes a new one, and a copy has that of its template.
fn identifier(data: &Path) -> Vec<u8> {
    fs::read(data.join("global/pg_control")).unwrap()[..8].to_vec()
}

/// Checks that the emulator answers, and that it has no customer of an earlier run.
#[track_caller]
fn check(program: &Program) {
    let (status, body) = program.call("POST", "/v1/customers", r#"{"source_id":"a"}"#);
    assert_eq!(status, 200, "{body}");
    let (_, body) = program.call("GET", "/v1/customers", "");
    assert!(body.contains(r#""total":1,"#), "{body}");
}

#[test]
fn second_start_copies_the_template_that_the_first_one_made() {
    let home = Home::new();
    let first = home.run();
    let template = home.template();
    let made = fs::metadata(template.join("manifest")).unwrap();
    assert_eq!(made.uid(), geteuid().as_raw());
    let identifier = identifier(&template.join("data"));
    assert_ne!(first, identifier, "the first start does not wait for the template");
    for _ in 0..2 {
        assert_eq!(home.run(), identifier);
    }
    assert_eq!(fs::metadata(home.template().join("manifest")).unwrap().ino(), made.ino(), "it is made once");
}

#[test]
fn damaged_template_is_not_used_and_is_made_again() {
    let damages: [fn(&Path); 4] = [
        |template| fs::remove_file(template.join("manifest")).unwrap(),
        |template| fs::remove_file(template.join("data/PG_VERSION")).unwrap(),
        // The files have their size, but PostgreSQL does not start.
        |template| fs::write(template.join("data/global/pg_control"), [0; 8192]).unwrap(),
        // PostgreSQL starts, and accepts no connection.
        |template| {
            for directory in fs::read_dir(template.join("data/base")).unwrap() {
                fs::write(directory.unwrap().path().join("pg_filenode.map"), [0; 512]).unwrap();
            }
        },
    ];
    let home = Home::new();
    home.run();
    for (number, damage) in damages.into_iter().enumerate() {
        let template = home.template();
        let previous = identifier(&template.join("data"));
        damage(&template);
        assert_ne!(home.run(), previous, "{number}");
        let remade = identifier(&home.template().join("data"));
        assert_ne!(remade, previous, "{number}");
        assert_eq!(home.run(), remade, "{number}");
    }
}

#[test]
fn start_succeeds_without_a_usable_cache_directory() {
    let home = Home::new();
    fs::write(home.caches(), "").unwrap();
    home.run_until(|| true);
    fs::remove_file(home.caches()).unwrap();

    let target = home.folder.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::create_dir_all(home.cache()).unwrap();
    symlink(&target, home.cache().join("templates")).unwrap();
    home.run_until(|| true);
    assert_eq!(entries(&target), Vec::<String>::new(), "a link is not followed");
    fs::remove_file(home.cache().join("templates")).unwrap();

    if geteuid().is_root() {
        chown(home.cache(), Some(47_110), Some(47_110)).unwrap();
        home.run_until(|| true);
        assert_eq!(entries(&home.cache()), Vec::<String>::new(), "a directory of another user is not used");
        chown(home.cache(), Some(0), Some(0)).unwrap();
    }
    home.run();
    home.template();
}

#[test]
fn concurrent_first_starts_make_one_template() {
    let home = Home::new();
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| home.start())).collect();
        let programs: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        wait_until("the template is made", || home.templates().iter().any(|name| name.starts_with("template-")));
        for program in programs {
            check(&program);
            assert_eq!(program.end(Signal::TERM), (Some(0), String::new()));
        }
    });
    let identifier = identifier(&home.template().join("data"));
    assert_eq!(home.run(), identifier);
}

#[test]
fn template_is_made_after_a_kill_that_interrupted_it() {
    let home = Home::new();
    let program = home.start();
    program.end(Signal::KILL);
    fs::create_dir_all(home.cache().join("templates/temporary-1-0-new/data")).unwrap();
    let program = home.start();
    check(&program);
    let is_made = || home.templates().len() == 1 && home.templates()[0].starts_with("template-");
    wait_until("the template is made", is_made);
    program.end(Signal::TERM);
    let identifier_of_template = identifier(&home.template().join("data"));
    let program = home.start();
    assert_eq!(identifier(&home.data()), identifier_of_template);
    check(&program);
}
