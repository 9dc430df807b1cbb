//! Filters as SQL conditions, which match the same objects as
//! [`Filter::matches`](crate::domain::filter::Filter::matches).

mod condition;
mod expression;
mod moments;
mod source;

pub use condition::{push_customer_filter, push_order_filter, push_segment_filter};
pub use expression::push_spans;
pub use moments::push_moments;
pub use source::indexed_moment;
