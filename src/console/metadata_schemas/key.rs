use askama::Template;
use axum::Extension;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::key_form::{definition, fields, stored_value};
use super::kind::Kind;
use crate::console::components::{Field, FormView};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, RawQuery, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "metadata_schemas/key.html")]
struct Key {
    form: FormView,
    remove: Option<FormView>,
    purge: Option<FormView>,
}

/// GET /_emulator/console/projects/{project}/metadata-schemas/{id}/key, .../event-schemas/{id}/key
///
/// Query parameter: `key`, a key of the schema; without it, the page adds a key.
pub async fn show(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
    query: RawQuery,
) -> Result<Response, PageError> {
    let schema = project.get(&kind.operation(&id)).await?;
    let key = query.text("key");
    if key.is_empty() {
        return page(&project, kind, &schema, None, |_| String::new(), None);
    }
    let (key, stored) = find(kind, &schema, &key).ok_or_else(|| PageError::not_found("key"))?;
    page(&project, kind, &schema, Some((key, stored)), |name| stored_value(stored, name), None)
}

/// POST /_emulator/console/projects/{project}/metadata-schemas/{id}/key, .../event-schemas/{id}/key
pub async fn save(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
    form: Form,
) -> Result<Response, PageError> {
    let schema = project.get(&kind.operation(&id)).await?;
    let key = form.text("key").trim();
    let is_new = !form.text("is_new").is_empty();
    let found = find(kind, &schema, key);
    let refused = |error: String| {
        let stored = found.filter(|_| !is_new);
        page(&project, kind, &schema, stored, |name| form.text(name).to_owned(), Some(error))
    };
    if is_new && found.is_some() {
        return refused(format!("The schema has a key {key} already."));
    }
    let definition = match definition(kind, &form) {
        Ok(definition) => definition,
        Err(error) => return refused(error),
    };
    match project.send(Method::PUT, &kind.operation(&id), Some(&kind.body(key, &definition))).await {
        Ok(_) => Ok(redirect(&kind.link(&project, &id), "schema-saved")),
        Err(error) if is_correctable(&error) => refused(error.text().into_owned()),
        Err(error) => Err(error.into()),
    }
}

/// POST /_emulator/console/projects/{project}/metadata-schemas/{id}/key/remove, .../event-schemas/{id}/key/remove
pub async fn remove(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
    form: Form,
) -> Result<Response, PageError> {
    let schema = project.get(&kind.operation(&id)).await?;
    let (key, stored) = find(kind, &schema, form.text("key")).ok_or_else(|| PageError::not_found("key"))?;
    let mut removed = stored.clone();
    if let Some(members) = removed.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        members.insert("deleted".to_owned(), true.into());
    }
    project.send(Method::PUT, &kind.operation(&id), Some(&kind.body(key, &removed))).await?;
    Ok(redirect(&kind.link(&project, &id), "schema-saved"))
}

/// POST /_emulator/console/projects/{project}/metadata-schemas/{id}/key/purge
pub async fn purge(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let path = format!("/_emulator/metadata-schemas/{}/purge", encoded(&id));
    let accepted = project.send(Method::POST, &path, Some(&json!({"key": form.text("key")}))).await?;
    let job = project.link(&format!("/jobs/{}", encoded(&text(&accepted, "/async_action_id"))));
    Ok(Redirect::to(&job).into_response())
}

/// Returns a key of a schema with its definition.
fn find<'a>(kind: Kind, schema: &'a Value, key: &str) -> Option<(&'a str, &'a Value)> {
    kind.properties(schema)?.get_key_value(key).map(|(key, definition)| (key.as_str(), definition))
}

/// Returns the page of a key, or the page that adds one.
fn page(
    project: &Project,
    kind: Kind,
    schema: &Value,
    stored: Option<(&str, &Value)>,
    value: impl Fn(&str) -> String,
    error: Option<String>,
) -> Result<Response, PageError> {
    let session = &project.visit.session;
    let link = kind.link(project, &text(schema, "/id"));
    let mut all = match stored {
        Some((key, _)) => vec![Field::hidden("key", key)],
        None => vec![Field::text("key", "Key", value("key")).required(), Field::hidden("is_new", "on")],
    };
    all.extend(fields(kind, stored.map(|(_, definition)| text(definition, "/type")), value));
    let submit = if stored.is_some() { "Save" } else { "Add the key" };
    let form = FormView::new(session, format!("{link}/key"), submit, all).or_back_to(&link);
    let is_removed = stored.is_some_and(|(_, definition)| text(definition, "/deleted") == "true");
    let action = |path: &str, submit: &str| {
        let key = stored.map(|(key, _)| vec![Field::hidden("key", key)]).unwrap_or_default();
        FormView::new(session, format!("{link}/key/{path}"), submit, key).dangerous()
    };
    let status = status_with(error.as_ref());
    let content = Key {
        form: form.refused(error),
        remove: (stored.is_some() && !is_removed).then(|| action("remove", "Remove the key")),
        purge: (is_removed && kind == Kind::Metadata).then(|| action("purge", "Purge the values")),
    };
    let title = stored.map_or_else(|| "Add a key".to_owned(), |(key, _)| format!("Key {key}"));
    let page = Page::new(title)
        .below(project.section_link(Section::MetadataSchemas), "Metadata schemas")
        .below(&link, kind.title(schema));
    project.page_with(status, Section::MetadataSchemas, page, &content)
}
