//! How services word what goes wrong.

use crate::call::{Call, Principal, Refusal, Service};

/// Asked too fast.
pub(super) fn throttled(service: Service) -> Refusal {
    let (status, code) = service.throttling();
    let message = match service {
        Service::Organizations | Service::Account => "Too Many Requests",
        _ => "Rate exceeded",
    };
    Refusal::new(status, code, message)
}

/// AWS: Organizations makes one change or list at a time, and refuses what comes meanwhile.
pub(super) fn busy() -> Refusal {
    let (status, code) = Service::Organizations.throttling();
    let message = "AWS Organizations can't complete your request because another request is already in progress. \
                   Try again later.";
    Refusal::new(status, code, message)
}

/// Not permitted.
pub(super) fn denied(call: &Call) -> Refusal {
    let (status, code) = call.service.denial();
    let partition = match &call.caller.principal {
        Principal::Administrator => "aws",
        Principal::Session(session) => session.role_arn.split(':').nth(1).unwrap_or("aws"),
    };
    let action = format!("{}:{}", call.service, call.operation);
    let message = format!(
        "User: {} is not authorized to perform: {action} because no identity-based policy allows the {action} action",
        call.caller.arn(partition)
    );
    Refusal::new(status, code, message)
}

/// The service's own failure.
pub(super) fn failed(service: Service, status: u16) -> Refusal {
    let code = match (status, service) {
        (503, _) => "ServiceUnavailable",
        (_, Service::Events) => "InternalException",
        (_, Service::Iam) => "ServiceFailure",
        (_, Service::Organizations) => "ServiceException",
        (_, Service::Account) => "InternalServerException",
        (_, Service::Kms) => "KMSInternalException",
        (_, Service::Logs) => "ServiceUnavailableException",
        (_, Service::Sns) => "InternalError",
        (_, Service::CloudWatch) => "InternalServiceError",
        (_, Service::CloudTrail | Service::Sqs | Service::Sts) => "InternalFailure",
    };
    Refusal::new(status, code, "The request processing has failed because of an unknown error.")
}

/// What the journal says of a call that never reached its service. Nobody is answered with it.
pub(super) fn unreached(how: &str) -> Refusal {
    Refusal::new(503, format!("Simulated{how}"), "the call never reached the service")
}
