//! Turns the SDK's failures into ours. The class is decided here and nowhere else.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::Session;
use super::limited::NotSent;
use crate::model::error::{CloudError, ErrorClass};

pub(super) fn cloud_error<E>(
    service: &'static str,
    operation: &'static str,
    session: &Session,
    error: SdkError<E, HttpResponse>,
) -> CloudError
where
    E: std::error::Error + ProvideErrorMetadata + RequestId + Send + Sync + 'static,
{
    let (class, code, message, request_id) = match &error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("UnknownError").to_owned();
            let message = context.err().message().unwrap_or_default().to_owned();
            let class = classify(&code, &message, context.raw().status().as_u16());
            (class, code, message, context.err().request_id().map(ToOwned::to_owned))
        }
        SdkError::TimeoutError(_) => {
            (ErrorClass::Unreachable, "Timeout".to_owned(), "no answer in time".to_owned(), None)
        }
        other => {
            let chain = chain(other);
            match () {
                () if is_caused_by::<NotSent>(other) => {
                    (ErrorClass::NotSent, "NotSent".to_owned(), chain, None)
                }
                // The SDK tells missing credentials only by text: no type of it is public.
                () if chain.contains("credential") || chain.contains("identity") => {
                    (ErrorClass::Credentials, "NoCredentials".to_owned(), chain, None)
                }
                () => (ErrorClass::Unreachable, "NoAnswer".to_owned(), chain, None),
            }
        }
    };
    let hint = hint(class, service, operation);
    CloudError {
        class,
        service,
        operation,
        account: Some(session.account.clone()),
        region: Some(session.region.clone()),
        code,
        message,
        request_id,
        hint,
    }
}

fn is_caused_by<T: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |e| e.source()).any(<dyn std::error::Error>::is::<T>)
}

/// The chain of causes in one line, without repeating what a cause says already.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

/// What an error code means for us. Codes come from the service models and, unmodelled, from what AWS answers.
pub(super) fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    // Services spell the same code with and without "Exception", and some with a prefix.
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    let code = code.strip_suffix("Exception").unwrap_or(code);
    match code {
        "Throttling"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "RequestThrottled" => ErrorClass::Throttled,
        "AccessDenied"
        | "AuthorizationError"
        | "UnauthorizedOperation"
        | "AccessDeniedForDependency"
        | "NotAuthorized" => {
            if message.contains("service control policy") {
                ErrorClass::DeniedByScp
            } else {
                ErrorClass::Denied
            }
        }
        "RegionDisabled" => ErrorClass::RegionDisabled,
        "ExpiredToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "IncompleteSignature" => ErrorClass::Credentials,
        "SubscriptionRequired" | "OptInRequired" => ErrorClass::NotReady,
        "Validation" | "ValidationError" if message.contains("cannot be assumed by principal") => {
            ErrorClass::NotReady
        }
        // ListTargetsByRule tells a missing rule in this way too.
        "Validation" | "ValidationError" if message.ends_with(" not found") => ErrorClass::NotFound,
        "ResourceNotFound" | "NoSuchEntity" | "NotFound" | "NonExistentQueue" | "QueueDoesNotExist"
        | "TrailNotFound" => ErrorClass::NotFound,
        // A page token that expired: the listing is begun again.
        "InvalidToken"
        | "ConcurrentModification"
        | "Conflict"
        | "DeleteConflict"
        | "EntityAlreadyExists"
        | "ResourceAlreadyExists"
        | "QueueNameExists"
        | "QueueDeletedRecently" => ErrorClass::Conflict,
        "LimitExceeded" | "SubscriptionLimitExceeded" | "TopicLimitExceeded" | "PolicyLengthExceeded" => {
            ErrorClass::LimitExceeded
        }
        _ if status >= 500 => ErrorClass::Unreachable,
        _ => ErrorClass::Invalid,
    }
}

/// What to do next.
pub(super) fn hint(class: ErrorClass, service: &str, operation: &str) -> String {
    let text = match class {
        ErrorClass::Throttled => {
            "tried again later by itself; if it stays, lower `reconcile.concurrency` or `organization.max_calls_per_second`"
        }
        ErrorClass::Denied if operation == "AssumeRole" => {
            "check that the role exists in that account and that its trust policy names the principal (and external id) that orgwatch uses"
        }
        ErrorClass::Denied if service == "organizations" => {
            "set `organization.reader_role_arn` to a role of the management account or of a delegated administrator that may read the organization"
        }
        ErrorClass::Denied => "give the role this permission; deploy/ has the policies that work",
        ErrorClass::DeniedByScp => {
            "list the Regions that the policy allows in `organization.regions`, or exempt orgwatch's role from the policy"
        }
        ErrorClass::RegionDisabled => {
            "enable the Region in that account, or leave it out of `organization.regions`"
        }
        ErrorClass::NotReady => "new accounts and roles take a while; tried again by itself",
        ErrorClass::NotFound => "",
        ErrorClass::Conflict => {
            "somebody else changed the same thing at the same time; tried again by itself"
        }
        ErrorClass::Invalid => "AWS refuses the request as it is; check the configuration that it comes from",
        ErrorClass::LimitExceeded if service == "logs" => {
            "a log group takes 100 metric filters, and AWS raises that for nobody: remove some of others, or ask for fewer in `compliance.metric_alarms`"
        }
        ErrorClass::LimitExceeded => "a quota is used up; raise it in Service Quotas or free some of it",
        ErrorClass::Credentials => {
            "give orgwatch valid AWS credentials (environment, profile, container or web identity)"
        }
        ErrorClass::Unreachable => "check network, proxy and AWS_ENDPOINT_URL; tried again by itself",
        ErrorClass::NotSent => "nothing was sent: the session is not for such calls",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_codes_fall_into_the_class_that_decides_what_happens_next() {
        for (code, message, status, class) in [
            ("ThrottlingException", "", 400, ErrorClass::Throttled),
            ("TooManyRequestsException", "", 400, ErrorClass::Throttled),
            ("AccessDenied", "is not authorized to perform: sts:AssumeRole", 403, ErrorClass::Denied),
            (
                "AccessDeniedException",
                "with an explicit deny in a service control policy",
                400,
                ErrorClass::DeniedByScp,
            ),
            ("AuthorizationError", "", 403, ErrorClass::Denied),
            ("RegionDisabledException", "", 403, ErrorClass::RegionDisabled),
            ("SubscriptionRequiredException", "", 400, ErrorClass::NotReady),
            (
                "ValidationException",
                "Provided role 'r' cannot be assumed by principal 'events.amazonaws.com'.",
                400,
                ErrorClass::NotReady,
            ),
            ("ValidationException", "Rule orgwatch-x not found", 400, ErrorClass::NotFound),
            ("ValidationException", "1 validation error", 400, ErrorClass::Invalid),
            ("ResourceNotFoundException", "", 400, ErrorClass::NotFound),
            ("NoSuchEntity", "", 404, ErrorClass::NotFound),
            ("AWS.SimpleQueueService.NonExistentQueue", "", 400, ErrorClass::NotFound),
            ("ConcurrentModificationException", "", 400, ErrorClass::Conflict),
            ("LimitExceededException", "", 400, ErrorClass::LimitExceeded),
            ("ExpiredTokenException", "", 400, ErrorClass::Credentials),
            ("InternalException", "", 500, ErrorClass::Unreachable),
            ("SomethingNew", "", 400, ErrorClass::Invalid),
        ] {
            assert_eq!(classify(code, message, status), class, "{code}");
        }
    }
}
