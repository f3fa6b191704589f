//! What people read when somebody tampers with orgwatch, sent by AWS alone.

use serde_json::Value;

use crate::model::call::Transformer;

/// Who did what, and where. A path that an event does not have leaves its place empty.
pub(super) fn tamper() -> Transformer {
    let paths = [
        ("account", "$.account"),
        ("action", "$.detail.eventName"),
        ("actor", "$.detail.userIdentity.arn"),
        ("address", "$.detail.sourceIPAddress"),
        ("error", "$.detail.errorCode"),
        ("event", "$.detail.eventID"),
        ("parameters", "$.detail.requestParameters"),
        ("region", "$.region"),
        ("service", "$.detail.eventSource"),
        ("time", "$.time"),
        ("type", "$.detail.userIdentity.type"),
    ];
    let lines = [
        "Tampering with orgwatch: <action> in account <account>",
        "Who: <actor> (<type>), from <address>",
        "What: <service> <action> <parameters>",
        "When: <time>, in <region>",
        "Error code, if it did not succeed: <error>",
        "Where orgwatch enforces, it puts this back and says so. CloudTrail event <event>",
    ];
    Transformer {
        paths: paths.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect(),
        template: lines.map(|line| Value::from(line).to_string()).join("\n"),
    }
}
