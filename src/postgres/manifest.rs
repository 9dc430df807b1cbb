//! The list of the files of a template, which shows whether the template is complete.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first line. It changes when the format changes.
const HEADING: &str = "voucherify-emulator template 1";

/// The directories and files of a cluster, relative to its data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Parents come before their children. The data directory itself, whose path is empty, is not included.
    pub directories: Vec<String>,
    pub files: Vec<FileEntry>,
}

/// A file of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The path of its directory; empty for the data directory itself.
    pub directory: String,
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Bytes until the last one that is not zero. The rest is not written to a copy.
    pub data: u64,
}

impl Manifest {
    /// Returns the text of the manifest, which ends with a digest of the lines before.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADING}\n");
        for directory in &self.directories {
            text.extend(["directory ", directory, "\n"]);
        }
        for FileEntry { directory, name, size, data } in &self.files {
            let separator = if directory.is_empty() { "" } else { "/" };
            let line = format!("file {size} {data} {directory}{separator}{name}\n");
            text.push_str(&line);
        }
        let digest = digest(&text);
        text.extend(["sha256 ", &digest, "\n"]);
        text
    }

    /// Parses the text of a manifest. Returns `None` when it is incomplete or changed.
    pub fn parse(text: &str) -> Option<Self> {
        let (lines, last) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        if last.strip_prefix("sha256 ")? != digest(&format!("{lines}\n")) {
            return None;
        }
        let mut lines = lines.lines();
        if lines.next()? != HEADING {
            return None;
        }
        let mut manifest = Self::default();
        for line in lines {
            if let Some(path) = line.strip_prefix("directory ") {
                manifest.directories.push(checked(path)?.to_owned());
                continue;
            }
            let mut fields = line.strip_prefix("file ")?.splitn(3, ' ');
            let (size, data) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            let path = checked(fields.next()?)?;
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            manifest.files.push(FileEntry { directory: directory.to_owned(), name: name.to_owned(), size, data });
        }
        Some(manifest)
    }
}

/// Returns a path if it stays inside of the directory that it is relative to.
fn checked(path: &str) -> Option<&str> {
    path.split('/').all(|part| !matches!(part, "" | "." | "..")).then_some(path)
}

/// Returns the SHA-256 digest of a text in hexadecimal digits.
pub fn digest(text: &str) -> String {
    let mut hexadecimal = String::new();
    for byte in Sha256::digest(text) {
        // Writing to a string does not fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = |directory: &str, name: &str, size, data| FileEntry {
            directory: directory.to_owned(),
            name: name.to_owned(),
            size,
            data,
        };
        Manifest {
            directories: ["base", "base/1"].map(str::to_owned).to_vec(),
            files: vec![file("", "PG_VERSION", 3, 3), file("base/1", "a file", 16_384, 10)],
        }
    }

    #[test]
    fn text_of_a_manifest_is_parsed_to_the_same_manifest() {
        assert_eq!(Manifest::parse(&manifest().to_text()), Some(manifest()));
    }

    #[test]
    fn incomplete_or_changed_text_is_rejected() {
        let text = manifest().to_text();
        for length in 0..text.len() {
            assert_eq!(Manifest::parse(&text[..length]), None, "{length}");
        }
        assert_eq!(Manifest::parse(&text.replace("16384", "16385")), None);
    }

    #[test]
    fn path_that_leads_out_of_the_directory_is_rejected() {
        for path in ["/etc/passwd", "../a", "base/../../a", "", "base//a", "."] {
            let mut changed = manifest();
            changed.files[0].name = path.to_owned();
            assert_eq!(Manifest::parse(&changed.to_text()), None, "{path}");
        }
    }
}
