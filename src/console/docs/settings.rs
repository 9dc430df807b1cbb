use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::console::page::Visit;
use crate::console::state::{ConsoleAccess, ConsoleState, KnownKey};
use crate::domain::built_in_keys::is_built_in_pair;
use crate::http::answer::JSON;

/// GET /_emulator/console/docs/settings
///
/// Returns the colours that were chosen, and the keys of the default project by the names that the contract gives them. The frame answers
/// with a redirect where the user must sign in first.
pub async fn handle(State(console): State<ConsoleState>, visit: Visit) -> Response {
    let settings = json!({"theme": visit.theme.name(), "keys": keys(&console.access)});
    ([(header::CONTENT_TYPE, JSON)], settings.to_string()).into_response()
}

fn keys(access: &ConsoleAccess) -> Value {
    let mut keys = Map::new();
    let mut add = |names: [&str; 2], key: &KnownKey| {
        keys.insert(names[0].to_owned(), key.id.as_str().into());
        keys.insert(names[1].to_owned(), key.token.as_str().into());
    };
    add(["AppId", "AppToken"], &access.server);
    add(["ClientApplicationId", "ClientToken"], &access.client);
    // The management keys belong to the organisation and not to the project, so only those that everybody knows are shown.
    if is_built_in_pair(&access.management.id, &access.management.token) {
        add(["ManagementId", "ManagementToken"], &access.management);
    }
    keys.into()
}
