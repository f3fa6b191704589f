//! Whom a lost event should have reached, and the message that they get late.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::render::{Known, render};
use super::{Holds, Letter};
use crate::model::call::RuleTarget;
use crate::pattern::matching::Matcher;

/// The longest subject that SNS takes, in characters.
const LONGEST_SUBJECT: usize = 100;

/// A rule of the central bus, as the desired state has it.
#[derive(Debug, Deserialize)]
struct AlertRule {
    pattern: Value,
    state: String,
    targets: BTreeMap<String, RuleTarget>,
}

/// A message that is published late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The topic.
    pub topic_arn: String,
    /// The subject of mails.
    pub subject: String,
    /// The message, in the format of the alert, under a heading that says that it is delayed.
    pub message: String,
}

/// What to do with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Publish these, then remove it.
    Publish(Vec<Late>),
    /// Remove it: nobody should hear of it.
    Remove,
    /// Leave it, and why.
    Leave(&'static str),
}

/// The rules that deliver alerts, made ready for many letters.
#[derive(Debug)]
pub struct Alerts {
    rules: BTreeMap<String, (AlertRule, Matcher)>,
    /// The bus that they are on.
    bus: String,
    /// What stands before the names of rules in their ARNs.
    prefix: String,
    /// The rule that members' guards are for, and the name of those.
    guard: Option<(String, String)>,
}

impl Alerts {
    /// The rules of the central bus by name, as the kind `alert_rule` wants them. Those that tell people nothing (they send
    /// to a queue, are disabled, or deliver orgwatch's own events) take part in nothing here.
    ///
    /// `guard`: the rule that tells of tampering, and the name of the rules of members that send to it.
    pub fn new(
        rules: BTreeMap<String, Value>,
        bus: &str,
        prefix: &str,
        guard: Option<(String, String)>,
    ) -> Self {
        let told = |(name, rule): (String, Value)| {
            let rule: AlertRule = serde_json::from_value(rule).ok()?;
            let people = rule.targets.values().all(|target| target.arn.split(':').nth(2) == Some("sns"));
            let matcher = Matcher::of(&rule.pattern).ok()?;
            (people && rule.state != "DISABLED").then_some((name, (rule, matcher)))
        };
        Self {
            rules: rules.into_iter().filter_map(told).collect(),
            bus: bus.to_owned(),
            prefix: prefix.to_owned(),
            guard,
        }
    }

    /// What to do with a letter. One that was lost on its way to a topic is for that topic alone: the others got it.
    pub fn todo(&self, letter: &Letter) -> Todo {
        let event = match (letter.holds(), &letter.event) {
            (Holds::Own, _) => return Todo::Remove,
            (Holds::Event, Some(event)) => event,
            _ => return Todo::Leave("it holds no event"),
        };
        let central = letter.rule.bus.as_deref() == Some(self.bus.as_str());
        // What a member's guard lost was for the alert about tampering alone, and what others lost was not: each sends its own
        // copy of an event that concerns both.
        let meant = |name: &String| match &self.guard {
            _ if central => *name == letter.rule.name,
            Some((tamper, guard)) => (name == tamper) == (letter.rule.name == *guard),
            None => true,
        };
        let mut late = Vec::new();
        for (name, (rule, matcher)) in self.rules.iter().filter(|(name, _)| meant(name)) {
            // A rule that lost it has matched it, whatever its pattern is by now.
            if central || matcher.verdict(event).is_ok() {
                let known = Known { rule_arn: &format!("{}{name}", self.prefix), rule_name: name };
                late.extend(rule.targets.values().map(|target| Late {
                    topic_arn: target.arn.clone(),
                    subject: subject(event),
                    message: headed(render(event, target.transformer.as_ref(), &known), target, letter),
                }));
            }
        }
        if !late.is_empty() {
            Todo::Publish(late)
        } else if central {
            Todo::Leave("its rule is no alert any more")
        } else {
            Todo::Leave("no alert is for it")
        }
    }
}

/// AWS: one line of printable ASCII.
fn subject(event: &Value) -> String {
    let what = event["detail"]["eventName"].as_str().or(event["detail-type"].as_str()).unwrap_or("event");
    let account = event["account"].as_str().unwrap_or_default();
    format!("Delayed: {what} in account {account}")
        .chars()
        .filter(|c| c.is_ascii() && !c.is_ascii_control())
        .take(LONGEST_SUBJECT)
        .collect()
}

/// The message under its heading. JSON stays JSON: a program that reads it finds one field more, a chat another title, and
/// the event itself is left as it is, so that filters on it hold.
fn headed(message: String, target: &RuleTarget, letter: &Letter) -> String {
    let error = if letter.error.is_empty() { "no reason given" } else { &letter.error };
    if target.transformer.is_none() {
        return message;
    }
    if let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(&message) {
        match fields.get_mut("content").and_then(|content| content.get_mut("title")) {
            Some(Value::String(title)) => title.insert_str(0, "DELAYED: "),
            _ => {
                fields.insert("delayed".to_owned(), json!({ "error": error }));
            }
        }
        return Value::Object(fields).to_string();
    }
    let when = letter.at.map(|at| format!("This happened at {at:.0}. ")).unwrap_or_default();
    let heading = format!("DELAYED. {when}It could not be delivered then ({error}) and is delivered now.");
    format!("{heading}\n\n{message}")
}
