//! The choice of the colours.

use axum::Router;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::form::Form;
use super::link::own_location;
use super::state::ConsoleState;
use super::theme::Theme;

pub fn routes() -> Router<ConsoleState> {
    Router::new().route("/_emulator/console/theme", post(choose))
}

/// POST /_emulator/console/theme
async fn choose(form: Form) -> Response {
    let cookie = Theme::parse(form.text("theme")).set_cookie();
    ([(SET_COOKIE, cookie)], Redirect::to(own_location(form.text("return")))).into_response()
}
