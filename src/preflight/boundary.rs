//! The policy that bounds the forwarding roles, without which a right to write roles is a right to anything.

use serde_json::Value;

use crate::document;

/// What the boundary allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// To put events on the central bus, and nothing else.
    Right,
    /// Something else, or less: in words.
    Other(String),
    /// There is none.
    Missing,
}

/// What a boundary with this document allows, which should be `events:PutEvents` on `bus` alone.
pub fn boundary(document: &str, bus: &str) -> Boundary {
    let policy = document::policy(document);
    let statements = policy.get("Statement").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut sends = false;
    for statement in statements.iter().filter(|statement| statement["Effect"] == "Allow") {
        if statement.get("NotAction").is_some() || statement.get("NotResource").is_some() {
            return Boundary::Other("it allows everything but what it names".to_owned());
        }
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        if let Some(more) = actions.iter().find(|action| !action.eq_ignore_ascii_case("events:PutEvents")) {
            return Boundary::Other(format!("it allows {more}"));
        }
        if let Some(more) = resources.iter().find(|resource| *resource != bus) {
            return Boundary::Other(format!("it allows events:PutEvents on {more}"));
        }
        sends |= statement.get("Condition").is_none();
    }
    if sends {
        Boundary::Right
    } else {
        Boundary::Other(format!("it does not allow events:PutEvents on {bus}"))
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUS: &str = "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch";

    fn of(statements: &str) -> Boundary {
        boundary(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#), BUS)
    }

    #[test]
    fn the_boundary_of_the_template_is_right_in_every_spelling() {
        for statements in [
            format!(r#"[{{"Sid":"a","Effect":"Allow","Action":"events:PutEvents","Resource":"{BUS}"}}]"#),
            format!(r#"{{"Effect":"Allow","Action":["events:putevents"],"Resource":["{BUS}"]}}"#),
            format!(
                r#"[{{"Effect":"Deny","Action":"*","Resource":"*"}},{{"Effect":"Allow","Action":"events:PutEvents","Resource":"{BUS}"}}]"#
            ),
        ] {
            assert_eq!(of(&statements), Boundary::Right, "{statements}");
        }
    }

    #[test]
    fn whatever_allows_more_or_less_is_told_in_words() {
        for (statements, told) in [
            (r#"[{"Effect":"Allow","Action":"*","Resource":"*"}]"#.to_owned(), "it allows *"),
            (format!(r#"[{{"Effect":"Allow","NotAction":"iam:*","Resource":"{BUS}"}}]"#), "everything but"),
            (
                format!(r#"[{{"Effect":"Allow","Action":"events:*","Resource":"{BUS}"}}]"#),
                "it allows events:*",
            ),
            (
                r#"[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*"}]"#.to_owned(),
                "events:PutEvents on *",
            ),
            ("[]".to_owned(), "does not allow events:PutEvents"),
            (
                format!(
                    r#"[{{"Effect":"Allow","Action":"events:PutEvents","Resource":"{BUS}","Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}]"#
                ),
                "does not allow",
            ),
        ] {
            let Boundary::Other(why) = of(&statements) else { panic!("{statements} passes") };
            assert!(why.contains(told), "{why}");
        }
        assert!(matches!(boundary("no JSON", BUS), Boundary::Other(_)));
    }
}
