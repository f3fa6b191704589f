//! The values of an event, by path, each with the place that it has in lists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Which element of which list a value stands in; lists are numbered as they are met.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat(BTreeMap<usize, usize>);

impl Seat {
    /// Both at once; none where they are different elements of one list.
    pub(super) fn with(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (list, element) in &other.0 {
            if both.0.insert(*list, *element).is_some_and(|chosen| chosen != *element) {
                return None;
            }
        }
        Some(both)
    }
}

/// One value without structure.
#[derive(Debug)]
pub(super) struct Leaf<'e> {
    pub(super) value: &'e Value,
    pub(super) seat: Seat,
}

/// The values of an event that a pattern asks for.
#[derive(Debug)]
pub(super) struct Leaves<'e> {
    by_path: BTreeMap<String, Vec<Leaf<'e>>>,
}

impl<'e> Leaves<'e> {
    pub(super) fn of(event: &'e Value, wanted: &BTreeSet<String>) -> Self {
        let mut walk = Walk { wanted, lists: 0, by_path: BTreeMap::new() };
        if let Value::Object(fields) = event {
            walk.fields(fields, "", &Seat::default());
        }
        Self { by_path: walk.by_path }
    }

    pub(super) fn at(&self, path: &str) -> &[Leaf<'e>] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }
}

struct Walk<'w, 'e> {
    wanted: &'w BTreeSet<String>,
    lists: usize,
    by_path: BTreeMap<String, Vec<Leaf<'e>>>,
}

impl<'e> Walk<'_, 'e> {
    fn fields(&mut self, fields: &'e serde_json::Map<String, Value>, path: &str, seat: &Seat) {
        for (name, value) in fields {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            // Nothing below it is asked for.
            if self.wanted.range(path.clone()..).next().is_some_and(|next| next.starts_with(&path)) {
                self.value(value, &path, seat);
            }
        }
    }

    fn value(&mut self, value: &'e Value, path: &str, seat: &Seat) {
        match value {
            Value::Object(fields) => self.fields(fields, path, seat),
            Value::Array(elements) => {
                let list = self.lists;
                self.lists += 1;
                for (i, element) in elements.iter().enumerate() {
                    let mut seat = seat.clone();
                    seat.0.insert(list, i);
                    self.value(element, path, &seat);
                }
            }
            value if self.wanted.contains(path) => {
                self.by_path.entry(path.to_owned()).or_default().push(Leaf { value, seat: seat.clone() });
            }
            _ => {}
        }
    }
}
