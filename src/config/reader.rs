//! Reads typed values out of tables, reporting everything that is wrong instead of the first.

use std::collections::BTreeSet;
use std::time::Duration;

use toml::Value;

use super::layers::unknown_key;
use super::problem::{Report, did_you_mean, quoted};

/// Reads each field from the key of its name, or from the expression given, then reports the keys that
/// nobody read. Every field is read before the first unreadable one ends it.
macro_rules! read {
    ($table:ident, $type:ident { $($field:ident $(= $value:expr)?),* $(,)? }) => {{
        $(let $field = read!(@field $table $field $($value)?);)*
        $table.finish();
        Some($type { $($field: $field?),* })
    }};
    (@field $table:ident $field:ident) => { $table.value(stringify!($field)) };
    (@field $table:ident $field:ident $value:expr) => { $value };
}

/// Declares an enumeration that is written as one word of a few.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word that stands for it in the configuration.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::config::reader::Read for $name {
            fn read(value: toml::Value, place: &$crate::config::reader::Place<'_>) -> Option<Self> {
                let words = [$(($word, Self::$variant)),+];
                place.word(value, &words)
            }
        }
    };
}

pub(super) use {read, words};

/// The place of one value: its path, and the report that its problems go to.
pub(super) struct Place<'a> {
    pub(super) path: String,
    pub(super) report: &'a Report,
}

impl Place<'_> {
    /// Reports that the value is not what belongs here.
    pub(super) fn bad<T>(
        &self,
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        self.report.add("E-bad-value", &self.path, found, expected, hint)
    }

    /// Reports a value of another type, without the value: it may be a secret in the wrong place.
    pub(super) fn wrong_type<T>(&self, value: &Value, expected: &str) -> Option<T> {
        self.report.add(
            "E-wrong-type",
            &self.path,
            type_name(value),
            expected,
            "see config/example.toml for how it is written",
        )
    }

    pub(super) fn text(&self, value: Value, expected: &str) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other => self.wrong_type(&other, expected),
        }
    }

    pub(super) fn word<T: Copy>(&self, value: Value, words: &[(&'static str, T)]) -> Option<T> {
        let known = words.iter().map(|(word, _)| *word);
        let expected = known.clone().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        let text = self.text(value, &expected)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        self.bad(quoted(&text), expected, did_you_mean(&text, known, ""))
    }

    pub(super) fn element(&self, index: usize) -> Place<'_> {
        Place { path: format!("{}[{index}]", self.path), report: self.report }
    }
}

/// The durations that a key takes.
pub(super) struct Durations {
    pub(super) from: Duration,
    pub(super) to: Duration,
    /// The same in words.
    pub(super) expected: &'static str,
}

/// More than anything should last, and little enough to be added to any point in time.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The durations of what may take no time.
pub(super) const ANY: Durations =
    Durations { from: Duration::ZERO, to: LONGEST, expected: "a duration of up to 366d, such as \"5m\"" };

/// The durations of what must take some time.
pub(super) const POSITIVE: Durations = Durations {
    from: Duration::from_millis(1),
    to: LONGEST,
    expected: "a duration above 0s and up to 366d, such as \"5m\"",
};

/// A type that a value of the configuration is read into.
pub(super) trait Read: Sized {
    /// The value, or nothing after its problems have been reported.
    fn read(value: Value, place: &Place<'_>) -> Option<Self>;

    /// What it is where the key is left out; nothing if the key must be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// One table of the configuration, which loses each key that is read.
pub(super) struct Table<'a> {
    pub(super) path: String,
    pub(super) report: &'a Report,
    unread: toml::Table,
    known: Vec<&'static str>,
    /// Whether what stands here is no table, which has been reported and explains what is missing.
    broken: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(path: &str, table: toml::Table, report: &'a Report) -> Self {
        Self { path: path.to_owned(), report, unread: table, known: Vec::new(), broken: false }
    }

    pub(super) fn place(&self, key: &str) -> Place<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Place { path, report: self.report }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.unread.remove(key)
    }

    /// The value at `key`, or nothing after a problem.
    pub(super) fn value<T: Read>(&mut self, key: &'static str) -> Option<T> {
        let place = self.place(key);
        match self.take(key) {
            None if self.broken => None,
            Some(value) => T::read(value, &place),
            None => T::absent().or_else(|| {
                place.report.add(
                    "E-missing-key",
                    &place.path,
                    "nothing",
                    "a value",
                    "set the key; config/example.toml shows it",
                )
            }),
        }
    }

    /// The value at `key`, or `absent` where it is left out.
    pub(super) fn value_or<T: Read>(&mut self, key: &'static str, absent: T) -> Option<T> {
        if self.unread.contains_key(key) {
            self.value(key)
        } else {
            self.take(key);
            Some(absent)
        }
    }

    /// The value at `key` if `valid` says so.
    pub(super) fn checked<T: Read>(
        &mut self,
        key: &'static str,
        expected: &str,
        hint: &str,
        shown: impl Fn(&T) -> String,
        valid: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let value = self.value(key)?;
        if valid(&value) { Some(value) } else { self.place(key).bad(shown(&value), expected, hint) }
    }

    /// The duration at `key`, within `durations`.
    pub(super) fn duration(&mut self, key: &'static str, durations: &Durations) -> Option<Duration> {
        let shown = |duration: &Duration| humantime::format_duration(*duration).to_string();
        self.checked(key, durations.expected, "", shown, |d| (durations.from..=durations.to).contains(d))
    }

    /// The table at `key`, of which nothing can be read after a problem.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        let place = self.place(key);
        let (table, broken) = match self.take(key) {
            Some(Value::Table(table)) => (Some(table), false),
            None => (None, self.broken),
            Some(other) => (place.wrong_type(&other, "a table"), true),
        };
        Table { broken, ..Table::new(&place.path, table.unwrap_or_default(), self.report) }
    }

    /// Each table of the list at `key`, read by `read`; a broken one leaves its place empty.
    pub(super) fn each<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Table<'a>) -> Option<T>,
    ) -> Vec<Option<T>> {
        let place = self.place(key);
        let list = match self.take(key) {
            Some(Value::Array(list)) => list,
            None => Vec::new(),
            Some(other) => return vec![place.wrong_type(&other, "a list of tables")],
        };
        list.into_iter()
            .enumerate()
            .map(|(i, value)| {
                let place = place.element(i);
                match value {
                    Value::Table(table) => read(Table::new(&place.path, table, self.report)),
                    other => place.wrong_type(&other, "a table"),
                }
            })
            .collect()
    }

    /// Every text at `key` in the tables of the list at `list`, read or not.
    pub(super) fn peek(&self, list: &str, key: &str) -> BTreeSet<String> {
        let tables = self.unread.get(list).and_then(Value::as_array).into_iter().flatten();
        tables.filter_map(|table| table.get(key)?.as_str()).map(str::to_owned).collect()
    }

    /// Reports the keys that nobody read.
    pub(super) fn finish(self) {
        for key in self.unread.keys() {
            unknown_key(self.report, key, &self.path, &self.known);
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Whether the text stands for nothing at all.
pub(super) fn is_none(value: &Value) -> bool {
    matches!(value.as_str(), Some("" | "off"))
}
