//! How SQS words its refusals.

use crate::call::Refusal;

/// The code that SQS gives in the header `x-amzn-query-error`, where the older protocol had another one.
///
/// Clients go by it: AWS kept the codes of the query protocol when it moved to JSON.
pub fn query_code(code: &str) -> String {
    let name = code.rsplit('#').next().unwrap_or(code);
    match name {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "PurgeQueueInProgress"
        | "QueueDeletedRecently"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{name}"),
        name => name.to_owned(),
    }
}

/// A refusal that the service's model names.
pub(super) fn modelled(name: &str, message: impl Into<String>) -> Refusal {
    Refusal::bad(format!("com.amazonaws.sqs#{name}"), message)
}

pub(super) fn no_queue() -> Refusal {
    modelled("QueueDoesNotExist", "The specified queue does not exist.")
}

pub(super) fn missing(name: &str) -> Refusal {
    Refusal::bad("MissingParameter", format!("The request must contain the parameter {name}."))
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidParameterValue", message)
}

/// A number outside of its range.
pub(super) fn out_of_range(name: &str, value: i64, low: i64, high: i64) -> Refusal {
    invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be >= {low} and <= {high}, if provided."
    ))
}
