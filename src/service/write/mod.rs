//! The path by which services write customers, orders and events, one for a request or many for a job.
//!
//! A service begins a [`UnitOfWork`], locks what it changes in a [`CustomerBatch`] or an [`OrderBatch`], saves in memory,
//! writes the batch, and commits. The [`Recording`] of the transaction makes the difference between a request and a job.
//! Every transaction locks in this order: the slice of a job, customers by id, orders by id.

mod customer;
mod customer_batch;
mod lookups;
mod members;
mod membership_entry;
mod metadata_size;
mod new_customer;
mod order;
mod order_batch;
mod recording;
mod unit_of_work;

pub(super) use customer::{apply_patch, new_from};
pub(super) use customer_batch::{CustomerBatch, lock_customer};
pub(super) use membership_entry::membership_entry;
pub(super) use metadata_size::check_metadata_size;
pub(super) use new_customer::new_customer;
pub(super) use order_batch::{OrderBatch, SaveError};
pub(super) use recording::Recording;
pub(super) use unit_of_work::UnitOfWork;
