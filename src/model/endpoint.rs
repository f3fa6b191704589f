//! Where an alert is delivered: a protocol of SNS and an endpoint, whose URL is often a secret in itself.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::ids::{Arn, IdError};

/// A protocol that a topic delivers by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A mail of plain text.
    Email,
    /// A mail that holds the message as JSON.
    EmailJson,
    /// A POST without encryption on the way.
    Http,
    /// A POST over TLS.
    Https,
    /// A queue.
    Sqs,
    /// A function.
    Lambda,
    /// A text message to a phone.
    Sms,
    /// A delivery stream.
    Firehose,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::EmailJson,
        Self::Http,
        Self::Https,
        Self::Sqs,
        Self::Lambda,
        Self::Sms,
        Self::Firehose,
    ];

    /// The protocol that AWS calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }

    /// AWS's name of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Http => "http",
            Self::Https => "https",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Sms => "sms",
            Self::Firehose => "firehose",
        }
    }

    /// What an endpoint of this protocol looks like, and whether `text` does.
    fn accepts(self, text: &str) -> Result<(), &'static str> {
        let arn = |service: &str, resource: &str| {
            text.parse::<Arn>().is_ok_and(|arn| {
                arn.service == service
                    && !arn.region.is_empty()
                    && arn.resource.strip_prefix(resource).is_some_and(|name| !name.is_empty())
            })
        };
        let (valid, expected) = match self {
            Self::Email | Self::EmailJson => (is_email(text), "a mail address such as security@example.com"),
            Self::Http => (is_url(text, "http://"), "a URL that begins with http://"),
            Self::Https => (is_url(text, "https://"), "a URL that begins with https://"),
            Self::Sqs => (arn("sqs", ""), "the ARN of an SQS queue"),
            Self::Lambda => (arn("lambda", "function:"), "the ARN of a Lambda function"),
            Self::Sms => (is_phone_number(text), "a phone number such as +4915112345678"),
            Self::Firehose => (arn("firehose", "deliverystream/"), "the ARN of a Firehose delivery stream"),
        };
        if valid { Ok(()) } else { Err(expected) }
    }
}

impl AsRef<str> for Protocol {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An endpoint whose text is revealed only on request: whoever knows a webhook's URL can post to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    text: String,
    shown: String,
}

impl Endpoint {
    /// The endpoint in `text`, if it has the shape that `protocol` asks for.
    pub fn new(protocol: Protocol, text: &str) -> Result<Self, IdError> {
        let shown = Self::shown_of(protocol, text);
        match protocol.accepts(text) {
            Ok(()) => Ok(Self { text: text.to_owned(), shown }),
            Err(expected) => Err(IdError { found: shown, expected }),
        }
    }

    /// How an endpoint is shown, whatever its shape: a URL as scheme, host and the beginning of its hash,
    /// so that two are told apart and neither is revealed, and everything else as it is.
    pub fn shown_of(protocol: impl AsRef<str>, text: &str) -> String {
        let is_url = text.contains('/') && !text.starts_with("arn:");
        if !is_url && !matches!(protocol.as_ref(), "http" | "https") {
            return text.to_owned();
        }
        let hash: String = Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        match authority(text) {
            Some((scheme, host)) => format!("{scheme}://{host}/...#{hash}"),
            None => format!("...#{hash}"),
        }
    }

    /// The text to show to people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The text itself, for AWS alone.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.shown).finish()
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// The scheme and the host (with port, without user and password) of a URL.
fn authority(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let plain = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    (plain(scheme, "") && plain(host, ".-:[]")).then_some((scheme, host))
}

fn is_url(text: &str, scheme: &str) -> bool {
    text.starts_with(scheme)
        && text.len() <= 2048
        && authority(text).is_some()
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn is_email(text: &str) -> bool {
    text.len() <= 320
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,;<>\"".contains(&byte))
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        })
}

fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: &str = "https://user:pa55@hooks.example.com:8443/services/T0/s3cret?key=k3y";

    #[test]
    fn a_url_is_never_shown_and_yet_told_from_every_other() {
        let endpoint = Endpoint::new(Protocol::Https, HOOK).unwrap();
        let other =
            Endpoint::new(Protocol::Https, "https://hooks.example.com:8443/services/T0/other").unwrap();
        for shown in [
            endpoint.shown().to_owned(),
            endpoint.to_string(),
            format!("{endpoint:?}"),
            serde_json::to_string(&endpoint).unwrap(),
        ] {
            assert!(shown.contains("https://hooks.example.com:8443/...#"), "{shown}");
            for secret in ["s3cret", "pa55", "k3y", "T0", "user"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
        assert_ne!(endpoint.shown(), other.shown());
        assert_eq!(endpoint.shown(), Endpoint::shown_of("https", HOOK), "observed and desired read alike");
        assert_eq!(endpoint.reveal(), HOOK);
    }

    #[test]
    fn what_is_shown_ends_with_the_beginning_of_the_sha_256_of_the_url() {
        // printf https://a.example/x | sha256sum
        assert_eq!(Endpoint::shown_of("https", "https://a.example/x"), "https://a.example/...#39021306");
    }

    #[test]
    fn addresses_numbers_and_arns_are_shown_as_they_are() {
        for (protocol, text) in [
            (Protocol::Email, "security@example.com"),
            (Protocol::EmailJson, "a+b@mail.example.com"),
            (Protocol::Sms, "+4915112345678"),
            (Protocol::Sqs, "arn:aws:sqs:us-east-1:222222222222:siem"),
            (Protocol::Lambda, "arn:aws:lambda:us-east-1:222222222222:function:notify"),
            (Protocol::Firehose, "arn:aws:firehose:us-east-1:222222222222:deliverystream/siem"),
        ] {
            assert_eq!(Endpoint::new(protocol, text).unwrap().shown(), text);
        }
        assert_eq!(
            Endpoint::shown_of("application", "arn:aws:sns:us-east-1:1:endpoint/x"),
            "arn:aws:sns:us-east-1:1:endpoint/x"
        );
    }

    #[test]
    fn a_text_of_another_shape_is_refused_and_a_url_in_it_stays_hidden() {
        for (protocol, text) in [
            (Protocol::Email, "security@localhost"),
            (Protocol::Email, "a@b@example.com"),
            (Protocol::Email, "@example.com"),
            (Protocol::Email, HOOK),
            (Protocol::Https, "hooks.example.com/s3cret"),
            (Protocol::Https, "s3cret"),
            (Protocol::Https, "http://hooks.example.com/s3cret"),
            (Protocol::Https, "https:///s3cret"),
            (Protocol::Https, "https://s3cret host/"),
            (Protocol::Http, HOOK),
            (Protocol::Sqs, "arn:aws:sns:us-east-1:222222222222:siem"),
            (Protocol::Lambda, "arn:aws:lambda:us-east-1:222222222222:layer:x"),
            (Protocol::Sms, "015112345678"),
            (Protocol::Sms, "+049151123456"),
        ] {
            let error = Endpoint::new(protocol, text).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn every_protocol_is_found_by_its_name() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::by_name(protocol.as_str()), Some(protocol));
        }
        assert_eq!(Protocol::by_name("application"), None);
    }
}
