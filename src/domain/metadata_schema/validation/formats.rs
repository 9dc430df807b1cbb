//! The formats of texts in metadata.

use crate::domain::timestamp;

/// Returns whether `text` is a date in the form `YYYY-MM-DD`.
pub(super) fn is_date(text: &str) -> bool {
    let has_form = text.len() == 10
        && text.bytes().zip("0000-00-00".bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
    has_form && timestamp::parse(text).is_some()
}

/// Returns whether `text` is a date and time in ISO 8601.
pub(super) fn is_date_time(text: &str) -> bool {
    text.contains('T') && timestamp::parse(text).is_some()
}

/// Returns whether `text` is a latitude and longitude in degrees, separated by a comma.
pub(super) fn is_geopoint(text: &str) -> bool {
    let degrees = |text: &str, max: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= max);
    text.split_once(',').is_some_and(|(latitude, longitude)| degrees(latitude, 90.0) && degrees(longitude, 180.0))
}

/// Returns whether `text` is the URL of an image, judged only by its file extension; nothing is fetched.
pub(super) fn is_image_url(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let Some((host, path)) = rest.split_once('/') else { return false };
    !host.is_empty()
        && !rest.contains(char::is_whitespace)
        && [".jpg", ".jpeg", ".png"].iter().any(|extension| path.ends_with(extension))
}
