//! The project that a page is about: calls of the API on its behalf, and the navigation of its pages.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use url::{Position, Url};

use super::error::PageError;
use super::layout::NavigationEntry;
use super::link::{PATH, encoded};
use super::page::{Page, Visit};
use super::section::Section;
use super::state::ConsoleState;
use crate::api::in_process::Call;
use crate::db;
use crate::domain::credential::{Channel, Family, Grant, Principal, Scopes};
use crate::domain::project::ProjectOverview;
use crate::http::ApiError;
use crate::service::Caller;

/// The project in the path of a request, with the visit.
pub struct Project {
    pub console: ConsoleState,
    pub visit: Visit,
    pub overview: ProjectOverview,
}

impl Project {
    /// Returns the link to a page of the project.
    pub fn link(&self, rest: &str) -> String {
        link_to(&self.overview.public_id, rest)
    }

    /// Returns the link to the first page of a section.
    pub fn section_link(&self, section: Section) -> String {
        self.link(section.path())
    }

    /// Returns the link to a customer.
    pub fn customer_link(&self, id: &str) -> String {
        self.link(&format!("/customers/{}", encoded(id)))
    }

    /// Returns the value that an operation of the API answers to GET. Identifiers in the path must be encoded.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.send(Method::GET, path, None).await
    }

    /// Calls an operation of the API on behalf of the project.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let (host, scheme) = (self.visit.host.as_deref(), self.visit.scheme);
        self.console.api.call(self.principal(), Call { body, host, scheme, ..Call::new(method, path) }).await
    }

    /// Calls an operation with a JSON body that is received while the operation reads it.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn send_body(&self, method: Method, path: &str, body: Body) -> Result<Response, ApiError> {
        self.console.api.send_body(self.principal(), Call::new(method, path), Some(body)).await
    }

    fn principal(&self) -> Principal {
        Principal {
            grant: Grant::Project(self.overview.id),
            family: Family::Server,
            scopes: Scopes::All,
            app_id: self.key_id(),
            is_built_in: false,
            client_access: Arc::default(),
            control: self.overview.control,
        }
    }

    /// Returns the id of the key that changes are recorded with. The console acts with the oldest server key of the project.
    fn key_id(&self) -> Arc<str> {
        self.overview.server_key.as_deref().unwrap_or_default().into()
    }

    /// Returns the caller of service functions for pages that no operation of the API serves.
    pub fn caller(&self) -> Caller {
        let core = &self.console.app.core;
        Caller {
            project: self.overview.id,
            app_id: self.key_id(),
            channel: Channel::Api,
            request_id: core.ids.time_ordered("v-", core.clock.now()),
            trace: None,
            control: self.overview.control,
        }
    }

    /// Returns a page of the project. It is below `section`.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn page(&self, section: Section, page: Page, content: &impl Template) -> Result<Response, PageError> {
        self.page_with(StatusCode::OK, section, page, content)
    }

    /// Returns a page of the project with a status, for instance of a form that was refused.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn page_with(
        &self,
        status: StatusCode,
        section: Section,
        page: Page,
        content: &impl Template,
    ) -> Result<Response, PageError> {
        let navigation = Section::ALL.map(|one| NavigationEntry {
            href: self.section_link(one),
            text: one.title(),
            is_current: one == section,
        });
        let project = Some((self.overview.name.clone(), self.overview.public_id.clone()));
        self.visit.page_with(status, Page { project, navigation: navigation.into(), ..page }, content)
    }

    /// Returns the URL of the emulator, as the browser knows it.
    pub fn base_url(&self) -> String {
        self.visit.scheme.origin(self.visit.host.as_deref().unwrap_or(&self.console.app.authority))
    }

    /// Returns the file at a path of the API, for the browser to store under a name.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn download(&self, path: &str, name: &str) -> Result<Response, PageError> {
        let mut response = self.console.api.send(self.principal(), Call::new(Method::GET, path)).await?;
        let disposition = format!("attachment; filename=\"{name}\"");
        let disposition = HeaderValue::from_str(&disposition).map_err(|error| PageError::internal(&error))?;
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
        Ok(response)
    }

    /// Returns the command line of a call with the keys of the project. Tokens are placeholders, except that of the default project, which
    /// everybody knows while it is the built-in one.
    pub fn command(&self, path: &str, body: &str) -> String {
        let base = self.base_url();
        let known = &self.console.access.server;
        let key = self.overview.server_key.as_deref().unwrap_or("YOUR_APP_ID");
        let is_public = key == known.id && crate::domain::built_in_keys::is_built_in_pair(&known.id, &known.token);
        let token = if is_public { known.token.as_str() } else { "YOUR_APP_TOKEN" };
        let mut command =
            format!("curl {base}{path} \\\n  -H 'X-App-Id: {}' \\\n  -H 'X-App-Token: {token}'", shell(key));
        if !body.is_empty() {
            command.push_str(" \\\n  -H 'Content-Type: application/json' \\\n  -d '");
            command.push_str(&shell(body));
            command.push('\'');
        }
        command
    }
}

/// Returns the path and the query of a URL of the API.
///
/// # Errors
/// An internal error for a text that is no URL.
pub fn path_of(url: &str) -> Result<String, PageError> {
    let url = Url::parse(url).map_err(|error| PageError::internal(&error))?;
    Ok(url[Position::BeforePath..].to_owned())
}

/// Returns a text as it stands between single quotes in a shell.
pub fn shell(text: &str) -> String {
    text.replace('\'', "'\\''")
}

/// Returns the link to a page of a project.
pub fn link_to(public_id: &str, rest: &str) -> String {
    format!("{PATH}/projects/{}{rest}", encoded(public_id))
}

impl FromRequestParts<ConsoleState> for Project {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &ConsoleState) -> Result<Self, PageError> {
        let visit = Visit::from_request_parts(parts, console).await?;
        let public_id = path_parameter(parts, console, "project").await?;
        let mut connection = console.app.core.pool.acquire().await?;
        let found = if public_id.contains('\0') {
            None
        } else {
            db::project_overviews::find(&mut connection, &public_id).await?
        };
        connection.release();
        let overview = found.ok_or_else(|| PageError::not_found("project"))?;
        Ok(Self { console: Arc::clone(console), visit, overview })
    }
}

/// The identifier of an object in the path, decoded.
pub struct ItemId(pub String);

impl FromRequestParts<ConsoleState> for ItemId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &ConsoleState) -> Result<Self, PageError> {
        path_parameter(parts, console, "id").await.map(Self)
    }
}

async fn path_parameter(parts: &mut Parts, console: &ConsoleState, name: &str) -> Result<String, PageError> {
    let parameters =
        RawPathParams::from_request_parts(parts, console).await.map_err(|_| PageError::not_found("page"))?;
    let found = parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| PageError::internal("the route has no such parameter"))
}
