//! Reads the bodies that create exports, and builds the URL of the file.

use crate::domain::export::{ExportParameters, ExportRequest, ExportedObject, VENDOR_EXPORTED_OBJECTS};
use crate::domain::job::Job;
use crate::domain::json::JsonText;
use crate::domain::limits::{EXPORT_FIELDS, FILTER_BYTES, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::base_url::BaseUrl;
use crate::http::error::{ApiError, ErrorKind};
use crate::http::payload::Object;

/// Reads the member `exported_object`.
///
/// # Errors
/// Returns an error when the value is missing or invalid, or names objects that are not emulated.
pub fn exported_object(body: &mut Object<'_>) -> Result<ExportedObject, ApiError> {
    body.require("exported_object")?;
    let find = |name: &str| VENDOR_EXPORTED_OBJECTS.into_iter().find(|object| *object == name);
    let Some(name) = body.one_of("exported_object", &VENDOR_EXPORTED_OBJECTS, find)? else {
        return Err(ApiError::invalid_payload("Property .exported_object must be string"));
    };
    ExportedObject::parse(name).ok_or_else(|| ApiError::not_emulated(format!("Exports of {name} are not emulated")))
}

/// Reads the `parameters` of an export of these objects.
///
/// # Errors
/// Returns 400 for the first invalid member.
pub fn export_request(exported_object: ExportedObject, body: &mut Object<'_>) -> Result<ExportRequest, ApiError> {
    let mut parameters = body.object_or_empty("parameters")?;
    let allowed: Vec<_> = exported_object.orders().iter().copied().chain([""]).collect();
    let find = |order: &str| allowed.contains(&order).then(|| order.to_owned());
    let order = parameters.one_of("order", exported_object.orders(), find)?;
    let mut fields = parameters.texts("fields", EXPORT_FIELDS)?.unwrap_or_default();
    if !fields.iter().all(|field| is_field(exported_object, field)) {
        let allowed = exported_object.fields().join(", ");
        return Err(ApiError::new(ErrorKind::InvalidExportFields)
            .with_details(format!("Unsupported field used. Allowed fields: {allowed}")));
    }
    if fields.is_empty() {
        fields = exported_object.default_fields().iter().map(|&field| field.to_owned()).collect();
    }
    // The vendor documents this member for exports of vouchers.
    parameters.ignore(&["campaign_id"]);
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

fn is_field(object: ExportedObject, field: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && key.chars().count() <= TEXT_CHARS;
    object.fields().contains(&field) || field.strip_prefix("metadata.").is_some_and(is_key)
}

/// Returns the URL of the file of a finished export.
pub fn download_url(base_url: &BaseUrl, job: &Job) -> String {
    base_url.of(&format!("/v1/exports/{}?token={}", job.id, job.token))
}
