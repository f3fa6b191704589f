//! Changes behind the back of whoever looks after an installation.

mod alarms;
mod iam;
mod rules;
mod sns;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Asked, Fault, known_account};
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::simulator::carry_out;
use crate::world::World;

/// Where to change what. Things are found by `name`, or else the first one is taken whose name begins with
/// `installation`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    account: String,
    kind: Kind,
    #[serde(default = "installation")]
    installation: String,
    /// The exact name of the rule, role, bus or topic.
    name: Option<String>,
    /// The bus of a rule.
    #[serde(default = "default_bus")]
    bus: String,
    /// The endpoint of a subscription.
    endpoint: Option<String>,
    region: Option<String>,
}

fn installation() -> String {
    "orgwatch".to_owned()
}

fn default_bus() -> String {
    "default".to_owned()
}

/// What is changed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// A rule is disabled.
    RuleDisabled,
    /// A rule and its targets are gone.
    RuleDeleted,
    /// A rule matches something else.
    RulePattern,
    /// A rule has no targets.
    TargetsRemoved,
    /// A rule has one target more, which is somebody else's.
    TargetAdded,
    /// A rule has no tags.
    TagsRemoved,
    /// A role is gone.
    RoleDeleted,
    /// A role's trust has lost its conditions.
    RoleTrust,
    /// A role may put events on any bus.
    RolePolicy,
    /// A bus has no policy.
    BusPolicyRemoved,
    /// A bus lets everybody in.
    BusPolicyOpened,
    /// A topic's policy admits its owner alone.
    TopicPolicy,
    /// A topic has lost a subscription.
    SubscriptionRemoved,
    /// A metric filter counts something else.
    MetricFilterPattern,
    /// A metric filter is gone.
    MetricFilterDeleted,
    /// An alarm tells nobody any more, though whom it would tell is still there.
    AlarmDisabled,
    /// An alarm has nobody to tell.
    AlarmActionsRemoved,
    /// An alarm looks at another period.
    AlarmPeriod,
}

/// Applies a drift by the calls that somebody with every right in the account would make: the journal and CloudTrail
/// know of them. Faults and quotas do not concern them.
pub(super) fn apply(world: &mut World, asked: &Asked<'_>) -> Answer {
    let request: Request = asked.body()?;
    known_account(world, &request.account)?;
    let region = request.region.clone().unwrap_or_else(|| world.partition.iam_region.to_owned());
    let partition = world.partition.name;
    let lag = world.lags.read;
    // Whoever changes things looks until they see them.
    world.lags.read = SignedDuration::ZERO;
    let before = world.journal.last();
    let mut ask = |service: Service, operation: &str, input: Map<String, Value>| {
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            region: region.clone(),
            caller: Caller {
                account: request.account.clone(),
                principal: Principal::Administrator,
                access_key: "admin".to_owned(),
            },
            request_id: world.uuid(),
            at: world.now(),
        };
        carry_out(world, &Arc::new(call))
    };
    let mut scene = Scene { request: &request, partition, ask: &mut ask };
    let changed = scene.play();
    world.lags.read = lag;
    let changed = changed?;
    Ok(json!({ "changed": changed, "calls": world.journal.last() - before }))
}

/// Makes a call.
type Ask<'a> = dyn FnMut(Service, &str, Map<String, Value>) -> Result<Value, Refusal> + 'a;

/// An account, and the hands that change something in it.
struct Scene<'a> {
    request: &'a Request,
    partition: &'a str,
    ask: &'a mut Ask<'a>,
}

impl Scene<'_> {
    /// What was changed, by name or ARN.
    fn play(&mut self) -> Result<String, Fault> {
        match self.request.kind {
            Kind::RuleDisabled => self.disable_rule(),
            Kind::RuleDeleted => self.delete_rule(),
            Kind::RulePattern => self.change_pattern(),
            Kind::TargetsRemoved => self.remove_targets(),
            Kind::TargetAdded => self.add_target(),
            Kind::TagsRemoved => self.remove_tags(),
            Kind::RoleDeleted => self.delete_role(),
            Kind::RoleTrust => self.open_trust(),
            Kind::RolePolicy => self.open_role_policies(),
            Kind::BusPolicyRemoved => self.remove_bus_policy(),
            Kind::BusPolicyOpened => self.open_bus_policy(),
            Kind::TopicPolicy => self.close_topic(),
            Kind::SubscriptionRemoved => self.remove_subscription(),
            Kind::MetricFilterPattern => self.change_filter(),
            Kind::MetricFilterDeleted => self.delete_filter(),
            Kind::AlarmDisabled => self.disable_alarm(),
            Kind::AlarmActionsRemoved => self.change_alarm(|alarm| alarm["AlarmActions"] = json!([])),
            Kind::AlarmPeriod => self.change_alarm(|alarm| alarm["Period"] = json!(60)),
        }
    }

    fn ask(&mut self, service: Service, operation: &str, input: Value) -> Result<Value, Refusal> {
        let Value::Object(input) = input else { return Err(Refusal::invalid(service, "no input")) };
        (self.ask)(service, operation, input)
    }

    /// All items of a list that comes in pages: the token comes in the answer's field `token`, and goes into the next
    /// call's field `resume`.
    fn pages(
        &mut self,
        service: Service,
        operation: &str,
        mut input: Value,
        items: &str,
        (token, resume): (&str, &str),
    ) -> Result<Vec<Value>, Refusal> {
        let mut all = Vec::new();
        loop {
            let mut page = self.ask(service, operation, input.clone())?;
            if let Some(Value::Array(found)) = page.get_mut(items).map(Value::take) {
                all.extend(found);
            }
            match page.get_mut(token).map(Value::take) {
                Some(next @ Value::String(_)) => input[resume] = next,
                _ => return Ok(all),
            }
        }
    }

    /// The name that was asked for, or the first one of the installation.
    fn first<'n>(&self, what: &str, names: impl Iterator<Item = &'n str>) -> Result<String, Fault> {
        let wanted = |name: &&str| match &self.request.name {
            Some(wanted) => wanted == name,
            None => name.starts_with(&self.request.installation),
        };
        let found = names.filter(wanted).min().map(str::to_owned);
        found.ok_or_else(|| {
            let name = self.request.name.as_ref().unwrap_or(&self.request.installation);
            Fault::absent(format!("account {} has no {what} {name}", self.request.account))
        })
    }
}

/// A text of an answer; empty if it is not there.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
