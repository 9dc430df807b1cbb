//! Builds new customers and applies patches to customers, in memory.

use chrono::{DateTime, Utc};

use super::metadata_size::check_metadata_size;
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference, IndexedFields, OrderSummary};
use crate::domain::metadata_schema::Write;
use crate::domain::rules::Rules;
use crate::ids::IdSource;
use crate::service::Error;

/// Builds a new customer from a reference, with the fields that lists search.
///
/// # Errors
/// Returns [`Error::InvalidMetadata`] when the metadata violates its schema, and [`Error::Invalid`] when it is too large.
pub fn new_from(
    ids: &mut IdSource,
    rules: &Rules,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<(Customer, IndexedFields), Error> {
    let sent = reference.patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Creation).map_err(Error::invalid_metadata)?;
    let (profile, metadata, indexed_fields) = reference.patch.clone().into_new();
    check_metadata_size(metadata.as_ref())?;
    let customer = Customer {
        id: ids.random("cust_"),
        source_id: reference.source_id.clone(),
        profile,
        metadata,
        orders: OrderSummary::default(),
        state: None,
        created_at: now,
        updated_at: None,
    };
    Ok((customer, indexed_fields))
}

/// Checks the metadata of a patch against its schema, applies the patch to a customer, and returns the fields that
/// lists search.
///
/// # Errors
/// Returns [`Error::InvalidMetadata`] when the metadata violates its schema, and [`Error::Invalid`] when the merged
/// metadata is too large.
pub fn apply_patch(
    rules: &Rules,
    customer: &mut Customer,
    patch: CustomerPatch,
    now: DateTime<Utc>,
) -> Result<IndexedFields, Error> {
    let has_metadata = !patch.metadata.is_absent();
    let sent = patch.metadata.as_value();
    rules.check_metadata("customer", sent, Write::Change).map_err(Error::invalid_metadata)?;
    let indexed_fields = patch.apply(customer, now);
    if has_metadata {
        check_metadata_size(customer.metadata.as_ref())?;
    }
    Ok(indexed_fields)
}
