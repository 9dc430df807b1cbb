//! A request that the request log keeps, and the filter that finds such requests.

use chrono::{DateTime, Utc};

use super::path_pattern::PathPattern;
use super::personal_values::PersonalValues;

/// The texts of a logged request, in the order in which they are stored.
const TEXTS: usize = 7;
/// How much memory an entry that replaces another one may leave unused, beside the length of its texts.
const MAX_SPARE_BYTES: usize = 1_024;

/// What was sent and answered. It never holds headers. The caller masks tokens before.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// All texts, one after the other, so that an entry takes one allocation.
    texts: String,
    /// Where each of the texts ends.
    ends: [u32; TEXTS],
    pub details: Details,
}

/// What is known about a logged request beside its texts.
#[derive(Clone, Debug, Default)]
pub struct Details {
    pub at: DateTime<Utc>,
    pub duration_micros: u64,
    pub status: u16,
    /// For a request body that is longer than what is kept, its length.
    pub request_body_length: Option<u64>,
    /// For a response body that is longer than what is kept, its length, as far as it was sent.
    pub response_body_length: Option<u64>,
    /// The operation id of the contract; `None` for a request without a route.
    pub operation: Option<&'static str>,
    /// JSON pointers of members, and names of query parameters (`?name`), that the operation does not know.
    pub unread: Box<[String]>,
    /// The operations that are nearest to a request without a route.
    pub near: Box<[String]>,
    /// The id of the fault that hit the request.
    pub fault: Option<Box<str>>,
}

/// The texts of a logged request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    pub id: &'a str,
    pub request_id: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub request_body: &'a str,
    pub response_body: &'a str,
}

impl<'a> Texts<'a> {
    fn parts(&self) -> [&'a str; TEXTS] {
        let Self { id, request_id, method, path, query, request_body, response_body } = *self;
        [id, request_id, method, path, query, request_body, response_body]
    }

    fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }
}

impl LoggedRequest {
    /// Returns a request with these texts.
    #[must_use]
    pub fn new(texts: &Texts<'_>, details: Details) -> Self {
        let mut request = Self { texts: String::with_capacity(texts.len()), ends: [0; TEXTS], details };
        request.set_texts(texts);
        request
    }

    /// Replaces the request by another one, in the same memory.
    pub fn replace(&mut self, texts: &Texts<'_>, details: Details) {
        if self.texts.capacity() > 2 * texts.len() + MAX_SPARE_BYTES {
            self.texts = String::with_capacity(texts.len());
        }
        self.set_texts(texts);
        self.details = details;
    }

    fn set_texts(&mut self, texts: &Texts<'_>) {
        self.texts.clear();
        self.texts.reserve_exact(texts.len());
        self.ends = texts.parts().map(|part| {
            self.texts.push_str(part);
            u32::try_from(self.texts.len()).unwrap_or(u32::MAX)
        });
    }

    /// Returns the texts.
    #[must_use]
    pub fn texts(&self) -> Texts<'_> {
        let text = |index: usize| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            // The ends are those of the parts that were appended.
            self.texts.get(start as usize..self.ends[index] as usize).unwrap_or_default()
        };
        Texts {
            id: text(0),
            request_id: text(1),
            method: text(2),
            path: text(3),
            query: text(4),
            request_body: text(5),
            response_body: text(6),
        }
    }

    /// Returns whether the request is about a person with one of these values: whether a text of it holds one.
    #[must_use]
    pub fn holds(&self, values: &PersonalValues) -> bool {
        let Texts { path, query, request_body, response_body, .. } = self.texts();
        let is_in_body = |body: &str, length: Option<u64>| match length {
            Some(_) => values.are_in_cut(body),
            None => values.are_in(body),
        };
        values.are_in(path)
            || values.are_in(query)
            || is_in_body(request_body, self.details.request_body_length)
            || is_in_body(response_body, self.details.response_body_length)
            || self.details.unread.iter().any(|unread| values.are_in(unread))
    }

    /// Returns how many bytes of memory the request takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let list = |texts: &[String]| texts.iter().map(|text| size_of::<String>() + text.capacity()).sum::<usize>();
        size_of::<Self>()
            + self.texts.capacity()
            + list(&self.details.unread)
            + list(&self.details.near)
            + self.details.fault.as_ref().map_or(0, |fault| fault.len())
    }
}

/// Which statuses a filter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// One status, such as 404.
    Exact(u16),
    /// The statuses with that first digit, such as 4 for `4xx`.
    Class(u16),
}

impl StatusFilter {
    /// Reads `404` or `4xx`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, class) = match text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            Some(digit) => (digit, true),
            None => (text, false),
        };
        let is_number = digits.len() == if class { 1 } else { 3 } && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number)?;
        Some(if class { Self::Class(number) } else { Self::Exact(number) })
    }

    fn matches(self, status: u16) -> bool {
        match self {
            Self::Exact(expected) => status == expected,
            Self::Class(digit) => status / 100 == digit,
        }
    }
}

/// Which logged requests to return. An absent criterion matches every request.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// In upper case.
    pub method: Option<String>,
    pub path: Option<PathPattern>,
    pub operation: Option<String>,
    pub status: Option<StatusFilter>,
    /// The id of the request after which to begin.
    pub after: Option<String>,
}

impl RequestFilter {
    /// Accepts only requests with that method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Accepts only requests to paths that match: `*` stands for one segment, and a last `**` for all segments that follow.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(PathPattern::new(pattern));
        self
    }

    /// Accepts only requests to the operation with that id of the contract, such as `create-customer`.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Accepts only requests that were answered with such a status.
    #[must_use]
    pub fn status(mut self, status: StatusFilter) -> Self {
        self.status = Some(status);
        self
    }

    /// Accepts only requests that ended after the one with that id.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    /// Returns whether the request matches all criteria but `after`, which depends on the order of the requests.
    #[must_use]
    pub fn matches(&self, request: &LoggedRequest) -> bool {
        self.status.is_none_or(|status| status.matches(request.details.status))
            && self.operation.as_deref().is_none_or(|operation| request.details.operation == Some(operation))
            && self.method.as_deref().is_none_or(|method| request.texts().method == method)
            && self.path.as_ref().is_none_or(|path| path.matches(request.texts().path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_that_were_given() {
        let given = Texts {
            id: "req_1",
            request_id: "v-1",
            method: "GET",
            path: "/ä",
            query: "",
            request_body: "{}",
            ..Texts::default()
        };
        let mut request = LoggedRequest::new(&given, Details::default());
        assert_eq!(format!("{:?}", request.texts()), format!("{given:?}"));
        assert_eq!(request.bytes(), size_of::<LoggedRequest>() + "req_1v-1GET/ä{}".len());
        let body = "x".repeat(5_000);
        let long = Texts { response_body: &body, ..given };
        request.replace(&long, Details { status: 200, ..Details::default() });
        assert_eq!((request.texts().response_body, request.details.status), (body.as_str(), 200));
        request.replace(&given, Details::default());
        assert_eq!(format!("{:?}", request.texts()), format!("{given:?}"));
        assert_eq!(request.bytes(), size_of::<LoggedRequest>() + "req_1v-1GET/ä{}".len(), "memory is given back");
    }

    #[test]
    fn a_status_is_filtered_by_number_or_class() {
        for (text, filter) in [
            ("404", Some(StatusFilter::Exact(404))),
            ("4xx", Some(StatusFilter::Class(4))),
            ("2XX", Some(StatusFilter::Class(2))),
            ("40x", None),
            ("xx", None),
            ("40", None),
            ("+40", None),
            ("4 4", None),
            ("", None),
        ] {
            assert_eq!(StatusFilter::parse(text), filter, "{text}");
        }
        assert!(StatusFilter::Class(4).matches(404) && !StatusFilter::Class(4).matches(500));
    }
}
