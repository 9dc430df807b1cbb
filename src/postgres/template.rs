//! Templates: prepared clusters in the user's cache directory, which ephemeral clusters are copied from.
//!
//! A template is a directory with a data directory and a manifest. It is written under a temporary name and renamed
//! when it is complete, so a directory with the name of a template was complete once. It is never changed afterwards.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW, utimensat};

use super::copy;
use super::directory::Directory;
use super::error::ClusterError;
use super::manifest::Manifest;
use super::open_directory::OpenDirectory;
use super::template_files::{self, DATA, PREFIX, check_shut_down, is_lack_of_room};
use super::user::RunAs;

/// Name of the directory of templates in the cache directory.
const TEMPLATES: &str = "templates";
/// Name of the file that the process that makes a template locks.
const LOCK: &str = "lock";
/// Name prefix of a directory that is not a template: not yet complete, or about to be deleted. The ID of the process
/// follows.
const TEMPORARY_PREFIX: &str = "temporary-";
/// How many templates are kept, for example those of several versions of PostgreSQL.
const MAX_TEMPLATES: usize = 3;

/// The templates of the user, and which of them to use.
#[derive(Debug)]
pub struct TemplateCache {
    directory: OpenDirectory,
    name: String,
}

impl TemplateCache {
    /// Opens the templates in `cache`, which is created if it does not exist, to use the one that `content` identifies.
    /// The directory must belong to the current user; other users lose their permissions on it.
    ///
    /// # Errors
    /// Returns an error when the directory cannot be used.
    pub fn open(cache: &Path, content: &str) -> Result<Self, ClusterError> {
        let root = OpenDirectory::root(cache)?;
        root.own(RunAs::CURRENT)?;
        let directory = if root.contains(TEMPLATES) { root.directory(TEMPLATES) } else { root.create(TEMPLATES) };
        // Another process may have created the directory in the meantime.
        let directory = directory.or_else(|_| root.directory(TEMPLATES))?;
        directory.own(RunAs::CURRENT)?;
        Ok(Self { directory, name: template_files::name(content) })
    }

    /// Returns whether there is such a template.
    pub fn contains(&self) -> bool {
        self.directory.contains(&self.name)
    }

    /// Copies the template to the data directory of a cluster. Returns `false` when there is no template. A damaged
    /// template is discarded.
    ///
    /// # Errors
    /// Returns an error when the data directory cannot be written.
    pub fn copy_to(&self, directory: &Directory) -> Result<bool, ClusterError> {
        if !self.contains() {
            return Ok(false);
        }
        let target = directory.create_data()?;
        let copied = self.open_template().and_then(|(data, manifest)| {
            copy::copy(&data, &target, &manifest, directory.run_as().ids(), false)
                .map_err(ClusterError::at(data.path()))
        });
        if let Err(error) = copied {
            // Without room for the copy, the template itself is as good as before.
            if let ClusterError::Io { error: cause, .. } = &error
                && is_lack_of_room(cause)
            {
                return Err(ClusterError::temporary(directory.root(), cause));
            }
            tracing::info!(%error, "discarding a damaged template of ephemeral clusters");
            self.discard();
            return Ok(false);
        }
        target.own(directory.run_as())?;
        directory.complete()?;
        self.mark_used();
        Ok(true)
    }

    fn open_template(&self) -> Result<(OpenDirectory, Manifest), ClusterError> {
        let template = self.directory.directory(&self.name)?;
        template.own(RunAs::CURRENT)?;
        let manifest = template_files::read_manifest(&template)?;
        let data = template.directory(DATA)?;
        data.own(RunAs::CURRENT)?;
        Ok((data, manifest))
    }

    /// Records that the template was used, so that others are removed before it.
    fn mark_used(&self) {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        let _ = utimensat(&self.directory, &*self.name, &times, AtFlags::SYMLINK_NOFOLLOW);
    }

    /// Removes the template, so that it is made again.
    pub fn discard(&self) {
        self.remove(&self.name);
    }

    /// Removes a directory. It is renamed before, so that no other process uses a part of it.
    fn remove(&self, name: &str) {
        let renamed = temporary_name(name);
        let name = if self.directory.rename(name, &renamed).is_ok() { &renamed } else { name };
        let _ = fs::remove_dir_all(self.directory.path().join(name));
    }

    /// Locks the templates for the process that makes one. Returns `None` while another process does so. The lock is
    /// released when the file is closed.
    ///
    /// # Errors
    /// Returns an error when the lock cannot be opened.
    pub fn lock(&self) -> Result<Option<File>, ClusterError> {
        let lock = self.directory.append(LOCK, RunAs::CURRENT)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ClusterError::at(&self.directory.path().join(LOCK))(error)),
        }
    }

    /// Stores a copy of a stopped cluster as the template, unless there is one by now, and removes those templates
    /// that were used least recently. The caller holds the lock.
    ///
    /// # Errors
    /// Returns an error when the cluster was not stopped cleanly, or cannot be read or stored.
    pub fn store(&self, data: &OpenDirectory) -> Result<(), ClusterError> {
        self.remove_temporary();
        let manifest = copy::scan(data).map_err(ClusterError::at(data.path()))?;
        check_shut_down(data)?;
        let name = temporary_name("new");
        let new = self.directory.create(&name)?;
        let stored =
            template_files::write(&new, data, &manifest).and_then(|()| self.directory.rename(&name, &self.name));
        if stored.is_err() {
            let _ = fs::remove_dir_all(new.path());
        }
        self.remove_old();
        // A directory cannot be renamed to the name of one that has content. That one is as good.
        if self.contains() { Ok(()) } else { stored }
    }

    /// Removes what killed processes left behind.
    fn remove_temporary(&self) {
        for (name, _) in self.entries(TEMPORARY_PREFIX) {
            let _ = fs::remove_dir_all(self.directory.path().join(name));
        }
    }

    /// Removes all templates except for those that were used last.
    fn remove_old(&self) {
        let mut templates = self.entries(PREFIX);
        templates.retain(|(name, _)| *name != self.name);
        templates.sort_by_key(|(_, changed)| std::cmp::Reverse(*changed));
        for (name, _) in templates.into_iter().skip(MAX_TEMPLATES - 1) {
            self.remove(&name);
        }
    }

    /// Returns the names with that prefix, and when each was last used or changed.
    fn entries(&self, prefix: &str) -> Vec<(String, SystemTime)> {
        let Ok(entries) = fs::read_dir(self.directory.path()) else { return Vec::new() };
        let entries = entries.flatten().filter_map(|entry| {
            let changed = entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            Some((entry.file_name().into_string().ok()?, changed))
        });
        entries.filter(|(name, _)| name.starts_with(prefix)).collect()
    }
}

/// Returns a name that no other process and no other call uses.
fn temporary_name(purpose: &str) -> String {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{TEMPORARY_PREFIX}{}-{number}-{purpose}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::super::template_files::{CONTROL_STATE_OFFSET, CONTROL_STATE_SHUT_DOWN, MANIFEST};
    use super::*;

    const WAL_BYTES: usize = 2 << 20;

    /// A stopped cluster with a few files, which PostgreSQL could not start.
    fn cluster() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["base/1", "global", "pg_wal"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let mut control = vec![7; 100];
        control[CONTROL_STATE_OFFSET..][..4].copy_from_slice(&CONTROL_STATE_SHUT_DOWN.to_ne_bytes());
        let mut wal = vec![1; WAL_BYTES / 2];
        wal.resize(WAL_BYTES, 0);
        for (name, content) in [
            ("PG_VERSION", &b"15\n"[..]),
            ("base/1/112", &[1; 8192]),
            ("base/1/113", b""),
            ("global/pg_control", &control),
            ("pg_wal/000000010000000000000001", &wal),
            ("postmaster.opts", b"options"),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn store(cache: &TemplateCache, cluster: &TempDir) -> Result<(), ClusterError> {
        cache.store(&OpenDirectory::root(cluster.path())?)
    }

    /// Opens the templates of a folder, and stores one.
    fn stored(folder: &TempDir, content: &str) -> TemplateCache {
        let cache = TemplateCache::open(folder.path(), content).unwrap();
        store(&cache, &cluster()).unwrap();
        cache
    }

    fn path(cache: &TemplateCache) -> PathBuf {
        cache.directory.path().join(&cache.name)
    }

    /// Returns how many entries the directory of the templates has whose names begin with the prefix.
    fn count(cache: &TemplateCache, prefix: &str) -> usize {
        cache.entries(prefix).len()
    }

    #[test]
    fn copy_has_the_files_of_the_cluster_and_only_its_owner_has_access() {
        let (folder, cluster) = (tempfile::tempdir().unwrap(), cluster());
        let cache = TemplateCache::open(folder.path(), "a").unwrap();
        let directory = Directory::ephemeral().unwrap();
        assert!(!cache.contains() && !cache.copy_to(&directory).unwrap());
        store(&cache, &cluster).unwrap();
        assert!(cache.contains() && cache.copy_to(&directory).unwrap());
        let data = directory.data();
        for name in ["PG_VERSION", "base/1/112", "base/1/113", "global/pg_control", "pg_wal/000000010000000000000001"] {
            let copied = fs::read(data.join(name)).unwrap();
            assert!(copied == fs::read(cluster.path().join(name)).unwrap(), "{name}");
        }
        assert!(!data.join("postmaster.opts").exists());
        for (name, mode) in [("", 0o700), ("base", 0o700), ("base/1", 0o700), ("base/1/112", 0o600)] {
            for (root, owner) in
                [(data.clone(), directory.run_as().user()), (path(&cache).join(DATA), RunAs::CURRENT.user())]
            {
                let found = fs::metadata(root.join(name)).unwrap();
                assert_eq!((found.mode() & 0o7777, found.uid()), (mode, owner), "{}", root.join(name).display());
            }
        }
        assert_eq!(folder.path().metadata().unwrap().mode() & 0o7777, 0o700);
        assert_eq!(count(&cache, TEMPORARY_PREFIX), 0);
    }

    #[test]
    fn damaged_template_is_discarded_and_can_be_stored_again() {
        let damages: [fn(&Path); 8] = [
            |template| fs::remove_file(template.join(MANIFEST)).unwrap(),
            |template| fs::write(template.join(MANIFEST), "").unwrap(),
            |template| fs::remove_file(template.join("data/base/1/113")).unwrap(),
            |template| fs::write(template.join("data/base/1/112"), "short").unwrap(),
            |template| fs::remove_dir_all(template.join("data/pg_wal")).unwrap(),
            |template| fs::remove_dir_all(template.join(DATA)).unwrap(),
            |template| {
                fs::rename(template.join("data/base/1"), template.join("moved")).unwrap();
                symlink(template.join("moved"), template.join("data/base/1")).unwrap();
            },
            |template| {
                fs::rename(template.join("data/PG_VERSION"), template.join("moved")).unwrap();
                symlink(template.join("moved"), template.join("data/PG_VERSION")).unwrap();
            },
        ];
        for (number, damage) in damages.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let cache = stored(&folder, "a");
            damage(&path(&cache));
            let directory = Directory::ephemeral().unwrap();
            assert!(!cache.copy_to(&directory).unwrap() && !directory.data().exists(), "{number}");
            assert!(!cache.contains(), "{number}");
            store(&cache, &cluster()).unwrap();
            assert!(cache.copy_to(&directory).unwrap(), "{number}");
        }
    }

    #[test]
    fn links_are_not_followed() {
        let (folder, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::set_permissions(target.path(), fs::Permissions::from_mode(0o755)).unwrap();
        symlink(target.path(), folder.path().join(TEMPLATES)).unwrap();
        assert!(matches!(TemplateCache::open(folder.path(), "a"), Err(ClusterError::Link { .. })));
        fs::remove_file(folder.path().join(TEMPLATES)).unwrap();

        let cache = stored(&folder, "a");
        fs::rename(path(&cache), target.path().join("template")).unwrap();
        symlink(target.path().join("template"), path(&cache)).unwrap();
        assert!(!cache.copy_to(&Directory::ephemeral().unwrap()).unwrap());
        assert!(!cache.contains() && target.path().join("template/data/PG_VERSION").exists());

        let cluster = cluster();
        symlink(target.path(), cluster.path().join("base/2")).unwrap();
        assert!(store(&cache, &cluster).is_err() && !cache.contains());
        assert_eq!(target.path().metadata().unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn one_process_makes_a_template_at_a_time_and_a_second_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) =
            (TemplateCache::open(folder.path(), "a").unwrap(), TemplateCache::open(folder.path(), "a").unwrap());
        let lock = first.lock().unwrap();
        assert!(lock.is_some() && second.lock().unwrap().is_none());
        store(&first, &cluster()).unwrap();
        let inode = fs::metadata(path(&first)).unwrap().ino();
        drop(lock);
        assert!(second.lock().unwrap().is_some());
        store(&second, &cluster()).unwrap();
        assert_eq!(fs::metadata(path(&first)).unwrap().ino(), inode);
        assert_eq!((count(&first, PREFIX), count(&first, TEMPORARY_PREFIX)), (1, 0));
    }

    #[test]
    fn templates_that_were_used_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let caches: Vec<_> = ["a", "b", "c"].map(|content| stored(&folder, content)).into();
        for (cache, age) in caches.iter().zip([30, 20, 10]) {
            let template = File::open(path(cache)).unwrap();
            let made = template.metadata().unwrap().modified().unwrap();
            template.set_modified(made - Duration::from_secs(age)).unwrap();
        }
        fs::create_dir(path(&caches[0]).with_file_name("temporary-1-0-new")).unwrap();
        assert!(caches[0].copy_to(&Directory::ephemeral().unwrap()).unwrap());
        let new = stored(&folder, "d");
        let kept: Vec<_> = caches.iter().map(TemplateCache::contains).collect();
        assert_eq!((kept, new.contains()), (vec![true, false, true], true));
        assert_eq!(count(&new, TEMPORARY_PREFIX), 0);
    }

    #[test]
    fn cluster_that_was_not_stopped_cleanly_is_not_stored() {
        let (folder, cluster) = (tempfile::tempdir().unwrap(), cluster());
        let cache = TemplateCache::open(folder.path(), "a").unwrap();
        fs::write(cluster.path().join("global/pg_control"), [6; 100]).unwrap();
        assert!(store(&cache, &cluster).is_err() && !cache.contains());
    }

    #[test]
    fn cache_directory_that_cannot_be_created_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(TemplateCache::open(&folder.path().join("file"), "a").is_err());
        assert!(TemplateCache::open(&folder.path().join("file/cache"), "a").is_err());
    }
}
