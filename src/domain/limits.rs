//! What an input may be at the most. The vendor publishes few of these; the others are chosen so that every indexed text
//! fits in a PostgreSQL index entry. They are listed for users in `docs/limits.md`.

/// Bytes of a JSON body, except on bulk paths.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Bytes of the body of a bulk path: a JSON array of records, a CSV file; the vendor's number.
pub const BULK_BYTES: usize = 10 * 1024 * 1024;
/// Records that are applied in one transaction.
pub const SLICE_RECORDS: usize = 1_000;
/// Bytes of the records that are applied in one transaction, about.
pub const SLICE_BYTES: usize = 1024 * 1024;
/// Records of one bulk update.
pub const BULK_RECORDS: usize = 100_000;
/// Characters of the details of a record that failed.
pub const FAILURE_CHARS: usize = 2_000;
/// Failed records that the result of an async action lists; more are only counted.
pub const LISTED_FAILURES: i64 = 10_000;
/// Columns of a CSV file.
pub const CSV_COLUMNS: usize = 500;
/// Orders of one import; the vendor's number.
pub const IMPORTED_ORDERS: usize = 2_000;
/// Days for which the report of an async action can be downloaded.
pub const REPORT_DAYS: i64 = 7;
/// Characters of a short text: `source_id`, `name`, `email`, `phone`, the address members, names of segments.
pub const TEXT_CHARS: usize = 500;
/// Characters of `description`.
pub const DESCRIPTION_CHARS: usize = 5_000;
/// Characters of a custom event's name; the vendor's number.
pub const EVENT_NAME_CHARS: usize = 300;
/// Bytes of a metadata object after merging, written as JSON.
pub const METADATA_BYTES: usize = 1024 * 1024;
/// Items of an order; the vendor's number.
pub const ORDER_ITEMS: usize = 500;
/// Members of a static segment; the vendor's number.
pub const SEGMENT_MEMBERS: usize = 20_000;
/// Segments with a filter in a project; the vendor's number.
pub const FILTERED_SEGMENTS: usize = 100;
/// Conditions in a filter.
pub const FILTER_CONDITIONS: usize = 100;
/// Values in a filter, behind all of its operators: each write compares with them.
pub const FILTER_VALUES: usize = 1_000;
/// Bytes of a segment's filter, written as JSON.
pub const FILTER_BYTES: usize = 64 * 1024;
/// Elements of an array in metadata that filters look at.
pub const FILTER_ELEMENTS: usize = 1_000;
/// Fields of an export.
pub const EXPORT_FIELDS: usize = 200;
/// Campaigns in a customer's loyalty or referrals.
pub const STATE_CAMPAIGNS: usize = 100;
/// Consents named in one call.
pub const CONSENTS: usize = 1_000;
/// Definitions of a metadata schema or a custom-event schema, removed ones included; the vendor's number.
pub const DEFINITIONS: usize = 100;
/// Bytes of the definitions of a schema, written as JSON.
pub const DEFINITIONS_BYTES: usize = 256 * 1024;
/// Values that one definition allows, or forbids.
pub const DEFINITION_VALUES: usize = 200;
/// Metadata schemas of a project, and its custom-event schemas.
pub const SCHEMAS: usize = 100;
/// Objects within objects whose schemas are followed.
pub const NESTED_OBJECTS: usize = 32;
/// The largest amount or quantity: the integers that JSON readers in JavaScript keep exactly.
pub const INTEGER: i64 = 9_007_199_254_740_991;
/// Webhooks of a project, distributions included.
pub const WEBHOOKS: usize = 100;
/// Characters of the URL of a webhook.
pub const TARGET_URL_CHARS: usize = 2_048;
/// Types of events that a webhook names.
pub const WEBHOOK_EVENTS: usize = 200;
/// Days for which it is remembered what became of a delivery.
pub const DELIVERY_DAYS: i64 = 7;
/// Bytes of a form.
pub const FORM_BYTES: usize = 64 * 1024;
/// Characters of the scopes that are asked for at once; all there are have fewer.
pub const SCOPE_CHARS: usize = 1_000;
/// OAuth tokens of a project that have not expired; the vendor's number.
pub const OAUTH_TOKENS: i64 = 1_000;
/// Keys of a project, of all families.
pub const KEYS: i64 = 100;
/// Characters of a key or token that is presented.
pub const CREDENTIAL_CHARS: usize = 200;

/// Fields of a form.
pub const FORM_FIELDS: usize = 200;
/// Domains whose pages may use the client side of a project.
pub const TRUSTED_DOMAINS: usize = 100;
/// E-mail addresses that one notification goes to.
pub const NOTIFIED_EMAILS: usize = 100;
/// Bytes of the settings of a project, written as JSON.
pub const SETTINGS_BYTES: usize = 32 * 1024;
/// Users that are assigned to a new project.
pub const PROJECT_USERS: usize = 100;
/// Projects that a list of an organisation shows; they come by themselves, so that there may be any number.
pub const LISTED_PROJECTS: i64 = 1_000;

/// `number`, or the nearest that is within [`INTEGER`].
#[must_use]
pub fn clamp(number: i64) -> i64 {
    number.clamp(-INTEGER, INTEGER)
}
