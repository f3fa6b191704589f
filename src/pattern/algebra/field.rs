//! Which fields of an event hold one value at most.
//!
//! A field that holds a list meets a condition when any of its values does. So two conditions on it cannot be made
//! one, nor can one be turned around: "some value is x" and "some value is not x" are both true of `[x, y]`.

/// Where the objects of an event are objects and never lists of them.
const OBJECTS: [&str; 8] = [
    "detail",
    "detail.userIdentity",
    "detail.userIdentity.sessionContext",
    "detail.userIdentity.sessionContext.attributes",
    "detail.userIdentity.sessionContext.sessionIssuer",
    "detail.requestParameters",
    "detail.responseElements",
    "detail.additionalEventData",
];

/// The envelope of every event; `resources` is a list.
const ENVELOPE: [&str; 8] =
    ["account", "detail-type", "id", "region", "replay-name", "source", "time", "version"];

/// What CloudTrail records of every call.
const RECORD: [&str; 18] = [
    "apiVersion",
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "sharedEventID",
    "sourceIPAddress",
    "userAgent",
];

/// Parameters that hold one value in every operation of AWS that has them.
const PARAMETERS: [&str; 20] = [
    "eventBusName",
    "groupName",
    "instanceProfileName",
    "keyId",
    "name",
    "openIDConnectProviderArn",
    "policyArn",
    "policyName",
    "queueUrl",
    "resourceARN",
    "resourceArn",
    "roleArn",
    "roleName",
    "rule",
    "sAMLProviderArn",
    "serialNumber",
    "statementId",
    "subscriptionArn",
    "topicArn",
    "userName",
];

/// Whether the field at `path` (steps joined by dots) holds one value at most.
pub(super) fn is_single(path: &str) -> bool {
    if ENVELOPE.contains(&path) {
        return true;
    }
    let Some(inner) = path.strip_prefix("detail.") else { return false };
    match inner.rsplit_once('.') {
        None => RECORD.contains(&inner),
        Some(("userIdentity", _)) => true,
        Some(("requestParameters", name)) => PARAMETERS.contains(&name),
        // What a console sign-in says of itself.
        Some(("additionalEventData" | "responseElements", name)) => {
            ["ConsoleLogin", "LoginTo", "MFAUsed", "MobileVersion"].contains(&name)
        }
        Some((object, _)) => {
            object.starts_with("userIdentity.") && OBJECTS.contains(&format!("detail.{object}").as_str())
        }
    }
}

/// Whether every event has the field at `path`: EventBridge itself puts it there.
pub(super) fn is_always_there(path: &str) -> bool {
    ENVELOPE.contains(&path) && path != "replay-name"
}

/// Whether conditions on both fields may be met by different elements of one list, although a pattern that asks for
/// both wants one element to meet them.
pub(super) fn may_share_a_list(a: &str, b: &str) -> bool {
    if a == b || is_single(a) || is_single(b) {
        return false;
    }
    let steps = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (steps(a), steps(b));
    let shared: Vec<String> = a.iter().zip(&b).take_while(|(a, b)| a == b).map(|(a, _)| a.clone()).collect();
    !shared.is_empty() && !OBJECTS.contains(&shared.join(".").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloudtrail_always_records_as_one_value_is_single_and_what_it_may_list_is_not() {
        for single in [
            "source",
            "account",
            "detail.eventName",
            "detail.userIdentity.arn",
            "detail.userIdentity.sessionContext.sessionIssuer.arn",
            "detail.requestParameters.roleName",
            "detail.additionalEventData.MFAUsed",
        ] {
            assert!(is_single(single), "{single}");
        }
        for several in [
            "resources",
            "detail",
            "detail.resources.ARN",
            "detail.requestParameters.tags.key",
            "detail.requestParameters.groupSet.items.groupId",
            "detail.foo",
            "detail.userIdentity.onBehalfOf.x",
        ] {
            assert!(!is_single(several), "{several}");
        }
    }

    #[test]
    fn two_fields_of_the_same_list_are_told_from_two_of_an_object() {
        assert!(may_share_a_list("detail.resources.ARN", "detail.resources.type"));
        assert!(may_share_a_list("detail.requestParameters.tags.key", "detail.requestParameters.tags.value"));
        assert!(!may_share_a_list("detail.requestParameters.x", "detail.requestParameters.y"));
        assert!(!may_share_a_list("resources", "detail.foo"));
        assert!(!may_share_a_list("detail.eventName", "detail.resources.type"));
    }
}
