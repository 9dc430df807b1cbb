//! The system user that PostgreSQL runs as. PostgreSQL refuses to run as root, which is the user in many containers and
//! CI jobs.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::geteuid;

use super::error::ClusterError;

/// User ID and group ID that PostgreSQL runs as and that own its files; `None` for the current user.
#[derive(Clone, Copy, Debug)]
pub struct RunAs(Option<(u32, u32)>);

impl RunAs {
    /// The user that the emulator runs as.
    pub const CURRENT: Self = Self(None);

    /// The user with these IDs.
    #[cfg(test)]
    pub fn of(user: u32, group: u32) -> Self {
        Self(Some((user, group)))
    }

    /// Chooses the current user or, for root, the owner of the data if there is data, else `postgres` or `nobody`. `owner` is the
    /// user ID and the group ID of the owner of the data.
    pub fn choose(owner: Option<(u32, u32)>) -> Result<Self, ClusterError> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        if let Some(owner) = owner.filter(|&(user, _)| user != 0) {
            return Ok(Self(Some(owner)));
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

    /// Returns the user ID and the group ID; `None` for the current user.
    pub fn ids(self) -> Option<(u32, u32)> {
        self.0
    }

    /// Returns the user ID.
    pub fn user(self) -> u32 {
        self.0.map_or_else(|| geteuid().as_raw(), |(user, _)| user)
    }

    /// Returns the group ID; `None` for the current user.
    pub fn group(self) -> Option<u32> {
        self.0.map(|(_, group)| group)
    }

    /// Returns whether files of the data may belong to `user`: the current user, or the one that PostgreSQL runs as.
    pub fn may_own(self, user: u32) -> bool {
        user == geteuid().as_raw() || user == self.user()
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
