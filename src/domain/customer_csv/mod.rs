//! A CSV file of customers: what its first line says of the columns, and what a row says of a customer.

mod column;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Map;

use super::customer::{Address, CustomerReference};
use super::identifier::Identifier;
use super::job::{Failure, FailureKind, PersonName, Record};
use super::json::JsonText;
use super::limits::{CSV_COLUMNS, METADATA_BYTES, TEXT_CHARS};
use super::metadata_schema::{Definition, value_of_cell};
use super::patch::Patch;

use column::{Column, KNOWN};

/// The columns of a file, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// Reads the first line of a file.
    ///
    /// # Errors
    /// The details where these are no columns of customers.
    pub fn of_header<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let wrong = |what: String| Err(format!("Property .file must {what}"));
        let mut columns = Vec::new();
        for name in names.map(str::trim) {
            let column = Column::of_name(name);
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
        // Without any of them it is some other file, or one that is separated by something else.
        if columns.iter().all(|column| matches!(column, Column::Metadata(_))) {
            let names: Vec<_> = KNOWN.iter().map(|(name, _)| *name).collect();
            return wrong(format!(
                "name one of these columns in its first line, separated by commas: {}",
                names.join(", ")
            ));
        }
        Ok(Self(columns))
    }

    /// Columns from a job's parameters.
    #[must_use]
    pub fn of_stored(text: &JsonText) -> Option<Self> {
        serde_json::from_str(text.as_str()).ok()
    }

    /// The definition that `of_key` knows for each column of metadata.
    pub fn definitions<'a>(&self, of_key: impl Fn(&str) -> Option<&'a Definition>) -> Vec<Option<&'a Definition>> {
        let of_column = |column: &Column| match column {
            Column::Metadata(key) => of_key(key),
            _ => None,
        };
        self.0.iter().map(of_column).collect()
    }

    /// A row as the record of a job. One that cannot be that of a customer is kept as what is wrong with it, and fails alone.
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
        Record { json: json.as_str().to_owned(), person: self.person(cells), referrer: PersonName::default() }
    }

    /// Whom a row is about. An id that no customer can have does not hide the source id, and one that is too long for anybody
    /// is not kept.
    fn person<'a>(&self, cells: impl Iterator<Item = &'a str>) -> PersonName {
        let mut person = PersonName::default();
        for (column, cell) in self.0.iter().zip(cells) {
            if cell.is_empty() || !matches!(column, Column::Id | Column::SourceId) {
                continue;
            }
            let identifier = Identifier::new(cell.to_owned());
            match column {
                Column::Id => person.id = identifier.has_form("cust_", 24).then(|| cell.to_owned()),
                _ => person.source_id = identifier.can_exist().then(|| cell.to_owned()),
            }
        }
        person
    }

    /// What a record of [`Columns::record`] says of a customer, with the `definitions` of its columns. An empty cell says
    /// nothing.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn reference(
        &self,
        record: &Record,
        definitions: &[Option<&Definition>],
    ) -> Result<CustomerReference, Failure> {
        let wrong = |details| Failure { kind: FailureKind::InvalidPayload, details };
        let Ok(cells) = serde_json::from_str::<Vec<String>>(&record.json) else {
            let told: Result<String, _> = serde_json::from_str(&record.json);
            return Err(told.map_or_else(|_| Failure::internal(), wrong));
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

/// The cells of a row, written as an array.
struct Cells<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> Serialize for Cells<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
