//! The path by which services write customers, orders and events.

mod membership_entry;
mod recording;
mod unit_of_work;

pub(super) use membership_entry::membership_entry;
pub(super) use recording::Recording;
pub(super) use unit_of_work::UnitOfWork;
