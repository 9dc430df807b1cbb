//! CSV files of customers: the columns in the header line, and the conversion of rows to customers.

mod column;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Map;

use super::customer::{Address, CustomerReference};
use super::identifier::Identifier;
use super::job::{CustomerIds, Failure, FailureKind, Record};
use super::json::JsonText;
use super::limits::{CSV_COLUMNS, METADATA_BYTES, TEXT_CHARS};
use super::metadata_schema::{Definition, value_of_cell};
use super::patch::Patch;

use column::{Column, KNOWN_COLUMNS};

/// The columns of a file, in file order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// Parses the header line of a file.
    ///
    /// # Errors
    /// Returns the error details if these are not valid customer columns.
    pub fn from_header<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let wrong = |what: String| Err(format!("Property .file must {what}"));
        let mut columns = Vec::new();
        for name in names.map(str::trim) {
            let column = Column::from_name(name);
            if name.is_empty() {
                return wrong("have a name for each column in its first line".to_owned());
            }
            if name.chars().count() > TEXT_CHARS {
                return wrong(format!("NOT have names of columns with more than {TEXT_CHARS} characters"));
            }
            if columns.contains(&column) {
                return wrong(format!("NOT have two columns that mean the same: '{name}'"));
            }
            if columns.len() == CSV_COLUMNS {
                return wrong(format!("NOT have more than {CSV_COLUMNS} columns"));
            }
            columns.push(column);
        }
        // A file without any known column has other content, or another separator than a comma.
        if columns.iter().all(|column| matches!(column, Column::Metadata(_))) {
            let names: Vec<_> = KNOWN_COLUMNS.iter().map(|(name, _)| *name).collect();
            return wrong(format!(
                "name one of these columns in its first line, separated by commas: {}",
                names.join(", ")
            ));
        }
        Ok(Self(columns))
    }

    /// Reads columns from the stored parameters of a job.
    #[must_use]
    pub fn from_stored(text: &JsonText) -> Option<Self> {
        serde_json::from_str(text.as_str()).ok()
    }

    /// Returns, for each column, the metadata definition that `definition_of` returns for its key, or `None` if it is
    /// not a metadata column.
    pub fn definitions<'a>(
        &self,
        definition_of: impl Fn(&str) -> Option<&'a Definition>,
    ) -> Vec<Option<&'a Definition>> {
        let of_column = |column: &Column| match column {
            Column::Metadata(key) => definition_of(key),
            _ => None,
        };
        self.0.iter().map(of_column).collect()
    }

    /// Converts a row to a job record. For an invalid row, the record contains the error text instead of the cells, so
    /// that only this row fails when the job is processed.
    pub fn record<'a>(&self, cells: impl Iterator<Item = &'a str> + Clone) -> Record {
        let (count, most) = (cells.clone().count(), self.0.len());
        let json = match cells.clone().map(str::len).sum::<usize>() {
            _ if count > most => JsonText::of(&format!("The row has {count} cells, the first line has {most}")),
            0 => JsonText::of(&"The row is empty"),
            bytes if bytes > METADATA_BYTES => {
                JsonText::of(&format!("The row must NOT be larger than {METADATA_BYTES} bytes"))
            }
            _ => JsonText::of(&Cells(cells.clone())),
        };
        Record { json: json.as_str().to_owned(), customer: self.customer_ids(cells), referrer: CustomerIds::default() }
    }

    /// Returns the customer identifiers in a row. An id or source id that no customer can have is left out; an invalid
    /// id thus does not take precedence over the source id.
    fn customer_ids<'a>(&self, cells: impl Iterator<Item = &'a str>) -> CustomerIds {
        let mut ids = CustomerIds::default();
        for (column, cell) in self.0.iter().zip(cells) {
            if cell.is_empty() || !matches!(column, Column::Id | Column::SourceId) {
                continue;
            }
            let identifier = Identifier::new(cell.to_owned());
            match column {
                Column::Id => ids.id = identifier.has_form("cust_", 24).then(|| cell.to_owned()),
                _ => ids.source_id = identifier.can_exist().then(|| cell.to_owned()),
            }
        }
        ids
    }

    /// Converts a record from [`Columns::record`] to a customer and its changes, using the `definitions` of its
    /// columns. An empty cell changes nothing.
    ///
    /// # Errors
    /// Returns a failure if the row is invalid.
    pub fn reference(
        &self,
        record: &Record,
        definitions: &[Option<&Definition>],
    ) -> Result<CustomerReference, Failure> {
        let wrong = |details| Failure { kind: FailureKind::InvalidPayload, details };
        let Ok(cells) = serde_json::from_str::<Vec<String>>(&record.json) else {
            let error_text: Result<String, _> = serde_json::from_str(&record.json);
            return Err(error_text.map_or_else(|_| Failure::internal(), wrong));
        };
        let mut reference = CustomerReference::default();
        let (mut address, mut metadata) = (Address::default(), Map::new());
        let patch = &mut reference.patch;
        for ((column, definition), cell) in self.0.iter().zip(definitions).zip(cells) {
            if cell.is_empty() {
                continue;
            }
            column.check(&cell).map_err(wrong)?;
            let member = match column {
                Column::Name => &mut patch.name,
                Column::Email => &mut patch.email,
                Column::Phone => &mut patch.phone,
                Column::Birthdate => &mut patch.birthdate,
                Column::Birthday => &mut patch.birthday,
                Column::Description => &mut patch.description,
                Column::AddressLine1 => &mut address.line_1,
                Column::AddressLine2 => &mut address.line_2,
                Column::AddressPostalCode => &mut address.postal_code,
                Column::AddressCity => &mut address.city,
                Column::AddressState => &mut address.state,
                Column::AddressCountry => &mut address.country,
                Column::Id => {
                    reference.id = Some(cell);
                    continue;
                }
                Column::SourceId => {
                    reference.source_id = Some(cell);
                    continue;
                }
                Column::Metadata(key) => {
                    metadata.insert(key.clone(), value_of_cell(cell, *definition));
                    continue;
                }
            };
            *member = Patch::Value(cell);
        }
        if address != Address::default() {
            patch.address = Patch::Value(address);
        }
        if !metadata.is_empty() {
            patch.metadata = Patch::Value(metadata);
        }
        Ok(reference)
    }
}

/// Serializes the cells of a row as an array.
struct Cells<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> Serialize for Cells<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
