//! Patterns as sets of events, which can be put together, narrowed and taken from one another.
//!
//! EventBridge's language has no "and" for one field and no "not" for a pattern, and silently drops conditions that
//! are written as if it had. Here a pattern is a union of boxes, each of which asks something of some fields; what
//! the operations give is exact, or an error that names the field: never a pattern that means something else.

mod condition;
mod emit;
mod field;
mod glob;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use self::emit::CannotEmit;

use self::condition::{Condition, Inexpressible};

/// The combinations of `$or` that EventBridge takes in one pattern.
const MOST_BOXES: usize = 1000;

/// Two conditions meet that no pattern can say together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event pattern can ask `{field}` for {left} and for {right} at once")]
pub struct CannotSay {
    /// The field, its steps joined by dots.
    pub field: String,
    /// What one side asks of it.
    pub left: String,
    /// What the other side asks of it.
    pub right: String,
}

impl CannotSay {
    fn on(field: &str, Inexpressible(left, right): Inexpressible) -> Self {
        Self { field: field.to_owned(), left, right }
    }
}

/// What is asked of some fields at once, by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Asked(BTreeMap<String, Condition>);

/// A set of events: those that meet all that one of its boxes asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events(Vec<Asked>);

impl Events {
    /// No event.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Every event.
    pub fn all() -> Self {
        Self(vec![Asked::default()])
    }

    /// Events whose `field` has one of these texts, in which a `*` stands for any run of characters.
    pub fn with<'a>(field: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::asking(field, Condition::texts(texts))
    }

    fn asking(field: &str, condition: Condition) -> Self {
        if condition.is_empty() {
            return Self::none();
        }
        Self(vec![Asked(BTreeMap::from([(field.to_owned(), condition)]))])
    }

    /// The events that a pattern matches.
    ///
    /// # Errors
    /// The pattern has a form that EventBridge refuses or takes for something else.
    pub fn of(pattern: &Value) -> Result<Self, CannotSay> {
        let refused = |field: &str, left: &str, right: &str| CannotSay {
            field: field.to_owned(),
            left: left.to_owned(),
            right: right.to_owned(),
        };
        let Value::Object(fields) = pattern else {
            return Err(refused("", "something that is no object", "an event"));
        };
        let boxes = Self::read(fields, "", &refused)?;
        Ok(Self(boxes).simplified())
    }

    fn read(
        fields: &Map<String, Value>,
        path: &str,
        refused: &dyn Fn(&str, &str, &str) -> CannotSay,
    ) -> Result<Vec<Asked>, CannotSay> {
        let mut boxes = vec![Asked::default()];
        for (name, value) in fields {
            let at = format!("{path}{name}");
            let alternatives = match value {
                Value::Object(inner) => Self::read(inner, &format!("{at}."), refused)?,
                Value::Array(branches) if name == "$or" => {
                    let mut read = Vec::new();
                    for branch in branches {
                        let branch = branch.as_object().ok_or_else(|| {
                            refused(&at, "a branch that is no object", "one of several alternatives")
                        })?;
                        read.extend(Self::read(branch, path, refused)?);
                    }
                    read
                }
                Value::Array(list) => {
                    let condition = Condition::parse(list)
                        .filter(|condition| !condition.is_empty())
                        .ok_or_else(|| refused(&at, &value.to_string(), "a value that a field can have"))?;
                    vec![Asked(BTreeMap::from([(at.clone(), condition)]))]
                }
                other => return Err(refused(&at, &other.to_string(), "a list of alternatives")),
            };
            let mut product = Vec::new();
            for a in &boxes {
                for b in &alternatives {
                    let mut whole = a.clone();
                    for (field, condition) in &b.0 {
                        // EventBridge would keep one of the two and forget the other.
                        if let Some(other) = whole.0.insert(field.clone(), condition.clone()) {
                            return Err(refused(field, &told(&other), &told(condition)));
                        }
                    }
                    product.push(whole);
                }
            }
            boxes = product;
            if boxes.len() > MOST_BOXES {
                return Err(refused(
                    &at,
                    "more than 1,000 combinations of `$or`",
                    "a pattern that AWS takes",
                ));
            }
        }
        Ok(boxes)
    }

    /// Its parts, each of which asks some fields for something at once.
    pub fn parts(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|asked| Self(vec![asked.clone()]))
    }

    /// Whether no event is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` surely has every event of this.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|inner| other.0.iter().any(|outer| inner.within(outer)))
            || other.complement().and_then(|rest| self.and(&rest)).is_ok_and(|left| left.is_empty())
    }

    /// Whether surely no event is in both.
    pub fn is_apart_from(&self, other: &Self) -> bool {
        self.0.iter().all(|a| other.0.iter().all(|b| a.apart(b)))
    }

    /// The events of either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect()).simplified()
    }

    /// The events of both.
    ///
    /// # Errors
    /// No pattern says exactly that.
    pub fn and(&self, other: &Self) -> Result<Self, CannotSay> {
        let mut boxes = Vec::new();
        for a in &self.0 {
            for b in &other.0 {
                boxes.extend(a.and(b)?);
            }
        }
        Ok(Self(boxes).simplified())
    }

    /// The events that are not in `other`.
    ///
    /// # Errors
    /// No pattern says exactly that.
    pub fn minus(&self, other: &Self) -> Result<Self, CannotSay> {
        let mut rest = self.clone();
        for taken in &other.0 {
            let mut boxes = Vec::new();
            for asked in &rest.0 {
                if asked.apart(taken) {
                    boxes.push(asked.clone());
                } else if !asked.within(taken) {
                    boxes.extend(Self(vec![asked.clone()]).and(&taken.complement()?)?.0);
                }
            }
            rest = Self(boxes).simplified();
        }
        Ok(rest)
    }

    /// Every event that is not in it.
    ///
    /// # Errors
    /// No pattern says exactly that.
    pub fn complement(&self) -> Result<Self, CannotSay> {
        Self::all().minus(self)
    }

    /// The same events in boxes of which no two have an event in common.
    ///
    /// # Errors
    /// No patterns say exactly that.
    fn disjoint(&self) -> Result<Vec<Asked>, CannotSay> {
        let mut parts: Vec<Asked> = Vec::new();
        for asked in &self.0 {
            let mut rest = vec![asked.clone()];
            for part in &parts {
                let mut left = Vec::new();
                for asked in rest {
                    left.extend(asked.cut(part)?);
                }
                rest = left;
            }
            parts.extend(rest);
        }
        Ok(parts)
    }

    /// Boxes within others are dropped, and two that differ in one field become one, until nothing changes.
    fn simplified(self) -> Self {
        let mut boxes = self.0;
        boxes.iter_mut().for_each(|asked| asked.0.retain(|field, asked| asks_something(field, asked)));
        loop {
            boxes.sort();
            boxes.dedup();
            let mut kept: Vec<Asked> = Vec::new();
            for asked in boxes {
                if kept.iter().any(|other| asked.within(other)) {
                    continue;
                }
                kept.retain(|other| !other.within(&asked));
                kept.push(asked);
            }
            let pair = (0..kept.len())
                .flat_map(|i| (i + 1..kept.len()).map(move |j| (i, j)))
                .find_map(|(i, j)| Some((i, j, kept[i].merged(&kept[j])?)));
            let Some((i, j, merged)) = pair else { return Self(kept) };
            kept.remove(j);
            kept[i] = merged;
            boxes = kept;
        }
    }
}

impl Asked {
    fn within(&self, other: &Self) -> bool {
        other.0.iter().all(|(field, wider)| self.0.get(field).is_some_and(|narrower| narrower.within(wider)))
    }

    fn apart(&self, other: &Self) -> bool {
        self.0.iter().any(|(field, a)| {
            other.0.get(field).is_some_and(|b| {
                // Of a list one value may meet one condition and another value the other.
                let sure = field::is_single(field) || a.atoms.is_empty() || b.atoms.is_empty();
                sure && a.apart(b)
            })
        })
    }

    /// What is asked by both; nothing if no event meets both.
    fn and(&self, other: &Self) -> Result<Option<Self>, CannotSay> {
        if self.apart(other) {
            return Ok(None);
        }
        if let Some((a, b)) = self.lists_in_common(other) {
            return Err(CannotSay {
                field: a,
                left: "some element of a list".to_owned(),
                right: format!("some element for {b}"),
            });
        }
        let mut both = self.clone();
        for (field, b) in &other.0 {
            let Some(a) = self.0.get(field) else {
                both.0.insert(field.clone(), b.clone());
                continue;
            };
            let condition = if a.within(b) {
                a.clone()
            } else if b.within(a) {
                b.clone()
            } else if field::is_single(field) {
                a.and(b).map_err(|reason| CannotSay::on(field, reason))?
            } else {
                return Err(CannotSay { field: field.clone(), left: told(a), right: told(b) });
            };
            if condition.is_empty() {
                return Ok(None);
            }
            both.0.insert(field.clone(), condition);
        }
        Ok(Some(both))
    }

    /// Two fields, one of each side, that may stand in the elements of one list.
    fn lists_in_common(&self, other: &Self) -> Option<(String, String)> {
        let new = |from: &Self, than: &Self| -> Vec<String> {
            from.0
                .iter()
                .filter(|(field, c)| than.0.get(*field) != Some(c))
                .map(|(field, _)| field.clone())
                .collect()
        };
        let (mine, theirs) = (new(self, other), new(other, self));
        mine.iter()
            .flat_map(|a| theirs.iter().map(move |b| (a, b)))
            .find(|(a, b)| field::may_share_a_list(a, b))
            .map(|(a, b)| (a.clone(), b.clone()))
    }

    /// Every event that does not meet all that is asked.
    fn complement(&self) -> Result<Events, CannotSay> {
        let fields: Vec<&String> = self.0.keys().collect();
        for (i, a) in fields.iter().enumerate() {
            if let Some(b) = fields[i + 1..].iter().find(|b| field::may_share_a_list(a, b)) {
                return Err(CannotSay {
                    field: (*a).clone(),
                    left: "anything but what is asked of an element of a list".to_owned(),
                    right: format!("anything but what is asked of {b}"),
                });
            }
        }
        let mut boxes = Vec::new();
        for (field, condition) in &self.0 {
            boxes.extend(Events::asking(field, Self::turned(field, condition)?).0);
        }
        Ok(Events(boxes).simplified())
    }

    fn turned(field: &str, condition: &Condition) -> Result<Condition, CannotSay> {
        if !field::is_single(field) && !condition.is_presence() {
            return Err(CannotSay {
                field: field.to_owned(),
                left: format!("anything but {}", told(condition)),
                right: "a field that may be a list".to_owned(),
            });
        }
        let mut turned = condition.not().map_err(|reason| CannotSay::on(field, reason))?;
        turned.absent &= !field::is_always_there(field);
        Ok(turned)
    }

    /// The events of this that are not in `part`, in boxes without an event in common.
    fn cut(self, part: &Self) -> Result<Vec<Self>, CannotSay> {
        if self.apart(part) {
            return Ok(vec![self]);
        }
        let mut rest = Vec::new();
        let mut still = self;
        for (field, condition) in &part.0 {
            let alone = |condition: Condition| Self(BTreeMap::from([(field.clone(), condition)]));
            if still.0.get(field).is_some_and(|own| own.within(condition)) {
                continue;
            }
            rest.extend(still.and(&alone(Self::turned(field, condition)?))?);
            match still.and(&alone(condition.clone()))? {
                Some(inner) => still = inner,
                None => return Ok(rest),
            }
        }
        Ok(rest)
    }

    /// One box for two that differ in one field alone.
    fn merged(&self, other: &Self) -> Option<Self> {
        if !self.0.keys().eq(other.0.keys()) {
            return None;
        }
        let mut differing = self.0.iter().filter(|(field, condition)| other.0.get(*field) != Some(condition));
        let (field, condition) = differing.next()?;
        if differing.next().is_some() {
            return None;
        }
        let mut merged = self.clone();
        let either = condition.or(other.0.get(field)?);
        if asks_something(field, &either) {
            merged.0.insert(field.clone(), either);
        } else {
            merged.0.remove(field);
        }
        Some(merged)
    }
}

/// Whether some event does not meet the condition.
fn asks_something(field: &str, condition: &Condition) -> bool {
    let absent = condition.absent || field::is_always_there(field);
    Condition { absent, ..condition.clone() } != Condition::nothing_asked()
}

fn told(condition: &Condition) -> String {
    condition.json().map_or_else(|Inexpressible(a, b)| format!("{a} and {b}"), |json| json.to_string())
}
