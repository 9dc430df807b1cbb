use super::answer::Answer;
use super::fields::Fields;
use super::person::{self, Sent};
use super::refused::Refused;
use crate::domain::limits::TEXT_CHARS;
use crate::http::state::App;
use crate::service::{Caller, Error, Resource, customers_by_source_id};

/// Digits of a code that is made here.
const CODE_DIGITS: usize = 16;

/// `record_customer`: makes a customer (`new`), makes one of whoever has the code so far without a word about them (`register`), or
/// changes one (`edit`). What asks for something that is not done here is refused, and never passed over.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, Refused> {
    let action = fields.required("customer_action")?;
    if fields.get("new_code").is_some() {
        return Err(Refused::because("new_code is not emulated: a customer keeps its code"));
    }
    if fields.get("card_number_generate").is_some() {
        return Err(Refused::because("card_number_generate is not emulated: send a card_number"));
    }
    let sent = Sent::of(fields)?;
    let code = fields.text("code", TEXT_CHARS)?.filter(|code| !code.is_empty());
    match (action, code) {
        ("new", Some(code)) => customers_by_source_id::create(&app.core, caller, code, &sent.patch(None)?).await?,
        ("new", None) => {
            let codes = || app.core.ids.digits(CODE_DIGITS);
            let code =
                customers_by_source_id::create_under_free_source_id(&app.core, caller, &sent.patch(None)?, codes)
                    .await?;
            return Ok(Answer::recorded(&code));
        }
        ("register", Some(code)) => {
            let decide = |known: Option<&_>| match known {
                Some(known) if person::is_registered(&person::elements(known)) => {
                    Err(Error::Invalid { details: "Customer is registered already".to_owned() })
                }
                known => sent.patch(known),
            };
            customers_by_source_id::save(&app.core, caller, code, decide).await?;
        }
        ("edit", Some(code)) => {
            let decide = |known: Option<&_>| match known {
                Some(known) => sent.patch(Some(known)),
                None => Err(Error::not_found(Resource::Customer, code)),
            };
            customers_by_source_id::save(&app.core, caller, code, decide).await?;
        }
        ("register" | "edit", None) => return Err(Refused::because("code is required")),
        _ => return Err(Refused::because("customer_action must be new, register or edit")),
    }
    Ok(Answer::recorded(code.unwrap_or_default()))
}
