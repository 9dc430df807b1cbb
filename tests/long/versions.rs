//! The default data directory, which has a directory for each major version of PostgreSQL.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use voucherify_emulator::app::{Server, StartError};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{Config, Storage};
use voucherify_emulator::postgres::Durability;

async fn start(durability: Durability) -> Result<Server, StartError> {
    let config = Config { storage: Storage::Private(durability), ..Config::default() };
    Server::start(&config, Clock::System).await
}

/// Starts an emulator with the default data directory `parent`, and returns the directory that it uses.
async fn chosen(parent: &Path) -> PathBuf {
    let server = start(Durability::PersistentByVersion(parent.to_owned())).await.unwrap();
    let directory = server.data_directory().unwrap().to_owned();
    server.stop().await;
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_with_different_versions_do_not_use_the_same_data() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let parent = fs::canonicalize(folder.path()).unwrap().join("parent");
    let first = chosen(&parent).await;
    let version = fs::read_to_string(first.join("postgres/PG_VERSION")).unwrap().trim().to_owned();
    assert_eq!(first, parent.join(format!("postgresql-{version}")));
    // The data of another installation, with a PostgreSQL that this one does not have.
    fs::create_dir_all(parent.join("postgresql-99/postgres")).unwrap();
    fs::write(parent.join("postgresql-99/postgres/PG_VERSION"), "99\n").unwrap();
    assert_eq!(chosen(&parent).await, first);
    assert_eq!(fs::read_dir(parent.join("postgresql-99")).unwrap().count(), 1, "it is left alone");

    // Data where earlier versions of the emulator kept it is used, if there are programs for it.
    let old = parent.with_file_name("old");
    fs::rename(&first, &old).unwrap();
    fs::create_dir(old.join("tls")).unwrap();
    assert_eq!(chosen(&old).await, old);
    fs::write(old.join("postgres/PG_VERSION"), "99\n").unwrap();
    assert_eq!(chosen(&old).await, old.join(format!("postgresql-{version}")));
    let refused = start(Durability::Persistent(old.clone())).await.unwrap_err().to_string();
    for part in ["was created by PostgreSQL 99", old.to_str().unwrap(), "--postgres-bin", "/_emulator/state", "--state"]
    {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
