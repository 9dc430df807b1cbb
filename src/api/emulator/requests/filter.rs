//! Reads the parameters that say which requests to return.

use crate::domain::logged_request::{RequestFilter, StatusFilter};
use crate::domain::path_pattern::PathPattern;
use crate::http::ApiError;
use crate::http::query::Parameters;

/// Reads `method`, `path`, `operation`, `status` and `after`.
///
/// # Errors
/// 400 for the first invalid parameter.
pub fn read(query: &Parameters) -> Result<RequestFilter, ApiError> {
    let path = query.text("path")?;
    if path.as_deref().is_some_and(|path| !path.starts_with('/')) {
        return Err(ApiError::invalid_query("Property .path must begin with /"));
    }
    let status = query.text("status")?.map(|status| {
        StatusFilter::parse(&status)
            .ok_or_else(|| ApiError::invalid_query("Property .status must be a status such as 404 or 4xx"))
    });
    Ok(RequestFilter {
        method: query.text("method")?.map(|method| method.to_ascii_uppercase()),
        path: path.map(|path| PathPattern::new(&path)),
        operation: query.text("operation")?,
        status: status.transpose()?,
        after: query.text("after")?,
    })
}
