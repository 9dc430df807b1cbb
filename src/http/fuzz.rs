//! The readers of queries and of CSV files, for the fuzz targets in `fuzz/` and the tests that replay their corpus.

use std::sync::{Arc, Mutex, PoisonError};

use tempfile::SpooledTempFile;

use super::csv_rows::CsvRows;
use super::error::ApiError;
use super::query::Parameters;
use crate::domain::customer_csv::Columns;
use crate::domain::filter::{CustomerField, FieldKind, OrderField};

/// The parameters that [`query_statuses`] reads.
const NAMES: [&str; 5] = ["name", "email", "limit", "created_at", "a[b]"];

/// Reads a query in every way in which endpoints read queries, and returns the statuses of the errors.
#[must_use]
pub fn query_statuses(query: &str) -> Vec<u16> {
    let query = match Parameters::parse(query) {
        Ok(query) => query,
        Err(error) => return vec![error.status().as_u16()],
    };
    let mut errors = [query.limit().err(), query.page(1_000).err(), query.order(&["created_at"]).err()].to_vec();
    for name in NAMES {
        let _ = query.texts(name);
        errors.extend([
            query.text(name).err(),
            query.one_of(name, &["a", "b"]).err(),
            query.time(name).err(),
            query.window(name).err(),
        ]);
    }
    let kind = |_: &str| Some(FieldKind::Number);
    errors.push(query.filter_of(|name| CustomerField::parse(name, kind)).err());
    errors.push(query.filter_of(|name| OrderField::parse(name, kind)).err());
    errors.iter().flatten().map(|error| error.status().as_u16()).collect()
}

/// Reads a CSV file as an import of customers does, and returns its rows with the first one.
///
/// # Errors
/// Returns the status of the error of a file that is not accepted.
pub async fn csv_rows(file: SpooledTempFile) -> Result<Vec<Vec<String>>, u16> {
    let status = |error: ApiError| error.status().as_u16();
    let opening = CsvRows::open(file, |first| Ok(first.iter().map(str::to_owned).collect::<Vec<_>>()));
    let (first, rows) = opening.await.map_err(status)?;
    let columns = Columns::from_header(first.iter().map(String::as_str))
        .or_else(|_| Columns::from_header(["Source_id"].into_iter()))
        .map_err(|_| 400_u16)?;
    let read = Arc::new(Mutex::new(vec![first]));
    let collected = Arc::clone(&read);
    let mut slices = rows.slices(move |row| {
        let cells = row.iter().map(str::to_owned).collect();
        collected.lock().unwrap_or_else(PoisonError::into_inner).push(cells);
        columns.record(row.iter())
    });
    while slices.next().await.map_err(status)?.is_some() {}
    let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *read))
}
