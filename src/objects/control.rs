//! The objects of the emulator's own control plane: the clock and the identifiers of a project.

use chrono::{DateTime, Utc};

use super::writer::ObjectWriter;
use crate::domain::project_clock::ProjectClock;

/// Writes a clock that shows `now`.
pub fn write_clock(out: &mut Vec<u8>, clock: ProjectClock, now: DateTime<Utc>) {
    ObjectWriter::new(out).text("object", "clock").time("now", now).text("mode", clock.mode()).end();
}

/// Writes how identifiers are made: from a seed, or at random.
pub fn write_ids(out: &mut Vec<u8>, seed: Option<&str>) {
    let mut object = ObjectWriter::new(out);
    object.text("object", "ids").text("mode", if seed.is_some() { "seeded" } else { "random" });
    if let Some(seed) = seed {
        object.text("seed", seed);
    }
    object.end();
}
