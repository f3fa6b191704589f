//! The ways in which an event may match a pattern: `$or` multiplied out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::operator::{self, finding};
use super::{Field, MAX_COMBINATIONS};
use crate::pattern::Finding;

type Branch = BTreeMap<String, Arc<Field>>;

/// Names that no field inside `$or` may have; where one has, EventBridge takes `$or` for a field.
const RESERVED: [&str; 24] = [
    "<",
    "<=",
    "=",
    ">",
    ">=",
    "anything-but",
    "cidr",
    "date-after",
    "date-before",
    "date-on-or-after",
    "date-on-or-before",
    "equals-ignore-case",
    "exactly",
    "exists",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
    "not-equals-ignore-case",
    "not-wildcard",
    "numeric",
    "prefix",
    "regex",
    "suffix",
    "wildcard",
];

/// Whether EventBridge reads the value of a key `$or` as alternatives; otherwise it is a field of that name.
pub(crate) fn is_alternatives(value: &Value) -> bool {
    value.as_array().is_some_and(|objects| {
        objects.len() >= 2
            && objects.iter().all(|object| object.as_object().is_some_and(|o| !has_reserved(o)))
    })
}

fn has_reserved(fields: &Map<String, Value>) -> bool {
    fields
        .iter()
        .any(|(name, value)| RESERVED.contains(&name.as_str()) || value.as_object().is_some_and(has_reserved))
}

/// The branches of a pattern, at least one; with the fields that are overwritten in one.
pub(super) fn of(pattern: &Value, overwritten: &mut BTreeSet<String>) -> Result<Vec<Branch>, Finding> {
    let Value::Object(fields) = pattern else {
        return Err(finding(
            "E-pattern-not-an-object",
            "",
            "a pattern is a JSON object",
            r#"write {"source": [...]}"#,
        ));
    };
    // One malformed `$or` makes EventBridge read the whole pattern as before there was an `$or`.
    let or_is_known = !has_malformed_or(fields);
    object(fields, "", vec![Branch::new()], or_is_known, overwritten)
}

fn has_malformed_or(fields: &Map<String, Value>) -> bool {
    fields.iter().any(|(name, value)| match value {
        Value::Array(_) | Value::Object(_) if name == "$or" && !is_alternatives(value) => true,
        Value::Array(objects) if name == "$or" => {
            objects.iter().filter_map(Value::as_object).any(has_malformed_or)
        }
        Value::Object(inner) => has_malformed_or(inner),
        _ => false,
    })
}

fn object(
    fields: &Map<String, Value>,
    path: &str,
    mut branches: Vec<Branch>,
    or_is_known: bool,
    overwritten: &mut BTreeSet<String>,
) -> Result<Vec<Branch>, Finding> {
    if fields.is_empty() {
        return Err(finding(
            "E-pattern-not-a-list",
            path.trim_end_matches('.'),
            "`{}` is no list; EventBridge wants the alternatives of a field in one",
            r#"write the fields inside it, or [{"exists": true}] in its place"#,
        ));
    }
    for (name, value) in fields {
        let at = format!("{path}{name}");
        branches = match value {
            Value::Array(objects) if name == "$or" && or_is_known => {
                alternatives(objects, path, &branches, overwritten)?
            }
            Value::Array(values) => {
                let field = Arc::new(field(values, &at)?);
                for branch in &mut branches {
                    // AWS: what stood at this path is overwritten, not joined.
                    if branch.insert(at.clone(), Arc::clone(&field)).is_some() {
                        overwritten.insert(at.clone());
                    }
                }
                branches
            }
            Value::Object(inner) => object(inner, &format!("{at}."), branches, or_is_known, overwritten)?,
            scalar => {
                return Err(finding(
                    "E-pattern-not-a-list",
                    &at,
                    format!("`{scalar}` is no list; EventBridge wants the alternatives of a field in one"),
                    format!("write [{scalar}]"),
                ));
            }
        };
    }
    Ok(branches)
}

/// Each branch goes on in as many ways as there are objects. Fields inside `$or` lie where the `$or` lies.
fn alternatives(
    objects: &[Value],
    path: &str,
    branches: &[Branch],
    overwritten: &mut BTreeSet<String>,
) -> Result<Vec<Branch>, Finding> {
    let mut all = Vec::new();
    for fields in objects.iter().filter_map(Value::as_object) {
        all.extend(object(fields, path, branches.to_vec(), true, overwritten)?);
        if all.len() > MAX_COMBINATIONS {
            return Err(finding(
                "E-pattern-combinations",
                &format!("{path}$or"),
                format!(
                    "the objects of `$or` combine in more than {MAX_COMBINATIONS} ways, which EventBridge refuses"
                ),
                "make several watches of it, or put alternatives of one field into one list",
            ));
        }
    }
    Ok(all)
}

fn field(values: &[Value], at: &str) -> Result<Field, Finding> {
    if values.is_empty() {
        return Err(finding(
            "E-pattern-empty-list",
            at,
            "an empty list matches nothing, and EventBridge refuses it",
            "name a value, or leave the field out",
        ));
    }
    let tests = values
        .iter()
        .enumerate()
        .map(|(i, value)| operator::parse(value, &format!("{at}[{i}]")))
        .collect::<Result<_, _>>()?;
    Ok(Field { asked: values.to_vec(), tests })
}
