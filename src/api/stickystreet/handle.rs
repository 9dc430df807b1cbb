use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;

use super::answer::Answer;
use super::credentials::{AuthenticatedCaller, Credentials};
use super::error::CallError;
use super::fields::Fields;
use super::output_format::OutputFormat;
use super::{customer_delete, customer_info, record_customer};
use crate::http::error::ErrorKind;
use crate::http::state::{App, AppState};
use crate::http::{ApiError, RequestContext, faults, not_allowed};
use crate::service::Caller;

/// The types of `StickyStreet` that are not emulated. Types that begin with `user_` are not emulated either and not listed here.
const NOT_EMULATED_TYPES: [&str; 21] = [
    "customer_search",
    "customer_find",
    "customer_balance",
    "customers_batch",
    "generate_card_number",
    "validate_customer_password",
    "card_replace",
    "record_activity",
    "redeem",
    "transaction_delete",
    "campaigns_list",
    "campaign_new",
    "campaign_update",
    "campaign_delete",
    "campaign_deactivate",
    "campaign_reactivate",
    "campaign_rewards",
    "campaign_promos",
    "reports",
    "account_info",
    "account_update",
];
/// How many characters of an unknown type an error shows.
const MAX_TYPE_CHARS_IN_ERROR: usize = 100;

/// GET /stickystreet (stickystreet-by-query), GET /stickystreet/ (stickystreet-root-by-query),
/// GET /stickystreet/api.php (stickystreet-api-by-query), POST /stickystreet (stickystreet-by-form),
/// POST /stickystreet/ (stickystreet-root-by-form), POST /stickystreet/api.php (stickystreet-api-by-form)
///
/// A rejected call is answered with 200, as clients of `StickyStreet` expect. Another status means a problem that the fields of the
/// request do not cause, for example a rate limit or an error of the server.
pub async fn handle(
    State(app): State<AppState>,
    Extension(context): Extension<Arc<RequestContext>>,
    request: Request,
) -> Result<Response, ApiError> {
    // Reject HEAD, which is handled like GET elsewhere, because a GET request can delete a customer here.
    if request.method() == Method::HEAD {
        return Ok(not_allowed(&Method::HEAD, &[Method::GET, Method::POST]));
    }
    let format = Arc::new(OnceLock::<OutputFormat>::new());
    let error_format = Arc::clone(&format);
    // From here on, errors (timeouts included) are written in the requested format, or in the default format until the fields have
    // been read.
    let _ = context.error_formatter.set(Box::new(move |text| {
        error_format.get().unwrap_or(&OutputFormat::default()).response(&Answer::Error(text.to_owned()))
    }));
    let answer = match authenticate_and_run(&app, &context, request, &format).await {
        Ok(answer) => answer,
        Err(CallError::Rejected(text)) => Answer::Error(text.into_owned()),
        Err(CallError::Api(error)) => return Err(error),
    };
    Ok(format.get().unwrap_or(&OutputFormat::default()).response(&answer))
}

async fn authenticate_and_run(
    app: &AppState,
    context: &Arc<RequestContext>,
    request: Request,
    format: &OnceLock<OutputFormat>,
) -> Result<Answer, CallError> {
    let (headers, method, uri) = (request.headers().clone(), request.method().clone(), request.uri().clone());
    let fields = Fields::from_request(request, context).await?;
    // Set the format first, so that an invalid callback is reported in it.
    let (requested, callback_check) = OutputFormat::read(&fields);
    let format = format.get_or_init(|| requested);
    callback_check?;
    let credentials = Credentials::read(&headers, &fields)?;
    let kind = fields.required("type")?;
    let AuthenticatedCaller { caller, allows_other_sites } = credentials.authenticate(app, context).await?;
    if allows_other_sites {
        format.allow_other_sites();
    }
    if !faults::begin(app, context, &method, uri.path()).await {
        // The middleware replaces the answer by that of the fault.
        return Err(ApiError::new(ErrorKind::Internal).into());
    }
    run(app, &caller, kind, &fields).await
}

async fn run(app: &App, caller: &Caller, kind: &str, fields: &Fields) -> Result<Answer, CallError> {
    match kind {
        "customer_delete" => customer_delete::run(app, caller, fields).await,
        "customer_info" => customer_info::run(app, caller, fields).await,
        "record_customer" => record_customer::run(app, caller, fields).await,
        known if NOT_EMULATED_TYPES.contains(&known) => {
            Err(CallError::rejected(format!("Type {known} is not emulated")))
        }
        other => {
            let shown: String = other.chars().take(MAX_TYPE_CHARS_IN_ERROR).collect();
            let is_known = other.starts_with("user_");
            Err(CallError::rejected(if is_known {
                format!("Type {shown} is not emulated")
            } else {
                format!("Invalid type: {shown}")
            }))
        }
    }
}
