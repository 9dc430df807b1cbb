use super::answer::Answer;
use super::fields::Fields;
use super::person;
use super::refused::Refused;
use crate::db;
use crate::domain::identifier::Identifier;
use crate::http::state::App;
use crate::service::Caller;

/// `customer_info`: what is known of the customer with that `code`. `hide_custom_field=Y` leaves that element out.
///
/// A card's number stands in the metadata, where no index finds it.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, Refused> {
    if fields.get("code").is_none() && fields.get("card_number").is_some() {
        return Err(Refused::because("A customer cannot be looked up by card_number here: code is required"));
    }
    let code = Identifier::new(fields.required("code")?.to_owned());
    let mut connection = app.core.pool.acquire().await?;
    let found = db::customers::find_by_source_id(&mut connection, caller.project, &code).await?;
    connection.release();
    let found = found.ok_or_else(|| Refused::because("Customer not found"))?;
    let known = person::elements(&found);
    let registered = if person::is_registered(&known) { "Y" } else { "N" };
    let hides_custom_field = fields.get("hide_custom_field").is_some_and(|sent| sent.eq_ignore_ascii_case("y"));
    let mut elements = vec![("code", code.as_str().to_owned())];
    elements.extend(known.into_iter().filter(|(name, _)| !(hides_custom_field && *name == "custom_field")));
    elements.push(("registered", registered.to_owned()));
    Ok(Answer::Customer { status: None, elements })
}
