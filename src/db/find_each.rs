//! Finds the rows that many requests name, with one statement.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row};

use crate::domain::identifier::Identifier;
use crate::domain::project::ProjectId;

/// A project, and the identifier of an object in it.
pub type FindRequest = (ProjectId, Identifier);

/// How the objects of one kind are found.
pub(super) struct FindEach {
    /// The columns that the rows are read from, by position.
    pub columns: &'static str,
    /// `FROM` and `WHERE` of the rows whose id is `given.identifier`, in the project `given.project_id`.
    pub by_id: &'static str,
    /// The same for the source id.
    pub by_source_id: &'static str,
    /// Returns whether an identifier has the form of an id.
    pub may_be_id: fn(&Identifier) -> bool,
}

impl FindEach {
    /// Finds the object of each request by its id or, when there is none, by its source id.
    pub async fn find<T>(
        &self,
        connection: &mut PgConnection,
        requests: &[FindRequest],
    ) -> Result<Vec<Option<T>>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut found: Vec<Option<T>> = requests.iter().map(|_| None).collect();
        let is_one_project =
            requests.iter().all(|(project, _)| requests.first().is_some_and(|(first, _)| first == project));
        for (source, is_id) in [(self.by_id, true), (self.by_source_id, false)] {
            let (mut places, mut projects, mut identifiers) = (Vec::new(), Vec::new(), Vec::new());
            for (place, (project, identifier)) in requests.iter().enumerate() {
                let is_sought = found[place].is_none() && (!is_id || (self.may_be_id)(identifier));
                if is_sought && identifier.can_exist() {
                    places.push(place);
                    projects.push(project.0);
                    identifiers.push(identifier.as_str());
                }
            }
            if places.is_empty() {
                continue;
            }
            // `OFFSET 0` makes PostgreSQL search each row by the index, whatever it assumes about the number of requests. With one
            // project, the statement compares with its number, from which a distributed database knows the server.
            let (given, source) = if is_one_project {
                (
                    "unnest($2::text[]) WITH ORDINALITY AS given (identifier, number)",
                    source.replace("given.project_id", "$1::bigint"),
                )
            } else {
                (
                    "unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS given (project_id, identifier, number)",
                    source.to_owned(),
                )
            };
            let statement = format!(
                "SELECT found.*, given.number FROM {given} CROSS JOIN LATERAL (SELECT {} {source} OFFSET 0) found",
                self.columns
            );
            let query = sqlx::query_as(AssertSqlSafe(statement));
            let query = if is_one_project { query.bind(projects[0]) } else { query.bind(projects) };
            let rows: Vec<NumberedRow<T>> = query.bind(identifiers).fetch_all(&mut *connection).await?;
            for NumberedRow { row, number } in rows {
                let place = usize::try_from(number - 1).ok().and_then(|index| places.get(index).copied());
                if let Some(place) = place {
                    found[place] = Some(row);
                }
            }
        }
        Ok(found)
    }
}

/// A row, and the number of its request, counted from 1.
struct NumberedRow<T> {
    row: T,
    number: i64,
}

impl<'r, T: FromRow<'r, PgRow>> FromRow<'r, PgRow> for NumberedRow<T> {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { number: row.try_get_unchecked(row.len() - 1)?, row: T::from_row(row)? })
    }
}
