//! Drifts from when they are first seen until they are seen mended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::record::{Record, Tokens, side};
use crate::model::resource::{Resource, Verdict};
use crate::model::target::TargetKey;

/// So old may be what the file says of when a drift was last seen; less would write as often as we look.
const SEEN_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Kind and name.
type Id = (String, String);
/// Side, account and Region, as in records.
type Where = (String, String, String);

#[derive(Debug)]
struct Open {
    record: Record,
    /// When it was last seen, which the record says only now and then.
    seen_at: Timestamp,
}

/// The drifts that were not seen to end.
#[derive(Debug, Default)]
pub(super) struct Drifts(HashMap<Where, BTreeMap<Id, Open>>);

impl Drifts {
    /// Goes on with these.
    pub(super) fn of(open: Vec<Record>) -> Self {
        let mut drifts = Self::default();
        for record in open {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let place = (text(&record.side), text(&record.account), text(&record.region));
            let id = (text(&record.kind), text(&record.name));
            let seen_at = record.until.unwrap_or(record.at);
            drifts.0.entry(place).or_default().insert(id, Open { record, seen_at });
        }
        drifts
    }

    /// What is new after a look at a target.
    pub(super) fn observed(
        &mut self,
        tokens: &Tokens,
        key: &TargetKey,
        resources: &[Resource],
        at: Timestamp,
    ) -> Vec<Record> {
        let place = (side(key.side).to_owned(), key.account.to_string(), key.region.to_string());
        let is_drift =
            |r: &&Resource| matches!(r.verdict, Verdict::Drifted | Verdict::Orphan | Verdict::Foreign);
        let drifted: Vec<&Resource> = resources.iter().filter(is_drift).collect();
        if drifted.is_empty() && !self.0.contains_key(&place) {
            return Vec::new();
        }
        let open = self.0.entry(place.clone()).or_default();
        let mut news = Vec::new();
        for resource in &drifted {
            let id = (resource.id.kind.to_owned(), resource.id.name.clone());
            let fresh = Record::drift(tokens, key, resource, at);
            match open.get_mut(&id) {
                Some(Open { record, seen_at }) if is_same(record, &fresh) => {
                    *seen_at = at;
                    if record.until.is_none_or(|told| at.duration_since(told) >= SEEN_AGAIN) {
                        record.until = Some(at);
                        news.push(record.clone());
                    }
                }
                before => {
                    news.extend(before.map(|open| ended(open, at)));
                    news.push(fresh.clone());
                    open.insert(id, Open { record: fresh, seen_at: at });
                }
            }
        }
        // What could not be seen may still be there: neither it, nor what a look at its kind would have shown.
        let unsure: BTreeSet<&str> = resources
            .iter()
            .filter(|r| matches!(r.verdict, Verdict::Unknown | Verdict::Pending))
            .map(|r| r.id.kind)
            .collect();
        let is_over = |id: &Id| {
            !unsure.contains(id.0.as_str()) && !drifted.iter().any(|r| r.id.kind == id.0 && r.id.name == id.1)
        };
        open.retain(|id, open| {
            let over = is_over(id);
            if over {
                news.push(ended(open, at));
            }
            !over
        });
        if open.is_empty() {
            self.0.remove(&place);
        }
        news
    }
}

fn ended(open: &mut Open, at: Timestamp) -> Record {
    open.record.until = Some(open.seen_at);
    open.record.ended_at = Some(at);
    open.record.clone()
}

/// Whether both are the same resource in the same wrong state.
fn is_same(a: &Record, b: &Record) -> bool {
    a.to == b.to && a.reason == b.reason && a.fields == b.fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::{FieldChange, ResourceId};
    use crate::model::target::Side;
    use serde_json::Value;

    fn key() -> TargetKey {
        TargetKey {
            side: Side::Member,
            account: "333333333333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn rule(verdict: Verdict, observed: &str) -> Resource {
        let change = FieldChange {
            path: "state".to_owned(),
            desired: Value::from("ENABLED").into(),
            observed: Value::from(observed).into(),
        };
        Resource {
            id: ResourceId { kind: "sender_rule", name: "orgwatch-iam-changes".to_owned() },
            verdict,
            reason: None,
            changes: if verdict == Verdict::Drifted { vec![change] } else { Vec::new() },
            error: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_drift_has_a_beginning_is_seen_again_and_ends() {
        let (tokens, mut drifts) = (Tokens::new(), Drifts::default());
        let mut look =
            |verdict, second| drifts.observed(&tokens, &key(), &[rule(verdict, "DISABLED")], at(second));
        assert!(look(Verdict::InSync, 0).is_empty());
        let first = look(Verdict::Drifted, 10);
        assert_eq!((first.len(), first[0].at, first[0].ended_at), (1, at(10), None));
        assert!(look(Verdict::Drifted, 20).is_empty(), "told a moment ago");
        let again = look(Verdict::Drifted, 80);
        assert_eq!((again[0].token.as_str(), again[0].until), (first[0].token.as_str(), Some(at(80))));
        assert!(look(Verdict::Unknown, 90).is_empty(), "not seen is not mended");
        assert!(look(Verdict::Pending, 91).is_empty(), "written and not read back is not mended");
        assert!(look(Verdict::Drifted, 95).is_empty());
        let end = look(Verdict::InSync, 100);
        assert_eq!((end[0].token.as_str(), end[0].until), (first[0].token.as_str(), Some(at(95))));
        assert_eq!(end[0].ended_at, Some(at(100)));
        assert!(look(Verdict::InSync, 110).is_empty());
    }

    #[test]
    fn another_difference_is_another_drift() {
        let (tokens, mut drifts) = (Tokens::new(), Drifts::default());
        let first = drifts.observed(&tokens, &key(), &[rule(Verdict::Drifted, "DISABLED")], at(0));
        let both = drifts.observed(&tokens, &key(), &[rule(Verdict::Drifted, "GONE")], at(5));
        assert_eq!(both.len(), 2);
        assert_eq!((both[0].token.as_str(), both[0].ended_at), (first[0].token.as_str(), Some(at(5))));
        assert_ne!(both[1].token, first[0].token);
    }

    #[test]
    fn what_a_former_process_saw_first_goes_on() {
        let (tokens, mut drifts) = (Tokens::new(), Drifts::default());
        let first = drifts.observed(&tokens, &key(), &[rule(Verdict::Drifted, "DISABLED")], at(0));
        let mut later = Drifts::of(first.clone());
        let again = later.observed(&Tokens::new(), &key(), &[rule(Verdict::Drifted, "DISABLED")], at(3600));
        assert_eq!((again[0].token.as_str(), again[0].at), (first[0].token.as_str(), at(0)));
        let end = later.observed(&tokens, &key(), &[], at(3700));
        assert_eq!(end[0].ended_at, Some(at(3700)), "a resource that is gone drifts no more");
    }
}
