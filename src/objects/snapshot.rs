//! Snapshots of a project, and the answer to a reset.

use super::writer::ObjectWriter;
use crate::domain::json::JsonText;
use crate::domain::project_counts::ProjectCounts;
use crate::domain::snapshot::Snapshot;

/// Writes a snapshot.
pub fn write(out: &mut Vec<u8>, snapshot: &Snapshot) {
    ObjectWriter::new(out)
        .raw("object", "\"snapshot\"")
        .text("name", &snapshot.name)
        .time("created_at", snapshot.created_at)
        .raw("counts", snapshot.counts.as_str())
        .end();
}

/// Writes what a reset has removed.
pub fn write_reset(out: &mut Vec<u8>, removed: &ProjectCounts) {
    ObjectWriter::new(out).raw("object", "\"reset\"").raw("removed", JsonText::of(removed).as_str()).end();
}
