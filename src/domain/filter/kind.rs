//! The kinds of fields.

/// The kind of the values of a field, which determines how operators read the values and their operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text. Also metadata without a definition, which the vendor compares only as text.
    Text,
    Number,
    /// A point in time, in milliseconds.
    Moment,
    /// A day in UTC; the time of day is ignored.
    Day,
}
