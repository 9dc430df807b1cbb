//! Reads the customers in request bodies: as the whole body in this folder, and as a member of orders and events.

use crate::domain::customer::{Address, CustomerPatch, CustomerReference};
use crate::domain::limits::{DESCRIPTION_CHARS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::error::ApiError;
use crate::http::payload::Object;

/// Reads the ids that select a customer, and the patch for it.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn customer_reference(mut body: Object<'_>) -> Result<CustomerReference, ApiError> {
    let id = body.identifier("id")?;
    let source_id = body.identifier("source_id")?;
    Ok(CustomerReference { id, source_id, patch: customer_patch(body)? })
}

/// Reads the patch for a customer.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn customer_patch(mut body: Object<'_>) -> Result<CustomerPatch, ApiError> {
    Ok(CustomerPatch {
        name: body.text("name", TEXT_CHARS)?,
        description: body.text("description", DESCRIPTION_CHARS)?,
        email: body.text("email", TEXT_CHARS)?,
        phone: body.text("phone", TEXT_CHARS)?,
        birthday: body.date_text("birthday")?,
        birthdate: body.date_text("birthdate")?,
        address: match body.object("address")? {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(address) => Patch::Value(read_address(address)?),
        },
        metadata: body.metadata("metadata")?,
    })
}

fn read_address(mut address: Object<'_>) -> Result<Address, ApiError> {
    Ok(Address {
        city: address.text("city", TEXT_CHARS)?,
        state: address.text("state", TEXT_CHARS)?,
        line_1: address.text("line_1", TEXT_CHARS)?,
        line_2: address.text("line_2", TEXT_CHARS)?,
        country: address.text("country", TEXT_CHARS)?,
        postal_code: address.text("postal_code", TEXT_CHARS)?,
    })
}
