//! The part of JSON path that EventBridge knows.

use std::borrow::Cow;

use serde_json::Value;

/// A path like `$.detail.items[0].name`; the default one leads nowhere.
///
/// AWS: dot notation, indices of arrays, and `*`; names may have dashes, underscores and slashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Path(Option<Vec<Step>>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(Box<str>),
    Index(usize),
    All,
}

impl Path {
    /// Reads a path; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                steps.push(match &after[..end] {
                    "" => return None,
                    "*" => Step::All,
                    name => Step::Name(name.into()),
                });
                rest = &after[end..];
            } else {
                let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
                steps.push(if index == "*" { Step::All } else { Step::Index(index.parse().ok()?) });
                rest = after;
            }
        }
        Some(Self(Some(steps)))
    }

    /// What lies there; a path with `*` finds a list, which may be empty.
    pub(super) fn find<'e>(&self, event: &'e Value) -> Option<Cow<'e, Value>> {
        let steps = self.0.as_ref()?;
        let mut found = vec![event];
        for step in steps {
            found = found
                .into_iter()
                .flat_map(|value| -> Vec<&Value> {
                    match (step, value) {
                        (Step::Name(name), Value::Object(fields)) => {
                            fields.get(&**name).into_iter().collect()
                        }
                        (Step::Index(index), Value::Array(elements)) => {
                            elements.get(*index).into_iter().collect()
                        }
                        (Step::All, Value::Array(elements)) => elements.iter().collect(),
                        (Step::All, Value::Object(fields)) => fields.values().collect(),
                        _ => Vec::new(),
                    }
                })
                .collect();
        }
        if steps.contains(&Step::All) {
            return Some(Cow::Owned(Value::Array(found.into_iter().cloned().collect())));
        }
        found.first().map(|value| Cow::Borrowed(*value))
    }
}
