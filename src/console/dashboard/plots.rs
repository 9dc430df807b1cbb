use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use super::chart::{Chart, Data, Series};
use super::minutes::{MINUTES, Minutes, RequestsOfMinute, STATUS_CLASSES, requests_of};
use crate::console::components::{Empty, grouped};
use crate::console::error::PageError;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::count;
use crate::db::customers::{MAX_COUNTED_PER_MINUTE, count_created_per_minute};
use crate::domain::logged_request::RequestFilter;

const CLASS_COLOURS: [&str; 4] = ["series-good", "series-quiet", "series-busy", "series-bad"];

/// The plots of a project: its requests, their latency, and the customers that were created.
#[derive(Template)]
#[template(path = "dashboard/plots.html")]
pub struct Plots {
    /// Which requests the plots cover, in words.
    coverage: String,
    requests_link: String,
    requests: Option<(Chart, Chart)>,
    empty_requests: Empty,
    customers: Option<Chart>,
    empty_customers: Empty,
}

impl HtmlSafe for Plots {}

impl Plots {
    /// Reads what the plots show.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(project: &Project) -> Result<Self, PageError> {
        let core = &project.console.app.core;
        let (id, now) = (project.overview.id, core.now(&project.caller()));
        let minutes = Minutes::until(now);
        let mut connection = core.pool.acquire_for(id).await?;
        let created =
            count_created_per_minute(&mut connection, id, minutes.start, i64::try_from(MINUTES).unwrap_or_default())
                .await?;
        connection.release();

        let found = core.request_log.list(id, &RequestFilter::default(), usize::MAX);
        let (found, _) = found.unwrap_or_default();
        let of_minutes = requests_of(minutes, found.iter().map(AsRef::as_ref));
        let shown: u64 = of_minutes.iter().flat_map(|minute| minute.by_class).sum();
        let capacity = core.request_log.capacity();
        let oldest = found.last().filter(|_| found.len() >= capacity).map(|request| request.details.at);
        let body = r#"{"source_id": "alice@morgan.com", "name": "Alice Morgan"}"#;
        Ok(Self {
            coverage: coverage(shown, capacity, oldest.filter(|oldest| *oldest > minutes.start)),
            requests_link: project.section_link(Section::Requests),
            requests: (shown > 0).then(|| (by_status(minutes, &of_minutes), latency(minutes, &of_minutes))),
            empty_requests: Empty {
                text: if capacity == 0 {
                    "The request log is off. Start the emulator with --request-log 200 to turn it on.".to_owned()
                } else {
                    format!("No request of the last {MINUTES} minutes is in the log. This call is one:")
                },
                command: if capacity == 0 { String::new() } else { project.command("/v1/customers", "") },
            },
            customers: created.iter().any(|count| *count > 0).then(|| customers(minutes, &created)),
            empty_customers: Empty {
                text: format!("No customer was created in the last {MINUTES} minutes. This call creates one:"),
                command: project.command("/v1/customers", body),
            },
        })
    }
}

/// Returns which requests the plots cover. `oldest` is the time of the oldest request of a full log.
fn coverage(shown: u64, capacity: usize, oldest: Option<DateTime<Utc>>) -> String {
    let shown = count(i64::try_from(shown).unwrap_or(i64::MAX), "request", "requests");
    let kept = count(i64::try_from(capacity).unwrap_or(i64::MAX), "request", "requests");
    let mut text = format!(
        "The last {MINUTES} minutes of the project's clock: {shown}. The request log keeps the last {kept} of a project."
    );
    if let Some(oldest) = oldest {
        text.push_str(" It is full, so requests before ");
        text.push_str(&oldest.format("%H:%M:%S").to_string());
        text.push_str(" UTC are missing here.");
    }
    text
}

fn by_status(minutes: Minutes, requests: &[RequestsOfMinute]) -> Chart {
    let total = |class: usize| requests.iter().map(|minute| minute.by_class[class]).sum::<u64>();
    let totals: Vec<_> =
        STATUS_CLASSES.iter().enumerate().map(|(class, name)| format!("{name}: {}", total(class))).collect();
    let series = STATUS_CLASSES.iter().enumerate().zip(CLASS_COLOURS).map(|((class, name), colour)| Series {
        name,
        class: colour,
        values: requests.iter().map(|minute| as_f64(minute.by_class[class])).collect(),
    });
    Chart::new(Data {
        id: "requests",
        title: "Requests by status",
        unit: "requests per minute",
        description: format!(
            "Requests of the last {MINUTES} minutes by the class of their status. {}",
            totals.join(", ")
        ),
        labels: minutes.labels(),
        series: series.collect(),
        is_stacked: true,
        decimals: 0,
        limit: None,
    })
}

fn latency(minutes: Minutes, requests: &[RequestsOfMinute]) -> Chart {
    let series = |name, class, percent| Series {
        name,
        class,
        values: requests.iter().map(|minute| minute.percentile_millis(percent)).collect(),
    };
    let series = vec![series("p50", "series-quiet", 50), series("p95", "series-main", 95)];
    let highest = |one: &Series| one.values.iter().copied().fold(0.0, f64::max);
    Chart::new(Data {
        id: "latency",
        title: "Latency",
        unit: "milliseconds",
        description: format!(
            "Latency of the requests of the last {MINUTES} minutes: the median (p50) was {:.1} ms at most, the 95th percentile (p95) {:.1} ms",
            highest(&series[0]),
            highest(&series[1])
        ),
        labels: minutes.labels(),
        series,
        is_stacked: false,
        decimals: 1,
        limit: None,
    })
}

fn customers(minutes: Minutes, created: &[i64]) -> Chart {
    let total: i64 = created.iter().map(|count| (*count).min(MAX_COUNTED_PER_MINUTE)).sum();
    let is_complete = created.iter().all(|count| *count <= MAX_COUNTED_PER_MINUTE);
    let limit = as_f64(MAX_COUNTED_PER_MINUTE.unsigned_abs());
    let number = count(total, "customer was", "customers were");
    let description = if is_complete {
        format!("In the last {MINUTES} minutes {number} created")
    } else {
        let most = grouped(MAX_COUNTED_PER_MINUTE);
        format!("In the last {MINUTES} minutes more than {number} created. No more than {most} are counted in a minute")
    };
    let values = created.iter().map(|count| as_f64(count.unsigned_abs())).collect();
    Chart::new(Data {
        id: "customers",
        title: "Customers created",
        unit: "customers per minute",
        description,
        labels: minutes.labels(),
        series: vec![Series { name: "Customers", class: "series-main", values }],
        is_stacked: true,
        decimals: 0,
        limit: Some(limit),
    })
}

#[allow(clippy::cast_precision_loss, reason = "the counts are far below 2^53")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
