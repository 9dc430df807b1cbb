use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;

use super::account::{self, Account};
use super::answer::Answer;
use super::fields::Fields;
use super::output::Output;
use super::refused::Refused;
use super::{customer_delete, customer_info, record_customer};
use crate::http::state::{App, AppState};
use crate::http::{ApiError, InFlight, not_allowed};
use crate::service::Caller;

/// What else the vendor has; and everything that begins with `user_`.
const NOT_EMULATED: [&str; 21] = [
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
/// Characters of a type that an error shows.
const SHOWN_CHARS: usize = 100;

/// GET /stickystreet (stickystreet-by-query), GET /stickystreet/ (stickystreet-root-by-query),
/// GET /stickystreet/api.php (stickystreet-api-by-query); POST likewise (`...-by-form`)
///
/// What is refused is answered 200, as clients of this vendor expect it; other statuses mean trouble.
pub async fn handle(
    State(app): State<AppState>,
    Extension(in_flight): Extension<Arc<InFlight>>,
    request: Request,
) -> Result<Response, ApiError> {
    // Elsewhere a HEAD is a GET, which changes nothing; here a GET may delete a person.
    if request.method() == Method::HEAD {
        return Ok(not_allowed(&Method::HEAD, &[Method::GET, Method::POST]));
    }
    let output = Arc::new(OnceLock::<Output>::new());
    let of_errors = Arc::clone(&output);
    // Whatever goes wrong from now on, be it the time limit, is told in the form that was asked for, once that is known.
    let _ = in_flight.error_form.set(Box::new(move |text| {
        of_errors.get().unwrap_or(&Output::default()).response(&Answer::Error(text.to_owned()))
    }));
    let answer = match answer(&app, &in_flight, request, &output).await {
        Ok(answer) => answer,
        Err(Refused::Because(text)) => Answer::Error(text.into_owned()),
        Err(Refused::Trouble(error)) => return Err(error),
    };
    Ok(output.get().unwrap_or(&Output::default()).response(&answer))
}

async fn answer(
    app: &AppState,
    in_flight: &InFlight,
    request: Request,
    output: &OnceLock<Output>,
) -> Result<Answer, Refused> {
    let header_key = request.headers().get(account::KEY_HEADER).cloned();
    let fields = Fields::of(request).await?;
    let (asked, callback) = Output::of(&fields);
    let _ = output.set(asked);
    callback?;
    let account = Account::of(header_key.as_ref(), &fields)?;
    let kind = fields.required("type")?;
    let caller = account.enter(app, in_flight).await?;
    run(app, &caller, kind, &fields).await
}

async fn run(app: &App, caller: &Caller, kind: &str, fields: &Fields) -> Result<Answer, Refused> {
    match kind {
        "customer_delete" => customer_delete::run(app, caller, fields).await,
        "customer_info" => customer_info::run(app, caller, fields).await,
        "record_customer" => record_customer::run(app, caller, fields).await,
        known if NOT_EMULATED.contains(&known) => Err(Refused::because(format!("Type {known} is not emulated"))),
        other => {
            let shown: String = other.chars().take(SHOWN_CHARS).collect();
            let is_known = other.starts_with("user_");
            Err(Refused::because(if is_known {
                format!("Type {shown} is not emulated")
            } else {
                format!("Invalid type: {shown}")
            }))
        }
    }
}
