//! Canaries: harmless events sent through a member's own sender rule, whose return proves the member's half of the path.
//! Pure: what is due, what was sent, what came back, what is missing.

pub mod ledger;
pub mod tally;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::target::TargetKey;

/// The source of a canary's event. The member role may put events of no other source.
pub const SOURCE: &str = "orgwatch.canary";

/// The detail type of a canary's event.
pub const DETAIL_TYPE: &str = "orgwatch canary";

/// What a canary carries, and nobody can know who did not see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// A nonce of 128 bits of chance.
    pub fn new(chance: u128) -> Self {
        Self(format!("{chance:032x}"))
    }

    /// Reads what an event carries; none for what cannot be a nonce of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let spelled = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(spelled)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a canary proves: one sender rule of one account in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// Where the rule is.
    pub target: TargetKey,
    /// Its name.
    pub rule: String,
}

/// The part of a sender rule's pattern that takes the rule's own canaries and nothing else.
pub fn arm(rule: &str) -> Value {
    json!({ "source": [SOURCE], "detail": { "rule": [rule] } })
}

/// The rule of the central bus that hands canaries to the inbox, without the installation's name.
pub const RULE: &str = "canary";

/// The detail of a canary's event.
pub fn detail(route: &Route, nonce: &Nonce) -> Value {
    json!({ "rule": route.rule, "nonce": nonce })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::matching::Matcher;

    #[test]
    fn a_rule_takes_its_own_canaries_beside_what_it_forwards_and_no_others() {
        let watch = json!({ "source": ["aws.iam"], "detail": { "eventName": [{ "prefix": "Create" }] } });
        let matcher = Matcher::of(&crate::compile::sender(&watch, "orgwatch-a", true)).unwrap();
        let takes = |source: &str, detail: Value| {
            matcher.verdict(&json!({ "source": source, "detail": detail })).is_ok()
        };
        assert!(takes("aws.iam", json!({ "eventName": "CreateUser" })));
        assert!(takes(SOURCE, json!({ "rule": "orgwatch-a", "nonce": "x" })));
        assert!(!takes(SOURCE, json!({ "rule": "orgwatch-b", "nonce": "x" })));
        assert!(!takes(SOURCE, json!({ "eventName": "CreateUser" })));
        assert!(!takes("aws.iam", json!({ "rule": "orgwatch-a" })));
        assert!(!takes("orgwatch.drill", json!({ "rule": "orgwatch-a" })));
    }
}
