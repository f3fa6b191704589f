//! From sets of events back to patterns that EventBridge takes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Asked, CannotSay, Condition, Events, MOST_BOXES};

/// What a set of events cannot be said in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotEmit {
    /// A condition, or two of them, that no pattern has.
    #[error(transparent)]
    Say(#[from] CannotSay),
    /// Even the smallest part is too long.
    #[error("the shortest pattern for a part of it has {0} characters, and EventBridge takes {1}")]
    TooLong(usize, usize),
    /// No event is meant.
    #[error("no event is left that it could match")]
    Nothing,
}

impl Events {
    /// One pattern for all of it: what all boxes ask stands in the base and nowhere else, the rest in one `$or`.
    ///
    /// # Errors
    /// No pattern says exactly that.
    pub fn pattern(&self) -> Result<Value, CannotEmit> {
        one(&self.0)
    }

    /// Patterns of at most `longest` characters each; no event matches two of them.
    ///
    /// # Errors
    /// No such patterns say exactly that.
    pub fn patterns(&self, longest: usize) -> Result<Vec<Value>, CannotEmit> {
        let whole = one(&self.0)?;
        if characters(&whole) <= longest {
            return Ok(vec![whole]);
        }
        let mut patterns = Vec::new();
        let mut group: Vec<Asked> = Vec::new();
        let mut waiting: Vec<Asked> = self.disjoint()?;
        waiting.reverse();
        while let Some(next) = waiting.pop() {
            let alone = characters(&one(std::slice::from_ref(&next))?);
            if alone > longest {
                let (left, right) = next.halves().ok_or(CannotEmit::TooLong(alone, longest))?;
                waiting.extend([right, left]);
                continue;
            }
            group.push(next);
            if characters(&one(&group)?) > longest
                && let Some(next) = group.pop()
            {
                patterns.push(one(&group)?);
                group = vec![next];
            }
        }
        if !group.is_empty() {
            patterns.push(one(&group)?);
        }
        Ok(patterns)
    }
}

impl Asked {
    /// Two boxes for this one, made at the field with the most alternatives that are apart.
    fn halves(&self) -> Option<(Self, Self)> {
        let mut fields: Vec<(&String, &Condition)> =
            self.0.iter().filter(|(field, _)| super::field::is_single(field)).collect();
        fields.sort_by_key(|(_, condition)| std::cmp::Reverse(condition.atoms.len()));
        let (field, (left, right)) =
            fields.into_iter().find_map(|(field, condition)| Some((field, condition.halves()?)))?;
        let with = |half: Condition| {
            let mut asked = self.clone();
            asked.0.insert(field.clone(), half);
            asked
        };
        Some((with(left), with(right)))
    }
}

/// The size of a pattern as EventBridge counts it.
fn characters(pattern: &Value) -> usize {
    pattern.to_string().chars().count()
}

fn one(boxes: &[Asked]) -> Result<Value, CannotEmit> {
    let Some((first, rest)) = boxes.split_first() else { return Err(CannotEmit::Nothing) };
    if boxes.len() > MOST_BOXES {
        return Err(CannotEmit::TooLong(boxes.len(), MOST_BOXES));
    }
    let everywhere = |(field, condition): &(&String, &Condition)| {
        rest.iter().all(|other| other.0.get(*field) == Some(condition))
    };
    let base: BTreeMap<&String, &Condition> = first.0.iter().filter(everywhere).collect();
    let mut pattern = Map::new();
    for (field, condition) in &base {
        put(&mut pattern, field, condition)?;
    }
    let branches: Vec<BTreeMap<&String, &Condition>> = boxes
        .iter()
        .map(|asked| asked.0.iter().filter(|(field, _)| !base.contains_key(field)).collect())
        .collect();
    // A box that asks no more than the base takes the others in.
    if branches.len() > 1 && branches.iter().all(|branch| !branch.is_empty()) {
        let above = shared_steps(branches.iter().flat_map(|branch| branch.keys().copied()));
        let skipped = above.iter().map(|step| step.len() + 1).sum::<usize>();
        let mut or = Vec::new();
        for branch in branches {
            let mut object = Map::new();
            for (field, condition) in branch {
                put(&mut object, &field[skipped..], condition).map_err(
                    |CannotSay { left, right, .. }| CannotSay { field: field.clone(), left, right },
                )?;
            }
            or.push(Value::Object(object));
        }
        let place = above.iter().try_fold(&mut pattern, |map, step| inner(map, step));
        let place = place.ok_or_else(|| CannotSay {
            field: above.join("."),
            left: "a value".to_owned(),
            right: "fields inside it".to_owned(),
        })?;
        place.insert("$or".to_owned(), Value::Array(or));
    }
    if pattern.is_empty() {
        // Every event: each has a version.
        pattern.insert("version".to_owned(), serde_json::json!([{ "exists": true }]));
    }
    Ok(Value::Object(pattern))
}

/// The objects that all these fields are in.
fn shared_steps<'a>(fields: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut shared: Option<Vec<String>> = None;
    for field in fields {
        let mut steps: Vec<String> = field.split('.').map(str::to_owned).collect();
        steps.pop();
        shared = Some(match shared {
            None => steps,
            Some(before) => {
                before.into_iter().zip(steps).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
        });
    }
    shared.unwrap_or_default()
}

fn put(pattern: &mut Map<String, Value>, field: &str, condition: &Condition) -> Result<(), CannotSay> {
    let list = condition.json().map_err(|reason| CannotSay::on(field, reason))?;
    let both = |list: &Value| CannotSay {
        field: field.to_owned(),
        left: list.to_string(),
        right: "fields inside it".to_owned(),
    };
    let (above, last) = field.rsplit_once('.').map_or((None, field), |(above, last)| (Some(above), last));
    let mut place = pattern;
    for step in above.into_iter().flat_map(|above| above.split('.')) {
        place = inner(place, step).ok_or_else(|| both(&list))?;
    }
    match place.get(last) {
        Some(_) => Err(both(&list)),
        None => {
            place.insert(last.to_owned(), list);
            Ok(())
        }
    }
}

/// The object at `step`, made if nothing is there; nothing if something else is.
fn inner<'a>(map: &'a mut Map<String, Value>, step: &str) -> Option<&'a mut Map<String, Value>> {
    map.entry(step.to_owned()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}
