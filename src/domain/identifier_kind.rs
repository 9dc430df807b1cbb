//! The kinds of identifiers that can be made from a seed.

/// The kind of request ids. They are made outside of the transaction of the request.
pub const REQUEST: &str = "v-";
/// The kind of the customer codes of Sticky Street, which have no prefix.
pub const CODE: &str = "code";
/// The kinds of identifiers that can be made from a seed: their prefixes, and [`CODE`]. Keys, tokens, secrets and the ids of projects
/// are always random, because they are secret or unique over all projects.
pub const SEEDED_KINDS: [&str; 16] = [
    "aa_", CODE, "cust_", "del_", "distr_", "event_", "evcus_", "exp_", "fault_", "ms_", "ord_", "seg_", "ucust_",
    REQUEST, "wh_", "whs_",
];
