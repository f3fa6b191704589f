//! Drifts from when they are first seen until they are seen mended.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::record::{Record, Tokens, What, side};
use crate::model::resource::{Resource, Verdict};
use crate::model::target::TargetKey;

/// So old may be what the file says of when a drift was last seen; less would write as often as we look.
const SEEN_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Side, account and Region, as in records.
type Where = (String, String, String);

/// What is kept of a drift while it lasts. Its record holds whole documents, and during a first installation each resource
/// of each account drifts at once: so those are told once, and only what they come to is kept.
#[derive(Debug)]
struct Open {
    kind: Box<str>,
    name: Box<str>,
    token: Box<str>,
    verdict: Box<str>,
    reason: Option<Box<str>>,
    /// Of the fields that differ.
    fields: Digest,
    at: Timestamp,
    /// When it was last seen, as the record says.
    told: Option<Timestamp>,
    /// When it was last seen, which the record says only now and then.
    seen_at: Timestamp,
}

/// Tells one state of a resource from another.
type Digest = [u8; 32];

impl Open {
    /// What is kept of a record.
    fn of(record: &Record) -> Self {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        Self {
            kind: text(&record.kind),
            name: text(&record.name),
            token: record.token.as_str().into(),
            verdict: text(&record.to),
            reason: record.reason.as_deref().map(Into::into),
            fields: Sha256::digest(record.fields.as_ref().map(ToString::to_string).unwrap_or_default())
                .into(),
            at: record.at,
            told: record.until,
            seen_at: record.until.unwrap_or(record.at),
        }
    }

    fn is_about(&self, resource: &Resource) -> bool {
        *self.kind == *resource.id.kind && *self.name == *resource.id.name
    }

    /// Whether both are the same resource in the same wrong state.
    fn is_same(&self, other: &Self) -> bool {
        self.verdict == other.verdict && self.reason == other.reason && self.fields == other.fields
    }

    /// What is new about it; the rest was told with the first record.
    fn news(&self, place: &Where, ended_at: Option<Timestamp>) -> Record {
        let (side, account, region) = place.clone();
        Record {
            until: self.told,
            ended_at,
            side: Some(side),
            account: Some(account),
            region: Some(region),
            kind: Some(self.kind.to_string()),
            name: Some(self.name.to_string()),
            reason: self.reason.as_deref().map(str::to_owned),
            to: Some(self.verdict.to_string()),
            ..Record::of_token(self.token.to_string(), What::Drift, self.at)
        }
    }

    fn ended(mut self, place: &Where, at: Timestamp) -> Record {
        self.told = Some(self.seen_at);
        self.news(place, Some(at))
    }
}

/// The drifts that were not seen to end.
#[derive(Debug, Default)]
pub(super) struct Drifts(HashMap<Where, Vec<Open>>);

impl Drifts {
    /// Goes on with these.
    pub(super) fn of(open: Vec<Record>) -> Self {
        let mut drifts = Self::default();
        for record in open {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let place = (text(&record.side), text(&record.account), text(&record.region));
            drifts.0.entry(place).or_default().push(Open::of(&record));
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
        let mut before = self.0.remove(&place).unwrap_or_default();
        let mut open = Vec::with_capacity(drifted.len());
        let mut news = Vec::new();
        for resource in &drifted {
            let fresh = Record::drift(tokens, key, resource, at);
            let seen = Open::of(&fresh);
            let known =
                before.iter().position(|open| open.is_about(resource)).map(|at| before.swap_remove(at));
            match known {
                Some(mut known) if known.is_same(&seen) => {
                    known.seen_at = at;
                    if known.told.is_none_or(|told| at.duration_since(told) >= SEEN_AGAIN) {
                        known.told = Some(at);
                        news.push(known.news(&place, None));
                    }
                    open.push(known);
                }
                other => {
                    news.extend(other.map(|other| other.ended(&place, at)));
                    news.push(fresh);
                    open.push(seen);
                }
            }
        }
        // What could not be seen may still be there: neither it, nor what a look at its kind would have shown.
        let unsure: BTreeSet<&str> = resources
            .iter()
            .filter(|r| matches!(r.verdict, Verdict::Unknown | Verdict::Pending))
            .map(|r| r.id.kind)
            .collect();
        for gone in before {
            if unsure.contains(&*gone.kind) {
                open.push(gone);
            } else {
                news.push(gone.ended(&place, at));
            }
        }
        if !open.is_empty() {
            open.shrink_to_fit();
            self.0.insert(place, open);
        }
        news
    }
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
            changes: if verdict == Verdict::Drifted { [change].into() } else { [].into() },
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
