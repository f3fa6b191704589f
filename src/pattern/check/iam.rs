//! The names of IAM's operations, and which of them a name of a pattern can mean.

use std::sync::LazyLock;

use serde_json::Value;

use crate::pattern::{Finding, Severity, shown};
use crate::spelling::nearest;

/// The list with the day that it is of, refreshed as `tests/matching/iam_operations.py` says.
const LIST: &str = include_str!("../iam_operations.txt");

static OPERATIONS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// The day of the list, as its first line ends.
fn date() -> &'static str {
    LIST.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default().trim_end_matches('.')
}

/// Whether no operation of IAM has the name or the affix that an alternative of `eventName` asks for.
pub(super) fn unknown(alternative: &Value, at: &str) -> Option<Finding> {
    let any = |fits: &dyn Fn(&str) -> bool| OPERATIONS.iter().any(|operation| fits(operation));
    let (asked, known) = match alternative {
        // The check of stars says what is wrong with these.
        Value::String(name) if name.contains('*') => return None,
        Value::String(name) => (name, any(&|operation| operation == name)),
        Value::Object(operator) => match (operator.get("prefix"), operator.get("suffix")) {
            (Some(Value::String(prefix)), None) if !prefix.contains('*') => {
                (prefix, any(&|operation| operation.starts_with(prefix.as_str())))
            }
            (None, Some(Value::String(suffix))) if !suffix.contains('*') => {
                (suffix, any(&|operation| operation.ends_with(suffix.as_str())))
            }
            _ => return None,
        },
        _ => return None,
    };
    if known {
        return None;
    }
    let date = date();
    let newer = format!(
        r#"for an operation newer than the list of {date} write [{{"equals-ignore-case": {}}}]"#,
        shown(&Value::from(asked.as_str()))
    );
    let mend = match nearest(asked, OPERATIONS.iter().copied()) {
        Some(meant) if alternative.is_string() => format!("did you mean `{meant}`? {newer}"),
        _ => format!("look the operation up in IAM's API reference; {newer}"),
    };
    Some(Finding {
        code: "E-pattern-unknown-event",
        path: at.to_owned(),
        message: format!(
            "IAM has no operation that this matches, by the list of {date}, so it never matches"
        ),
        mend,
        severity: Severity::Error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_its_date_and_is_in_order() {
        assert!(date().parse::<jiff::civil::Date>().is_ok(), "{}", date());
        assert!(OPERATIONS.len() > 150 && OPERATIONS.is_sorted());
        assert!(
            OPERATIONS.contains(&"CreateUser")
                && OPERATIONS.contains(&"UpdateOpenIDConnectProviderThumbprint")
        );
    }
}
