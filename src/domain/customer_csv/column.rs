//! One column of a CSV file of customers.

use serde::{Deserialize, Serialize};

use crate::domain::limits::{DESCRIPTION_CHARS, METADATA_BYTES, TEXT_CHARS};
use crate::domain::timestamp;

/// What a column holds.
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
    /// The key of the metadata.
    Metadata(String),
}

/// The names of the columns that are no metadata. The vendor's reference names those of an address in full, its template does
/// not.
pub(super) const KNOWN: [(&str, Column); 18] = [
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
    /// By its name in the first line, in capital or small letters.
    pub(super) fn of_name(name: &str) -> Self {
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or_else(|| Self::Metadata(name.to_owned()), |(_, column)| column.clone())
    }

    /// The path of the member in messages.
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

    /// That the cell is what the member may be, in the words in which a JSON body is refused. What metadata may be, its schema
    /// says.
    pub(super) fn check(&self, cell: &str) -> Result<(), String> {
        let most = match self {
            Self::Description => DESCRIPTION_CHARS,
            Self::Metadata(_) => METADATA_BYTES,
            _ => TEXT_CHARS,
        };
        // No text has more characters than bytes.
        if cell.len() > most && cell.chars().count() > most {
            return Err(format!("Property {} must NOT have more than {most} characters", self.path()));
        }
        if matches!(self, Self::Birthdate | Self::Birthday) && timestamp::parse(cell).is_none() {
            return Err(format!("Property {} cannot be recognized as a ISO-8601 compliant date", self.path()));
        }
        Ok(())
    }
}
