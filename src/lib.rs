//! A local emulator of Voucherify's customers API, with real state on PostgreSQL.
//!
//! # Which file answers which URL
//!
//! | URL | file |
//! |---|---|
//! | `/v1/customers...` | `api/v1/customers/`: `create` `get` `list` `update` `delete` `permanent_deletion` `activity` `activities` `redeemables` `segments` `consents` `bulk` `bulk_metadata` `import_csv` |
//! | `/v1/orders...` | `api/v1/orders/` |
//! | `/v1/events` | `api/v1/events/` |
//! | `/v1/segments...` | `api/v1/segments/` |
//! | `/v1/consents` | `api/v1/consents/` |
//! | `/v1/trash-bin...` | `api/v1/trash_bin/` |
//! | `/v1/async-actions...` | `api/v1/async_actions/` |
//! | `/v1/metadata-schemas...` | `api/v1/metadata_schemas/` |
//! | `/v1/exports...` | `api/v1/exports/`, and `api/v1/orders/export.rs` for `/v1/orders/export` |
//! | `/v1/oauth/...` | `api/v1/oauth/` |
//! | `/client/v1/...` | `api/client/` for `create_customer` and `track_event`; the consents use the handlers of `api/v1` |
//! | `/management/v1/projects...` | `api/management/` |
//! | `/_emulator/...` | `api/emulator/` |
//! | `/stickystreet...` | `api/stickystreet/`, one file per `type` |
//!
//! The table of routes, with the operation id of each, is in the `mod.rs` of each folder.
//!
//! # The rooms, and what each may use
//!
//! ```text
//! { main, emulator } -> app -> { api -> http, worker } -> service -> db -> domain
//!                        |              |                    |
//!                        +-> postgres   +-> webhook          +-> { objects, ids } -> domain
//! ```
//!
//! * [`domain`]: plain types and pure rules. No SQL, no HTTP, no clock.
//! * [`objects`]: the vendor's objects as they are written in JSON, for answers and for the payloads of activity entries.
//! * [`db`]: the only SQL. Free functions on a connection, one file per family of tables.
//! * [`service`]: the business. Each function is one transaction; no SQL text, no HTTP.
//! * [`http`]: the vendor's surface. A handler parses, calls a service (or reads through `db`), renders.
//! * [`control`]: the emulator's own surface under `/_emulator`.
//! * [`stickystreet`]: a second vendor's surface, onto the same customers.
//! * [`worker`]: brings background jobs forward, delivers what webhooks have to send, and removes what is over.
//! * [`webhook`]: signs a message and posts it, where it may go.
//! * [`postgres`]: the private cluster.
//! * [`app`] puts the parts together, [`emulator`] does so inside a Rust test, [`config`] holds every option.
//! * [`clock`] is the only place that reads the time, [`ids`] the only one that makes identifiers.
//!
//! A test reads the `use crate::` lines and holds them against this picture.
//!
//! # How somebody gets in
//!
//! `http::auth` reads what is presented at the door of a route (its family of keys, or a token), `service::authenticator` says which principal that
//! is (`domain::credential`: what it opens, its family, its scopes), by a short memory; and the handler takes the `Caller` or the `Organiser`
//! that comes of it. The client side adds the origin of the page, the management API the project in the path.
//!
//! # How a write goes
//!
//! Every service that writes works in a `service::work::Work`: one transaction under the *rules* of its project, which are its
//! schemas and its segments with a filter (`domain::rules`, remembered by `service::rules`). The service changes rows, tells of it
//! and says whom it touched; at the end the touched customers are put in and out of segments, the entries are written, and all of it
//! is committed. Whoever changes the rules is alone in the project meanwhile (`service::rules::Revision`), and members follow. A new
//! customer is one statement that does the same (`db::customers::insert`).
//!
//! A filter is read into types once (`domain::filter`), and has two readings: in Rust for one customer, in SQL (`db::filter`) for all.
//!
//! # How a job goes
//!
//! A request accepts a job by writing it with its slices (`service::jobs::accept`, `db::jobs`). The workers ([`worker`]) are woken, take the first
//! job of a project by the lock of its row, and do one slice in one `Work` (`service::jobs`, one file per type of job): read it, apply it, remove
//! it, keep what there is to report, count on. `migrations/0006_jobs.sql` says why that is each record once.
//!
//! # How a message goes
//!
//! The webhooks of a project are among its rules. When a `Work` writes its entries, it puts in line for them what they want to know
//! (`service::webhooks`, `db::webhook_deliveries`): names only, in the same transaction. After the commit the courier (`worker::courier`) is woken.
//! Of all emulators on a database the one whose connection has the lock delivers: it keeps in memory what it is sending, makes each message of
//! the entry (`objects::webhook`), and writes down what came of it. Whatever was not written down is sent again by whoever comes next.

pub mod api;
pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod emulator;
pub mod http;
pub mod ids;
pub mod objects;
pub mod postgres;
pub mod service;
pub mod webhook;
pub mod worker;

pub use emulator::{Builder, Emulator};
