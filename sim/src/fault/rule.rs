//! One rule of what goes wrong: which calls, when, and what befalls them.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::latency::Distribution;
use super::span::Span;
use super::{Decision, wording};
use crate::call::{Call, Principal, Refusal, Service};
use crate::simulator::Transport;

/// A rule. What it does not name, it does not ask about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name; one is made up for a rule without.
    #[serde(default)]
    pub id: String,
    /// The service's prefix of IAM actions, e.g. `events`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The operation; a `*` at the end stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The caller's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account of the role that is asked for (`RoleArn`), for faults of AssumeRole into one account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The Region that the call was signed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The name of the caller's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How likely it fires at a call that it matches.
    #[serde(default = "always")]
    pub probability: f64,
    /// So many calls that it matches are spared first.
    #[serde(default)]
    pub after: u64,
    /// It fires no more often than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// It begins so long after it was set, in the simulated world's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Span>,
    /// It ends so long after it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// What befalls the call.
    pub action: Action,
}

fn always() -> f64 {
    1.0
}

/// What befalls a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// It is refused with this.
    Error {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// The error code.
        code: String,
        /// What is said about it.
        #[serde(default)]
        message: String,
    },
    /// It is refused as too fast, in the service's own words.
    Throttle,
    /// It is refused for lack of permission, in the service's own words.
    Denied,
    /// It takes longer. Unlike all others this one adds to what other rules do.
    Delay(Distribution),
    /// It has no effect and is never answered.
    Timeout,
    /// It has no effect, and the connection is reset.
    Reset,
    /// It takes effect, and the connection is reset before the answer.
    LostAnswer,
    /// It takes effect, and the answer breaks off.
    Truncated,
    /// It fails for a reason of the service's own.
    ServerError {
        /// The HTTP status, 500 to 599.
        #[serde(default = "internal")]
        status: u16,
    },
}

fn internal() -> u16 {
    500
}

impl Rule {
    /// A rule that does this to every call.
    pub fn new(action: Action) -> Self {
        Self {
            id: String::new(),
            service: None,
            operation: None,
            account: None,
            target: None,
            region: None,
            role: None,
            probability: always(),
            after: 0,
            times: None,
            from: None,
            until: None,
            action,
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!("probability is {}, not within 0 and 1", self.probability));
        }
        if let Some(service) = &self.service
            && !SERVICES.iter().any(|known| known.prefix() == service)
        {
            return Err(format!("{service} is no service that is simulated"));
        }
        match &self.action {
            Action::Error { status, .. } if !(400..600).contains(status) => {
                Err(format!("{status} is no status of an error"))
            }
            Action::ServerError { status } if !(500..600).contains(status) => {
                Err(format!("{status} is no status of a server's error"))
            }
            Action::Delay(distribution) => distribution.check(),
            _ => Ok(()),
        }
    }

    fn matches(&self, call: &Call) -> bool {
        let is =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
        is(&self.service, call.service.prefix())
            && self.operation.as_deref().is_none_or(|wanted| fits(wanted, &call.operation))
            && is(&self.account, &call.caller.account)
            && is(&self.region, &call.region)
            && self.role.as_deref().is_none_or(|wanted| role_of(call) == Some(wanted))
            && self.target.as_deref().is_none_or(|wanted| target_of(call) == Some(wanted))
    }
}

/// All services.
const SERVICES: [Service; 11] = [
    Service::Account,
    Service::CloudTrail,
    Service::CloudWatch,
    Service::Events,
    Service::Iam,
    Service::Kms,
    Service::Logs,
    Service::Organizations,
    Service::Sns,
    Service::Sqs,
    Service::Sts,
];

/// Whether a name is the wanted one, or begins as it does when it ends with `*`.
pub(crate) fn fits(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == wanted,
    }
}

fn role_of(call: &Call) -> Option<&str> {
    match &call.caller.principal {
        Principal::Administrator => None,
        Principal::Session(session) => Some(&session.role_name),
    }
}

fn target_of(call: &Call) -> Option<&str> {
    call.text("RoleArn")?.split(':').nth(4)
}

/// A rule in force, and what has come of it.
#[derive(Clone, Debug, Serialize)]
pub struct Armed {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// When it was set.
    pub set_at: Timestamp,
    /// How many calls it matched in its time.
    pub matched: u64,
    /// How often it fired.
    pub fired: u64,
}

impl Armed {
    pub(super) fn new(rule: Rule, now: Timestamp) -> Self {
        Self { rule, set_at: now, matched: 0, fired: 0 }
    }

    pub(super) fn only_delays(&self) -> bool {
        matches!(self.rule.action, Action::Delay(_))
    }

    /// Whether it fires at this call; counts.
    pub(super) fn fires(&mut self, call: &Call, rng: &mut StdRng) -> bool {
        let Rule { probability, after, times, from, until, .. } = self.rule;
        if times.is_some_and(|times| self.fired >= times) || !self.rule.matches(call) {
            return false;
        }
        let age = call.at.duration_since(self.set_at);
        let reached = |span: Option<Span>| span.map(|span| age >= span.signed());
        if reached(from) == Some(false) || reached(until) == Some(true) || age < SignedDuration::ZERO {
            return false;
        }
        self.matched += 1;
        let fires = self.matched > after && (probability >= 1.0 || rng.random::<f64>() < probability);
        self.fired += u64::from(fires);
        fires
    }

    pub(super) fn befall(&self, call: &Call, rng: &mut StdRng, decision: &mut Decision) {
        match &self.rule.action {
            Action::Delay(distribution) => decision.delay += distribution.draw(rng),
            Action::Error { status, code, message } => {
                decision.refusal = Some(Refusal::new(*status, code, message));
            }
            Action::Denied => decision.refusal = Some(wording::denied(call)),
            Action::Throttle => decision.vanish(wording::throttled(call.service), Transport::Whole),
            Action::ServerError { status } => {
                decision.vanish(wording::failed(call.service, *status), Transport::Whole);
            }
            Action::Timeout => decision.vanish(wording::unreached("Timeout"), Transport::Silent),
            Action::Reset => decision.vanish(wording::unreached("Reset"), Transport::Reset),
            Action::LostAnswer => decision.transport = Transport::Reset,
            Action::Truncated => decision.transport = Transport::Truncated,
        }
    }
}
