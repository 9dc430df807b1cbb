//! Exports: a job without slices, which writes its whole file in one transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::OwnedRwLockWriteGuard;

use super::{Acceptance, JobRequest};
use crate::db;
use crate::db::jobs::{ExportDeletion, Part};
use crate::domain::export::{ExportParameters, ExportRequest, ExportedObject};
use crate::domain::filter::{CustomerField, Filter, Junction, OrderField};
use crate::domain::identifier::Identifier;
use crate::domain::job::{Job, JobAddress, JobType, NewJob, ResultLine};
use crate::domain::json::JsonText;
use crate::domain::order::Order;
use crate::domain::rules::Rules;
use crate::objects::csv::Line;
use crate::objects::export::{customer_line, header, order_line};
use crate::service::{Caller, Core, Error, Resource, rules};

/// Rows that are read at once, at the most, and at first: where there is JSON in them, not so many that much is in memory where
/// large ones come unforeseen.
const ROWS: usize = 4_096;
const ROWS_WITH_JSON: usize = 256;
const FIRST_ROWS: usize = 16;
/// Bytes that the rows read at once should have together, about, and those of lines that are kept back.
const BYTES: usize = 2 * 1024 * 1024;
/// Lines that are stored at once, about.
const LINES: usize = 4_096;

/// How long the deletion of an export that is being written waits before it tries again.
const HELD: Duration = Duration::from_millis(50);

/// Accepts an export. It begins as other jobs do, and reads what there is then.
///
/// # Errors
/// [`Error::ExportFilter`] for a filter that is none.
pub async fn accept_export(core: &Core, caller: &Caller, request: &ExportRequest) -> Result<NewJob, Error> {
    let described = JobRequest { kind: JobType::Export, parameters: Some(JsonText::of(request)) };
    let mut acceptance = Acceptance::begin(core, caller, described).await?;
    let rules = rules::current(core, acceptance.connection(), caller.project).await?;
    match request.exported_object {
        ExportedObject::Customer => customer_filter(&rules, &request.parameters).map(drop)?,
        ExportedObject::Order => order_filter(&rules, &request.parameters).map(drop)?,
    }
    acceptance.end().await
}

/// An export.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
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

/// Deletes an export with its file; one that is being written is waited for.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
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
            ExportDeletion::Done => return Ok(()),
            ExportDeletion::Unknown => return Err(not_found()),
            // Without a connection in hand; the time limit of the request ends it.
            ExportDeletion::Held => tokio::time::sleep(HELD).await,
        }
    }
}

/// Writes the file of an export.
pub(super) async fn run(core: &Core, address: &JobAddress) -> Result<(), Error> {
    let mut transaction = core.pool.begin().await?;
    match write(core, address, &mut transaction).await {
        Ok(_alone) => Ok(transaction.commit().await?),
        Err(error) => {
            // Whoever tries next finds the job free.
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// Writes it, and returns the gate of the project, to be held until the commit.
async fn write(
    core: &Core,
    address: &JobAddress,
    transaction: &mut PgConnection,
) -> Result<Option<OwnedRwLockWriteGuard<()>>, Error> {
    let project = address.project;
    let Some(job) = db::jobs::claim(transaction, address).await? else { return Ok(None) };
    db::exports::take_time(transaction).await?;
    // Before anything is read: who is forgotten from here on may have been read.
    let snapshot = db::jobs::snapshot(transaction).await?;
    let rules = rules::current(core, transaction, project).await?;
    let request = job.parameters.as_ref().and_then(|request| serde_json::from_str(request.as_str()).ok());
    let Some(ExportRequest { exported_object, parameters }) = request else {
        return Err(Error::Invalid { details: "the request of an export cannot be read".to_owned() });
    };
    let (now, held) = (core.clock.now(), Vec::new());
    let mut file = File { address, connection: transaction, rules: &rules, now, lines: 0, held, bytes: 0 };
    match exported_object {
        ExportedObject::Customer => file.write_customers(&parameters).await?,
        ExportedObject::Order => file.write_orders(&parameters).await?,
    }
    file.store().await?;
    let rows = file.lines - 1;
    // From here to the commit nobody is forgotten. Who would be waits without a connection in hand.
    let alone = core.rules.of(project).await.enter_alone().await;
    db::rules::lock(transaction, project).await?;
    db::jobs::forget_since(transaction, project, &snapshot).await?;
    db::jobs::finish(transaction, project, &job.id, rows, core.clock.now(), None).await?;
    Ok(Some(alone))
}

fn customer_filter(rules: &Rules, parameters: &ExportParameters) -> Result<Filter<CustomerField>, Error> {
    // The vendor's exports know the city by its short name, too.
    let field = |name: &str| rules.customer_field(if name == "city" { "address.city" } else { name });
    Filter::parse(&parameters.filter(), Some(Junction::And), field).map_err(Error::ExportFilter)
}

fn order_filter(rules: &Rules, parameters: &ExportParameters) -> Result<Filter<OrderField>, Error> {
    let field = |name: &str| rules.order_field(name);
    Filter::parse(&parameters.filter(), Some(Junction::And), field).map_err(Error::ExportFilter)
}

/// The file of an export that is being written.
struct File<'a> {
    address: &'a JobAddress,
    connection: &'a mut PgConnection,
    rules: &'a Rules,
    now: DateTime<Utc>,
    /// That are stored.
    lines: i64,
    /// Lines that are kept back until there are more, and their bytes.
    held: Vec<ResultLine>,
    bytes: usize,
}

impl File<'_> {
    async fn write_customers(&mut self, parameters: &ExportParameters) -> Result<(), Error> {
        let columns = parameters.customer_columns(&self.rules.metadata_keys("customer"));
        let filter = customer_filter(self.rules, parameters)?;
        let (project, from) = (self.address.project, (&filter, self.now));
        let parts = db::exports::open_customers(self.connection, project, &columns, from, parameters.sort()).await?;
        self.begin(header(&columns)).await?;
        let (mut line, mut pace) = (Line::default(), Pace::of_rows(parts.have_json()));
        let mut rows = db::exports::next_customers(self.connection, parts, pace.rows).await?;
        while let Some(largest) = rows.largest() {
            pace.follow(largest);
            let lines = async {
                let lines = rows.customers().map(|exported| {
                    let exported = exported?;
                    let text = customer_line(&mut line, &columns, &exported);
                    Ok(ResultLine { text, customer_id: Some(exported.customer.id), ..ResultLine::default() })
                });
                lines.collect::<Result<_, Error>>()
            };
            // The database reads on while the lines are written.
            let next = db::exports::next_customers(self.connection, parts, pace.rows);
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
        db::exports::open_orders(self.connection, project, &columns, from, parameters.sort()).await?;
        self.begin(header(&columns)).await?;
        let shows_metadata = columns.iter().any(|column| matches!(column.field, OrderField::Metadata(_)));
        let (mut line, mut pace) = (Line::default(), Pace::of_rows(shows_metadata));
        let mut orders = db::exports::next_orders(self.connection, pace.rows).await?;
        while let Some(largest) = orders.iter().map(size_of_order).max() {
            pace.follow(largest);
            let lines = async {
                let written = orders.into_iter().map(|order| ResultLine {
                    text: order_line(&mut line, &columns, &order),
                    customer_id: order.customer_id,
                    source_id: None,
                    referrer_id: order.referrer_id.filter(|_| shows_referrer),
                });
                written.collect()
            };
            let (next, lines) = tokio::join!(db::exports::next_orders(self.connection, pace.rows), lines);
            self.add(lines).await?;
            orders = next?;
        }
        Ok(())
    }

    /// The first line, which shows nobody.
    async fn begin(&mut self, text: String) -> Result<(), Error> {
        self.add(vec![ResultLine { text, ..ResultLine::default() }]).await?;
        self.store().await
    }

    async fn add(&mut self, lines: Vec<ResultLine>) -> Result<(), Error> {
        self.bytes += lines.iter().map(|line| line.text.len()).sum::<usize>();
        self.held.extend(lines);
        if self.held.len() >= LINES || self.bytes >= BYTES { self.store().await } else { Ok(()) }
    }

    /// Stores the lines that are kept back.
    async fn store(&mut self) -> Result<(), Error> {
        if self.held.is_empty() {
            return Ok(());
        }
        let (project, id, number) = (self.address.project, &self.address.id, self.lines + 1);
        db::jobs::add_lines(self.connection, project, id, Part::File, number, &self.held).await?;
        self.lines += i64::try_from(self.held.len()).unwrap_or_default();
        self.held.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn size_of_order(order: &Order) -> usize {
    order.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
}

/// How many rows are read at once: more and more of small ones, and few of large ones.
struct Pace {
    /// A power of two, so that there are few statements to keep.
    rows: usize,
    most: usize,
    /// Bytes of a large row, which are forgotten slowly.
    largest: usize,
}

impl Pace {
    fn of_rows(have_json: bool) -> Self {
        Self { rows: FIRST_ROWS, most: if have_json { ROWS_WITH_JSON } else { ROWS }, largest: 1 }
    }

    /// Takes note of the largest row that was just read.
    fn follow(&mut self, bytes: usize) {
        self.largest = bytes.max(self.largest / 2).max(1);
        let rows = (BYTES / self.largest).clamp(1, self.most.min(self.rows * 4));
        self.rows = 1 << rows.ilog2();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_rows_are_read_in_growing_pieces_and_large_ones_in_few() {
        let pace = |have_json, sizes: &[usize]| {
            let mut pace = Pace::of_rows(have_json);
            let follow = |&bytes: &usize| {
                pace.follow(bytes);
                pace.rows
            };
            sizes.iter().map(follow).collect::<Vec<_>>()
        };
        assert_eq!(pace(false, &[200, 300, 0, 200, 300, 1_000]), [64, 256, 1_024, 4_096, 4_096, 2_048]);
        assert_eq!(pace(true, &[200, 200, 200, 1_000_000, 200, 200, 200]), [64, 256, 256, 2, 4, 8, 16]);
        assert_eq!(pace(true, &[100_000_000, 0]), [1, 1]);
    }
}
