use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};

use crate::db;
use crate::db::pool::Transaction;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::segment::SegmentType;
use crate::domain::state_document::{FORMAT, StateMember, VERSION};
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::metadata_schema::Style;
use crate::objects::{consent, metadata_schema, order, state, webhook};
use crate::service::Caller;

/// How many chunks are in memory for one answer.
const MAX_BUFFERED_CHUNKS: usize = 2;
/// A chunk is sent when it has this size.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many objects the first page of each kind has. It is small, because their size is not known.
const FIRST_PAGE: i64 = 50;
/// How many objects a page has at most.
const MAX_PAGE: i64 = 500;
/// About how many bytes the objects of a page have at most.
const PAGE_BYTES: usize = 1024 * 1024;

/// GET /_emulator/state (emulator-get-state)
///
/// The document is of one moment: one transaction reads it page by page, while the client receives it. When the database
/// fails, or the client makes no progress for the time limit of a statement, the connection is aborted, so that the client does
/// not treat an incomplete document as complete.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let transaction = db::state::begin_snapshot(&app.core.pool, caller.project).await?;
    let (sender, body) = Channel::<Bytes, sqlx::Error>::new(MAX_BUFFERED_CHUNKS);
    tokio::spawn(async move {
        let mut writer =
            Writer { transaction, project: caller.project, out: Vec::new(), sender, is_begun: false, page: FIRST_PAGE };
        match writer.write().await {
            Ok(()) => {
                // The transaction has written nothing.
                let _ = writer.transaction.commit().await;
            }
            Err(Stop::Failed(error)) => writer.sender.abort(error),
            Err(Stop::Disconnected) => {}
        }
    });
    Ok(([(header::CONTENT_TYPE, answer::JSON)], Body::new(body)).into_response())
}

/// Why the answer ends early.
enum Stop {
    Failed(sqlx::Error),
    Disconnected,
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

struct Writer {
    transaction: Transaction,
    project: ProjectId,
    out: Vec<u8>,
    sender: Sender<Bytes, sqlx::Error>,
    /// Whether the current list has an object.
    is_begun: bool,
    /// How many objects the next page has.
    page: i64,
}

impl Writer {
    async fn write(&mut self) -> Result<(), Stop> {
        self.out.extend_from_slice(format!(r#"{{"format":"{FORMAT}","version":{VERSION}"#).as_bytes());
        for member in StateMember::ALL {
            self.out.extend_from_slice(format!(r#","{}":["#, member.as_str()).as_bytes());
            (self.is_begun, self.page) = (false, FIRST_PAGE);
            match member {
                StateMember::Customers => self.customers().await?,
                StateMember::Orders => self.orders().await?,
                StateMember::Events => self.events().await?,
                StateMember::Segments => self.segments().await?,
                _ => self.definitions(member).await?,
            }
            self.out.push(b']');
        }
        self.out.push(b'}');
        self.send().await
    }

    /// Appends an object, and sends a full chunk.
    async fn object(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Stop> {
        if self.is_begun {
            self.out.push(b',');
        }
        self.is_begun = true;
        write(&mut self.out);
        if self.out.len() >= CHUNK_BYTES { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<(), Stop> {
        let chunk = std::mem::replace(&mut self.out, Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4));
        self.sender.send_data(chunk.into()).await.map_err(|_| Stop::Disconnected)
    }

    /// Sets the number of objects of the next page. Returns `false` after the last page.
    fn next_page(&mut self, rows: usize, bytes: usize) -> bool {
        let is_full = i64::try_from(rows).is_ok_and(|rows| rows >= self.page);
        let fitting = PAGE_BYTES / (bytes / rows.max(1)).max(1);
        self.page = i64::try_from(fitting).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
        is_full
    }

    async fn customers(&mut self) -> Result<(), Stop> {
        let (mut after, mut has_more) = (String::new(), true);
        while has_more {
            let rows = db::state::list_customers(&mut self.transaction, self.project, &after, self.page).await?;
            let bytes = rows.iter().map(|row| {
                row.customer.profile.as_str().len()
                    + length(row.customer.metadata.as_ref())
                    + length(row.customer.state.as_ref())
            });
            has_more = self.next_page(rows.len(), bytes.sum());
            for row in &rows {
                self.object(|out| state::write_customer(out, &row.customer, row.consents.as_ref(), row.deleted_at))
                    .await?;
            }
            after = rows.into_iter().next_back().map_or(after, |row| row.customer.id);
        }
        Ok(())
    }

    async fn orders(&mut self) -> Result<(), Stop> {
        let (mut after, mut has_more) = (String::new(), true);
        while has_more {
            let rows = db::state::list_orders(&mut self.transaction, self.project, &after, self.page).await?;
            let bytes = rows.iter().map(|row| length(row.items.as_ref()) + length(row.metadata.as_ref()));
            has_more = self.next_page(rows.len(), bytes.sum());
            for row in &rows {
                self.object(|out| order::write(out, row)).await?;
            }
            after = rows.into_iter().next_back().map_or(after, |row| row.id);
        }
        Ok(())
    }

    async fn events(&mut self) -> Result<(), Stop> {
        let (mut after, mut has_more) = ((String::new(), String::new()), true);
        while has_more {
            let position = (after.0.as_str(), after.1.as_str());
            let rows = db::state::list_events(&mut self.transaction, self.project, position, self.page).await?;
            has_more = self.next_page(rows.len(), rows.iter().map(|row| row.metadata.as_str().len()).sum());
            for row in &rows {
                self.object(|out| {
                    state::write_event(out, &row.id, &row.name, &row.customer_id, &row.metadata, row.created_at);
                })
                .await?;
            }
            after = rows.into_iter().next_back().map_or(after, |row| (row.customer_id, row.id));
        }
        Ok(())
    }

    async fn segments(&mut self) -> Result<(), Stop> {
        let (mut after, mut has_more) = (String::new(), true);
        while has_more {
            let rows = db::state::list_segments(&mut self.transaction, self.project, &after, self.page).await?;
            has_more = self.next_page(rows.len(), 0);
            for row in &rows {
                let members = if row.kind == SegmentType::Static {
                    db::state::list_segment_members(&mut self.transaction, self.project, &row.id).await?
                } else {
                    Vec::new()
                };
                self.object(|out| state::write_segment(out, row, &members)).await?;
            }
            after = rows.into_iter().next_back().map_or(after, |row| row.id);
        }
        Ok(())
    }

    /// Writes the definitions of a kind, of which a project has few, in the order of their ids.
    async fn definitions(&mut self, member: StateMember) -> Result<(), Stop> {
        let (connection, project) = (&mut *self.transaction, self.project);
        match member {
            StateMember::Consents => {
                let mut rows = db::consents::list(connection, project).await?;
                rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
                for row in &rows {
                    self.object(|out| consent::write(out, row)).await?;
                }
            }
            StateMember::ConsentGroups => {
                let mut rows = db::consents::list_groups(connection, project).await?;
                rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
                for row in &rows {
                    self.object(|out| consent::write_group(out, row)).await?;
                }
            }
            StateMember::MetadataSchemas => {
                for row in &db::metadata_schemas::list(connection, project).await? {
                    self.object(|out| metadata_schema::write(out, row, Style::Server)).await?;
                }
            }
            StateMember::EventSchemas => {
                for row in &db::event_schemas::list(connection, project).await? {
                    self.object(|out| metadata_schema::write_event(out, row)).await?;
                }
            }
            StateMember::Webhooks => {
                let mut rows = db::webhooks::list(connection, project).await?;
                rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
                for row in &rows {
                    self.object(|out| webhook::write(out, row)).await?;
                }
            }
            StateMember::Customers | StateMember::Orders | StateMember::Events | StateMember::Segments => {}
        }
        Ok(())
    }
}

/// Returns the number of bytes of stored JSON.
fn length(json: Option<&JsonText>) -> usize {
    json.map_or(0, |json| json.as_str().len())
}
