use super::answer::Answer;
use super::customer_fields::{self, CustomerFields};
use super::error::CallError;
use super::fields::Fields;
use crate::domain::limits::TEXT_CHARS;
use crate::http::state::App;
use crate::service::{Caller, Error, Resource, customers_by_source_id};

/// The number of digits of a generated code.
const CODE_DIGITS: usize = 16;

/// `record_customer`: creates a customer (`new`), fills in the fields of a customer that has none or creates it
/// (`register`), or updates a customer (`edit`). Features that are not emulated are rejected, never ignored.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, CallError> {
    let (action, code, sent) = fields.read(|fields| {
        let action = fields.required("customer_action")?;
        if fields.get("new_code").is_some() {
            return Err(CallError::rejected("new_code is not emulated: a customer keeps its code"));
        }
        if fields.get("card_number_generate").is_some() {
            return Err(CallError::rejected("card_number_generate is not emulated: send a card_number"));
        }
        let sent = CustomerFields::read(fields)?;
        // There are no campaigns, and customers have no passwords.
        fields.ignore(&["campaign_id", "customer_password"]);
        Ok((action, fields.text("code", TEXT_CHARS)?.filter(|code| !code.is_empty()), sent))
    })?;
    match (action, code) {
        ("new", Some(code)) => customers_by_source_id::create(&app.core, caller, code, &sent.patch(None)?).await?,
        ("new", None) => {
            let patch = sent.patch(None)?;
            let code = customers_by_source_id::create_with_free_source_id(&app.core, caller, &patch, |ids| {
                ids.digits(CODE_DIGITS)
            })
            .await?;
            return Ok(Answer::recorded(&code));
        }
        ("register", Some(code)) => {
            let decide = |existing: Option<&_>| match existing {
                Some(existing) if customer_fields::is_registered(&customer_fields::elements(existing)) => {
                    Err(Error::Invalid { details: "Customer is registered already".to_owned() })
                }
                existing => sent.patch(existing),
            };
            customers_by_source_id::save(&app.core, caller, code, decide).await?;
        }
        ("edit", Some(code)) => {
            let decide = |existing: Option<&_>| match existing {
                Some(existing) => sent.patch(Some(existing)),
                None => Err(Error::not_found(Resource::Customer, code)),
            };
            customers_by_source_id::save(&app.core, caller, code, decide).await?;
        }
        ("register" | "edit", None) => return Err(CallError::rejected("code is required")),
        _ => return Err(CallError::rejected("customer_action must be new, register or edit")),
    }
    Ok(Answer::recorded(code.unwrap_or_default()))
}
