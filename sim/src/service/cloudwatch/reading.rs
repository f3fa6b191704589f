//! Operations on metrics.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::metric::{Metric, Series};
use super::{held, invalid, missing};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: one GetMetricData asks for so many.
const MOST_QUERIES: usize = 500;
/// AWS: GetMetricStatistics answers so many figures at most.
const MOST_FIGURES: i64 = 1_440;
const PAGE: usize = 500;

/// Seconds since 1970, as JSON's number, CBOR's time or the query protocol's text has them.
fn time(call: &Call, name: &str) -> Result<i64, Refusal> {
    let value = call.input.get(name).ok_or_else(|| missing(name))?;
    let text = || value.as_str()?.parse::<Timestamp>().ok();
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
    let seconds = value.as_f64().map(|seconds| seconds.floor() as i64);
    seconds.or_else(|| text().map(Timestamp::as_second)).ok_or_else(|| invalid(format!("{name} is no time.")))
}

struct Window {
    from: i64,
    to: i64,
}

impl Window {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let (from, to) = (time(call, "StartTime")?, time(call, "EndTime")?);
        if from >= to {
            let message = "The parameter StartTime must be less than the parameter EndTime.";
            return Err(Refusal::bad("ValidationError", message));
        }
        Ok(Self { from, to })
    }

    /// Beginnings and figures of the periods in it that have any, oldest first. AWS: periods begin at their multiples.
    fn figures(&self, series: Option<&Series>, period: i64, statistic: &str) -> Vec<(i64, f64)> {
        let first = self.from.div_euclid(period) * period;
        let mut figures = Vec::new();
        let mut at = first;
        while at < self.to {
            let figure = series.and_then(|series| series.between(at, at + period)?.statistic(statistic));
            figures.extend(figure.map(|figure| (at, figure)));
            at += period;
        }
        figures
    }
}

fn period(value: Option<i64>) -> Result<i64, Refusal> {
    let period = value.ok_or_else(|| missing("Period"))?;
    if period > 0 && period % 60 == 0 {
        Ok(period)
    } else {
        Err(invalid("The parameter Period must be a multiple of 60 greater than 0."))
    }
}

pub(super) fn data(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudwatch:GetMetricData", "*", Context::new())?;
    let window = Window::of(call)?;
    let queries = call.list("MetricDataQueries");
    if queries.is_empty() {
        return Err(missing("MetricDataQueries"));
    }
    if queries.len() > MOST_QUERIES {
        return Err(Refusal::bad("ValidationError", format!("At most {MOST_QUERIES} queries are answered.")));
    }
    let descending = call.text("ScanBy") != Some("TimestampAscending");
    let mut results = Vec::new();
    for query in queries {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let id = text(query, "Id");
        if !id.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return Err(Refusal::bad("ValidationError", format!("The query id {id} is not valid.")));
        }
        let Some(stat) = query.get("MetricStat") else {
            return Err(Refusal::bad("ValidationError", "Expressions are not simulated."));
        };
        let named = &stat["Metric"];
        let dimensions = named["Dimensions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let metric = Metric::read(&text(named, "Namespace"), &text(named, "MetricName"), dimensions)?;
        let series = held(world, call).and_then(|held| held.metrics.get(&metric));
        let mut figures = window.figures(series, period(stat["Period"].as_i64())?, &text(stat, "Stat"));
        if descending {
            figures.reverse();
        }
        let label = query.get("Label").and_then(Value::as_str).unwrap_or(&metric.name);
        results.push(json!({
            "Id": id,
            "Label": label,
            "Timestamps": figures.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
            "Values": figures.iter().map(|(_, figure)| *figure).collect::<Vec<_>>(),
            "StatusCode": "Complete",
        }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

pub(super) fn statistics(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudwatch:GetMetricStatistics", "*", Context::new())?;
    let window = Window::of(call)?;
    let period = period(call.number("Period"))?;
    if (window.to - window.from) / period > MOST_FIGURES {
        let message = "You have requested more datapoints than the limit of 1440.";
        return Err(Refusal::bad("InvalidParameterCombination", message));
    }
    let name = call.text("MetricName").ok_or_else(|| missing("MetricName"))?;
    let metric = Metric::read(
        call.text("Namespace").ok_or_else(|| missing("Namespace"))?,
        name,
        call.list("Dimensions"),
    )?;
    let wanted: Vec<&str> = call.list("Statistics").iter().filter_map(Value::as_str).collect();
    if wanted.is_empty() {
        return Err(missing("Statistics"));
    }
    let series = held(world, call).and_then(|held| held.metrics.get(&metric));
    let mut points: std::collections::BTreeMap<i64, Map<String, Value>> = std::collections::BTreeMap::new();
    for statistic in wanted {
        for (at, figure) in window.figures(series, period, statistic) {
            let point = points.entry(at).or_default();
            point.insert("Timestamp".to_owned(), at.into());
            point.insert(statistic.to_owned(), figure.into());
            point.insert("Unit".to_owned(), "Count".into());
        }
    }
    let points: Vec<Value> = points.into_values().map(Value::Object).collect();
    Ok(json!({ "Label": name, "Datapoints": points }))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudwatch:ListMetrics", "*", Context::new())?;
    let wanted = call.list("Dimensions");
    let fits = |metric: &Metric| {
        call.text("Namespace").is_none_or(|namespace| namespace == metric.namespace)
            && call.text("MetricName").is_none_or(|name| name == metric.name)
            && wanted.iter().all(|dimension| {
                let name = dimension.get("Name").and_then(Value::as_str).unwrap_or_default();
                let value = dimension.get("Value").and_then(Value::as_str);
                metric.dimensions.get(name).is_some_and(|there| value.is_none_or(|value| value == there))
            })
    };
    let begin = call.text("NextToken").and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let metrics = held(world, call).map(|held| &held.metrics);
    let all: Vec<&Metric> =
        metrics.into_iter().flatten().map(|(metric, _)| metric).filter(|m| fits(m)).collect();
    let shown: Vec<Value> = all
        .iter()
        .skip(begin)
        .take(PAGE)
        .map(|metric| {
            json!({
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": metric.shown_dimensions(),
            })
        })
        .collect();
    let mut answer = json!({ "Metrics": shown });
    if all.len() > begin + PAGE {
        answer["NextToken"] = (begin + PAGE).to_string().into();
    }
    Ok(answer)
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let namespace = call.text("Namespace").ok_or_else(|| missing("Namespace"))?;
    let context = Context::from([("cloudwatch:namespace".to_owned(), vec![namespace.to_owned()])]);
    world.authorize(call, "cloudwatch:PutMetricData", "*", context)?;
    // AWS: its own namespaces are closed to others.
    if namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
    }
    let data = call.list("MetricData");
    if data.is_empty() {
        return Err(missing("MetricData"));
    }
    let mut figures = Vec::new();
    for datum in data {
        let name = datum
            .get("MetricName")
            .and_then(Value::as_str)
            .ok_or_else(|| missing("MetricData.MetricName"))?;
        let dimensions = datum["Dimensions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let value = datum.get("Value").and_then(Value::as_f64).ok_or_else(|| missing("MetricData.Value"))?;
        let at = datum.get("Timestamp").and_then(Value::as_f64);
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
        let at = at.and_then(|at| Timestamp::from_second(at.floor() as i64).ok()).unwrap_or(call.at);
        figures.push((Metric::read(namespace, name, dimensions)?, at, value));
    }
    let metrics = &mut world.regional(&call.caller.account, &call.region).cloudwatch.metrics;
    for (metric, at, value) in figures {
        metrics.entry(metric).or_default().add(at, value);
    }
    Ok(Value::Null)
}
