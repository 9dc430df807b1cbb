//! The frame of every page: the session, the sign-in, the checks of forms, the headers that protect the user, and the log line.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::Instant;

use super::components::Message;
use super::error::PageError;
use super::form::Form;
use super::link::{self, PATH, SIGN_IN};
use super::page::{Page, Visit, ask_again};
use super::protection::protect;
use super::state::ConsoleState;
use super::theme::Theme;
use super::upload::{STATE_ROUTE, is_multipart};
use crate::http::connection::request_body::BodyProgress;
use crate::http::frame::within;
use crate::http::read_body;
use crate::http::run_to_end::RunToEnd;
use crate::http::scheme::Scheme;

/// The largest form.
const MAX_FORM_BYTES: usize = 1_048_576;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers a request for a page. The work continues when the browser disconnects, so that no action stops half way.
pub async fn handle(State(console): State<ConsoleState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let mut timer = console.metrics.start(started.into_std());
    let method = request.method().clone();
    // The log shows the route pattern and never the path, because identifiers can be e-mail addresses.
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let scheme = Scheme::of(request.extensions());
    let found = console.sessions.find(request.headers(), scheme);
    let is_new = found.is_none();
    let visit = Visit {
        session: found.unwrap_or_else(|| console.sessions.create()),
        is_new,
        theme: Theme::of(request.headers()),
        location: request.uri().path_and_query().map_or(PATH, |location| location.as_str()).to_owned(),
        has_sign_in: console.access.needs_sign_in,
        scheme,
        host: request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned),
    };
    let sets_cookie = is_new && method == Method::GET && !is_from_other_site(request.headers());
    let body = request.extensions().get::<Arc<BodyProgress>>().map(Arc::clone);
    let work = RunToEnd::new(answer(Arc::clone(&console), visit.clone(), is_new, request, next));
    let mut response = match within(console.app.request_timeout, body.as_deref(), work).await {
        Some(Ok(response)) => response,
        Some(Err(panic)) => PageError::internal(&panic).into_response(),
        None => PageError::new(StatusCode::SERVICE_UNAVAILABLE, "The page took too long.").into_response(),
    };
    let micros = started.elapsed().as_micros();
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        let status = error.status.as_u16();
        if let Some(cause) = &error.cause {
            tracing::error!(%method, route, status, micros, cause, "failed to show a page");
        } else {
            tracing::info!(%method, route, status, micros, "refused a page");
        }
        response = error_page(&visit, error);
    } else {
        tracing::debug!(%method, route, status = response.status().as_u16(), micros, "showed a page");
    }
    timer.answered(response.status().as_u16());
    let headers = response.headers_mut();
    protect(headers);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if sets_cookie && let Ok(cookie) = HeaderValue::from_str(&console.sessions.set_cookie(&visit.session, scheme)) {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// Answers the request, if the session may send it.
async fn answer(console: ConsoleState, visit: Visit, is_new: bool, request: Request, next: Next) -> Response {
    let is_sign_in = request.uri().path() == SIGN_IN;
    let needs_sign_in = console.access.needs_sign_in && !visit.session.is_signed_in && !is_sign_in;
    if request.method() == Method::GET || request.method() == Method::HEAD {
        if is_new && is_from_other_site(request.headers()) {
            return ask_again(&visit.location);
        }
        if needs_sign_in {
            let location = link::with_query(SIGN_IN, &[("return", &visit.location)]);
            return Redirect::to(&location).into_response();
        }
        let mut request = request;
        request.extensions_mut().insert(visit);
        return next.run(request).await;
    }
    if request.method() != Method::POST {
        return PageError::new(StatusCode::METHOD_NOT_ALLOWED, "Pages are read with GET and changed with POST.")
            .into_response();
    }
    if is_new || needs_sign_in {
        return refused("The session is not known. Open the page again and repeat what you did.");
    }
    match checked_form(&visit, request).await {
        Ok(mut request) => {
            request.extensions_mut().insert(visit);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// Reads the form of a request, and checks that a page of this session has sent it.
async fn checked_form(visit: &Visit, request: Request) -> Result<Request, PageError> {
    let headers = request.headers();
    let foreign = || PageError::new(StatusCode::FORBIDDEN, "The form was sent by a page of another site.");
    let own_origin = visit.host.as_ref().map(|host| visit.scheme.origin(host));
    let has_own_origin =
        |origin: &HeaderValue| own_origin.as_ref().is_some_and(|own| origin.as_bytes() == own.as_bytes());
    if !headers.get_all(header::ORIGIN).iter().all(has_own_origin)
        || !headers.get_all(SEC_FETCH_SITE).iter().all(|site| site.as_bytes() == b"same-origin")
    {
        return Err(foreign());
    }
    let is_upload = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == STATE_ROUTE);
    if is_upload && is_multipart(headers) {
        // The handler reads the body with `Upload`, which checks the token first.
        return Ok(request);
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    if !media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(PageError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The console reads URL-encoded forms only."));
    }
    let (mut parts, body) = request.into_parts();
    let form = Form::parse(&read_body(body, MAX_FORM_BYTES).await?);
    if !visit.session.accepts(form.text("form_token")) {
        return Err(PageError::foreign_form());
    }
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

fn refused(text: &str) -> Response {
    PageError::new(StatusCode::FORBIDDEN, text).into_response()
}

/// Returns whether a page of another site made the browser send the request. Browsers then leave out the cookie of the session.
fn is_from_other_site(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() == b"cross-site" || site.as_bytes() == b"same-site")
}

fn error_page(visit: &Visit, error: PageError) -> Response {
    let title = match error.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        _ => "This did not work",
    };
    let content = Message { text: error.message };
    let page = Page::new(title).below(PATH, "Projects");
    visit.page_with(error.status, page, &content).unwrap_or_else(|_| error.status.into_response())
}
