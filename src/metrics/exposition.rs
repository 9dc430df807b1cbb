//! The text formats.

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

/// The beginning of the names of all metrics but those of the process, whose names every program shares.
pub(super) const PREFIX: &str = "voucherify_emulator";

/// A text format that Prometheus reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl Format {
    /// Returns the value of the `Content-Type` header.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Returns the metrics of all registries, one after the other.
pub(super) fn encode<const N: usize>(format: Format, registries: [&Registry; N]) -> String {
    let mut out = String::with_capacity(16 * 1024);
    for registry in registries {
        // Writing to a string does not fail.
        let _ = match format {
            Format::Prometheus => prometheus_text::encode(&mut out, registry),
            Format::OpenMetrics => text::encode_registry(&mut out, registry),
        };
    }
    if format == Format::OpenMetrics {
        let _ = text::encode_eof(&mut out);
    }
    out
}
