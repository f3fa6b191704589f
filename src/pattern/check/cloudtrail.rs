//! What is known of the events that CloudTrail makes, and which patterns it shows to be mistaken.

use std::collections::BTreeSet;

use serde_json::Value;

use super::iam;
use crate::pattern::{Finding, Pattern, Severity, shown};
use crate::spelling::nearest;

/// Fields that hold objects or are absent, never a value that could be compared.
const OBJECTS: [&str; 13] = [
    "detail",
    "detail.additionalEventData",
    "detail.requestParameters",
    "detail.responseElements",
    "detail.serviceEventDetails",
    "detail.tlsDetails",
    "detail.userIdentity",
    "detail.userIdentity.inScopeOf",
    "detail.userIdentity.onBehalfOf",
    "detail.userIdentity.sessionContext",
    "detail.userIdentity.sessionContext.attributes",
    "detail.userIdentity.sessionContext.sessionIssuer",
    "detail.userIdentity.sessionContext.webIdFederationData",
];

/// Fields that every event of CloudTrail has.
const ALWAYS: [&str; 18] = [
    "account",
    "detail-type",
    "detail.awsRegion",
    "detail.eventCategory",
    "detail.eventID",
    "detail.eventName",
    "detail.eventSource",
    "detail.eventTime",
    "detail.eventType",
    "detail.eventVersion",
    "detail.recipientAccountId",
    "detail.sourceIPAddress",
    "detail.userIdentity.type",
    "id",
    "region",
    "source",
    "time",
    "version",
];

/// Fields that some events have.
const SOMETIMES: [&str; 22] = [
    "detail.apiVersion",
    "detail.errorCode",
    "detail.errorMessage",
    "detail.managementEvent",
    "detail.readOnly",
    "detail.requestID",
    "detail.resources",
    "detail.sessionCredentialFromConsole",
    "detail.sharedEventID",
    "detail.userAgent",
    "detail.userIdentity.accessKeyId",
    "detail.userIdentity.accountId",
    "detail.userIdentity.arn",
    "detail.userIdentity.invokedBy",
    "detail.userIdentity.principalId",
    "detail.userIdentity.userName",
    "detail.userIdentity.sessionContext.attributes.mfaAuthenticated",
    "detail.userIdentity.sessionContext.sessionIssuer.arn",
    "detail.userIdentity.sessionContext.sessionIssuer.principalId",
    "detail.userIdentity.sessionContext.sessionIssuer.type",
    "detail.userIdentity.sessionContext.sessionIssuer.userName",
    "detail.vpcEndpointId",
];

/// The kinds of event that come from CloudTrail. That of sign-ins is written in two ways.
const DETAIL_TYPES: [&str; 5] = [
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Action via CloudTrail",
    "AWS Insight via CloudTrail",
    "AWS Console Sign In via CloudTrail",
];

/// What is known of the events that a pattern is about.
pub(super) struct Knowledge {
    /// Whether they all come from AWS.
    of_aws: bool,
    /// Whether they all are IAM's.
    of_iam: bool,
}

impl Knowledge {
    pub(super) fn of(pattern: &Pattern) -> Self {
        let sources = pattern.value()["source"].as_array().map_or(&[][..], Vec::as_slice);
        let of_aws = |source: &Value| {
            let text = source.as_str().or_else(|| source["prefix"].as_str());
            text.is_some_and(|text| text.starts_with("aws."))
        };
        Self {
            of_aws: !sources.is_empty() && sources.iter().all(of_aws),
            of_iam: !sources.is_empty() && sources.iter().all(|source| source == "aws.iam"),
        }
    }

    /// What is wrong with the alternatives of the event's `field`, which stand at `at`.
    pub(super) fn field(&self, field: &str, alternatives: &[Value], at: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        match field {
            "source" => found.extend(each(alternatives, at, source)),
            "detail.eventSource" => found.extend(each(alternatives, at, event_source)),
            "detail-type" if self.of_aws => found.extend(each(alternatives, at, detail_type)),
            "detail.eventName" if self.of_iam => found.extend(each(alternatives, at, iam::unknown)),
            _ => {}
        }
        if self.of_aws {
            found.extend(object(field, alternatives, at));
            found.extend(spelt_otherwise(field, at));
            found.extend(absent(field, alternatives, at));
        }
        found
    }
}

fn each(
    alternatives: &[Value],
    at: &str,
    check: fn(&Value, &str) -> Option<Finding>,
) -> impl Iterator<Item = Finding> {
    alternatives
        .iter()
        .enumerate()
        .filter_map(move |(i, alternative)| check(alternative, &format!("{at}[{i}]")))
}

fn finding(
    severity: Severity,
    code: &'static str,
    at: &str,
    message: impl Into<String>,
    mend: impl Into<String>,
) -> Finding {
    Finding { code, path: at.to_owned(), message: message.into(), mend: mend.into(), severity }
}

/// `iam.amazonaws.com` where EventBridge has `aws.iam`.
fn source(alternative: &Value, at: &str) -> Option<Finding> {
    let service = alternative.as_str()?.strip_suffix(".amazonaws.com")?;
    Some(finding(
        Severity::Error,
        "E-pattern-service-name",
        at,
        format!("`source` of AWS's events is `aws.{service}`, so this never matches"),
        format!(r#"write "aws.{service}"; "{service}.amazonaws.com" is what `detail.eventSource` says"#),
    ))
}

/// `aws.iam` where CloudTrail has `iam.amazonaws.com`.
fn event_source(alternative: &Value, at: &str) -> Option<Finding> {
    let service = alternative.as_str()?.strip_prefix("aws.")?;
    Some(finding(
        Severity::Error,
        "E-pattern-service-name",
        at,
        format!("`detail.eventSource` is `{service}.amazonaws.com`, so this never matches"),
        format!(r#"write "{service}.amazonaws.com"; "aws.{service}" is what `source` says"#),
    ))
}

fn detail_type(alternative: &Value, at: &str) -> Option<Finding> {
    let kind = alternative.as_str()?;
    if kind.replace(' ', "").eq_ignore_ascii_case("AWSConsoleSigninviaCloudTrail") {
        return Some(finding(
            Severity::Warning,
            "W-pattern-sign-in-type",
            at,
            "AWS writes the type of sign-ins in two ways, `Signin` and `Sign In`",
            r#"leave `detail-type` out and ask for "source": ["aws.signin"]"#,
        ));
    }
    let meant = nearest(kind, DETAIL_TYPES).filter(|meant| *meant != kind)?;
    Some(finding(
        Severity::Error,
        "E-pattern-detail-type",
        at,
        format!("no event of CloudTrail has the type {}, so this never matches", shown(alternative)),
        format!(r#"write "{meant}""#),
    ))
}

/// Conditions on what is an object in every event that has it.
fn object(field: &str, alternatives: &[Value], at: &str) -> Option<Finding> {
    if !OBJECTS.contains(&field) || alternatives.iter().all(Value::is_null) {
        return None;
    }
    let always = alternatives.iter().any(|alternative| alternative["exists"] == false);
    Some(finding(
        Severity::Error,
        "E-pattern-not-a-leaf",
        at,
        format!(
            "`{field}` is an object, and conditions look at single values only, so this {}",
            if always { "always matches" } else { "never matches" }
        ),
        format!("name a field inside it, such as `{field}.{}`", inside(field)),
    ))
}

/// A field that an object has.
fn inside(object: &str) -> &'static str {
    match object {
        "detail" => "eventName",
        "detail.userIdentity" => "type",
        "detail.userIdentity.sessionContext" => "sessionIssuer.arn",
        "detail.userIdentity.sessionContext.sessionIssuer" => "arn",
        "detail.userIdentity.sessionContext.attributes" => "mfaAuthenticated",
        "detail.requestParameters" => "userName",
        "detail.additionalEventData" => "MFAUsed",
        "detail.responseElements" => "ConsoleLogin",
        _ => "<field>",
    }
}

/// A field that is known with other capitals.
fn spelt_otherwise(field: &str, at: &str) -> Option<Finding> {
    let known = || ALWAYS.iter().chain(&SOMETIMES).chain(&OBJECTS);
    let begins = |known: &str, same: fn(&str, &str) -> bool| {
        field.get(..known.len()).is_some_and(|start| same(start, known))
            && matches!(field.as_bytes().get(known.len()), None | Some(b'.'))
    };
    let spelling =
        known().filter(|known| begins(known, str::eq_ignore_ascii_case)).max_by_key(|known| known.len())?;
    if begins(spelling, |a, b| a == b) {
        return None;
    }
    Some(finding(
        Severity::Error,
        "E-pattern-field-case",
        at,
        format!("no event has a field `{field}`: names of fields have a case, so this never matches"),
        format!("write `{spelling}`"),
    ))
}

/// `anything-but` on a field that an event may lack.
fn absent(field: &str, alternatives: &[Value], at: &str) -> Option<Finding> {
    let has = |name: &str| alternatives.iter().any(|alternative| alternative.get(name).is_some());
    let excepts_absent = alternatives.iter().any(|alternative| alternative["exists"] == false);
    if !has("anything-but") || excepts_absent || ALWAYS.contains(&field) {
        return None;
    }
    Some(finding(
        Severity::Warning,
        "W-pattern-absent-field",
        at,
        format!("`anything-but` does not match an event without `{field}`, and some have none"),
        r#"add {"exists": false} to the list if these are meant too"#,
    ))
}

/// Services in `source` that `detail.eventSource` excludes.
pub(super) fn contradiction(pattern: &Pattern) -> Option<Finding> {
    let all_texts = |value: &Value| -> Option<BTreeSet<String>> {
        value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let sources = all_texts(&pattern.value()["source"])?;
    let hosts = all_texts(&pattern.value()["detail"]["eventSource"])?;
    let named: BTreeSet<String> = hosts
        .iter()
        .filter_map(|host| Some(format!("aws.{}", host.strip_suffix(".amazonaws.com")?)))
        .collect();
    let aws = sources.iter().all(|source| source.starts_with("aws."));
    (aws && named.len() == hosts.len() && !hosts.is_empty() && sources.is_disjoint(&named)).then(|| {
        finding(
            Severity::Error,
            "E-pattern-contradiction",
            "detail.eventSource",
            "the services that `source` names are none of those that `detail.eventSource` names, so the pattern never matches",
            format!("for {} write the same service in both", sources.into_iter().collect::<Vec<_>>().join(", ")),
        )
    })
}
