//! The project, key and request on whose behalf a service function runs.

use std::sync::Arc;

use crate::domain::credential::Channel;
use crate::domain::project::ProjectId;
use crate::domain::project_control::ProjectControl;
use crate::domain::trace_context::TraceContext;

/// The project, key and request on whose behalf a service function runs.
#[derive(Clone, Debug)]
pub struct Caller {
    pub project: ProjectId,
    /// The id of the key of the request, or of the key that the request's token was issued to.
    pub app_id: Arc<str>,
    /// The API that the request was sent to.
    pub channel: Channel,
    /// `v-...`; the activity entries that the request causes carry it as their group.
    pub request_id: String,
    /// The place of the request in a trace, which what it causes continues.
    pub trace: Option<Arc<TraceContext>>,
    /// What the control plane has set for the project, as it was when the request was authenticated. A transaction that holds the
    /// rules lock reads the clock and the seed again.
    pub control: ProjectControl,
}

impl Caller {
    /// Returns a caller for changes that the emulator makes by itself and that no activity entry records.
    pub(super) fn system(project: ProjectId) -> Self {
        Self {
            project,
            app_id: "".into(),
            channel: Channel::Api,
            request_id: String::new(),
            trace: None,
            control: ProjectControl::default(),
        }
    }
}
