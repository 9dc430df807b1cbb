//! Finds the operations that are nearest to a request without a route.

use std::cmp::min;

use axum::http::Method;

use crate::http::routes::RouteTable;

/// How many operations are returned.
const MAX_NEAR: usize = 3;
/// How far an operation may be, in hundredths of a segment.
const MAX_DISTANCE: usize = 140;
/// What it costs to add or to leave out a segment.
const SEGMENT: usize = 100;
/// What it costs to replace a segment by one that has no letter in common.
const OTHER_SEGMENT: usize = 160;
/// What it costs that a segment stands at a placeholder.
const PLACEHOLDER: usize = 10;
const OTHER_METHOD: usize = 60;
/// Longer paths, and paths with longer segments, are not compared.
const MAX_SEGMENTS: usize = 12;
const MAX_SEGMENT_CHARS: usize = 64;

/// The operations that requests are compared with.
#[derive(Debug)]
pub struct Operations(Vec<(Method, &'static str)>);

impl Operations {
    /// Returns the operations of the vendors' APIs.
    pub fn of(routes: &RouteTable) -> Self {
        let mut operations: Vec<_> = routes
            .operations()
            .filter(|(_, path)| !path.starts_with("/_emulator"))
            .map(|(method, path)| (method.clone(), path))
            .collect();
        operations.sort_by(|(method, path), (other, other_path)| {
            path.cmp(other_path).then_with(|| rank(method).cmp(&rank(other)))
        });
        operations.dedup();
        Self(operations)
    }

    /// Returns the nearest operations as `METHOD /path/{placeholder}`, nearest first.
    pub fn near(&self, method: &Method, path: &str) -> Box<[String]> {
        let segments: Vec<_> = path.split('/').skip(1).collect();
        if segments.len() > MAX_SEGMENTS || segments.iter().any(|segment| segment.chars().count() > MAX_SEGMENT_CHARS) {
            return Box::default();
        }
        let mut found: Vec<_> = self
            .0
            .iter()
            .map(|(other, template)| {
                let of_method = if other == method { 0 } else { OTHER_METHOD };
                (of_method + distance(&segments, template), other, *template)
            })
            .filter(|(distance, ..)| *distance <= MAX_DISTANCE)
            .collect();
        found.sort_by_key(|(distance, ..)| *distance);
        found.iter().take(MAX_NEAR).map(|(_, method, template)| format!("{method} {template}")).collect()
    }
}

/// Returns the place of a method among those that are equally near.
fn rank(method: &Method) -> Option<usize> {
    [Method::GET, Method::POST, Method::PUT, Method::DELETE].iter().position(|other| other == method)
}

/// Returns how far a path is from a template.
fn distance(segments: &[&str], template: &str) -> usize {
    let template: Vec<_> = template.split('/').skip(1).collect();
    edits(segments, &template, SEGMENT, |segment, expected| {
        if segment == expected {
            0
        } else if expected.starts_with('{') {
            if segment.is_empty() { SEGMENT } else { PLACEHOLDER }
        } else {
            let (a, b): (Vec<_>, Vec<_>) =
                (segment.to_lowercase().chars().collect(), expected.to_lowercase().chars().collect());
            let letters = edits(&a, &b, 1, |a, b| usize::from(a != b));
            // A difference of case only is a difference, too.
            (OTHER_SEGMENT * letters / a.len().max(b.len()).max(1)).max(1)
        }
    })
}

/// Returns the edit distance of two sequences.
fn edits<T: Copy>(a: &[T], b: &[T], gap: usize, replace: impl Fn(T, T) -> usize) -> usize {
    let mut row: Vec<_> = (0..=b.len()).map(|index| index * gap).collect();
    for (number, &one) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (number + 1) * gap;
        for (index, &other) in b.iter().enumerate() {
            let replaced = diagonal + replace(one, other);
            diagonal = row[index + 1];
            row[index + 1] = min(replaced, min(row[index], diagonal) + gap);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(method: &Method, path: &str) -> Vec<String> {
        let operations = [
            (Method::GET, "/v1/customers"),
            (Method::POST, "/v1/customers"),
            (Method::GET, "/v1/customers/{customerId}"),
            (Method::PUT, "/v1/customers/{customerId}"),
            (Method::DELETE, "/v1/customers/{customerId}"),
            (Method::GET, "/v1/orders"),
            (Method::GET, "/v1/orders/{orderId}"),
        ];
        Operations(operations.into()).near(method, path).into_vec()
    }

    #[test]
    fn the_nearest_operations_come_first() {
        assert_eq!(near(&Method::POST, "/v1/customer")[0], "POST /v1/customers");
        assert_eq!(near(&Method::GET, "/customers")[0], "GET /v1/customers");
        assert_eq!(near(&Method::GET, "/v1/Customers/a")[0], "GET /v1/customers/{customerId}");
        assert_eq!(near(&Method::GET, "/v1/order/a")[0], "GET /v1/orders/{orderId}");
        assert_eq!(
            near(&Method::PATCH, "/v1/customers/a"),
            ["GET /v1/customers/{customerId}", "PUT /v1/customers/{customerId}", "DELETE /v1/customers/{customerId}"]
        );
    }

    #[test]
    fn what_is_far_from_everything_is_near_to_nothing() {
        assert!(near(&Method::GET, "/").is_empty());
        assert!(near(&Method::GET, "/favicon.ico").is_empty());
        assert!(near(&Method::GET, &"/a".repeat(1_000)).is_empty());
        assert!(near(&Method::GET, &format!("/v1/{}", "a".repeat(1_000))).is_empty());
    }
}
