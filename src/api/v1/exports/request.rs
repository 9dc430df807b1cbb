//! What an export may be asked for, and where its file is.

use crate::domain::export::{ExportParameters, ExportRequest, ExportedObject, VENDORS_OBJECTS};
use crate::domain::job::Job;
use crate::domain::json::JsonText;
use crate::domain::limits::{EXPORT_FIELDS, FILTER_BYTES, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::base_url::BaseUrl;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::payload::Object;

/// The member `exported_object`.
pub fn exported_object(body: &mut Object) -> Result<ExportedObject, ApiError> {
    body.require("exported_object")?;
    let known = |name: &str| VENDORS_OBJECTS.into_iter().find(|known| *known == name);
    let Some(name) = body.one_of("exported_object", &VENDORS_OBJECTS, known)? else {
        return Err(ApiError::invalid_payload("Property .exported_object must be string"));
    };
    ExportedObject::parse(name).ok_or_else(|| ApiError::not_emulated(format!("Exports of {name} are not emulated")))
}

/// An export of these objects with the body's `parameters`.
pub fn of(exported_object: ExportedObject, body: &mut Object) -> Result<ExportRequest, ApiError> {
    let mut parameters = body.object("parameters")?.value().unwrap_or_default();
    let allowed: Vec<_> = exported_object.orders().iter().copied().chain([""]).collect();
    let known = |order: &str| allowed.contains(&order).then(|| order.to_owned());
    let order = parameters.one_of("order", exported_object.orders(), known)?;
    let mut fields = parameters.texts("fields", EXPORT_FIELDS)?.unwrap_or_default();
    if !fields.iter().all(|field| is_field(exported_object, field)) {
        let allowed = exported_object.fields().join(", ");
        return Err(ApiError::new(ErrorKind::InvalidExportFields)
            .with_details(format!("Unsupported field used. Allowed fields: {allowed}")));
    }
    if fields.is_empty() {
        fields = exported_object.default_fields().iter().map(|&field| field.to_owned()).collect();
    }
    let Patch::Value(filters) = parameters.metadata("filters")? else {
        return Ok(ExportRequest { exported_object, parameters: ExportParameters { order, fields, filters: None } });
    };
    if JsonText::of(&filters).as_str().len() > FILTER_BYTES {
        let details = format!("Property .parameters.filters must NOT be larger than {FILTER_BYTES} bytes");
        return Err(ApiError::invalid_payload(details));
    }
    let parameters = ExportParameters { order, fields, filters: Some(filters) };
    Ok(ExportRequest { exported_object, parameters })
}

fn is_field(of: ExportedObject, field: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && key.chars().count() <= TEXT_CHARS;
    of.fields().contains(&field) || field.strip_prefix("metadata.").is_some_and(is_key)
}

/// Where the file of a finished export is.
pub fn url(base_url: &BaseUrl, job: &Job) -> String {
    base_url.of(&format!("/v1/exports/{}?token={}", job.id, job.token))
}
