//! A page: its content with the frame that all pages have, for the visit of one browser.

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::assets::{SCRIPT, STYLE};
use super::error::PageError;
use super::layout::{Layout, NavigationEntry};
use super::link::{self, Link, PATH, own_location};
use super::session::Session;
use super::theme::Theme;
use crate::http::scheme::Scheme;

/// The request of a browser: its session and its settings. The frame adds it to every request.
#[derive(Clone)]
pub struct Visit {
    pub session: Session,
    /// Whether the request came without a known session, so that this one was made for it.
    pub is_new: bool,
    pub theme: Theme,
    /// The path and the query of the request.
    pub location: String,
    /// Whether there is a sign-in, so that there is a sign-out too.
    pub has_sign_in: bool,
    /// The `Host` header.
    pub host: Option<String>,
    /// The scheme of the request.
    pub scheme: Scheme,
}

/// A page without its content.
#[derive(Default)]
pub struct Page {
    pub title: String,
    /// The pages above this one, from the first.
    pub trail: Vec<Link>,
    /// What can be done here.
    pub actions: Vec<Link>,
    /// The project in the header, with its public id.
    pub project: Option<(String, String)>,
    pub navigation: Vec<NavigationEntry>,
}

impl Page {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a page above this one.
    pub fn below(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.trail.push(Link::new(href, text));
        self
    }

    /// Adds something that can be done here.
    pub fn action(mut self, href: impl Into<String>, text: impl Into<String>) -> Self {
        self.actions.push(Link::new(href, text));
        self
    }
}

impl Visit {
    /// Returns a page with that content.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn page(&self, page: Page, content: &impl Template) -> Result<Response, PageError> {
        self.page_with(StatusCode::OK, page, content)
    }

    /// Returns a page with a status, for instance of a form that was refused.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn page_with(&self, status: StatusCode, page: Page, content: &impl Template) -> Result<Response, PageError> {
        let content = content.render()?;
        let Page { title, trail, actions, project, navigation } = page;
        let layout = Layout {
            title,
            trail,
            actions,
            project,
            navigation,
            theme: self.theme,
            form_token: &self.session.form_token,
            location: &self.location,
            can_sign_out: self.has_sign_in && self.session.is_signed_in,
            notice: self.notice(),
            home: PATH,
            style: &STYLE.path,
            script: &SCRIPT.path,
            content: &content,
        };
        Ok((status, Html(layout.render()?)).into_response())
    }

    /// Returns the notice that an action has put into the location of the page that it redirected to.
    pub fn notice(&self) -> Option<&'static str> {
        let (_, query) = self.location.split_once('?')?;
        let (_, name) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "notice")?;
        NOTICES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| PageError::internal("the route is outside of the frame"))
    }
}

/// The query of a page as it was sent, without the question mark.
pub struct RawQuery(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RawQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl RawQuery {
    /// Returns the last value of a parameter; an empty text for an absent one.
    pub fn text(&self, name: &str) -> String {
        let values = form_urlencoded::parse(self.0.as_bytes()).filter(|(known, _)| known == name);
        values.last().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Returns the query without some parameters, followed by another one.
    pub fn replaced(&self, without: &[&str], name: &str, value: &str) -> String {
        let kept = form_urlencoded::parse(self.0.as_bytes()).filter(|(known, _)| !without.contains(&known.as_ref()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// What actions tell on the page that follows, by the name in its location.
const NOTICES: &[(&str, &str)] = &[
    ("customer-created", "The customer was created."),
    ("customer-saved", "The customer was saved."),
    ("customer-deleted", "The customer was deleted softly. Its data stays until it is deleted permanently."),
    ("segment-created", "The segment was created."),
    ("segment-deleted", "The segment was deleted."),
    ("webhook-created", "The webhook was created."),
    ("webhook-activated", "The webhook was activated."),
    ("webhook-deactivated", "The webhook was deactivated."),
    ("webhook-deleted", "The webhook was deleted with its deliveries."),
    ("delivery-replayed", "The message is in the queue again."),
    ("clock-changed", "The clock was changed."),
    ("ids-changed", "The source of identifiers was changed."),
    ("fault-created", "The fault was created."),
    ("fault-deleted", "The fault was removed."),
    ("faults-deleted", "All faults were removed."),
    ("snapshot-created", "The snapshot was created."),
    ("snapshot-restored", "The project is as it was when the snapshot was created."),
    ("snapshot-deleted", "The snapshot was deleted."),
    ("project-reset", "The project was reset."),
    ("state-loaded", "The document was loaded."),
    ("key-revoked", "The key was revoked."),
    ("consents-changed", "The consents of the customer were changed."),
    ("consent-created", "The consent was created."),
    ("consent-saved", "The consent was saved."),
    ("consent-deleted", "The consent was deleted."),
    ("group-saved", "The group was saved."),
    ("group-deleted", "The group was deleted. Its consents stay."),
    ("schema-created", "The schema was created. Add its keys now."),
    ("schema-saved", "The schema was saved."),
    ("schema-deleted", "The schema was deleted. The stored metadata stays."),
    ("strict-on", "Strict mode was turned on."),
    ("strict-off", "Strict mode was turned off."),
];

/// Redirects to a page of the console after an action. `notice` is one of [`NOTICES`].
pub fn redirect(location: &str, notice: &str) -> Response {
    Redirect::to(&link::with_query(location, &[("notice", notice)])).into_response()
}

/// A page that makes the browser ask again. It is the answer to a link on a page of another site: browsers send no session cookie with
/// that request, and they do with the next one.
pub fn ask_again(location: &str) -> Response {
    #[derive(Template)]
    #[template(path = "layout/ask_again.html")]
    struct AskAgain<'a> {
        location: &'a str,
    }
    let page = AskAgain { location: own_location(location) }.render().unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}
