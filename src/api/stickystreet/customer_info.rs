use super::answer::Answer;
use super::customer_fields;
use super::error::CallError;
use super::fields::Fields;
use crate::db;
use crate::domain::identifier::Identifier;
use crate::http::state::App;
use crate::service::Caller;

/// `customer_info`: returns the fields of the customer with the `code`. `hide_custom_field=Y` omits `custom_field`.
///
/// A lookup by `card_number` is rejected, because the card number is stored in the metadata, which has no index.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, CallError> {
    let (code, hides_custom_field) = fields.read(|fields| {
        let card_number = fields.get("card_number");
        if fields.get("code").is_none() && card_number.is_some() {
            return Err(CallError::rejected("A customer cannot be looked up by card_number here: code is required"));
        }
        // There are no campaigns, balances and coalitions.
        fields.ignore(&["include_balances", "campaign_id", "show_only_belong_to"]);
        let hides_custom_field = fields.get("hide_custom_field").is_some_and(|sent| sent.eq_ignore_ascii_case("y"));
        Ok((Identifier::new(fields.required("code")?.to_owned()), hides_custom_field))
    })?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let found = db::customers::find_by_source_id(&mut connection, caller.project, &code).await?;
    connection.release();
    let found = found.ok_or_else(|| CallError::rejected("Customer not found"))?;
    let stored = customer_fields::elements(&found);
    let registered = if customer_fields::is_registered(&stored) { "Y" } else { "N" };
    let mut elements = vec![("code", code.as_str().to_owned())];
    elements.extend(stored.into_iter().filter(|(name, _)| !(hides_custom_field && *name == "custom_field")));
    elements.push(("registered", registered.to_owned()));
    Ok(Answer::Customer { status: None, elements })
}
