//! The state of a project as a whole: reading it page by page, replacing it, and adding to it. A transaction that writes it
//! holds the rules lock of the project exclusively.

mod clear;
mod customers;
mod definitions;
mod derived;
mod events;
mod orders;
mod pages;
pub mod templates;

pub use clear::{clear, is_empty};
pub use customers::{
    KnownCustomer, LoadedCustomer, delete_consents, find_known_customers, find_links, insert_consents, save_customers,
};
pub use definitions::{save_consent, save_consent_group};
pub use derived::{recount_events, refresh_all_order_summaries, refresh_member_times};
pub use events::{LoadedEvent, save_events};
pub use orders::{KnownOrder, find_known_orders, save_orders};
pub use pages::{
    CustomerPageRow, EventPageRow, begin_snapshot, list_customers, list_events, list_orders, list_segment_members,
    list_segments,
};
