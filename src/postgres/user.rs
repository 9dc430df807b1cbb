//! The system user that PostgreSQL runs as. PostgreSQL refuses to run as root, which is the user in many containers and
//! CI jobs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use super::error::ClusterError;

/// User ID and group ID that PostgreSQL runs as and that own its files; `None` for the current user.
#[derive(Clone, Copy, Debug)]
pub struct RunAs(Option<(u32, u32)>);

impl RunAs {
    /// Chooses the current user or, for root, the owner of `data` if it exists, else `postgres` or `nobody`.
    pub fn choose(data: Option<&Path>) -> Result<Self, ClusterError> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        if let Some(owner) = data.and_then(|data| fs::metadata(data).ok()).filter(|owner| owner.uid() != 0) {
            return Ok(Self(Some((owner.uid(), owner.gid()))));
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| find_ids(&users, name))
            .map(|ids| Self(Some(ids)))
            .ok_or(ClusterError::NoUser)
    }

    /// Returns whether PostgreSQL runs as another user than the emulator.
    pub fn is_other_user(self) -> bool {
        self.0.is_some()
    }

    /// Makes a command run as this user.
    pub fn apply(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }

    /// Makes this user the owner of a file or directory.
    pub fn own(self, path: &Path) -> Result<(), ClusterError> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(ClusterError::at(path))
    }
}

/// Finds the user ID and group ID of `name` in the text of `/etc/passwd`. macOS writes the IDs of `nobody` as -2.
fn find_ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(|number| {
        number.parse::<u32>().or_else(|_| number.parse::<i32>().map(i32::cast_unsigned)).ok().filter(|&id| id != 0)
    });
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_from_passwd() {
        let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nmac:*:-2:-2::/:/usr/bin/false\n";
        assert_eq!(find_ids(users, "nobody"), Some((65_534, 65_534)));
        assert_eq!(find_ids(users, "mac"), Some((u32::MAX - 1, u32::MAX - 1)));
        assert_eq!(find_ids(users, "root"), None, "root is never chosen");
        assert_eq!(find_ids(users, "postgres"), None);
    }
}
