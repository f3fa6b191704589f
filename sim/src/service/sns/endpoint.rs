//! Protocols and endpoints of subscriptions.

use super::arn::invalid;
use crate::call::Refusal;

const PROTOCOLS: [&str; 9] =
    ["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"];

/// Checks that an endpoint is one of its protocol.
///
/// # Errors
/// `InvalidParameter`.
pub(super) fn check(protocol: &str, endpoint: &str, fifo_topic: bool) -> Result<(), Refusal> {
    if !PROTOCOLS.contains(&protocol) {
        return Err(invalid(format!("Amazon SNS does not support this protocol string: {protocol}")));
    }
    let fits = match protocol {
        "email" | "email-json" => email(endpoint),
        "http" | "https" => url(protocol, endpoint),
        "sms" => phone(endpoint),
        "application" => of_service(endpoint, "sns"),
        service => of_service(endpoint, service),
    };
    if !fits {
        return Err(invalid(match protocol {
            "email" | "email-json" => "Email address".to_owned(),
            "http" | "https" => "Endpoint must match the specified protocol".to_owned(),
            "sms" => format!("Invalid SMS endpoint: {endpoint}"),
            "application" => "ApplicationEndpoint ARN".to_owned(),
            "sqs" => "SQS endpoint ARN".to_owned(),
            "lambda" => "Lambda endpoint ARN".to_owned(),
            _ => "Firehose endpoint ARN".to_owned(),
        }));
    }
    if protocol == "sqs" && endpoint.ends_with(".fifo") && !fifo_topic {
        return Err(invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ));
    }
    if fifo_topic && protocol != "sqs" {
        return Err(invalid(
            "Invalid parameter: Endpoint Reason: Please use SQS queues as endpoints of FIFO SNS topics",
        ));
    }
    Ok(())
}

/// Whether whoever owns the endpoint must confirm that `subscriber` may subscribe it.
///
/// AWS: mail and web endpoints always; queues and functions when another account than theirs subscribes them.
pub(super) fn needs_confirmation(protocol: &str, endpoint: &str, subscriber: &str) -> bool {
    match protocol {
        "email" | "email-json" | "http" | "https" => true,
        "sqs" | "lambda" | "firehose" => endpoint.split(':').nth(4) != Some(subscriber),
        _ => false,
    }
}

/// Whether the protocol can bring messages without the envelope of SNS.
pub(super) fn may_be_raw(protocol: &str) -> bool {
    matches!(protocol, "sqs" | "http" | "https" | "firehose")
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str, others: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
    };
    plain(local, ".!#$%&'*+/=?^_`{|}~-")
        && plain(domain, ".-")
        && domain.contains('.')
        && local.len() <= 64
        && text.len() <= 320
}

fn url(protocol: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(protocol).and_then(|rest| rest.strip_prefix("://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && text.parse::<http::Uri>().is_ok()
}

fn phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (4..=15).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0')
}

fn of_service(text: &str, service: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, of, region, account, name]
        if of == service && !region.is_empty() && account.len() == 12 && !name.is_empty())
}
