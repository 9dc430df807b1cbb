//! Authentication: turns the credentials of a request into the [`Caller`] or [`ManagementCaller`] that a handler takes.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::error::{ApiError, ErrorKind};
use super::origin::{self, Page};
use super::request_context::{RequestContext, RoutePattern, request_context};
use super::state::AppState;
use crate::domain::built_in_keys::is_built_in_pair;
use crate::domain::credential::{Channel, Family, Grant, Principal};
use crate::domain::project::ClientFunctions;
use crate::domain::project::{OrganisationId, ProjectId};
use crate::service::authenticator::RequestCredentials;
use crate::service::{Caller, Error};

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (caller, _) = caller(parts, state).await?;
        Ok(caller)
    }
}

/// The [`Caller`] of a client-side request, and the functions that the project enables on the client side.
pub struct ClientCaller {
    pub caller: Caller,
    pub functions: ClientFunctions,
}

impl FromRequestParts<AppState> for ClientCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (caller, functions) = caller(parts, state).await?;
        Ok(Self { caller, functions })
    }
}

/// Returns the caller of a request, and what its project allows on the client side.
async fn caller(parts: &Parts, state: &AppState) -> Result<(Caller, ClientFunctions), ApiError> {
    let context = request_context(&parts.extensions)?;
    let path = parts.extensions.get::<RoutePattern>().map_or("", |pattern| pattern.0);
    let outcome = if let Some(outcome) = context.authentication.get() {
        outcome
    } else {
        let outcome = authenticate(state, &context, &parts.headers, path).await;
        context.authentication.get_or_init(|| outcome)
    };
    let principal = outcome.as_ref().map_err(Clone::clone)?;
    let project = principal.project().ok_or_else(ApiError::unauthorized)?;
    let functions = principal.client_access.functions(context.is_strict());
    let caller = count_call(state, &context, project, principal, RouteAuth::of(path).channel)?;
    context.refuse_unread()?;
    Ok((caller, functions))
}

/// Authenticates and authorizes a request to an operation with that path pattern. The project is set in the context as soon as it is
/// known, also where the request is then refused.
///
/// # Errors
/// 401 or 403 when the request may not use the operation; 503 or 500 when the database fails.
pub async fn authenticate(
    state: &AppState,
    context: &RequestContext,
    headers: &HeaderMap,
    path: &str,
) -> Result<Principal, ApiError> {
    let route_auth = RouteAuth::of(path);
    if route_auth.channel == Channel::ClientApi {
        // The origin is checked before the keys, so that a refused request does not create a project.
        origin::required(headers)?;
    }
    let presented = credentials(headers, route_auth.family)?;
    if route_auth.channel == Channel::ClientApi
        && would_provision_for_foreign_page(state, presented, Page::of(headers)).await?
    {
        return Err(origin::only_local_pages());
    }
    let mut principal = resolve(state, presented).await?.ok_or_else(ApiError::unauthorized)?;
    apply_strictness(state, context, &mut principal);
    let project = principal.project().ok_or_else(ApiError::unauthorized)?;
    context.set_project(&state.core, project, principal.control).await;
    if !principal.scopes.allow_any(&route_auth.scopes(path)) {
        return Err(ApiError::missing_permission());
    }
    if route_auth.channel == Channel::ClientApi {
        origin::check(headers, &principal)?;
    }
    Ok(principal)
}

/// Sets the project of a request that no operation answers in the context, if the keys or the token are known. It creates no project.
pub async fn identify(state: &AppState, context: &RequestContext, headers: &HeaderMap, path: &str) {
    let Ok(presented) = credentials(headers, RouteAuth::of(path).family) else { return };
    // The response does not depend on the project, so that a failure of the database is not reported.
    if let Ok(Some(principal)) = state.authenticator.identify(&state.core, presented).await
        && let Some(id) = principal.project()
    {
        context.set_project(&state.core, id, principal.control).await;
    }
}

/// Returns whether a request of a page that is not local would create the project of a built-in pair. It is refused before, so that no
/// page can create projects with keys that everybody knows.
///
/// # Errors
/// 503 or 500 when the database fails.
pub async fn would_provision_for_foreign_page(
    state: &AppState,
    presented: RequestCredentials<'_>,
    page: Page<'_>,
) -> Result<bool, ApiError> {
    let RequestCredentials::Pair { family, id, token } = presented else { return Ok(false) };
    if page.is_local() || !is_built_in_pair(id, token) {
        return Ok(false);
    }
    Ok(state.authenticator.would_provision(&state.core, family, id, token).await?)
}

/// Makes the request strict when its project is, and the project strict when the whole server is.
pub fn apply_strictness(state: &AppState, context: &RequestContext, principal: &mut Principal) {
    principal.control.is_strict |= state.is_strict;
    if principal.control.is_strict {
        context.set_strict();
    }
}

/// Counts the call against the rate limit of the project, and returns the caller.
///
/// # Errors
/// 429 when the project has no calls left.
pub fn count_call(
    state: &AppState,
    context: &RequestContext,
    project: ProjectId,
    principal: &Principal,
    channel: Channel,
) -> Result<Caller, ApiError> {
    if !context.is_in_process() {
        let left = state.rate_limits.take(project, state.core.clock.now());
        let _ = context.calls_left.set(*left.as_ref().unwrap_or(&0));
        left?;
    }
    let app_id = Arc::clone(&principal.app_id);
    let request_id = context.request_id().to_owned();
    Ok(Caller { project, app_id, channel, request_id, trace: context.trace.clone(), control: principal.control })
}

/// The caller of a management request.
#[derive(Clone, Debug)]
pub struct ManagementCaller {
    pub organisation: OrganisationId,
    /// The id of the management key.
    pub app_id: Arc<str>,
    /// The request id, `v-...`.
    pub request_id: String,
}

impl FromRequestParts<AppState> for ManagementCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let context = request_context(&parts.extensions)?;
        let presented = credentials(&parts.headers, Family::Management)?;
        let principal = resolve(state, presented).await?.ok_or_else(ApiError::unauthorized)?;
        match principal.grant {
            Grant::Organisation(organisation) => {
                context.refuse_unread()?;
                Ok(Self { organisation, app_id: principal.app_id, request_id: context.request_id().to_owned() })
            }
            Grant::Project(_) | Grant::Nothing => Err(ApiError::unauthorized()),
        }
    }
}

/// Path prefixes that accept keys only and no OAuth token: they show tokens, keys and secrets, or change access settings.
const KEYS_ONLY_PREFIXES: [&str; 3] = ["/v1/oauth/", "/_emulator/keys", "/_emulator/project"];

/// How a route authenticates: the family of its keys, and the channel that activity entries record.
struct RouteAuth {
    family: Family,
    channel: Channel,
}

impl RouteAuth {
    /// Returns how the route with that path pattern authenticates. The emulator's own routes use server keys.
    fn of(path: &str) -> Self {
        if path.starts_with("/client/") {
            Self { family: Family::Client, channel: Channel::ClientApi }
        } else {
            Self { family: Family::Server, channel: Channel::Api }
        }
    }

    /// Returns the scopes of which a token needs one: the scope of the whole API, and that of the resource in the path.
    fn scopes<'a>(&self, path: &'a str) -> Vec<&'a str> {
        let resource = |prefix| path.strip_prefix(prefix).and_then(|rest: &str| rest.split('/').next());
        match self.channel {
            Channel::Api if KEYS_ONLY_PREFIXES.iter().any(|prefix| path.starts_with(prefix)) => Vec::new(),
            Channel::Api => ["api"].into_iter().chain(resource("/v1/")).collect(),
            Channel::ClientApi => {
                let scope = match resource("/client/v1/") {
                    Some("customers") => Some("client_customers"),
                    Some("consents") => Some("client_consents"),
                    Some("events") => Some("client_events"),
                    _ => None,
                };
                ["client_api"].into_iter().chain(scope).collect()
            }
        }
    }
}

/// Returns the keys of a family in the headers, or the bearer token where the family accepts tokens.
fn credentials(headers: &HeaderMap, family: Family) -> Result<RequestCredentials<'_>, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (id, token) = match family {
        Family::Server => ("x-app-id", "x-app-token"),
        Family::Client => ("x-client-application-id", "x-client-token"),
        Family::Management => ("x-management-id", "x-management-token"),
    };
    match (text(id), text(token), bearer(text(header::AUTHORIZATION.as_str()))) {
        (Some(id), Some(token), _) => Ok(RequestCredentials::Pair { family, id, token }),
        (None, None, Some(token)) if family != Family::Management => Ok(RequestCredentials::Bearer(token)),
        _ => Err(ApiError::unauthorized()),
    }
}

/// Resolves credentials to their principal; `None` when they are not valid.
///
/// # Errors
/// 503 or 500 when the database fails.
pub async fn resolve(state: &AppState, presented: RequestCredentials<'_>) -> Result<Option<Principal>, ApiError> {
    state.authenticator.authenticate(&state.core, presented).await.map_err(|error| match &*error {
        Error::Database(error) => super::error::database_error(error),
        other => ApiError::new(ErrorKind::Internal).with_cause(other),
    })
}

/// Returns the bearer token of an `Authorization` header.
fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::Scopes;

    #[test]
    fn a_scope_allows_the_paths_of_its_resource() {
        let scopes = |path: &'static str| RouteAuth::of(path).scopes(path);
        assert_eq!(scopes("/v1/customers/{customerId}/consents"), ["api", "customers"]);
        assert_eq!(scopes("/v1/async-actions"), ["api", "async-actions"]);
        assert_eq!(scopes("/_emulator/idle"), ["api"]);
        assert_eq!(scopes("/v1/oauth/token"), Vec::<&str>::new());
        assert_eq!(scopes("/_emulator/keys/{family}/{appId}"), Vec::<&str>::new());
        assert_eq!(scopes("/_emulator/project"), Vec::<&str>::new());
        assert_eq!(scopes("/client/v1/events"), ["client_api", "client_events"]);
        assert!(Scopes::All.allow_any(&[]));
    }

    #[test]
    fn a_bearer_token_is_recognised_by_its_scheme() {
        assert_eq!(bearer(Some("Bearer abc")), Some("abc"));
        assert_eq!(bearer(Some("bearer abc")), Some("abc"));
        assert_eq!(bearer(Some("Basic abc")), None);
        assert_eq!(bearer(None), None);
    }
}
