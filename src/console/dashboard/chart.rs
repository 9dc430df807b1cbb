//! A bar chart, drawn on the server as SVG.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::console::components::{Cell, Table};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 48.0;
/// Every so many minutes the axis shows the time.
const LABEL_INTERVAL: usize = 5;
/// The class of bars whose value is beyond the limit of the chart.
const BEYOND: &str = "series-beyond";

/// A series of a chart: one number for each minute.
pub struct Series {
    pub name: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    pub values: Vec<f64>,
}

/// What a chart shows.
pub struct Data {
    /// The prefix of the ids in the page.
    pub id: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
    /// What the chart shows, in a sentence.
    pub description: String,
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// Whether the bars of one minute stand on each other, and not side by side.
    pub is_stacked: bool,
    /// The number of decimals of the values.
    pub decimals: usize,
    /// The largest number that was counted. A larger value means "more than" this.
    pub limit: Option<f64>,
}

/// A chart, with its numbers as a table.
#[derive(Template)]
#[template(path = "dashboard/chart.html")]
pub struct Chart {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    description: String,
    /// The names of the colours; shown if there are several.
    legend: Vec<(String, &'static str)>,
    bars: Vec<Bar>,
    lines: Vec<Line>,
    times: Vec<(String, String)>,
    table: Table,
}

impl HtmlSafe for Chart {}

struct Bar {
    x: String,
    y: String,
    width: String,
    height: String,
    class: &'static str,
}

/// A line of the grid, with its value.
struct Line {
    y: String,
    label: String,
}

impl Chart {
    pub fn new(data: Data) -> Self {
        let Data { id, title, unit, description, labels, series, is_stacked, decimals, limit } = data;
        let counted = |one: &Series, minute: usize| one.values.get(minute).copied().unwrap_or_default();
        let is_beyond = |value: f64| limit.is_some_and(|limit| value > limit);
        let value = |one: &Series, minute: usize| counted(one, minute).min(limit.unwrap_or(f64::INFINITY));
        let highest = |minute: usize| {
            let values = series.iter().map(|one| value(one, minute));
            if is_stacked { values.sum() } else { values.fold(0.0, f64::max) }
        };
        let top = axis_end((0..labels.len()).map(highest).fold(0.0, f64::max));
        let slot = (WIDTH - LEFT - RIGHT) / as_f64(labels.len().max(1));
        let height_of = |value: f64| (HEIGHT - TOP - BOTTOM) * value / top;
        let base = HEIGHT - BOTTOM;
        let mut bars = Vec::new();
        for minute in 0..labels.len() {
            let left = LEFT + slot * as_f64(minute) + slot * 0.12;
            let room = slot * 0.76;
            let width = if is_stacked { room } else { room / as_f64(series.len().max(1)) };
            let mut below = 0.0;
            for (index, one) in series.iter().enumerate() {
                let height = height_of(value(one, minute));
                if height <= 0.0 {
                    continue;
                }
                let (x, y) = if is_stacked {
                    (left, base - below - height)
                } else {
                    (left + width * as_f64(index), base - height)
                };
                below += height;
                let [x, y, width, height] = [x, y, width, height].map(coordinate);
                let class = if is_beyond(counted(one, minute)) { BEYOND } else { one.class };
                bars.push(Bar { x, y, width, height, class });
            }
        }
        let lines = [0.0, 0.5, 1.0].map(|part| Line {
            y: coordinate(base - height_of(top * part)),
            label: number(top * part, usize::from(top * part % 1.0 != 0.0)),
        });
        let time = |(index, label): (usize, &String)| {
            (index % LABEL_INTERVAL == LABEL_INTERVAL - 1)
                .then(|| (coordinate(LEFT + slot * (as_f64(index) + 0.5)), label.clone()))
        };
        let mut columns = vec!["Minute"];
        columns.extend(series.iter().map(|one| one.name));
        let row = |(index, label): (usize, &String)| {
            let mut row = vec![Cell::text(label)];
            row.extend(series.iter().map(|one| {
                let more_than = if is_beyond(counted(one, index)) { "more than " } else { "" };
                let text = format!("{more_than}{}", number(value(one, index), decimals));
                Cell { class: "number", ..Cell::text(text) }
            }));
            row
        };
        let mut legend: Vec<_> = series.iter().map(|one| (one.name.to_owned(), one.class)).collect();
        if let Some(limit) = limit
            && bars.iter().any(|bar| bar.class == BEYOND)
        {
            legend.push((format!("more than {}", number(limit, 0)), BEYOND));
        }
        Self {
            times: labels.iter().enumerate().filter_map(time).collect(),
            table: Table { caption: title, columns, rows: labels.iter().enumerate().map(row).collect() },
            legend,
            lines: lines.into(),
            id,
            title,
            unit,
            description,
            bars,
        }
    }
}

/// Returns a round number that is not below the highest value, so that half of it is short too.
fn axis_end(highest: f64) -> f64 {
    if highest <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|end| *end >= highest).unwrap_or(highest)
}

fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}

fn number(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}")
}

#[allow(clippy::cast_precision_loss, reason = "the numbers of minutes and series are small")]
fn as_f64(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        let ends = [0.0, 1.0, 3.0, 9.0, 11.0, 85.0, 0.3, 1_000.0].map(axis_end);
        assert_eq!(
            ends.map(|end| format!("{end:.1}")),
            ["1.0", "1.0", "4.0", "10.0", "20.0", "100.0", "0.4", "1000.0"]
        );
    }

    #[test]
    fn bars_of_a_stack_stand_on_each_other() {
        let series = |name, value| Series { name, class: "series-1", values: vec![value] };
        let data = |is_stacked| Data {
            id: "c",
            title: "C",
            unit: "requests",
            description: String::new(),
            labels: vec!["12:00".to_owned()],
            series: vec![series("a", 1.0), series("b", 3.0)],
            is_stacked,
            decimals: 0,
            limit: None,
        };
        let stacked = Chart::new(data(true)).bars;
        // The axis ends at 4, over 188 units.
        assert_eq!([&stacked[0].height, &stacked[1].height], ["47.0", "141.0"]);
        assert_eq!([&stacked[0].y, &stacked[1].y], ["155.0", "14.0"]);
        let beside = Chart::new(data(false)).bars;
        assert!(beside[0].x < beside[1].x && beside[0].width == beside[1].width);
    }

    #[test]
    fn a_value_beyond_the_limit_is_marked() {
        let chart = Chart::new(Data {
            id: "c",
            title: "C",
            unit: "customers",
            description: String::new(),
            labels: vec!["12:00".to_owned(), "12:01".to_owned()],
            series: vec![Series { name: "a", class: "series-1", values: vec![11.0, 10.0] }],
            is_stacked: true,
            decimals: 0,
            limit: Some(10.0),
        });
        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.height.as_str(), bar.class)).collect();
        assert_eq!(bars, [("188.0", BEYOND), ("188.0", "series-1")]);
        let numbers: Vec<_> = chart.table.rows.iter().map(|row| row[1].text.as_str()).collect();
        assert_eq!(numbers, ["more than 10", "10"]);
        assert_eq!(chart.legend.last().unwrap(), &("more than 10".to_owned(), BEYOND));
    }
}
