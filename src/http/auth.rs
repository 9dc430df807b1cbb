//! Credentials to whoever asks: every handler takes the [`Caller`] or the [`Organiser`] that this makes.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::error::{ApiError, ErrorKind};
use super::frame::InFlight;
use super::origin;
use super::state::AppState;
use crate::domain::credential::{Channel, ClientAccess, Family, Grant, Principal};
use crate::domain::project::{OrganisationId, ProjectId};
use crate::service::authenticator::RequestCredentials;
use crate::service::{Caller, Error};

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (caller, _) = enter(parts, state).await?;
        Ok(caller)
    }
}

/// The [`Caller`] of the client side, and what its project lets pages do there.
pub struct ClientCaller {
    pub caller: Caller,
    pub access: Arc<ClientAccess>,
}

impl FromRequestParts<AppState> for ClientCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (caller, access) = enter(parts, state).await?;
        Ok(Self { caller, access })
    }
}

/// Whoever comes through the door of the route, if it is open to them, and what the project lets pages do.
async fn enter(parts: &Parts, state: &AppState) -> Result<(Caller, Arc<ClientAccess>), ApiError> {
    let in_flight = in_flight(parts)?;
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let door = Door::of(path);
    if door.channel == Channel::ClientApi {
        // Nothing comes by itself of a call that is refused anyway.
        origin::required(&parts.headers)?;
    }
    let principal = principal(state, &parts.headers, door.family).await?;
    let project = principal.project().ok_or_else(ApiError::unauthorized)?;
    if !principal.scopes.allow_any(&door.scopes(path)) {
        return Err(ApiError::missing_permission());
    }
    if door.channel == Channel::ClientApi {
        origin::check(&parts.headers, &principal.client_access)?;
    }
    let caller = admit(state, &in_flight, project, principal.app_id, door.channel)?;
    Ok((caller, principal.client_access))
}

/// Whoever presents that, at a door of another vendor into the same projects; `None` where it opens none.
///
/// # Errors
/// 429 where the project has no calls left, 503 or 500 where the database fails.
pub async fn enter_with(
    state: &AppState,
    in_flight: &InFlight,
    presented: RequestCredentials<'_>,
) -> Result<Option<Caller>, ApiError> {
    let Some(principal) = resolve(state, presented).await? else { return Ok(None) };
    let Some(project) = principal.project() else { return Ok(None) };
    admit(state, in_flight, project, principal.app_id, Channel::Api).map(Some)
}

/// Takes one call of the project.
fn admit(
    state: &AppState,
    in_flight: &InFlight,
    project: ProjectId,
    app_id: Arc<str>,
    channel: Channel,
) -> Result<Caller, ApiError> {
    let left = state.rate_limits.take(project, state.core.clock.now());
    let _ = in_flight.calls_left.set(*left.as_ref().unwrap_or(&0));
    left?;
    Ok(Caller { project, app_id, channel, request_id: in_flight.request_id.clone() })
}

/// On whose behalf a handler of the management API works.
#[derive(Clone, Debug)]
pub struct Organiser {
    pub organisation: OrganisationId,
    /// The management key that was presented.
    pub app_id: Arc<str>,
    /// `v-...`.
    pub request_id: String,
}

impl FromRequestParts<AppState> for Organiser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let in_flight = in_flight(parts)?;
        let principal = principal(state, &parts.headers, Family::Management).await?;
        match principal.grant {
            Grant::Organisation(organisation) => {
                Ok(Self { organisation, app_id: principal.app_id, request_id: in_flight.request_id.clone() })
            }
            Grant::Project(_) | Grant::Nothing => Err(ApiError::unauthorized()),
        }
    }
}

/// What no token opens: what tells of tokens, keys and secrets of the project, or changes what it lets others do.
const WITH_KEYS_ONLY: [&str; 3] = ["/v1/oauth/", "/_emulator/keys", "/_emulator/project"];

/// A door into a project: whose keys open it, and what changes through it are said to come from.
struct Door {
    family: Family,
    channel: Channel,
}

impl Door {
    /// The door of a route. The emulator's own routes are behind the one of the server.
    fn of(path: &str) -> Self {
        if path.starts_with("/client/") {
            Self { family: Family::Client, channel: Channel::ClientApi }
        } else {
            Self { family: Family::Server, channel: Channel::Api }
        }
    }

    /// The scopes of which a token needs one: that of everything behind the door, and that of the resource, by its path.
    fn scopes<'a>(&self, path: &'a str) -> Vec<&'a str> {
        let resource = |prefix| path.strip_prefix(prefix).and_then(|rest: &str| rest.split('/').next());
        match self.channel {
            Channel::Api if WITH_KEYS_ONLY.iter().any(|prefix| path.starts_with(prefix)) => Vec::new(),
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

/// Whoever presents the keys of that family, or a token where the family goes with tokens.
async fn principal(state: &AppState, headers: &HeaderMap, family: Family) -> Result<Principal, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (id, token) = match family {
        Family::Server => ("x-app-id", "x-app-token"),
        Family::Client => ("x-client-application-id", "x-client-token"),
        Family::Management => ("x-management-id", "x-management-token"),
    };
    let presented = match (text(id), text(token), bearer(text(header::AUTHORIZATION.as_str()))) {
        (Some(id), Some(token), _) => RequestCredentials::Pair { family, id, token },
        (None, None, Some(token)) if family != Family::Management => RequestCredentials::Bearer(token),
        _ => return Err(ApiError::unauthorized()),
    };
    resolve(state, presented).await?.ok_or_else(ApiError::unauthorized)
}

/// Whoever presents that.
async fn resolve(state: &AppState, presented: RequestCredentials<'_>) -> Result<Option<Principal>, ApiError> {
    state.authenticator.authenticate(&state.core, presented).await.map_err(|error| match &*error {
        Error::Database(error) => super::error::database_error(error),
        other => ApiError::new(ErrorKind::Internal).with_cause(other),
    })
}

/// The token of an `Authorization` header.
fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the request has told so far.
pub fn in_flight(parts: &Parts) -> Result<Arc<InFlight>, ApiError> {
    let in_flight = parts.extensions.get::<Arc<InFlight>>().cloned();
    in_flight.ok_or_else(|| ApiError::new(ErrorKind::Internal).with_cause("a route outside of the frame"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::Scopes;

    #[test]
    fn a_scope_opens_the_paths_that_begin_with_it() {
        let scopes = |path: &'static str| Door::of(path).scopes(path);
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
    fn a_bearer_token_is_told_by_its_scheme() {
        assert_eq!(bearer(Some("Bearer abc")), Some("abc"));
        assert_eq!(bearer(Some("bearer abc")), Some("abc"));
        assert_eq!(bearer(Some("Basic abc")), None);
        assert_eq!(bearer(None), None);
    }
}
