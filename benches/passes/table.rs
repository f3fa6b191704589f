//! A table on the terminal and in JSON.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Rows of named figures.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Row>,
}

/// Figures by name, in the order of the columns.
#[derive(Debug)]
struct Row(Vec<(String, Value)>);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new() }
    }

    /// One more row; every row has the same columns. Figures are rounded to what a reader can use.
    pub(crate) fn row<const N: usize>(&mut self, cells: [(&str, Value); N]) {
        let cells = cells.into_iter().map(|(name, value)| (name.to_owned(), rounded(value)));
        self.rows.push(Row(cells.collect()));
    }
}

/// Three digits that count are more than a measurement is good for.
fn rounded(value: Value) -> Value {
    match value.as_f64() {
        Some(figure) if value.is_f64() => {
            let places = if figure.abs() >= 100.0 {
                0
            } else if figure.abs() >= 10.0 {
                1
            } else {
                2
            };
            format!("{figure:.places$}").parse::<f64>().map_or(value, Value::from)
        }
        _ => value,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0 && n.abs() >= 100.0) => {
            number.as_f64().map_or_else(|| number.to_string(), |n| format!("{n:.0}"))
        }
        other => other.to_string(),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        if let Some(first) = self.rows.first() {
            table.set_header(first.0.iter().map(|(name, _)| name));
        }
        for row in &self.rows {
            table.add_row(row.0.iter().map(|(_, value)| text(value)));
        }
        write!(f, "## {}\n\n{table}", self.title)
    }
}
