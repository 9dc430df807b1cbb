//! `EXPORT`: a job without slices, which writes its whole file in one transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::OwnedRwLockWriteGuard;

use super::acceptance::{Acceptance, JobRequest};
use crate::db;
use crate::db::jobs::{ExportDeletion, ResultPart};
use crate::domain::export::{ExportParameters, ExportRequest, ExportedObject};
use crate::domain::filter::{CustomerField, Filter, JunctionRule, OrderField};
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobAddress, JobType, NewJob, ResultLine};
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::rules::Rules;
use crate::objects::csv::Line;
use crate::objects::export::{customer_line, header, order_line};
use crate::service::{Caller, Core, Error, Resource, rules};

/// How many rows one batch reads at most.
const MAX_BATCH_ROWS: usize = 4_096;
/// How many rows with JSON one batch reads at most. The limit bounds memory when large rows follow small ones.
const MAX_BATCH_ROWS_WITH_JSON: usize = 256;
/// How many rows the first batch reads.
const FIRST_BATCH_ROWS: usize = 16;
/// The approximate size in bytes of the rows of one batch, and of the lines that are buffered before they are stored.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How many lines are buffered before they are stored.
const MAX_BUFFERED_LINES: usize = 4_096;

/// How long the deletion of an export that is being written waits before it is tried again.
const DELETE_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Accepts an export. It starts like any other job, and exports the data of that time.
///
/// # Errors
/// Returns [`Error::ExportFilter`] for an invalid filter.
pub async fn accept_export(core: &Core, caller: &Caller, request: &ExportRequest) -> Result<NewJob, Error> {
    let described = JobRequest { kind: JobType::Export, parameters: Some(JsonText::of(request)) };
    let mut acceptance = Acceptance::begin(core, caller, described).await?;
    let (rules, _) = rules::current(core, acceptance.connection(), caller.project).await?;
    match request.exported_object {
        ExportedObject::Customer => customer_filter(&rules, &request.parameters).map(drop)?,
        ExportedObject::Order => order_filter(&rules, &request.parameters).map(drop)?,
    }
    acceptance.end().await
}

/// Returns an export.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn export(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<Job, Error> {
    let not_found = || Error::not_found(Resource::Export, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    let mut connection = core.pool.acquire().await?;
    let found = db::jobs::find(&mut connection, caller.project, identifier.as_str()).await?;
    connection.release();
    found.filter(|job| job.kind == JobType::Export).ok_or_else(not_found)
}

/// Deletes an export with its file. Waits while the file is being written.
///
/// # Errors
/// Returns [`Error::NotFound`] for an unknown identifier.
pub async fn delete_export(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    let not_found = || Error::not_found(Resource::Export, identifier.as_str());
    if !identifier.can_exist() {
        return Err(not_found());
    }
    loop {
        let mut transaction = core.pool.begin().await?;
        let deletion = db::jobs::delete_export(&mut transaction, caller.project, identifier.as_str()).await?;
        transaction.commit().await?;
        match deletion {
            ExportDeletion::Deleted => return Ok(()),
            ExportDeletion::NotFound => return Err(not_found()),
            // Wait without holding a connection. The time limit of the request ends this loop.
            ExportDeletion::Locked => tokio::time::sleep(DELETE_RETRY_INTERVAL).await,
        }
    }
}

/// Writes the file of an export. Returns whether the job is finished, which it is not while another process has locked it.
pub(super) async fn run(core: &Core, address: &JobAddress) -> Result<bool, Error> {
    let mut transaction = core.pool.begin().await?;
    match write(core, address, &mut transaction).await {
        Ok(lock) => {
            transaction.commit().await?;
            Ok(lock.is_some())
        }
        Err(error) => {
            // Wait for the roll-back, so that the next attempt finds the job unlocked.
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// Writes the file, and returns the exclusive lock of the project, which must be held until the commit.
async fn write(
    core: &Core,
    address: &JobAddress,
    transaction: &mut PgConnection,
) -> Result<Option<OwnedRwLockWriteGuard<()>>, Error> {
    let project = address.project;
    let Some(job) = db::jobs::try_lock(transaction, address).await? else { return Ok(None) };
    db::exports::extend_statement_timeout(transaction).await?;
    // Take the snapshot before anything is read: the file may contain customers who are erased after this point.
    let snapshot = db::jobs::current_snapshot(transaction).await?;
    let (rules, now) = rules::current(core, transaction, project).await?;
    let request = job.parameters.as_ref().and_then(|request| serde_json::from_str(request.as_str()).ok());
    let Some(ExportRequest { exported_object, parameters }) = request else {
        return Err(Error::Invalid { details: "the request of an export cannot be read".to_owned() });
    };
    let buffer = Vec::new();
    let mut file =
        File { address, connection: transaction, rules: &rules, now, stored_lines: 0, buffer, buffered_bytes: 0 };
    match exported_object {
        ExportedObject::Customer => file.write_customers(&parameters).await?,
        ExportedObject::Order => file.write_orders(&parameters).await?,
    }
    file.store().await?;
    let rows = file.stored_lines - 1;
    // Block erasures from here until the commit, and remove the customers erased so far from the file. A request that
    // erases waits for this lock without holding a connection.
    let lock = core.rules_cache.project(project).await.lock_exclusive().await;
    db::rules::lock_exclusive(transaction, project).await?;
    db::jobs::erase_customers_since(transaction, project, &snapshot).await?;
    let finished_at = rules::clock_time(core, transaction, project).await?;
    db::jobs::finish(transaction, project, &job.id, rows, finished_at, None).await?;
    Ok(Some(lock))
}

fn customer_filter(rules: &Rules, parameters: &ExportParameters) -> Result<Filter<CustomerField>, Error> {
    // The vendor's exports also accept the short name `city`.
    let field = |name: &str| rules.customer_field(if name == "city" { "address.city" } else { name });
    Filter::parse(&parameters.filter(), JunctionRule::Optional, field).map_err(Error::ExportFilter)
}

fn order_filter(rules: &Rules, parameters: &ExportParameters) -> Result<Filter<OrderField>, Error> {
    let field = |name: &str| rules.order_field(name);
    Filter::parse(&parameters.filter(), JunctionRule::Optional, field).map_err(Error::ExportFilter)
}

/// The file of an export that is being written.
struct File<'a> {
    address: &'a JobAddress,
    connection: &'a mut PgConnection,
    rules: &'a Rules,
    now: DateTime<Utc>,
    stored_lines: i64,
    /// Lines that are not stored yet.
    buffer: Vec<ResultLine>,
    buffered_bytes: usize,
}

impl File<'_> {
    async fn write_customers(&mut self, parameters: &ExportParameters) -> Result<(), Error> {
        let columns = parameters.customer_columns(&self.rules.metadata_keys("customer"));
        let filter = customer_filter(self.rules, parameters)?;
        let (project, from) = (self.address.project, (&filter, self.now));
        let parts =
            db::exports::open_customer_cursor(self.connection, project, &columns, from, parameters.sort()).await?;
        self.begin(header(&columns)).await?;
        let (mut line, mut batch_size) = (Line::default(), BatchSize::new(parts.include_json()));
        let mut rows = db::exports::fetch_customers(self.connection, parts, batch_size.rows).await?;
        while let Some(largest) = rows.largest_row_bytes() {
            batch_size.adjust(largest);
            let lines = async {
                let lines = rows.customers().map(|exported| {
                    let exported = exported?;
                    let text = customer_line(&mut line, &columns, &exported);
                    Ok(ResultLine { text, customer_id: Some(exported.customer.id), ..ResultLine::default() })
                });
                lines.collect::<Result<_, Error>>()
            };
            // Build the lines while the database reads the next batch.
            let next = db::exports::fetch_customers(self.connection, parts, batch_size.rows);
            let (next, lines) = tokio::join!(next, lines);
            self.add(lines?).await?;
            rows = next?;
        }
        Ok(())
    }

    async fn write_orders(&mut self, parameters: &ExportParameters) -> Result<(), Error> {
        let columns = parameters.order_columns(&self.rules.metadata_keys("order"));
        let filter = order_filter(self.rules, parameters)?;
        let shows_referrer = columns.iter().any(|column| column.field == OrderField::ReferrerId);
        let (project, from) = (self.address.project, (&filter, self.now));
        db::exports::open_order_cursor(self.connection, project, &columns, from, parameters.sort()).await?;
        self.begin(header(&columns)).await?;
        let shows_metadata = columns.iter().any(|column| matches!(column.field, OrderField::Metadata(_)));
        let (mut line, mut batch_size) = (Line::default(), BatchSize::new(shows_metadata));
        let mut orders = db::exports::fetch_orders(self.connection, batch_size.rows).await?;
        while let Some(largest) = orders.iter().map(size_of_order).max() {
            batch_size.adjust(largest);
            let lines = async {
                let written = orders.into_iter().map(|order| ResultLine {
                    text: order_line(&mut line, &columns, &order),
                    customer_id: order.customer_id,
                    source_id: None,
                    referrer_id: order.referrer_id.filter(|_| shows_referrer),
                });
                written.collect()
            };
            let (next, lines) = tokio::join!(db::exports::fetch_orders(self.connection, batch_size.rows), lines);
            self.add(lines).await?;
            orders = next?;
        }
        Ok(())
    }

    /// Stores the header line, which contains no customer data.
    async fn begin(&mut self, text: String) -> Result<(), Error> {
        self.add(vec![ResultLine { text, ..ResultLine::default() }]).await?;
        self.store().await
    }

    async fn add(&mut self, lines: Vec<ResultLine>) -> Result<(), Error> {
        self.buffered_bytes += lines.iter().map(|line| line.text.len()).sum::<usize>();
        self.buffer.extend(lines);
        let is_full = self.buffer.len() >= MAX_BUFFERED_LINES || self.buffered_bytes >= BATCH_BYTES;
        if is_full { self.store().await } else { Ok(()) }
    }

    /// Stores the buffered lines.
    async fn store(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (project, id, number) = (self.address.project, &self.address.id, self.stored_lines + 1);
        db::jobs::insert_lines(self.connection, project, id, ResultPart::File, number, &self.buffer).await?;
        self.stored_lines += i64::try_from(self.buffer.len()).unwrap_or_default();
        self.buffer.clear();
        self.buffered_bytes = 0;
        Ok(())
    }
}

fn size_of_order(order: &Order) -> usize {
    order.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
}

/// The number of rows to read in one batch: growing for small rows, small for large rows.
struct BatchSize {
    /// A power of two, so that the connection caches few different statements.
    rows: usize,
    max_rows: usize,
    /// The size in bytes of the largest recent row. It is halved with each batch that has no larger row.
    largest: usize,
}

impl BatchSize {
    fn new(have_json: bool) -> Self {
        let max_rows = if have_json { MAX_BATCH_ROWS_WITH_JSON } else { MAX_BATCH_ROWS };
        Self { rows: FIRST_BATCH_ROWS, max_rows, largest: 1 }
    }

    /// Adjusts the number to the size of the largest row of the last batch.
    fn adjust(&mut self, bytes: usize) {
        self.largest = bytes.max(self.largest / 2).max(1);
        let rows = (BATCH_BYTES / self.largest).clamp(1, self.max_rows.min(self.rows * 4));
        self.rows = 1 << rows.ilog2();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_for_small_rows_and_shrink_for_large_rows() {
        let batches = |have_json, sizes: &[usize]| {
            let mut batch_size = BatchSize::new(have_json);
            let adjust = |&bytes: &usize| {
                batch_size.adjust(bytes);
                batch_size.rows
            };
            sizes.iter().map(adjust).collect::<Vec<_>>()
        };
        assert_eq!(batches(false, &[200, 300, 0, 200, 300, 1_000]), [64, 256, 1_024, 4_096, 4_096, 2_048]);
        assert_eq!(batches(true, &[200, 200, 200, 1_000_000, 200, 200, 200]), [64, 256, 256, 2, 4, 8, 16]);
        assert_eq!(batches(true, &[100_000_000, 0]), [1, 1]);
    }
}
