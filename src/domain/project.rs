//! A project: the world that a pair of keys opens; and the organisation that has projects.

/// The internal number of a project, which leads every primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectId(pub i64);

/// The internal number of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationId(pub i64);

impl OrganisationId {
    /// The organisation of the configured management keys, and of every project that came by itself.
    pub const DEFAULT: Self = Self(1);
}
