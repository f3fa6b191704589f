//! Amazon Resource Names, split.

/// An ARN in its parts, `arn:<partition>:<service>:<region>:<account>:<resource>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The partition.
    pub partition: &'a str,
    /// The service.
    pub service: &'a str,
    /// The Region; empty for global services.
    pub region: &'a str,
    /// The account; empty for resources without one.
    pub account: &'a str,
    /// The rest, colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` when the text is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let mut part = || parts.next();
        let arn = Self {
            partition: part()?,
            service: part()?,
            region: part()?,
            account: part()?,
            resource: part()?,
        };
        (!arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }

    /// The name of the event bus that the ARN names, if it names one.
    pub fn bus(&self) -> Option<&'a str> {
        if self.service != "events" {
            return None;
        }
        self.resource.strip_prefix("event-bus/").filter(|name| !name.is_empty())
    }

    /// The bus and the name of the rule that the ARN names, if it names one.
    pub fn rule(&self) -> Option<(&'a str, &'a str)> {
        if self.service != "events" {
            return None;
        }
        let path = self.resource.strip_prefix("rule/")?;
        // A partner bus's name has slashes, a rule's never.
        Some(path.rsplit_once('/').unwrap_or((super::DEFAULT_BUS, path)))
    }
}
