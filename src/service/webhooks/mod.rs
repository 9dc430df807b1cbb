//! Webhooks: their management, their deliveries, and the removal of both.

mod attempt;
mod cleanup;
pub(super) mod delivery_notifier;
mod manage;
pub(super) mod new_deliveries;
mod replay;

pub use attempt::Attempt;
pub use cleanup::expire;
pub use delivery_notifier::DeliveryNotifier;
pub use manage::{NewWebhook, create, delete, disable, get, update};
pub use replay::replay;
