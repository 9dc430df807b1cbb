//! The columns of a CSV file of customers.

use serde::{Deserialize, Serialize};

use crate::domain::limits::{DESCRIPTION_CHARS, METADATA_BYTES, TEXT_CHARS};
use crate::domain::timestamp;

/// The customer member that a column contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Column {
    Id,
    SourceId,
    Name,
    Email,
    Phone,
    Birthdate,
    Birthday,
    Description,
    AddressLine1,
    AddressLine2,
    AddressPostalCode,
    AddressCity,
    AddressState,
    AddressCountry,
    /// A metadata key.
    Metadata(String),
}

/// The names of all columns except metadata. The vendor's reference uses address columns with the prefix `Address_`,
/// the vendor's template without it.
pub(super) const KNOWN_COLUMNS: [(&str, Column); 18] = [
    ("Id", Column::Id),
    ("Source_id", Column::SourceId),
    ("Name", Column::Name),
    ("Email", Column::Email),
    ("Phone", Column::Phone),
    ("Birthdate", Column::Birthdate),
    ("Birthday", Column::Birthday),
    ("Description", Column::Description),
    ("Address_line_1", Column::AddressLine1),
    ("Address_line_2", Column::AddressLine2),
    ("Address_Postal_Code", Column::AddressPostalCode),
    ("Address_City", Column::AddressCity),
    ("Address_State", Column::AddressState),
    ("Address_Country", Column::AddressCountry),
    ("Postal_Code", Column::AddressPostalCode),
    ("City", Column::AddressCity),
    ("State", Column::AddressState),
    ("Country", Column::AddressCountry),
];

impl Column {
    /// Returns the column for a name in the header line, ignoring case. An unknown name is a metadata key.
    pub(super) fn from_name(name: &str) -> Self {
        let known = KNOWN_COLUMNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or_else(|| Self::Metadata(name.to_owned()), |(_, column)| column.clone())
    }

    /// Returns the path of the member in error messages.
    fn path(&self) -> &str {
        match self {
            Self::Id => ".id",
            Self::SourceId => ".source_id",
            Self::Name => ".name",
            Self::Email => ".email",
            Self::Phone => ".phone",
            Self::Birthdate => ".birthdate",
            Self::Birthday => ".birthday",
            Self::Description => ".description",
            Self::AddressLine1 => ".address.line_1",
            Self::AddressLine2 => ".address.line_2",
            Self::AddressPostalCode => ".address.postal_code",
            Self::AddressCity => ".address.city",
            Self::AddressState => ".address.state",
            Self::AddressCountry => ".address.country",
            Self::Metadata(key) => key,
        }
    }

    /// Checks that the cell is a valid value, with the same error texts as for a JSON body. Metadata values are
    /// validated later, against the metadata schema.
    pub(super) fn check(&self, cell: &str) -> Result<(), String> {
        let most = match self {
            Self::Description => DESCRIPTION_CHARS,
            Self::Metadata(_) => METADATA_BYTES,
            _ => TEXT_CHARS,
        };
        // Count characters only if there are more bytes than allowed, because a text never has more characters than
        // bytes.
        if cell.len() > most && cell.chars().count() > most {
            return Err(format!("Property {} must NOT have more than {most} characters", self.path()));
        }
        if matches!(self, Self::Birthdate | Self::Birthday) && timestamp::parse(cell).is_none() {
            return Err(format!("Property {} cannot be recognized as a ISO-8601 compliant date", self.path()));
        }
        Ok(())
    }
}
