//! The fields of an event that a pattern asks for.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::field::Field;

/// The paths of a pattern's fields, step by step.
///
/// The engine joins steps by dots, so a key with a dot is the same as two nested keys, in patterns and in events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields {
    steps: Vec<Step>,
    count: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Step {
    next: BTreeMap<Box<str>, usize>,
    field: Option<usize>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { steps: vec![Step::default()], count: 0 }
    }
}

impl Fields {
    /// The number of the field with this path, a new one or the one that it had.
    pub(super) fn add(&mut self, path: &str) -> usize {
        let mut step = 0;
        for name in path.split('.') {
            let new = self.steps.len();
            step = *self.steps[step].next.entry(name.into()).or_insert(new);
            if step == new {
                self.steps.push(Step::default());
            }
        }
        let new = self.count;
        let field = *self.steps[step].field.get_or_insert(new);
        self.count = self.count.max(field + 1);
        field
    }

    fn descend(&self, step: usize, key: &str) -> Option<usize> {
        // Few keys have a dot: the search below would cost the others a pass.
        if let Some(next) = self.steps[step].next.get(key) {
            return Some(*next);
        }
        key.contains('.')
            .then(|| key.split('.').try_fold(step, |step, name| self.steps[step].next.get(name).copied()))
            .flatten()
    }
}

/// Which element of which array a value stands in; arrays are numbered as they come, outer before inner.
type Membership = Rc<Vec<(u32, u32)>>;

/// The values of an event's fields.
pub(super) struct Leaves<'e> {
    values: Vec<Vec<(&'e Value, Membership)>>,
}

impl<'e> Leaves<'e> {
    /// Collects the values that a pattern asks for.
    pub(super) fn of(event: &'e Value, fields: &Fields) -> Self {
        let mut walk = Walk { fields, values: vec![Vec::new(); fields.count], arrays: 0 };
        if event.is_object() {
            walk.visit(event, 0, &Membership::default());
        }
        Self { values: walk.values }
    }

    /// Whether all fields accept the event. AWS: fields that lie in the same array must be met in the same element.
    pub(super) fn satisfy(&self, fields: &[(usize, Arc<Field>)]) -> bool {
        let mut states = vec![Membership::default()];
        for (index, field) in fields {
            let leaves = &self.values[*index];
            let accepted: Vec<&Membership> = leaves
                .iter()
                .filter(|(value, _)| field.accepts(value))
                .map(|(_, membership)| membership)
                .collect();
            let mut next: Vec<Membership> = Vec::new();
            let mut reach = |state: Membership| {
                if !next.contains(&state) {
                    next.push(state);
                }
            };
            for state in &states {
                if field.absent() && !leaves.iter().any(|(_, membership)| merge(state, membership).is_some())
                {
                    reach(Rc::clone(state));
                }
                accepted.iter().filter_map(|membership| merge(state, membership)).for_each(&mut reach);
            }
            if next.is_empty() {
                return false;
            }
            states = next;
        }
        true
    }
}

struct Walk<'e, 'f> {
    fields: &'f Fields,
    values: Vec<Vec<(&'e Value, Membership)>>,
    arrays: u32,
}

impl<'e> Walk<'e, '_> {
    fn visit(&mut self, value: &'e Value, step: usize, membership: &Membership) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if let Some(next) = self.fields.descend(step, key) {
                        self.visit(value, next, membership);
                    }
                }
            }
            Value::Array(elements) => {
                let array = self.arrays;
                self.arrays += 1;
                for (element, index) in elements.iter().zip(0..) {
                    if element.is_object() || element.is_array() {
                        let mut inside = Vec::clone(membership);
                        inside.push((array, index));
                        self.visit(element, step, &Rc::new(inside));
                    } else {
                        self.visit(element, step, membership);
                    }
                }
            }
            leaf => {
                if let Some(field) = self.fields.steps[step].field {
                    self.values[field].push((leaf, Rc::clone(membership)));
                }
            }
        }
    }
}

/// Both memberships in one; `None` when they name two elements of one array.
fn merge(one: &Membership, other: &Membership) -> Option<Membership> {
    if other.is_empty() {
        return Some(Rc::clone(one));
    }
    let mut merged = Vec::clone(one);
    for (array, index) in other.iter() {
        match merged.binary_search_by_key(array, |(array, _)| *array) {
            Ok(at) if merged[at].1 != *index => return None,
            Ok(_) => {}
            Err(at) => merged.insert(at, (*array, *index)),
        }
    }
    Some(Rc::new(merged))
}
