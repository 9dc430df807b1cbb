//! The sign-in with the management keys of the emulator, where other machines can reach it or with `--strict-auth`.

mod attempts;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::components::{Field, FormView};
use super::error::PageError;
use super::form::Form;
use super::link::{PATH, SIGN_IN, own_location};
use super::page::{Page, RawQuery, Visit};
use super::state::{ConsoleState, KnownKey};

pub use attempts::Attempts;

pub fn routes() -> Router<ConsoleState> {
    Router::new().route(SIGN_IN, get(show).post(sign_in)).route("/_emulator/console/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
struct SignIn {
    form: FormView,
}

/// GET /_emulator/console/sign-in
async fn show(State(console): State<ConsoleState>, visit: Visit, query: RawQuery) -> Result<Response, PageError> {
    if !console.access.needs_sign_in || visit.session.is_signed_in {
        return Ok(Redirect::to(PATH).into_response());
    }
    page(&visit, &query.text("return"), None)
}

/// POST /_emulator/console/sign-in
async fn sign_in(State(console): State<ConsoleState>, visit: Visit, form: Form) -> Result<Response, PageError> {
    let Some(attempt) = console.sign_in_attempts.begin().await else {
        let text = "There are too many attempts to sign in. Wait a few seconds.";
        return Err(PageError::new(StatusCode::TOO_MANY_REQUESTS, text));
    };
    if !is_key(&console.access.management, form.text("id"), form.text("token")) {
        attempt.fail().await;
        return page(
            &visit,
            form.text("return"),
            Some("These are not the management keys of this emulator.".to_owned()),
        );
    }
    let session = console.sessions.sign_in();
    let location = own_location(form.text("return"));
    Ok(([(SET_COOKIE, console.sessions.set_cookie(&session, visit.scheme))], Redirect::to(location)).into_response())
}

/// POST /_emulator/console/sign-out
async fn sign_out(State(console): State<ConsoleState>, visit: Visit) -> Response {
    console.sessions.sign_out(&visit.session);
    Redirect::to(PATH).into_response()
}

/// Compares digests of equal length in constant time, so that the time of the answer does not show where they differ.
fn is_key(key: &KnownKey, id: &str, token: &str) -> bool {
    let is_same = |known: &str, given: &str| Sha256::digest(known).ct_eq(&Sha256::digest(given));
    bool::from(is_same(&key.id, id) & is_same(&key.token, token))
}

fn page(visit: &Visit, location: &str, error: Option<String>) -> Result<Response, PageError> {
    let status = if error.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let fields = vec![
        Field::text("id", "Management id", "").required(),
        Field::password("token", "Management token").required(),
        Field::hidden("return", own_location(location)),
    ];
    let form = FormView::new(&visit.session, SIGN_IN, "Sign in", fields).refused(error);
    visit.page_with(status, Page::new("Sign in"), &SignIn { form })
}
