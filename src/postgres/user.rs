//! Whom PostgreSQL runs as: it refuses root, which containers and CI run as.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use super::ClusterError;

/// The user and group that PostgreSQL and its files belong to; `None` where that is simply the user who runs the emulator.
#[derive(Clone, Copy, Debug)]
pub struct RunAs(Option<(u32, u32)>);

impl RunAs {
    /// The current user or, for root, the owner of `data` where there is one, else `postgres` or `nobody`.
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
            .find_map(|name| ids(&users, name))
            .map(|ids| Self(Some(ids)))
            .ok_or(ClusterError::NoUser)
    }

    /// Whether that is another user than the one who runs the emulator.
    pub fn is_other_user(self) -> bool {
        self.0.is_some()
    }

    /// Makes a program run as that user.
    pub fn apply(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }

    /// Gives a file or folder to that user.
    pub fn own(self, path: &Path) -> Result<(), ClusterError> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(ClusterError::at(path))
    }
}

/// User and group number of `name` in the lines of `/etc/passwd`; Apple writes `nobody` as -2.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
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
        assert_eq!(ids(users, "nobody"), Some((65_534, 65_534)));
        assert_eq!(ids(users, "mac"), Some((u32::MAX - 1, u32::MAX - 1)));
        assert_eq!(ids(users, "root"), None, "never root itself");
        assert_eq!(ids(users, "postgres"), None);
    }
}
