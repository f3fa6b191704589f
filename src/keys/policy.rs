//! Whether the policy of a key lets somebody use it.

use serde_json::Value;

use super::Use;
use super::condition::{Truth, hold, like};

/// What a key's policy says of a use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It lets it happen.
    Lets,
    /// It does not; why.
    Refuses(String),
    /// That depends on what cannot be known from here; on what.
    Unclear(String),
}

/// Asks the policy of the key `arn`.
pub(crate) fn ask(policy: &Value, arn: &str, usage: &Use) -> Answer {
    let mut unclear = None;
    for action in usage.actions {
        match ask_one(policy, arn, action, usage) {
            Answer::Lets => {}
            Answer::Unclear(why) => unclear = unclear.or(Some(why)),
            refuses @ Answer::Refuses(_) => return refuses,
        }
    }
    unclear.map_or(Answer::Lets, Answer::Unclear)
}

fn ask_one(policy: &Value, arn: &str, action: &str, usage: &Use) -> Answer {
    let who = usage.service;
    let statements = match &policy["Statement"] {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let (mut allowed, mut doubtful_allow, mut failed_condition, mut doubtful_deny) =
        (false, None, None, None);
    for statement in statements {
        let named = names(statement, usage.service)
            .min(covers(statement, "Action", "NotAction", |wanted| {
                like(&wanted.to_lowercase(), &action.to_lowercase())
            }))
            .min(covers(statement, "Resource", "NotResource", |wanted| like(wanted, arn)));
        if named == Truth::No {
            continue;
        }
        let conditions = hold(statement.get("Condition"), usage);
        let label = || {
            statement["Sid"]
                .as_str()
                .filter(|sid| !sid.is_empty())
                .map_or_else(|| "a statement".to_owned(), |sid| format!("the statement \"{sid}\""))
        };
        match (statement["Effect"].as_str(), named.min(conditions)) {
            (Some("Deny"), Truth::Yes) => {
                return Answer::Refuses(format!("{} denies {action} to {who}", label()));
            }
            (Some("Deny"), Truth::Unclear) => doubtful_deny = Some(label()),
            (Some("Allow"), Truth::Yes) => allowed = true,
            (Some("Allow"), Truth::Unclear) => doubtful_allow = Some(label()),
            (Some("Allow"), Truth::No) => failed_condition = Some(label()),
            _ => {}
        }
    }
    match (allowed, doubtful_allow, doubtful_deny) {
        (true, _, None) => Answer::Lets,
        (true, _, Some(deny)) => {
            Answer::Unclear(format!("whether {deny} denies {action} to {who} depends on its conditions"))
        }
        (false, Some(allow), _) => {
            Answer::Unclear(format!("whether {allow} allows {action} to {who} depends on its conditions"))
        }
        (false, None, _) => Answer::Refuses(failed_condition.map_or_else(
            || format!("no statement allows {action} to {who}"),
            |allow| {
                format!("{allow} allows {action} to {who} under a condition that never holds: KMS is not told of it")
            },
        )),
    }
}

/// Whether a statement names the service.
fn names(statement: &Value, service: &str) -> Truth {
    if statement.get("NotPrincipal").is_some() {
        return Truth::Unclear;
    }
    let principal = &statement["Principal"];
    let lists = |kind: &str, wanted: &str| match &principal[kind] {
        Value::String(one) => one == wanted,
        Value::Array(all) => all.iter().any(|name| name == wanted),
        _ => false,
    };
    Truth::from(*principal == "*" || lists("AWS", "*") || lists("Service", service))
}

/// Whether what a statement lists, or all but what it lists, covers something.
fn covers(statement: &Value, listed: &str, but: &str, fits: impl Fn(&str) -> bool) -> Truth {
    let any = |values: &Value| match values {
        Value::String(one) => fits(one),
        Value::Array(all) => all.iter().filter_map(Value::as_str).any(&fits),
        _ => false,
    };
    match (statement.get(listed), statement.get(but)) {
        (Some(values), _) => Truth::from(any(values)),
        (None, Some(values)) => !Truth::from(any(values)),
        // IAM refuses a statement with neither; a key's policy is about the key all the same.
        (None, None) => Truth::from(listed == "Resource"),
    }
}
