use super::answer::Answer;
use super::error::CallError;
use super::fields::Fields;
use crate::domain::identifier::Identifier;
use crate::http::state::App;
use crate::service::{Caller, permanent_deletion};

/// `customer_delete`: permanently deletes the customer with the `code`.
pub async fn run(app: &App, caller: &Caller, fields: &Fields) -> Result<Answer, CallError> {
    let code = fields.read(|fields| fields.required("code"))?;
    permanent_deletion::erase_by_source_id(&app.core, caller, &Identifier::new(code.to_owned())).await?;
    Ok(Answer::deleted(code))
}
