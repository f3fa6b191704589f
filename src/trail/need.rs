//! What the watches of an account wait for. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Need;
use crate::model::ids::Region;
use crate::world::Watch;

impl Need {
    /// What these watches, each with its Region, wait for where `home` is looked at; none where they wait for nothing
    /// that CloudTrail tells.
    pub fn of<'a>(home: &Region, watches: impl Iterator<Item = (&'a Region, &'a Watch)>) -> Option<Self> {
        let mut need =
            Self { region: home.clone(), sources: BTreeSet::new(), reads: false, elsewhere: false };
        for (region, watch) in watches.filter(|(_, watch)| waits_for_cloudtrail(&watch.pattern)) {
            need.sources.extend(sources(&watch.pattern));
            need.reads |= watch.read_events;
            need.elsewhere |= region != home;
        }
        (!need.sources.is_empty()).then_some(need)
    }
}

/// A pattern and the alternatives in it.
fn parts(pattern: &Value) -> Vec<&Value> {
    let arms = pattern.get("$or").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(pattern).chain(arms.flat_map(parts)).collect()
}

/// Whether a pattern admits events of CloudTrail: it does unless it names other detail-types alone.
fn waits_for_cloudtrail(pattern: &Value) -> bool {
    let kinds: Vec<&Value> = parts(pattern)
        .into_iter()
        .filter_map(|part| part.get("detail-type").and_then(Value::as_array))
        .flatten()
        .collect();
    kinds.is_empty() || kinds.iter().any(|kind| kind.as_str().is_none_or(|k| k.contains("CloudTrail")))
}

/// The event sources of a pattern, by CloudTrail's names. Of one that names none exactly, IAM's stands for all.
fn sources(pattern: &Value) -> BTreeSet<String> {
    let named = parts(pattern).into_iter().filter_map(|part| part.get("source").and_then(Value::as_array));
    let named = named.flatten().filter_map(|source| source.as_str()?.strip_prefix("aws."));
    let mut sources: BTreeSet<String> = named.map(|name| format!("{name}.amazonaws.com")).collect();
    if sources.is_empty() {
        sources.insert("iam.amazonaws.com".to_owned());
    }
    sources
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn region(code: &str) -> Region {
        code.parse().unwrap()
    }

    fn watch(pattern: Value, read_events: bool) -> Watch {
        Watch { name: "w".to_owned(), pattern, read_events, contained_in: Vec::new() }
    }

    #[test]
    fn a_watch_of_cloudtrails_events_needs_a_trail_and_others_need_none() {
        let home = region("us-east-1");
        let iam = watch(json!({ "source": ["aws.iam"] }), false);
        let health = watch(json!({ "source": ["aws.health"], "detail-type": ["AWS Health Event"] }), false);
        assert_eq!(Need::of(&home, [(&home, &health)].into_iter()), None);
        let need = Need::of(&home, [(&home, &iam), (&home, &health)].into_iter()).unwrap();
        assert_eq!(need.sources, BTreeSet::from(["iam.amazonaws.com".to_owned()]));
        assert!(!need.reads && !need.elsewhere);
        let other = region("eu-west-1");
        let s3 = watch(json!({ "source": ["aws.s3"], "detail-type": ["AWS API Call via CloudTrail"] }), true);
        let need = Need::of(&home, [(&home, &iam), (&other, &s3)].into_iter()).unwrap();
        assert!(need.reads && need.elsewhere && need.sources.contains("s3.amazonaws.com"));
        // As a compiled pattern has it.
        let arms = json!({ "$or": [{ "source": ["aws.kms"] }, { "source": ["other"] }] });
        let need = Need::of(&home, [(&home, &watch(arms, false))].into_iter()).unwrap();
        assert_eq!(need.sources, BTreeSet::from(["kms.amazonaws.com".to_owned()]));
    }
}
