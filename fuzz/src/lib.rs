//! What the fuzz targets check. The tests of the main crate (`tests/it/fuzz_corpus.rs`) replay the stored corpus with the same
//! functions. Each of them panics when the input breaks a rule.

use std::collections::HashSet;
use std::io::{Seek, Write};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tempfile::SpooledTempFile;
use voucherify_emulator::domain::filter::{CustomerField, CustomerValues, FieldKind, Filter, JunctionRule, OrderField};
use voucherify_emulator::domain::json::{JsonText, Members, path_of_nul, read_back};
use voucherify_emulator::http::fuzz;

/// Reads a JSON body, and writes it as it is stored: the text is JSON, and is the same when it is read and written again.
pub fn json(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let text = JsonText::of(&value);
    let again: Value = read_back(text.as_str()).expect("the stored text is JSON");
    assert_eq!(JsonText::of(&again), text);
    assert_eq!(path_of_nul(&again, ""), path_of_nul(&value, ""));
    if let Value::Object(members) = &again {
        let stored = Members::of(text.as_str());
        for (name, member) in members {
            let found: Value = read_back(stored.get(name).expect("every member is found")).expect("a member is JSON");
            assert_eq!(&found, member);
        }
    }
}

/// Parses a filter of customers and of orders, and evaluates it for a customer.
pub fn filter(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let kind =
        |name: &str| [None, Some(FieldKind::Number), Some(FieldKind::Moment), Some(FieldKind::Day)][name.len() % 4];
    if let Err(error) = Filter::parse(&value, JunctionRule::Required, |name| OrderField::parse(name, kind)) {
        assert!(error.details(".filter").contains(".filter") || error.details(".filter").contains("operator"));
    }
    let Ok(filter) = Filter::parse(&value, JunctionRule::Optional, |name| CustomerField::parse(name, kind)) else {
        return;
    };
    let customer = CustomerValues::default();
    let is_match = |seconds| {
        let now: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).expect("a time");
        filter.matches_customer(&customer, now)
    };
    let events: HashSet<&str> = filter.counted_events().collect();
    assert!(events.len() <= filter.fields.len());
    for seconds in [0, 1_700_000_000, 4_102_444_800] {
        let now = is_match(seconds);
        // The field of a customer without values does not depend on the time.
        assert_eq!(now, is_match(seconds + 86_400));
    }
}

/// Reads a CSV file: the rows are the same when they are written as CSV and read again.
pub fn csv(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let read = |data: &[u8]| {
        let mut file = SpooledTempFile::new(1 << 20);
        file.write_all(data).expect("a file");
        file.rewind().expect("a file");
        runtime.block_on(fuzz::csv_rows(file))
    };
    let rows = match read(data) {
        Ok(rows) => rows,
        Err(status) => return assert_eq!(status, 400),
    };
    let mut writer = csv_writer();
    for row in &rows {
        writer.write_record(row).expect("a row");
    }
    let written = writer.into_inner().expect("a file");
    assert_eq!(read(&written).as_ref(), Ok(&rows));
}

fn csv_writer() -> ::csv::Writer<Vec<u8>> {
    ::csv::WriterBuilder::new().flexible(true).quote_style(::csv::QuoteStyle::Always).from_writer(Vec::new())
}

/// Reads the query of a URL: an error is one of the client.
pub fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for status in fuzz::query_statuses(text) {
        // An operator that is not emulated is answered with 501.
        assert!((400..500).contains(&status) || status == 501, "{status}");
    }
}
