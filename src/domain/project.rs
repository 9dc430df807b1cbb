//! A project: the world that a pair of keys opens.

/// The internal number of a project, which leads every primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectId(pub i64);
