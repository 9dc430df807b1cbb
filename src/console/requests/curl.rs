//! A logged request as a command line.

use std::fmt::Write;

use super::body::is_json;
use crate::console::project::{Project, shell};
use crate::domain::logged_request::LoggedRequest;

/// Returns the command line that sends the request again. Tokens are placeholders.
pub fn command(project: &Project, request: &LoggedRequest) -> String {
    let texts = request.texts();
    let query = if texts.query.is_empty() { String::new() } else { format!("?{}", texts.query) };
    let url = format!("{}{}{query}", project.base_url(), texts.path);
    let mut command = format!("curl -X {} '{}'", texts.method, shell(&url));
    let key = project.overview.server_key.as_deref().unwrap_or("YOUR_APP_ID");
    let headers: &[(&str, &str)] = if texts.path.starts_with("/client/") {
        &[("X-Client-Application-Id", "YOUR_CLIENT_APPLICATION_ID"), ("X-Client-Token", "YOUR_CLIENT_TOKEN")]
    } else if texts.path.starts_with("/management/") {
        &[("X-Management-Id", "YOUR_MANAGEMENT_ID"), ("X-Management-Token", "YOUR_MANAGEMENT_TOKEN")]
    } else if texts.path.starts_with("/stickystreet") {
        &[]
    } else {
        &[("X-App-Id", key), ("X-App-Token", "YOUR_APP_TOKEN")]
    };
    for (name, value) in headers {
        // Writing to a text cannot fail.
        let _ = write!(command, " \\\n  -H '{name}: {}'", shell(value));
    }
    let body = texts.request_body;
    if request.details.request_body_length.is_some() {
        command.push_str(" \\\n  --data-binary @BODY");
    } else if !body.is_empty() {
        let media = if is_json(body) { "application/json" } else { "application/x-www-form-urlencoded" };
        let _ = write!(command, " \\\n  -H 'Content-Type: {media}' \\\n  --data-raw '{}'", shell(body));
    }
    command
}
