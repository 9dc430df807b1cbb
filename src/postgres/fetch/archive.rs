//! Unpacks an archive of PostgreSQL without leaving the directory that it is unpacked to.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

/// Unpacks a compressed archive to an empty directory, without the first part of each path. Every user may read the result, and run
/// what its owner may run.
///
/// Files are written before links are made, so that no file is written through a link.
///
/// # Errors
/// Returns an error when the archive is damaged, or a path or a link in it leads to something outside of the archive.
pub fn unpack(archive: &Path, directory: &Path) -> io::Result<()> {
    let mut hard_links = Vec::new();
    let mut links = Vec::new();
    for entry in Archive::new(GzDecoder::new(BufReader::new(File::open(archive)?))).entries()? {
        let mut entry = entry?;
        let Some(path) = inner(&entry.path()?)? else { continue };
        match entry.header().entry_type() {
            EntryType::Directory => create_directory(&directory.join(&path))?,
            EntryType::Regular | EntryType::Continuous => write_file(&mut entry, &directory.join(&path))?,
            EntryType::Link => hard_links.push((inner(&target(&entry)?)?.ok_or_else(|| refused(&path))?, path)),
            EntryType::Symlink => links.push((target(&entry)?, path)),
            EntryType::XGlobalHeader => {}
            _ => return Err(refused(&path)),
        }
    }
    for path in hard_links.iter().map(|(_, path)| path).chain(links.iter().map(|(_, path)| path)) {
        create_parent(&directory.join(path))?;
    }
    for (target, path) in hard_links {
        fs::hard_link(directory.join(target), directory.join(path))?;
    }
    for (target, path) in links {
        if !is_inside(&target, &path) {
            return Err(refused(&path));
        }
        symlink(target, directory.join(path))?;
    }
    fs::set_permissions(directory, Permissions::from_mode(0o755))
}

/// Returns the path below the top directory of the archive; `None` for that directory itself.
fn inner(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut inner = PathBuf::new();
    for part in path.components().filter(|part| *part != Component::CurDir).skip(1) {
        let Component::Normal(name) = part else { return Err(refused(path)) };
        inner.push(name);
    }
    let starts_inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if starts_inside { Ok(Some(inner).filter(|inner| !inner.as_os_str().is_empty())) } else { Err(refused(path)) }
}

fn target(entry: &Entry<impl io::Read>) -> io::Result<PathBuf> {
    Ok(entry.link_name()?.ok_or_else(|| io::Error::other("a link has no target"))?.into_owned())
}

/// Returns whether the target of a symbolic link at `path` is in the same directory as all other files.
fn is_inside(target: &Path, path: &Path) -> bool {
    let mut depth = path.components().count() - 1;
    target.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => depth.checked_sub(1).map(|above| depth = above).is_some(),
        Component::RootDir | Component::Prefix(_) => false,
    })
}

fn refused(path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is refused, because it is no path, link or file inside of the archive",
        path.display()
    ))
}

fn write_file(entry: &mut Entry<impl io::Read>, path: &Path) -> io::Result<()> {
    create_parent(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    io::copy(entry, &mut file)?;
    let is_program = entry.header().mode()? & 0o100 != 0;
    file.set_permissions(Permissions::from_mode(if is_program { 0o755 } else { 0o644 }))
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), create_directory)
}

/// Creates a directory and its missing parents, and lets every user read them.
fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    create_parent(path)?;
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// An entry of an archive: kind, path, target of a link or content of a file, and mode.
    type Given<'a> = (EntryType, &'a str, &'a str, u32);

    const FILE: EntryType = EntryType::Regular;
    const LINK: EntryType = EntryType::Symlink;
    const HARD_LINK: EntryType = EntryType::Link;

    /// Unpacks an archive with the entries. The paths are written as they are given.
    fn unpacked(entries: &[Given]) -> (tempfile::TempDir, io::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive.tar.gz");
        let mut builder = Builder::new(GzEncoder::new(File::create(&archive).unwrap(), Compression::fast()));
        for (kind, path, content, mode) in entries {
            let mut header = Header::new_old();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            let data = if kind.is_file() { content.as_bytes() } else { b"" };
            header.set_size(data.len() as u64);
            if !kind.is_file() {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_cksum();
            builder.append(&header, data).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        let directory = folder.path().join("unpacked");
        fs::create_dir(&directory).unwrap();
        let outcome = unpack(&archive, &directory);
        (folder, outcome)
    }

    #[test]
    fn files_and_links_are_unpacked_without_the_top_directory() {
        let (folder, outcome) = unpacked(&[
            (LINK, "top/lib/libpq.so.5", "libpq.so.5.18", 0o777),
            (HARD_LINK, "top/lib/same", "top/lib/libpq.so.5.18", 0o644),
            (EntryType::Directory, "top/", "", 0o700),
            (FILE, "./top/lib/libpq.so.5.18", "library", 0o600),
            (FILE, "top/bin/postgres", "program", 0o700),
            (LINK, "top/bin/lib", "../lib", 0o777),
        ]);
        outcome.unwrap();
        let directory = folder.path().join("unpacked");
        let mode = |name: &str| fs::metadata(directory.join(name)).unwrap().mode() & 0o777;
        assert_eq!(["", "bin", "bin/postgres", "lib/libpq.so.5.18"].map(mode), [0o755, 0o755, 0o755, 0o644]);
        for name in ["lib/libpq.so.5", "lib/same", "bin/lib/libpq.so.5"] {
            assert_eq!(fs::read_to_string(directory.join(name)).unwrap(), "library", "{name}");
        }
    }

    #[test]
    fn nothing_is_written_outside_of_the_directory() {
        let cases: [&[Given]; 10] = [
            &[(FILE, "../evil", "x", 0o644)],
            &[(FILE, "top/../../evil", "x", 0o644)],
            &[(FILE, "/evil", "x", 0o644)],
            &[(EntryType::Directory, "top/../evil", "", 0o755)],
            &[(LINK, "top/link", "../evil", 0o777)],
            &[(LINK, "top/link", "/etc/passwd", 0o777)],
            &[(HARD_LINK, "top/link", "../archive.tar.gz", 0o644)],
            &[(HARD_LINK, "top/link", "/etc/passwd", 0o644)],
            // Files are written before links are made, so the directory and the link have the same name.
            &[(LINK, "top/a", "b", 0o777), (FILE, "top/a/evil", "x", 0o644)],
            &[(EntryType::Fifo, "top/pipe", "", 0o644)],
        ];
        for (number, entries) in cases.into_iter().enumerate() {
            let (folder, outcome) = unpacked(entries);
            assert!(outcome.is_err(), "{number}");
            let mut names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, ["archive.tar.gz", "unpacked"], "{number}");
        }
    }
}
