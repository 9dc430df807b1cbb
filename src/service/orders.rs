//! Creating and changing orders.

use super::retry::retry;
use super::write::{OrderBatch, Recording, UnitOfWork};
use super::{Caller, Core, Error};
use crate::domain::identifier::Identifier;
use crate::domain::order::{Order, OrderChange, OrderReference};

/// Creates an order, or updates it when its `id` or `source_id` is known.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn save(
    core: &Core,
    caller: &Caller,
    reference: &OrderReference,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let batch = OrderBatch::read(&mut work, &[reference]).await?;
        // An unknown id needs no locks.
        batch.find(reference)?;
        save_in(work, batch, reference, change).await
    })
    .await
}

/// Changes an existing order.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown order or customer `id`.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    change: &OrderChange,
) -> Result<Order, Error> {
    retry(async || {
        let mut work = UnitOfWork::begin(core, caller, Recording::Request).await?;
        let (batch, reference) = OrderBatch::read_existing(&mut work, identifier).await?;
        save_in(work, batch, &reference, change).await
    })
    .await
}

/// Saves the order of the reference in a batch that has read it, and commits.
async fn save_in(
    mut work: UnitOfWork<'_>,
    mut batch: OrderBatch,
    reference: &OrderReference,
    change: &OrderChange,
) -> Result<Order, Error> {
    batch.lock(&mut work, &[change]).await?;
    let index = batch.save(&mut work, reference, change).await?;
    batch.write(&mut work).await?;
    work.commit().await?;
    Ok(batch.into_order(index))
}
