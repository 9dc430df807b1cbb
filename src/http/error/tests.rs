use super::*;
use crate::service;

#[test]
fn metadata_refused_by_its_schema_has_its_own_error_key() {
    let details = "unit: must be a number (actual value is 'EUR')".to_owned();
    let error = ApiError::from(service::Error::InvalidMetadata { details });
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        String::from_utf8(error.body("v-0ead453c10ec031067")).unwrap(),
        r#"{"code":400,"key":"metadata_validation_failed","message":"Metadata validation failed","details":"unit: must be a number (actual value is 'EUR')","request_id":"v-0ead453c10ec031067"}"#
    );
}
