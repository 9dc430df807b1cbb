//! Failures of the database as a whole, as opposed to those of one statement.

/// Why the database as a whole fails. The cause is outside of the emulator and may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The database cannot be reached, or it ends its connections.
    Unreachable,
    /// The disk of the database is full.
    DiskFull,
    /// The database has no memory left.
    OutOfMemory,
    /// The database accepts no further connection.
    TooManyConnections,
    /// Another limit of the resources of the database is reached.
    ResourceLimit,
    /// The operating system of the database reports an error, for example of a disk.
    SystemError,
}

impl Outage {
    /// Returns the outage that an SQLSTATE stands for. The classes are 08 (connections), 53 (resources), 57P (operators) and 58 (system).
    #[must_use]
    pub fn of_sqlstate(code: &str) -> Option<Self> {
        Some(match code {
            "53100" => Self::DiskFull,
            "53200" => Self::OutOfMemory,
            "53300" => Self::TooManyConnections,
            code if code.starts_with("53") => Self::ResourceLimit,
            code if code.starts_with("58") => Self::SystemError,
            // 57014 is a statement that took too long.
            code if code.starts_with("08") || code.starts_with("57P") || code == "57000" => Self::Unreachable,
            _ => return None,
        })
    }

    /// Returns the reason as the health of the emulator shows it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "the database cannot be reached",
            Self::DiskFull => "no space left on the disk",
            Self::OutOfMemory => "no memory left in the database",
            Self::TooManyConnections => "too many connections to the database",
            Self::ResourceLimit => "a limit of the resources of the database is reached",
            Self::SystemError => "the database reports an error of its operating system",
        }
    }

    /// Returns the details of the response to a request that fails.
    #[must_use]
    pub fn details(self) -> &'static str {
        match self {
            Self::Unreachable => "The database cannot be reached at the moment",
            Self::DiskFull => "No space is left on the disk of the database",
            Self::OutOfMemory => "The database has no memory left",
            Self::TooManyConnections => "The database accepts no further connections",
            Self::ResourceLimit => "A limit of the resources of the database is reached",
            Self::SystemError => "The database reports an error of its operating system",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_classified_by_their_meaning() {
        for (code, expected) in [
            ("53000", Some(Outage::ResourceLimit)),
            ("53100", Some(Outage::DiskFull)),
            ("53200", Some(Outage::OutOfMemory)),
            ("53300", Some(Outage::TooManyConnections)),
            ("53400", Some(Outage::ResourceLimit)),
            ("08000", Some(Outage::Unreachable)),
            ("08006", Some(Outage::Unreachable)),
            ("57000", Some(Outage::Unreachable)),
            ("57P01", Some(Outage::Unreachable)),
            ("57P02", Some(Outage::Unreachable)),
            ("57P03", Some(Outage::Unreachable)),
            ("58000", Some(Outage::SystemError)),
            ("58030", Some(Outage::SystemError)),
            ("58P01", Some(Outage::SystemError)),
            // A statement that was cancelled, a lock that was not available, a broken constraint, a serialization failure.
            ("57014", None),
            ("55P03", None),
            ("23505", None),
            ("40001", None),
            ("25P03", None),
            ("VE001", None),
        ] {
            assert_eq!(Outage::of_sqlstate(code), expected, "{code}");
        }
    }
}
