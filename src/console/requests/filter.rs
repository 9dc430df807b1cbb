//! Which requests a page shows. The parameters are those of `GET /_emulator/requests`.

use crate::console::page::RawQuery;
use crate::domain::logged_request::{RequestFilter, StatusFilter};
use crate::domain::path_pattern::PathPattern;

/// The names of the parameters.
pub const PARAMETERS: [&str; 4] = ["method", "path", "status", "operation"];

/// Reads the parameters. An empty one matches every request.
///
/// # Errors
/// What is wrong with a parameter, in words.
pub fn read(query: &RawQuery) -> Result<RequestFilter, String> {
    let parameter = |name: &str| Some(query.text(name)).filter(|text| !text.is_empty());
    let path = parameter("path");
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err("The path must begin with /".to_owned());
    }
    let read_status = |text: String| {
        StatusFilter::parse(&text).ok_or_else(|| "The status must be a number such as 404, or 4xx".to_owned())
    };
    Ok(RequestFilter {
        method: parameter("method").map(|method| method.to_ascii_uppercase()),
        path: path.map(|path| PathPattern::new(&path)),
        operation: parameter("operation"),
        status: parameter("status").map(read_status).transpose()?,
        after: parameter("after"),
    })
}
