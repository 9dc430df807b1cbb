//! Limits of inputs. The vendor publishes few of them; the others are chosen so that every indexed text fits into a
//! PostgreSQL index entry. They are listed for users in `docs/limits.md`.

use chrono::{DateTime, Utc};

/// Maximum bytes of a JSON body, except on bulk paths.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Maximum bytes of the body of a bulk path: a JSON array of records, or a CSV file. The vendor's limit.
pub const BULK_BYTES: usize = 10 * 1024 * 1024;
/// Maximum bytes of a state document.
pub const STATE_BYTES: usize = 512 * 1024 * 1024;
/// Maximum bytes of one object of a state document.
pub const STATE_OBJECT_BYTES: usize = 10 * 1024 * 1024;
/// Maximum records applied in one transaction of a job.
pub const SLICE_RECORDS: usize = 1_000;
/// Approximate maximum bytes of the records applied in one transaction of a job.
pub const SLICE_BYTES: usize = 1024 * 1024;
/// Maximum records of a bulk update.
pub const BULK_RECORDS: usize = 100_000;
/// Maximum characters of the details of a failed record.
pub const FAILURE_CHARS: usize = 2_000;
/// Maximum failed records listed in the result of an async action. Further failures are only counted.
pub const LISTED_FAILURES: i64 = 10_000;
/// Maximum columns of a CSV file.
pub const CSV_COLUMNS: usize = 500;
/// Maximum orders of an import. The vendor's limit.
pub const IMPORTED_ORDERS: usize = 2_000;
/// Number of days for which the report of an async action can be downloaded.
pub const REPORT_RETENTION_DAYS: i64 = 7;
/// Maximum characters of a short text: `source_id`, `name`, `email`, `phone`, the address members, segment names.
pub const TEXT_CHARS: usize = 500;
/// Maximum characters of `description`.
pub const DESCRIPTION_CHARS: usize = 5_000;
/// Maximum characters of the name of a custom event. The vendor's limit.
pub const EVENT_NAME_CHARS: usize = 300;
/// Maximum bytes of a metadata object as JSON, after merging.
pub const METADATA_BYTES: usize = 1024 * 1024;
/// Maximum items of an order. The vendor's limit.
pub const ORDER_ITEMS: usize = 500;
/// Maximum members of a static segment. The vendor's limit.
pub const SEGMENT_MEMBERS: usize = 20_000;
/// Number of days for which an unconfirmed customer can be confirmed after it was sent last.
pub const UNCONFIRMED_CUSTOMER_RETENTION_DAYS: i32 = 30;
/// Maximum segments with a filter in a project. The vendor's limit.
pub const FILTERED_SEGMENTS_PER_PROJECT: usize = 100;
/// Maximum conditions in a filter.
pub const FILTER_CONDITIONS: usize = 100;
/// Maximum values in a filter, over all its operators. Limited because each write is compared with all of them.
pub const FILTER_VALUES: usize = 1_000;
/// Maximum bytes of a segment's filter as JSON.
pub const FILTER_BYTES: usize = 64 * 1024;
/// Maximum elements of a metadata array that filters compare. Further elements are ignored.
pub const FILTER_ELEMENTS: usize = 1_000;
/// Maximum characters of a text in which filters search for other texts. The rest of a longer text is not searched. It is
/// at least [`TEXT_CHARS`], which a text of a filter may have, and more than a `description` has.
pub const FILTER_TEXT_CHARS: usize = 10_000;
/// Maximum fields of an export.
pub const EXPORT_FIELDS: usize = 200;
/// Maximum campaigns in the loyalty or referrals of a customer.
pub const STATE_CAMPAIGNS: usize = 100;
/// Maximum widgets in the system metadata of a customer.
pub const STATE_WIDGETS: usize = 100;
/// Maximum consents in one request.
pub const CONSENTS_PER_CALL: usize = 1_000;
/// Maximum definitions of a metadata schema or custom-event schema, including removed ones. The vendor's limit.
pub const DEFINITIONS_PER_SCHEMA: usize = 100;
/// Maximum bytes of the definitions of a schema as JSON.
pub const DEFINITIONS_BYTES: usize = 256 * 1024;
/// Maximum values that one definition allows or forbids.
pub const DEFINITION_VALUES: usize = 200;
/// Maximum metadata schemas of a project, and maximum custom-event schemas of a project.
pub const SCHEMAS_PER_PROJECT: usize = 100;
/// Maximum nesting depth of metadata objects that are validated against a schema.
pub const NESTED_OBJECTS: usize = 32;
/// The largest amount or quantity: the largest integer up to which JavaScript JSON parsers are exact.
pub const MAX_INTEGER: i64 = 9_007_199_254_740_991;
/// Maximum webhooks of a project, including distributions.
pub const WEBHOOKS_PER_PROJECT: usize = 100;
/// Maximum characters of the URL of a webhook.
pub const TARGET_URL_CHARS: usize = 2_048;
/// Maximum event types of a webhook.
pub const WEBHOOK_EVENTS: usize = 200;
/// Number of days for which the outcome of a delivery is kept.
pub const DELIVERY_RETENTION_DAYS: i32 = 7;
/// Maximum bytes of a form.
pub const FORM_BYTES: usize = 64 * 1024;
/// Maximum characters of the scopes of a token request. All existing scopes together are shorter.
pub const SCOPE_CHARS: usize = 1_000;
/// Maximum unexpired OAuth tokens of a project. The vendor's limit.
pub const OAUTH_TOKENS_PER_PROJECT: i64 = 1_000;
/// Maximum keys of a project, over all families.
pub const KEYS_PER_PROJECT: i64 = 100;
/// Maximum characters of a key or token in a request.
pub const CREDENTIAL_CHARS: usize = 200;
/// Maximum fields of a form.
pub const FORM_FIELDS: usize = 200;
/// Maximum domains whose pages may send client-side requests to a project.
pub const TRUSTED_DOMAINS: usize = 100;
/// Maximum e-mail addresses of one notification.
pub const NOTIFIED_EMAILS: usize = 100;
/// Maximum bytes of the settings of a project as JSON.
pub const SETTINGS_BYTES: usize = 32 * 1024;
/// Maximum users assigned to a new project.
pub const PROJECT_USERS: usize = 100;
/// Maximum snapshots of a project.
pub const SNAPSHOTS_PER_PROJECT: i64 = 100;
/// Maximum values of an erasure check.
pub const CHECKED_VALUES: usize = 100;
/// Minimum characters of a value of an erasure check. Shorter ones would be found everywhere.
pub const MIN_CHECKED_VALUE_CHARS: usize = 4;
/// Maximum characters of a value of an erasure check.
pub const CHECKED_VALUE_CHARS: usize = 500;
/// Maximum projects in the list of an organisation. Projects are auto-provisioned, so their number is not limited.
pub const LISTED_PROJECTS: i64 = 1_000;

/// Returns `number` limited to the range from `-MAX_INTEGER` to [`MAX_INTEGER`].
#[must_use]
pub fn clamp(number: i64) -> i64 {
    number.clamp(-MAX_INTEGER, MAX_INTEGER)
}

/// The first time that the clock of a project can show: before it, time-ordered identifiers cannot be made.
pub const CLOCK_START: DateTime<Utc> = DateTime::from_timestamp(1_462_406_400, 0).unwrap();
/// The time from which on the clock of a project cannot show it: the start of the year 2100.
pub const CLOCK_END: DateTime<Utc> = DateTime::from_timestamp(4_102_444_800, 0).unwrap();
/// The longest seed of identifiers, in characters.
pub const SEED_CHARS: usize = 100;

/// How many faults a project may have.
pub const FAULTS_PER_PROJECT: usize = 100;

/// How long a fault may delay a request or an attempt to deliver, in milliseconds.
pub const FAULT_DELAY_MILLIS: i64 = 600_000;

/// How often a fault may send a message in addition.
pub const FAULT_DUPLICATES: i64 = 10;

/// The maximum size of the body of a fault as JSON, in bytes.
pub const FAULT_BODY_BYTES: usize = 64 * 1024;
