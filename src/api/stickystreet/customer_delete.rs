use super::answer::Answer;
use super::fields::Fields;
use super::refused::Refused;
use crate::domain::identifier::Identifier;
use crate::http::state::App;
use crate::service::{Caller, permanent_deletion};

/// `customer_delete`: the permanent deletion of the customer with that `code`.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, Refused> {
    let code = fields.required("code")?;
    permanent_deletion::forget_by_source_id(&app.core, caller, &Identifier::new(code.to_owned())).await?;
    Ok(Answer::deleted(code))
}
