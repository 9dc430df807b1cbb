//! What is known about a request, shared by the middleware, the extractors and the handler.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::http::Extensions;
use axum::response::Response;

use super::error::{ApiError, ErrorKind};
use super::parse_budget::ParsePermit;
use super::unread::{MAX_UNREAD, Reading, Unread};
use crate::domain::credential::Principal;
use crate::domain::fault::RequestFault;
use crate::domain::project::ProjectId;
use crate::domain::project_control::ProjectControl;
use crate::domain::trace_context::TraceContext;
use crate::service::faults::Hit;
use crate::service::{Core, identifiers};

/// Formats the error response of an API whose errors are not in the vendor's form, from the error text.
pub type ErrorFormatter = Box<dyn Fn(&str) -> Response + Send + Sync>;

/// The path pattern of the operation that answers a request, such as `/v1/customers/{customerId}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutePattern(pub &'static str);

/// The project of the keys or the token of a request.
#[derive(Clone, Copy, Debug)]
pub struct CallingProject {
    pub id: ProjectId,
    pub control: ProjectControl,
}

/// What is known about a request, shared by the middleware, the extractors and the handler.
#[derive(Default)]
pub struct RequestContext {
    /// The id of a request whose project is not known, or whose project has the real time and random identifiers.
    own_request_id: String,
    /// The id that follows from the clock or the seed of the project.
    project_request_id: OnceLock<String>,
    /// The outcome of the authentication: set before the handler runs for the vendor's paths, and by the first extractor that needs it
    /// for others.
    pub authentication: OnceLock<Result<Principal, ApiError>>,
    /// Set as soon as it is known, also where the request is then refused.
    pub project: OnceLock<CallingProject>,
    /// How many calls the project has left in this minute; set after authentication.
    pub calls_left: OnceLock<u32>,
    /// The project id in the path of a management request.
    pub managed: OnceLock<String>,
    /// Set by APIs whose errors are not in the vendor's form.
    pub error_formatter: OnceLock<ErrorFormatter>,
    /// Held until the response is complete, because parsed values are dropped by then.
    pub parse_permit: OnceLock<ParsePermit>,
    /// The operation id; not set for a request without a route.
    pub operation: OnceLock<&'static str>,
    /// The place of the request in a trace: its own span, or that of the caller.
    pub trace: Option<Arc<TraceContext>>,
    /// The fault that hits the request.
    pub fault: OnceLock<Hit<RequestFault>>,
    /// What the request contains and its operation knows nothing of: JSON pointers of members, and `?` with the names of query
    /// parameters. Set when the request is answered, and only if there is any.
    pub unread: OnceLock<Vec<String>>,
    /// What was not read so far.
    found: Mutex<Vec<Unread>>,
    is_strict: AtomicBool,
    /// Whether the request is sent to the emulator's own operations, which refuse unknown members of bodies always.
    is_own: AtomicBool,
    /// Whether this process itself sent the request, which then counts against no rate limit.
    is_in_process: bool,
}

impl RequestContext {
    /// Returns the context of a request that has just arrived.
    pub fn new(request_id: String, trace: Option<Arc<TraceContext>>) -> Self {
        Self { own_request_id: request_id, trace, ..Self::default() }
    }

    /// Returns the context of a request that this process sends itself for that principal, which is not authenticated again.
    pub fn in_process(request_id: String, principal: Principal) -> Self {
        Self {
            own_request_id: request_id,
            authentication: OnceLock::from(Ok(principal)),
            is_in_process: true,
            ..Self::default()
        }
    }

    /// Returns whether this process itself sent the request.
    pub fn is_in_process(&self) -> bool {
        self.is_in_process
    }

    /// Returns the id of the request: `v-` and 18 hexadecimal digits. Errors show it, and the activity entries of the request carry it as
    /// their group.
    pub fn request_id(&self) -> &str {
        self.project_request_id.get().unwrap_or(&self.own_request_id)
    }

    /// Sets the project. In a project with a clock or a seed of its own, the id of the request follows from them.
    pub async fn set_project(&self, core: &Core, id: ProjectId, control: ProjectControl) {
        let is_new = self.project.set(CallingProject { id, control }).is_ok();
        if is_new && let Some(request_id) = identifiers::request_id(core, id, control).await {
            let _ = self.project_request_id.set(request_id);
        }
    }

    /// Returns whether what is unread is refused.
    pub fn is_strict(&self) -> bool {
        self.is_strict.load(Ordering::Relaxed)
    }

    /// Refuses what is unread, and what the server otherwise forgives.
    pub fn set_strict(&self) {
        self.is_strict.store(true, Ordering::Relaxed);
    }

    /// Refuses unread members of the body, also when the request is not strict.
    pub fn set_own(&self) {
        self.is_own.store(true, Ordering::Relaxed);
    }

    /// Reads a body by `parse`, and notes what `parse` did not read.
    ///
    /// # Errors
    /// The error of `parse`, or 400 for the first member that was not read, in a strict project and for the emulator's own operations.
    pub fn read<T>(&self, parse: impl FnOnce(&Reading) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let reading = Reading::new(self.is_strict());
        let parsed = parse(&reading)?;
        let unread = reading.into_unread();
        let first = unread.first().filter(|_| self.is_own.load(Ordering::Relaxed)).map(Unread::refusal);
        self.add_unread(unread)?;
        first.map_or(Ok(parsed), Err)
    }

    /// Notes what was not read.
    ///
    /// # Errors
    /// 400 in a strict project when there is any.
    pub fn add_unread(&self, unread: Vec<Unread>) -> Result<(), ApiError> {
        if unread.is_empty() {
            return Ok(());
        }
        self.note_unread(unread);
        self.refuse_unread()
    }

    /// Notes what was not read, before it is known whether the project is strict.
    pub fn note_unread(&self, unread: Vec<Unread>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.extend(unread);
        found.truncate(MAX_UNREAD);
    }

    /// Refuses what was not read so far.
    ///
    /// # Errors
    /// 400 in a strict project when there is any.
    pub fn refuse_unread(&self) -> Result<(), ApiError> {
        if !self.is_strict() {
            return Ok(());
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.first().map_or(Ok(()), |unread| Err(unread.refusal()))
    }

    /// Sets [`RequestContext::unread`] at the end of the request.
    pub fn settle_unread(&self) {
        let found = mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        if !found.is_empty() {
            let _ = self.unread.set(found.iter().map(Unread::pointer).collect());
        }
    }
}

/// Returns the context of the request with these extensions.
///
/// # Errors
/// 500 for a route that is outside of the request middleware.
pub fn request_context(extensions: &Extensions) -> Result<Arc<RequestContext>, ApiError> {
    let context = extensions.get::<Arc<RequestContext>>().cloned();
    context
        .ok_or_else(|| ApiError::new(ErrorKind::Internal).with_cause("the route is outside of the request middleware"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::payload::Object;

    /// Reads a body with a name, an address with a city, and a list of items with a name each.
    fn read(context: &RequestContext, body: Value) -> Result<(), ApiError> {
        context.read(|reading| {
            let mut body = Object::of_body(Some(body), reading)?;
            body.text("name", 10)?;
            if let Some(mut address) = body.object("address")?.value() {
                address.text("city", 10)?;
            }
            for mut item in body.objects("items", 100)?.unwrap_or_default() {
                item.text("name", 10)?;
            }
            body.metadata("metadata")?;
            body.ignore(&["ignored"]);
            Ok(())
        })
    }

    fn unread(body: Value) -> Option<Vec<String>> {
        let context = RequestContext::default();
        assert!(read(&context, body).is_ok());
        context.settle_unread();
        let mut unread = context.unread.get().cloned();
        if let Some(unread) = &mut unread {
            unread.sort();
        }
        unread
    }

    #[test]
    fn members_that_are_not_read_are_noted_as_json_pointers() {
        let metadata = json!({"any": {"thing": 1}});
        assert_eq!(unread(json!({})), None);
        assert_eq!(
            unread(json!({"name": "a", "address": {"city": null}, "items": [], "metadata": metadata, "ignored": 1})),
            None
        );
        let items = json!([{"name": "a"}, {"name": "b", "surplus": 1, "a/b~c": {"d": 1}}]);
        let body = json!({"name": "a", "address": {"city": "b", "planet": "c"}, "items": items, "surplus": {"e": 1}});
        let expected = ["/address/planet", "/items/1/a~1b~0c", "/items/1/surplus", "/surplus"].map(str::to_owned);
        assert_eq!(unread(body), Some(expected.to_vec()));
    }

    #[test]
    fn the_members_of_a_body_that_is_not_valid_are_not_noted() {
        let context = RequestContext::default();
        assert!(read(&context, json!({"name": 1, "address": {"city": "b"}, "surplus": 1})).is_err());
        context.settle_unread();
        assert_eq!(context.unread.get(), None);
    }

    #[test]
    fn the_list_and_its_names_are_bounded() {
        let body: serde_json::Map<_, _> =
            (0..200).map(|index| (format!("{index}{}", "x".repeat(900)), json!(1))).collect();
        let unread = unread(body.into()).unwrap();
        assert_eq!((unread.len(), unread[0].chars().count()), (MAX_UNREAD, 501));
    }

    #[test]
    fn a_strict_request_is_refused_for_the_first_unread_member() {
        let context = RequestContext::default();
        context.set_strict();
        assert!(read(&context, json!({"name": "a"})).is_ok());
        let error = read(&context, json!({"items": [{}, {"planet": 1}]})).unwrap_err();
        assert_eq!(error.details(), "Property .items[1].planet is unknown");
    }
}
