//! Which projects the workers of this process are at.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::job::{JobType, Slice};
use crate::domain::project::ProjectId;

/// Projects of which it is remembered when they had their turn. Others count as having waited longest.
const REMEMBERED: usize = 1_000;

/// The turns that the projects have. One worker at a time is at the jobs of a project: it may wait long before it holds the job's
/// row, which tells other processes, and without a word the other workers would wait with it. Who had a turn comes after those
/// who have waited, so that a project with much to do does not keep the others from their little.
#[derive(Debug, Default)]
pub struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// With the slice that is tried, once it is known.
    begun: HashMap<ProjectId, Option<Tried>>,
    /// Whoever was last is last.
    served: VecDeque<ProjectId>,
    /// How many turns in a row went wrong.
    troubles: HashMap<ProjectId, u32>,
    /// Whether some turn is of a job that is done in one piece.
    has_long: bool,
}

/// What tells a slice from the others, and from those that it is split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tried {
    number: i64,
    records: usize,
}

impl Tried {
    fn of(slice: &Slice) -> Self {
        Self { number: slice.number, records: slice.records.len() }
    }
}

/// One worker being at the jobs of one project, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    project: ProjectId,
    is_long: bool,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The projects that have their turn now, and those that had one before, the last at the end.
    pub(super) fn now_and_before(&self) -> (Vec<ProjectId>, Vec<ProjectId>) {
        let state = self.state();
        (state.begun.keys().copied().collect(), state.served.iter().copied().collect())
    }

    /// The types of jobs that may begin now: of those that are done in one piece only one at a time, so that there is always a
    /// worker for the others.
    pub(super) fn kinds(&self) -> Vec<JobType> {
        let has_long = self.state().has_long;
        JobType::ALL.into_iter().filter(|kind| !(has_long && kind.is_one_piece())).collect()
    }

    /// Begins a turn; `None` where another worker has.
    pub(super) fn begin(&self, project: ProjectId, kind: JobType) -> Option<Turn<'_>> {
        let (mut state, is_long) = (self.state(), kind.is_one_piece());
        if state.begun.contains_key(&project) || state.has_long && is_long {
            return None;
        }
        state.begun.insert(project, None);
        state.served.retain(|served| *served != project);
        state.has_long |= is_long;
        Some(Turn { turns: self, project, is_long })
    }

    /// Says which slice is tried in the turn of the project.
    pub(super) fn tries(&self, project: ProjectId, slice: &Slice) {
        self.state().begun.insert(project, Some(Tried::of(slice)));
    }
}

impl Turn<'_> {
    /// Takes note that the turn went well.
    pub fn went_well(&self) {
        self.turns.state().troubles.remove(&self.project);
    }

    /// Takes note that the turn went wrong, and tells how many in a row have.
    pub fn went_wrong(&self) -> u32 {
        let mut state = self.turns.state();
        let troubles = state.troubles.entry(self.project).or_default();
        *troubles += 1;
        *troubles
    }

    /// Whether that is the slice that was tried; another process may have come further since. Where it did not come to any,
    /// every slice is.
    pub fn was_at(&self, slice: &Slice) -> bool {
        self.turns.state().begun.get(&self.project).copied().flatten().is_none_or(|tried| tried == Tried::of(slice))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.begun.remove(&self.project);
        state.has_long &= !self.is_long;
        state.served.push_back(self.project);
        if state.served.len() > REMEMBERED {
            state.served.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_had_a_turn_comes_after_those_who_waited() {
        let turns = Turns::default();
        let [a, b] = [ProjectId(1), ProjectId(2)];
        let begin = |project| turns.begin(project, JobType::CustomersBulkUpdate);
        drop(begin(a));
        let turn = begin(b);
        assert!(begin(b).is_none());
        assert_eq!(turns.now_and_before(), (vec![b], vec![a]));
        drop(turn);
        drop(begin(a));
        assert_eq!(turns.now_and_before(), (vec![], vec![b, a]));
    }

    #[test]
    fn one_job_at_a_time_is_done_in_one_piece() {
        let turns = Turns::default();
        let export = turns.begin(ProjectId(1), JobType::Export);
        assert!(turns.begin(ProjectId(2), JobType::OrdersMetadataKeyPurge).is_none());
        assert!(turns.begin(ProjectId(2), JobType::OrdersImport).is_some());
        assert!(!turns.kinds().contains(&JobType::Export) && turns.kinds().contains(&JobType::OrdersImport));
        drop(export);
        assert_eq!(turns.kinds(), JobType::ALL);
    }

    #[test]
    fn troubles_are_counted_until_it_goes_well() {
        let turns = Turns::default();
        for expected in [1, 2] {
            assert_eq!(turns.begin(ProjectId(1), JobType::Export).unwrap().went_wrong(), expected);
        }
        turns.begin(ProjectId(1), JobType::Export).unwrap().went_well();
        assert_eq!(turns.begin(ProjectId(1), JobType::Export).unwrap().went_wrong(), 1);
    }
}
