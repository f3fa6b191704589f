//! The record that CloudTrail writes of a call.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Call, Principal, Refusal, Service};
use crate::world::World;

pub(super) const VERSION: &str = "1.11";

/// Whether CloudTrail counts an operation among the reads.
pub fn reads_only(operation: &str) -> bool {
    const READS: [&str; 8] =
        ["Get", "List", "Describe", "Lookup", "Simulate", "Test", "AssumeRole", "DecodeAuthorization"];
    READS.iter().any(|start| operation.starts_with(start))
}

/// Whether a call is of the control plane. Data events are not logged here.
pub(super) fn is_management(call: &Call) -> bool {
    let data: &[&str] = match call.service {
        Service::CloudWatch => &["GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"],
        Service::Events => &["PutEvents"],
        Service::Sns => &["Publish", "PublishBatch"],
        Service::Sqs => &[
            "SendMessage",
            "SendMessageBatch",
            "ReceiveMessage",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
        ],
        _ => &[],
    };
    !data.contains(&call.operation.as_str())
}

/// Whether a call never got so far that CloudTrail would write of it.
pub(super) fn is_unlogged(call: &Call, result: &Result<Value, Refusal>) -> bool {
    const UNKNOWN: [&str; 11] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAction",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SerializationException",
        "SignatureDoesNotMatch",
        "UnknownOperationException",
        "UnrecognizedClientException",
    ];
    const THROTTLED: [&str; 5] = [
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ];
    result.as_ref().is_err_and(|refusal| {
        let code = refusal.code.as_str();
        refusal.status >= 500
            || code == call.service.throttling().1
            || UNKNOWN.contains(&code)
            || THROTTLED.contains(&code)
    })
}

/// The event source of a service.
pub(super) fn source(service: Service) -> String {
    format!("{}.amazonaws.com", service.event_source())
}

/// The second account that a call is logged in: that of a role which is assumed from another account.
pub(super) fn other_account(world: &World, call: &Call, result: &Result<Value, Refusal>) -> Option<String> {
    // AWS: a refused AssumeRole is not told to strangers.
    if call.service != Service::Sts || call.operation != "AssumeRole" || result.is_err() {
        return None;
    }
    let owner = call.text("RoleArn")?.split(':').nth(4)?;
    (owner != call.caller.account && world.accounts.contains_key(owner)).then(|| owner.to_owned())
}

/// The detail of a call's event, without its id.
pub(super) fn detail(
    world: &World,
    call: &Call,
    result: &Result<Value, Refusal>,
    recipient: &str,
    region: &str,
) -> Value {
    let mut detail = json!({
        "eventVersion": VERSION,
        "userIdentity": identity(world, call, recipient),
        "eventTime": time(call.at),
        "eventSource": source(call.service),
        "eventName": call.operation,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.10",
        "userAgent": "aws-sdk",
        "requestParameters": parameters(call),
        "responseElements": null,
        "requestID": call.request_id,
        "readOnly": reads_only(&call.operation),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": recipient,
        "eventCategory": "Management",
    });
    if let Err(refusal) = result {
        detail["errorCode"] = error_code(call.service, &refusal.code).into();
        detail["errorMessage"] = refusal.message.as_str().into();
    }
    detail
}

/// A time as CloudTrail writes it: to the second.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn identity(world: &World, call: &Call, recipient: &str) -> Value {
    let caller = &call.caller;
    let partition = world.partition.name;
    match &caller.principal {
        Principal::Administrator => json!({
            "type": "IAMUser",
            "principalId": "AIDAADMINISTRATOR23456",
            "arn": caller.arn(partition),
            "accountId": caller.account,
            "accessKeyId": caller.access_key,
            "userName": "administrator",
        }),
        // AWS: another account learns less of who it was.
        Principal::Session(session) if caller.account != recipient => json!({
            "type": "AWSAccount",
            "principalId": format!("{}:{}", session.role_id, session.name),
            "accountId": caller.account,
        }),
        Principal::Session(session) => {
            let mut context = json!({ "sessionIssuer": {
                "type": "Role",
                "principalId": session.role_id,
                "arn": session.role_arn,
                "accountId": caller.account,
                "userName": session.role_name,
            } });
            if let Some(identity) = &session.source_identity {
                context["sourceIdentity"] = identity.as_str().into();
            }
            json!({
                "type": "AssumedRole",
                "principalId": format!("{}:{}", session.role_id, session.name),
                "arn": caller.arn(partition),
                "accountId": caller.account,
                "accessKeyId": caller.access_key,
                "sessionContext": context,
            })
        }
    }
}

/// The input with names as CloudTrail writes them; null when there is none.
fn parameters(call: &Call) -> Value {
    if call.input.is_empty() {
        return Value::Null;
    }
    let mut parameters = structure(&call.input);
    if call.service == Service::Organizations && call.operation == "CreateAccount" {
        for hidden in ["email", "accountName"] {
            if let Some(value) = parameters.get_mut(hidden) {
                *value = "****".into();
            }
        }
    }
    Value::Object(parameters)
}

fn structure(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, value)| {
            // The keys of these maps are the caller's own words.
            let own = matches!(name.as_str(), "Attributes" | "InputPathsMap" | "Tags" | "tags");
            let value = match value {
                Value::Object(_) if own => value.clone(),
                other => lower(other),
            };
            (lower_first(name), value)
        })
        .collect()
}

fn lower(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(structure(fields)),
        Value::Array(items) => items.iter().map(lower).collect(),
        other => other.clone(),
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// AWS: CloudTrail spells some errors otherwise than the answer did.
fn error_code(service: Service, code: &str) -> String {
    match (service, code) {
        (_, "AccessDenied" | "AccessDeniedException") => "AccessDenied".to_owned(),
        (
            Service::Iam,
            "DeleteConflict"
            | "EntityAlreadyExists"
            | "InvalidInput"
            | "LimitExceeded"
            | "MalformedPolicyDocument"
            | "NoSuchEntity"
            | "UnmodifiableEntity",
        ) => format!("{code}Exception"),
        _ => code.to_owned(),
    }
}
