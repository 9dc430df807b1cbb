//! Fair scheduling of jobs between projects.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::job::{JobType, Slice};
use crate::domain::project::ProjectId;

/// How many recently run projects are kept. Any other project counts as having waited longest.
const MAX_RECENT_PROJECTS: usize = 1_000;

/// Decides for which project a worker of this process runs the next slice.
///
/// Only one worker at a time runs jobs of a project. A worker may wait long before it holds the lock on the row of a
/// job, which is what keeps other processes away; without this scheduler the other workers of this process would wait
/// with it. A project that has just run comes after the projects that have waited, so that a project with many jobs
/// does not delay the others.
#[derive(Debug, Default)]
pub struct JobScheduler(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The projects that run now, each with its current slice once it is known.
    active: HashMap<ProjectId, Option<SliceKey>>,
    /// The projects that ran before. The last one is the most recent.
    recent: VecDeque<ProjectId>,
    /// The number of consecutive failures of each project.
    failures: HashMap<ProjectId, u32>,
    /// Whether a job that runs in a single step is active.
    has_single_step_job: bool,
    /// The projects in which no job may start, each with the number of reasons.
    paused: HashMap<ProjectId, usize>,
}

/// Identifies a slice, also among the slices that it is split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SliceKey {
    number: i64,
    records: usize,
}

impl SliceKey {
    fn of(slice: &Slice) -> Self {
        Self { number: slice.number, records: slice.records.len() }
    }
}

/// Marks a project as active until it is dropped.
#[derive(Debug)]
pub(super) struct ActiveProject<'a> {
    scheduler: &'a JobScheduler,
    project: ProjectId,
    is_single_step: bool,
}

impl JobScheduler {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the projects in which no further job may start, and the projects that ran before, the most recent at the
    /// end.
    pub(super) fn active_and_recent(&self) -> (Vec<ProjectId>, Vec<ProjectId>) {
        let state = self.state();
        (state.active.keys().chain(state.paused.keys()).copied().collect(), state.recent.iter().copied().collect())
    }

    /// Returns the types of jobs that may start now. Only one job that runs in a single step may be active, so that a
    /// worker is always left for the other jobs.
    pub(super) fn startable_types(&self) -> Vec<JobType> {
        let has_single_step_job = self.state().has_single_step_job;
        JobType::ALL.into_iter().filter(|kind| !(has_single_step_job && kind.is_single_step())).collect()
    }

    /// Marks a project as active. Returns `None` where a job of this type must not start now.
    pub(super) fn start(&self, project: ProjectId, kind: JobType) -> Option<ActiveProject<'_>> {
        let (mut state, is_single_step) = (self.state(), kind.is_single_step());
        let is_blocked = state.active.contains_key(&project) || state.paused.contains_key(&project);
        if is_blocked || state.has_single_step_job && is_single_step {
            return None;
        }
        state.active.insert(project, None);
        state.recent.retain(|recent| *recent != project);
        state.has_single_step_job |= is_single_step;
        Some(ActiveProject { scheduler: self, project, is_single_step })
    }

    /// Lets no further job of the project start in this process until the returned value is dropped.
    pub(in crate::service) fn pause(&self, project: ProjectId) -> PausedProject<'_> {
        *self.state().paused.entry(project).or_default() += 1;
        PausedProject { scheduler: self, project }
    }

    /// Sets the current slice of an active project.
    pub(super) fn set_current_slice(&self, project: ProjectId, slice: &Slice) {
        self.state().active.insert(project, Some(SliceKey::of(slice)));
    }
}

/// Lets no further job of a project start until it is dropped.
#[derive(Debug)]
pub(in crate::service) struct PausedProject<'a> {
    scheduler: &'a JobScheduler,
    project: ProjectId,
}

impl Drop for PausedProject<'_> {
    fn drop(&mut self) {
        let mut state = self.scheduler.state();
        if let Some(reasons) = state.paused.get_mut(&self.project) {
            *reasons -= 1;
            if *reasons == 0 {
                state.paused.remove(&self.project);
            }
        }
    }
}

impl ActiveProject<'_> {
    /// Records that the slice succeeded.
    pub fn record_success(&self) {
        self.scheduler.state().failures.remove(&self.project);
    }

    /// Records that the slice failed, and returns the number of consecutive failures of the project.
    pub fn record_failure(&self) -> u32 {
        let mut state = self.scheduler.state();
        let failures = state.failures.entry(self.project).or_default();
        *failures += 1;
        *failures
    }

    /// Whether `slice` may be the slice that failed. It is not if another process has finished that slice since. When
    /// the attempt failed before its slice was known, it may be any slice.
    pub fn may_have_run(&self, slice: &Slice) -> bool {
        self.scheduler.state().active.get(&self.project).copied().flatten().is_none_or(|key| key == SliceKey::of(slice))
    }
}

impl Drop for ActiveProject<'_> {
    fn drop(&mut self) {
        let mut state = self.scheduler.state();
        state.active.remove(&self.project);
        state.has_single_step_job &= !self.is_single_step;
        state.recent.push_back(self.project);
        if state.recent.len() > MAX_RECENT_PROJECTS {
            state.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_ran_comes_after_the_projects_that_waited() {
        let scheduler = JobScheduler::default();
        let [a, b] = [ProjectId(1), ProjectId(2)];
        let start = |project| scheduler.start(project, JobType::CustomersBulkUpdate);
        drop(start(a));
        let active = start(b);
        assert!(start(b).is_none());
        assert_eq!(scheduler.active_and_recent(), (vec![b], vec![a]));
        drop(active);
        drop(start(a));
        assert_eq!(scheduler.active_and_recent(), (vec![], vec![b, a]));
    }

    #[test]
    fn no_job_of_a_paused_project_starts() {
        let scheduler = JobScheduler::default();
        let start = || scheduler.start(ProjectId(1), JobType::Export);
        let (first, second) = (scheduler.pause(ProjectId(1)), scheduler.pause(ProjectId(1)));
        drop(first);
        assert!(start().is_none());
        assert_eq!(scheduler.active_and_recent().0, [ProjectId(1)]);
        drop(second);
        assert!(start().is_some());
    }

    #[test]
    fn only_one_job_that_runs_in_a_single_step_is_active() {
        let scheduler = JobScheduler::default();
        let export = scheduler.start(ProjectId(1), JobType::Export);
        assert!(scheduler.start(ProjectId(2), JobType::OrdersMetadataKeyPurge).is_none());
        assert!(scheduler.start(ProjectId(2), JobType::OrdersImport).is_some());
        let startable = scheduler.startable_types();
        assert!(!startable.contains(&JobType::Export) && startable.contains(&JobType::OrdersImport));
        drop(export);
        assert_eq!(scheduler.startable_types(), JobType::ALL);
    }

    #[test]
    fn failures_are_counted_until_a_success() {
        let scheduler = JobScheduler::default();
        let start = || scheduler.start(ProjectId(1), JobType::Export).unwrap();
        for expected in [1, 2] {
            assert_eq!(start().record_failure(), expected);
        }
        start().record_success();
        assert_eq!(start().record_failure(), 1);
    }
}
