//! Mail that would be suspended for its volume. Pure.

use serde_json::Value;

use super::{Alert, Problem, Settings};
use crate::model::endpoint::Protocol;

/// The most accounts whose changes people are thought to read as mails.
const ACCOUNTS: usize = 100;

/// The alerts that reach people by mail alone though they take whatever happens in more than 100 accounts; `accounts` is how
/// many the organization has.
///
/// SNS suspends an address that gets more than 10 messages a second until it is confirmed again, and deletes it after two
/// days: <https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html>. One script over all accounts is enough.
pub fn email_floods(settings: &Settings, accounts: usize) -> Vec<Problem> {
    let told = |(i, alert): (usize, &Alert)| {
        let heard = if alert.accounts.is_empty() { accounts } else { alert.accounts.len().min(accounts) };
        let mail = |protocol| matches!(protocol, Protocol::Email | Protocol::EmailJson);
        let only_mail =
            !alert.subscriptions.is_empty() && alert.subscriptions.iter().all(|s| mail(s.protocol));
        let mut watches = settings.watches.iter().filter(|watch| alert.watches.contains(&watch.name));
        let narrowed = alert.pattern.as_ref().is_some_and(|pattern| !is_wide(pattern.value()));
        let wide = watches.find(|watch| is_wide(watch.pattern.value()))?;
        (heard > ACCOUNTS && only_mail && !narrowed).then(|| Problem {
            code: "W-email-flood",
            path: format!("alert[{i}].subscriptions"),
            found: format!("mail alone behind watch {} in {heard} accounts", wide.name),
            expected: "somebody who is told by another way too".to_owned(),
            hint: "SNS suspends an address that gets more than 10 messages a second, and deletes it two days later: add a \
                   subscription of sqs, https or lambda, which are never suspended, or narrow the alert by `pattern` or \
                   `accounts`"
                .to_owned(),
        })
    };
    settings.alerts.iter().enumerate().filter_map(told).collect()
}

/// Whether a pattern takes calls by more than their names: every one, or those that begin or do not begin with a word.
fn is_wide(pattern: &Value) -> bool {
    let mut names = Vec::new();
    collect(pattern, &mut names);
    names.is_empty() || names.iter().any(|alternatives| !alternatives.iter().all(Value::is_string))
}

/// What is asked of names of calls, wherever in the pattern.
fn collect<'a>(pattern: &'a Value, into: &mut Vec<&'a Vec<Value>>) {
    match pattern {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(alternatives) if name.ends_with("eventName") => into.push(alternatives),
                    other => collect(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::settings;
    use crate::presets;

    const MAIL: &str = "{ protocol = 'email', endpoint = 'a@example.com' }";
    const QUEUE: &str = "{ protocol = 'sqs', endpoint = 'arn:aws:sqs:us-east-1:222222222222:x' }";

    fn found(alert: &str, accounts: usize) -> Vec<String> {
        let settings = settings(&format!("[[alert]]\nname = 'x'\n{alert}"));
        email_floods(&settings, accounts).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn mail_alone_behind_a_wide_watch_of_more_than_a_hundred_accounts_is_told() {
        let only = |who: &str| format!("subscriptions = [{who}]");
        assert_eq!(found(&only(MAIL), 101), ["alert[0].subscriptions"]);
        assert!(found(&only(MAIL), 100).is_empty());
        assert!(found(&only(&format!("{MAIL}, {QUEUE}")), 101).is_empty());
        assert!(found(&only(QUEUE), 101).is_empty());
        let json = only("{ protocol = 'email-json', endpoint = 'a@example.com' }");
        assert_eq!(found(&json, 101).len(), 1);
        let few = format!("{}\naccounts = ['300000000001']", only(MAIL));
        assert!(found(&few, 5000).is_empty());
        let narrowed = r#"pattern = '{"detail":{"eventName":["DeleteUser"]}}'"#;
        assert!(found(&format!("{}\n{narrowed}", only(MAIL)), 101).is_empty());
        let not = r#"pattern = '{"detail":{"eventName":[{"anything-but":["DeleteUser"]}]}}'"#;
        assert_eq!(found(&format!("{}\n{not}", only(MAIL)), 101).len(), 1);
    }

    #[test]
    fn presets_that_name_their_calls_are_narrow() {
        let wide = |name: &str| is_wide(presets::by_name(name).unwrap().pattern().value());
        for name in ["iam-changes", "iam-any", "iam-changes-blog", "iam-auth", "cis-4.1"] {
            assert!(wide(name), "{name}");
        }
        for name in ["cis-4.4", "iam-user-deletion", "cis-4.7", "cis-4.14"] {
            assert!(!wide(name), "{name}");
        }
    }
}
