//! The settings of a project that its tests control and that requests need at once.

use super::project_clock::ProjectClock;

/// The settings that the control plane changes and that requests of the project need before they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectControl {
    pub clock: ProjectClock,
    /// Whether identifiers are made from a seed.
    pub is_seeded: bool,
    /// Whether requests are refused that the vendor or the emulator otherwise tolerates.
    pub is_strict: bool,
    /// The version of the faults; `None` while the project has none.
    pub faults_version: Option<i64>,
}
