//! A local emulator of Voucherify's customers API, with real state on PostgreSQL. In this crate, "the vendor" is Voucherify.
//!
//! # Which file answers which URL
//!
//! The endpoints are in `api/`, in folders named like the URLs. In a folder, a file has the name of the operation (`create` `get` `list`
//! `update` `delete`) or of the last part of the path. The `mod.rs` of the folder has the table of its routes, with the operation ids.
//! Files such as `request.rs` have no route; they parse what several endpoints of the folder accept.
//!
//! | URL | folder or file |
//! |---|---|
//! | `/v1/customers`, `/v1/customers/{id}` | `api/v1/customers/`: `create` `list` `get` `update` `delete` |
//! | `/v1/customers/{id}/...` | `api/v1/customers/`: `permanent_deletion` `activity` `activities` `redeemables` `segments` `consents` |
//! | `/v1/customers/bulk/async`, `/metadata/async`, `/importCSV` | `api/v1/customers/`: `bulk` `bulk_metadata` `import_csv` |
//! | `/v1/orders...` | `api/v1/orders/`: `create` `list` `get` `update` `import` `export` |
//! | `/v1/events` | `api/v1/events/create` |
//! | `/v1/segments...` | `api/v1/segments/` |
//! | `/v1/consents` | `api/v1/consents/list` (the consents of one customer are in `api/v1/customers/consents`) |
//! | `/v1/trash-bin...` | `api/v1/trash_bin/` |
//! | `/v1/async-actions...` | `api/v1/async_actions/` |
//! | `/v1/metadata-schemas...` | `api/v1/metadata_schemas/` |
//! | `/v1/exports...` | `api/v1/exports/` (`/v1/orders/export` is in `api/v1/orders/export`) |
//! | `/v1/oauth/token`, `/introspect`, `/token/revoke` | `api/v1/oauth/`: `token` `introspect` `revoke` |
//! | `POST /client/v1/customers`, `POST /client/v1/events` | `api/client/`: `create_customer` `track_event` |
//! | `PUT /client/v1/customers/{id}/consents`, `GET /client/v1/consents` | the handlers `api/v1/customers/consents` and `api/v1/consents/list` |
//! | `/management/v1/projects`, `/{id}` | `api/management/projects/` |
//! | `/management/v1/projects/{id}/...` | `api/management/`: `webhooks/` `metadata_schemas/` `custom_event_schemas/` |
//! | `/_emulator/health`, `/metrics`, `/idle`, `/reports/{id}` | `api/emulator/`: `health` `metrics` `idle` `reports` |
//! | `/_emulator/openapi.json`, `/customers/{id}/state` | `api/emulator/`: `contract` `customer_state` |
//! | `/_emulator/unconfirmed-customers/{id}/confirm` | `api/emulator/confirm_customer` |
//! | `/_emulator/keys...`, `/project`, `/metadata-schemas/...` | `api/emulator/`: `keys/` `project/` `metadata_schemas/` |
//! | `/_emulator/consents...`, `/consent-groups...` | `api/emulator/consents/` |
//! | `/_emulator/custom-event-schemas...` | `api/emulator/custom_event_schemas/` |
//! | `/_emulator/requests...`, `/_emulator/faults...` | `api/emulator/`: `requests/` `faults/`; requests are recorded in `http/request_log/`, and faults hit in `http/faults` and `worker/delivery/` |
//! | `/_emulator/state` | `api/emulator/state/`: `get` `put` `post`; `file` loads the files of `--state` and `--template` |
//! | `/_emulator/webhooks...` | `api/emulator/webhooks/`: `create` `list` `get` `update` `delete`; `deliveries` `delivery` `replay` for its deliveries |
//! | `/_emulator/reset`, `/snapshots...` | `api/emulator/`: `reset` `snapshots/` |
//! | `/_emulator/erasure-check`, `/permanent-deletions...` | `api/emulator/`: `erasure_check` `permanent_deletions/` |
//! | `/_emulator/console...` | `console/`: a folder for each page; `/` redirects browsers there (`api/mod.rs`) |
//! | `/stickystreet...` | `api/stickystreet/`: `handle` receives every request, and calls `customer_info`, `customer_delete` or `record_customer` by its `type` |
//!
//! # The modules, and what each may import
//!
//! ```text
//! { main, emulator } -> app -> { console -> api -> http, worker } -> service -> db -> domain
//!                        |                  |              |           |
//!                        |                  +-> webhook <--+           +-> { objects, ids, clock } -> domain
//!                        +-> { tls -> postgres -> domain }
//!
//! { app, console, api, http, worker, service, db } -> trace -> metrics
//! ```
//!
//! * [`domain`]: types and pure rules. No SQL, no HTTP, no clock.
//! * [`db`]: the only SQL. Free functions on a connection, one file per family of tables; `db/functions/` has the PL/pgSQL functions.
//! * [`objects`]: the vendor's JSON objects, written for responses and for the payloads of activity entries.
//! * [`service`]: the business logic. A service owns its transaction; it has no SQL text and no HTTP.
//! * [`http`]: the HTTP kit: connections, authentication, parsing of queries and payloads, errors, CORS, rate limits. It has no endpoint.
//! * [`api`]: the endpoints. A handler parses the request, calls a service (or reads through `db`), and writes the response.
//! * [`console`]: the pages for people. A page calls the operations of the API in this process ([`api`]'s `in_process`).
//! * [`worker`]: runs background jobs, delivers webhooks, and deletes expired data.
//! * [`webhook`]: signs a webhook message and sends it, if its target address is allowed.
//! * [`tls`]: the certificate with which HTTPS is served, and the authority that issues it.
//! * [`postgres`]: finds or fetches PostgreSQL, and starts and stops the private cluster.
//! * [`app`] starts the server from these parts (`app/database`, `app/build`, `app/documents`), [`emulator`] does so inside a Rust test and controls its projects, [`config`] has every option.
//! * [`metrics`]: what the emulator measures about itself. The parts that measure record in it; `service::metrics` reads the rest.
//! * [`trace`]: spans of requests, statements, jobs and deliveries, and their export by the protocol of OpenTelemetry.
//! * [`clock`] is the only module that reads the time, [`ids`] the only one that makes identifiers.
//!
//! `tests/it/source_layout.rs` checks this: it fails on an import against the direction and on a cycle between files.
//!
//! # The database
//!
//! Everything is in one schema of the database (`domain::database_schema`), which `db::connect` creates and migrates. `db::session` opens
//! every connection and sets all settings that the statements need. Advisory locks and notifications are those of the whole database, so
//! the keys of the locks contain the identifier of a table, and the names of the channels that of the schema. `service::database_health`
//! gets every failure of the database as a whole (`domain::outage`), and decides what the health of the emulator shows.
//!
//! # Authentication
//!
//! Each route accepts one family of keys (server, client or management) or an OAuth token. `http::auth` reads the credentials from the
//! headers, `service::authenticator` resolves them to a principal (`domain::credential`: its project or organisation, its family, its
//! scopes) through a cache of one second, and the handler receives a `Caller` or a `ManagementCaller`. The client side also checks the
//! `Origin` of the page (`http::origin`; the built-in keys trust only local hosts, `domain::local_host`); the management API also
//! resolves the project in the path. Before all of this, `http::edge` refuses a request that names a host that is not allowed.
//!
//! # The frame of a request
//!
//! `http::frame` runs around every request. It authenticates the requests to the vendor's paths before their handler, so that the project
//! of each is known also where the request is then refused, or where no route matches. The handler's extractors return that outcome.
//! `http::faults` then decides whether a fault hits the request (`service::faults`, `db::faults` counts), and `http::request_log` adds the
//! request with its answer to the log of its project (`service::request_log`).
//!
//! # How a change is stored
//!
//! `service::write` is the one path by which requests and jobs write customers, orders and events. A service writes in a `UnitOfWork`:
//! one transaction that holds the *rules* of its project (its schemas, its segments with a filter, and its webhooks: `domain::rules`,
//! cached by `service::rules`) under a shared lock. A `CustomerBatch` or an `OrderBatch` locks what changes, creates and changes one
//! or many in memory, and writes them. A `Recording` says whether a request or a job writes, and with that what is recorded. The
//! commit updates the segment memberships of the changed customers, writes the activity entries and the webhook deliveries, and ends
//! the transaction. A change of the rules takes the lock exclusively (`service::rules::RulesChange`) and updates the memberships of
//! all customers. A new customer of a request is a special case: one statement does all of this (`service::write::new_customer`
//! builds the customer, `db::customers::insert` inserts it), also for the new customers of several requests.
//!
//! A filter is parsed into types once (`domain::filter`). It is evaluated in Rust for one customer, and in SQL (`db::filter`) for many.
//!
//! # Requests that are answered together
//!
//! Reads of one customer, order or key, and creations of customers, of all projects, go through queues (`db::batches`, `db::batch_queue`).
//! While a statement runs, the requests that arrive wait in the queue of their kind, and when a connection is free, one statement answers
//! all that wait. A request that finds no statement running is sent at once, alone. Each request has an answer and an error of its own:
//! when a statement for many fails, each request is tried alone. A creation that would have to wait for a lock, or whose customer exists
//! already, is not inserted by the statement and continues in a `UnitOfWork` of its own. Nothing is cached, so a read sees everything that
//! was acknowledged before it was sent, also by another emulator on the same database.
//!
//! # A background job
//!
//! A request accepts a job by storing it in slices of records (`service::jobs::acceptance`, `db::jobs`). A worker ([`worker`]) takes the
//! first job of a project by locking its row, and applies one slice in one `UnitOfWork` (`service::jobs`, one file per type of job): it
//! reads the slice, saves the records in a batch as a request does, writes the batch, deletes the slice, and stores the report lines. `migrations/0001_schema.sql` explains at
//! `jobs` why each record is applied exactly once.
//!
//! # A distributed database
//!
//! With `--distribute`, Citus places all rows of a project on one server (`db::distribution`), and a statement goes to that server when it
//! compares `project_id` of every table with one value. Statements that are for all projects on one server therefore take a parameter
//! `scope`: a project, or null for all. What the workers of all projects look for is noted in `pending_work` (`service::pending_work`), and
//! a batch answers requests of one project (`db::batch_queue`). The directory tables and the advisory locks stay on the coordinator.
//!
//! # A webhook message
//!
//! When a `UnitOfWork` writes its activity entries, it also writes, in the same transaction, a delivery for each webhook that subscribes
//! to them (`service::webhooks`, `db::webhook_deliveries`). A delivery holds identifiers only. After the commit the delivery task
//! (`worker::delivery`) is notified. Of the emulators on a database
//! and schema, only the one that holds an advisory lock delivers. It keeps the deliveries in flight in memory, makes each message from the activity entry (`objects::webhook`), and records the result. Attempts that were not
//! recorded are sent again: delivery is at least once. The faults of the project fail, delay or duplicate attempts (`service::faults`);
//! a delayed delivery is read again after its delay (`worker::delivery::postponed`).

pub mod api;
pub mod app;
pub mod clock;
pub mod command;
pub mod config;
pub mod console;
pub mod db;
pub mod domain;
pub mod emulator;
pub mod http;
pub mod ids;
pub mod metrics;
pub mod objects;
pub mod postgres;
pub mod service;
pub mod tls;
pub mod trace;
pub mod webhook;
pub mod worker;

/// The crate of the times and durations that the methods of [`Project`] take.
pub use chrono;
pub use emulator::{Builder, Emulator, Project};
