//! Calls, alerts and drift in words, from what was recorded of them.

use orgwatch_sim::call::{Call, Principal, Service};
use orgwatch_sim::journal::Entry;

use crate::judge::{CONTESTED, MISSING};
use crate::model::resource::{FieldChange, Resource};

/// Who made a call, as people call them.
pub(super) fn who(call: &Call) -> &str {
    match &call.caller.principal {
        Principal::Administrator => "administrator",
        Principal::Session(session) => &session.name,
    }
}

/// Whether the daemon made it.
pub(super) fn is_ours(call: &Call) -> bool {
    matches!(&call.caller.principal, Principal::Session(session) if session.role_name.starts_with("orgwatch-"))
}

/// What a writing call of others does, with what AWS said to it if it refused.
pub(super) fn deed(entry: &Entry, account: impl Fn(&str) -> String) -> String {
    let call = &entry.call;
    let of = |name: &str| call.text(name).unwrap_or("?").to_owned();
    let last = |name: &str| of(name).rsplit([':', '/']).next().unwrap_or("?").to_owned();
    let words = match (call.service, call.operation.as_str()) {
        (Service::Events, "DisableRule") => format!("disables the rule {}", of("Name")),
        (Service::Events, "DeleteRule") => format!("deletes the rule {}", of("Name")),
        (Service::Events, "PutRule") => {
            format!("gives the rule {} the pattern {}", of("Name"), of("EventPattern"))
        }
        (Service::Events, "RemoveTargets") => format!("takes the target off the rule {}", of("Rule")),
        (Service::Events, "PutPermission") => format!("opens the bus {} to everybody", of("EventBusName")),
        (Service::Iam, "UpdateAssumeRolePolicy") => {
            format!("changes who may assume the role {}", of("RoleName"))
        }
        (Service::Iam, "DeleteRolePolicy") => {
            format!("takes the policy {} off the role {}", of("PolicyName"), of("RoleName"))
        }
        (Service::Iam, "CreatePolicy") => format!("makes the policy {}", of("PolicyName")),
        (Service::Iam, "CreateRole") => format!("makes the role {}", of("RoleName")),
        (Service::Iam, "PutRolePolicy") => {
            format!("gives the role {} the policy {}", of("RoleName"), of("PolicyName"))
        }
        (Service::Iam, "CreateUser") => format!("makes the user {}", of("UserName")),
        (Service::Iam, "AttachUserPolicy") => {
            format!("gives {} the policy {}", of("UserName"), last("PolicyArn"))
        }
        (Service::Sns, "SetTopicAttributes") => {
            format!("changes the {} of the topic {}", of("AttributeName").to_lowercase(), last("TopicArn"))
        }
        (Service::Organizations, "CreateAccount") => format!("creates the account {}", of("AccountName")),
        (Service::Organizations, "RemoveAccountFromOrganization") => {
            format!("removes {} from the organization", account(&of("AccountId")))
        }
        (service, operation) => format!("calls {service}:{operation}"),
    };
    match &entry.error {
        None => words,
        Some(code) => format!("{words}, which AWS refuses: {code}"),
    }
}

/// How a resource differs from what is desired: `sender rule orgwatch-iam-changes changed (state)`.
pub(super) fn difference(resource: &Resource) -> String {
    let what = format!("{} {}", resource.id.kind.replace('_', " "), resource.id.name);
    if resource.reason == Some(MISSING) {
        return format!("{what} gone");
    }
    let field = |change: &FieldChange| {
        let lacks = if change.observed.is_null() { "lacks " } else { "" };
        format!("{lacks}{}", change.path)
    };
    let fields: Vec<String> = resource.changes.iter().take(2).map(field).collect();
    let more = resource.changes.len() - fields.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let again =
        if resource.reason == Some(CONTESTED) { ", again and again: somebody contests it" } else { "" };
    format!("{what} changed ({}{more}){again}", fields.join(", "))
}

/// What an alert's mail tells in its first lines: the operation, the account, and who did it. None: it is written in
/// another way.
pub(super) fn alert(body: &str) -> Option<(&str, &str, &str)> {
    let mut lines = body.lines().map(|line| line.trim_matches('"'));
    let (account, what) = lines.next()?.strip_prefix("Account ")?.split_once(": ")?;
    let actor = lines.next()?.strip_prefix("Who: ")?.split(' ').nth(1)?;
    Some((what.split(' ').nth(1)?, account, actor.rsplit('/').next()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use orgwatch_sim::call::Caller;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::resource::{ResourceId, Verdict};

    fn entry(service: Service, operation: &str, input: Value, error: Option<&str>) -> Entry {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let caller = Caller {
            account: "333333333333".to_owned(),
            principal: Principal::Administrator,
            access_key: "demo".to_owned(),
        };
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            region: "eu-central-1".to_owned(),
            caller,
            request_id: "r".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        Entry { number: 1, write: true, call: Arc::new(call), error: error.map(ToOwned::to_owned) }
    }

    #[test]
    fn a_refused_call_is_told_as_refused_and_one_without_words_by_its_name() {
        let told = |entry: &Entry| deed(entry, |id| format!("<{id}>"));
        let disabled = |error| entry(Service::Events, "DisableRule", json!({ "Name": "r" }), error);
        assert_eq!(told(&disabled(None)), "disables the rule r");
        assert_eq!(
            told(&disabled(Some("AccessDenied"))),
            "disables the rule r, which AWS refuses: AccessDenied"
        );
        assert_eq!(told(&entry(Service::Sqs, "PurgeQueue", json!({}), None)), "calls sqs:PurgeQueue");
        let leaves = json!({ "AccountId": "444444444444" });
        let leaves = entry(Service::Organizations, "RemoveAccountFromOrganization", leaves, None);
        assert_eq!(told(&leaves), "removes <444444444444> from the organization");
    }

    #[test]
    fn a_resource_that_differs_is_told_from_one_that_is_gone() {
        let change = |path: &str, observed: Value| FieldChange {
            path: path.to_owned(),
            desired: json!("ENABLED").into(),
            observed: observed.into(),
        };
        let with = |reason, changes: &[FieldChange]| {
            difference(&Resource {
                id: ResourceId { kind: "sender_rule", name: "orgwatch-x".to_owned() },
                verdict: Verdict::Drifted,
                reason,
                changes: changes.iter().cloned().collect(),
                error: None,
                notes: Vec::new(),
            })
        };
        let off = change("state", json!("DISABLED"));
        let target = change("targets.central", Value::Null);
        assert_eq!(with(None, std::slice::from_ref(&off)), "sender rule orgwatch-x changed (state)");
        assert_eq!(
            with(Some(CONTESTED), &[off.clone(), target.clone(), off.clone()]),
            "sender rule orgwatch-x changed (state, lacks targets.central and 1 more), again and again: somebody \
             contests it"
        );
        assert_eq!(with(Some(MISSING), &[target]), "sender rule orgwatch-x gone");
    }

    #[test]
    fn an_alert_is_read_from_its_mail_and_another_mail_is_not() {
        let mail = "Account 333333333333: aws.iam CreateUser\nWho: AssumedRole arn:x:sts::333333333333:assumed-role/r/mallory \
                    \nFrom: 203.0.113.10\nWhat: ...";
        assert_eq!(alert(mail), Some(("CreateUser", "333333333333", "mallory")));
        assert_eq!(alert("You have chosen to subscribe to the topic"), None);
        assert_eq!(alert(""), None);
    }
}
