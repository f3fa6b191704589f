//! Metrics: what was measured, by the minute.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::invalid;
use crate::call::Refusal;

/// AWS keeps figures of a minute for 15 days.
const KEPT_MINUTES: i64 = 15 * 24 * 60;
/// AWS: a metric has at most so many dimensions.
const MOST_DIMENSIONS: usize = 30;

/// What names a metric: all of it, since AWS makes no sums over dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// E.g. `AWS/Events`.
    pub namespace: String,
    /// E.g. `Invocations`.
    pub name: String,
    /// E.g. `RuleName`.
    pub dimensions: BTreeMap<String, String>,
}

impl Metric {
    /// A metric.
    pub fn new<'a>(
        namespace: &str,
        name: &str,
        dimensions: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.into_iter().map(owned).collect(),
        }
    }

    /// Reads what names a metric out of an operation's structure.
    pub(super) fn read(namespace: &str, name: &str, dimensions: &[Value]) -> Result<Self, Refusal> {
        if namespace.is_empty() || name.is_empty() {
            return Err(invalid("The namespace and the name of a metric must not be empty."));
        }
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(invalid(format!("A metric has at most {MOST_DIMENSIONS} dimensions.")));
        }
        let mut pairs = Vec::new();
        for dimension in dimensions {
            let text = |field| dimension.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
            pairs.push(
                text("Name")
                    .zip(text("Value"))
                    .ok_or_else(|| invalid("A dimension needs a name and a value."))?,
            );
        }
        Ok(Self::new(namespace, name, pairs))
    }

    /// The dimensions as AWS answers them.
    pub(super) fn shown_dimensions(&self) -> Value {
        self.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
    }
}

/// The figures of a metric.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// By minutes since 1970.
    minutes: BTreeMap<i64, Figures>,
}

/// What was measured within some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Figures {
    fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    /// A statistic of them by AWS's name.
    pub(super) fn statistic(&self, name: &str) -> Option<f64> {
        Some(match name {
            "Average" => self.sum / self.count,
            "Maximum" => self.most,
            "Minimum" => self.least,
            "SampleCount" => self.count,
            "Sum" => self.sum,
            _ => return None,
        })
    }
}

impl Series {
    /// Puts a figure in.
    pub(super) fn add(&mut self, at: Timestamp, value: f64) {
        let minute = at.as_second().div_euclid(60);
        let one = Figures { count: 1.0, sum: value, least: value, most: value };
        let figures = self.minutes.entry(minute).or_insert(Figures { count: 0.0, sum: 0.0, ..one });
        *figures = figures.with(one);
        let forgotten = minute - KEPT_MINUTES;
        if self.minutes.first_key_value().is_some_and(|(first, _)| *first < forgotten) {
            self.minutes = self.minutes.split_off(&forgotten);
        }
    }

    /// The figures from one second up to another, which both are the beginnings of minutes. None: nothing was measured.
    pub(super) fn between(&self, from: i64, to: i64) -> Option<Figures> {
        let minutes = from.div_euclid(60)..to.div_euclid(60).max(from.div_euclid(60));
        self.minutes.range(minutes).map(|(_, figures)| *figures).reduce(Figures::with)
    }

    /// The sum of everything that is kept.
    pub fn sum(&self) -> f64 {
        self.minutes.values().map(|figures| figures.sum).sum()
    }
}
