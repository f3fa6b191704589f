//! Gathers what there is to tell, so that at most one event of a type goes out in a minute, whatever happens. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Item, Kind};

/// From one event of a type to the next.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// So many are told in full; of more people get the number.
const EXAMPLES: usize = 5;
/// The longest text of one, in characters.
const LONGEST: usize = 400;

/// What is told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The type.
    pub kind: Kind,
    /// How many.
    pub count: u64,
    /// When the first of them happened.
    pub since: Timestamp,
    /// The first of them.
    pub examples: Vec<String>,
}

impl Bundle {
    /// The detail of the event.
    ///
    /// EventBridge puts texts between the quotes of a message as they are, so none holds a quote or a backslash.
    pub fn detail(&self, installation: &str) -> Value {
        let more = usize::try_from(self.count).unwrap_or(usize::MAX).saturating_sub(self.examples.len());
        let mut examples = self.examples.join(" | ");
        if more > 0 {
            examples = format!("{examples} | and {more} more");
        }
        json!({
            "type": self.kind,
            "installation": installation,
            "count": self.count,
            "since": self.since,
            "message": self.kind.said(self.count),
            "examples": examples,
        })
    }
}

/// What waits to be told. Bounded by the types.
#[derive(Debug, Default)]
pub struct Digest {
    waiting: BTreeMap<Kind, Bundle>,
    told_at: BTreeMap<Kind, Timestamp>,
}

impl Digest {
    /// One more thing to tell.
    pub fn add(&mut self, item: &Item, now: Timestamp) {
        let bundle = self.waiting.entry(item.kind).or_insert_with(|| Bundle {
            kind: item.kind,
            count: 0,
            since: now,
            examples: Vec::new(),
        });
        bundle.count += 1;
        if bundle.examples.len() < EXAMPLES {
            let plain = |c: char| if matches!(c, '"' | '\\') { '\'' } else { c };
            let text = item.message.chars().filter(|c| !c.is_control()).map(plain).take(LONGEST).collect();
            bundle.examples.push(text);
        }
    }

    /// Takes what may be told now.
    pub fn due(&mut self, now: Timestamp) -> Vec<Bundle> {
        let may = |kind: &Kind| self.told_at.get(kind).is_none_or(|at| now.duration_since(*at) >= EVERY);
        let kinds: Vec<Kind> = self.waiting.keys().copied().filter(may).collect();
        kinds
            .into_iter()
            .filter_map(|kind| {
                self.told_at.insert(kind, now);
                self.waiting.remove(&kind)
            })
            .collect()
    }

    /// Takes back what could not be told; it goes out with the next of its type.
    pub fn give_back(&mut self, bundle: Bundle) {
        let Some(later) = self.waiting.remove(&bundle.kind) else {
            self.waiting.insert(bundle.kind, bundle);
            return;
        };
        let examples = bundle.examples.into_iter().chain(later.examples).take(EXAMPLES).collect();
        let count = bundle.count.saturating_add(later.count);
        self.waiting.insert(later.kind, Bundle { count, examples, since: bundle.since, kind: later.kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::at;

    fn item(kind: Kind, n: usize) -> Item {
        Item::new(kind, format!("number \"{n}\"\n"))
    }

    #[test]
    fn a_type_is_told_once_a_minute_with_the_number_of_what_happened_meanwhile() {
        let mut digest = Digest::default();
        digest.add(&item(Kind::DriftFound, 0), at(0));
        assert_eq!(digest.due(at(0)).len(), 1);
        for n in 0..1_000 {
            digest.add(&item(Kind::DriftFound, n), at(1));
        }
        digest.add(&item(Kind::HoldOpened, 7), at(2));
        let due = digest.due(at(59));
        assert_eq!(due.iter().map(|bundle| bundle.kind).collect::<Vec<_>>(), [Kind::HoldOpened]);
        let due = digest.due(at(60));
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].count, due[0].since, due[0].examples.len()), (1_000, at(1), EXAMPLES));
        assert_eq!(
            due[0].detail("orgwatch")["examples"],
            "number '0' | number '1' | number '2' | number '3' | number '4' | and 995 more"
        );
        assert_eq!(due[0].detail("orgwatch")["message"], "1000 resources are not as they should be");
        assert!(digest.due(at(1_000)).is_empty());
    }

    #[test]
    fn what_could_not_be_told_is_told_with_the_next() {
        let mut digest = Digest::default();
        digest.add(&item(Kind::DriftFound, 1), at(0));
        let taken = digest.due(at(0)).remove(0);
        digest.add(&item(Kind::DriftFound, 2), at(5));
        digest.give_back(taken);
        assert!(digest.due(at(30)).is_empty());
        let due = digest.due(at(60)).remove(0);
        assert_eq!(
            (due.count, due.since, due.examples),
            (2, at(0), vec!["number '1'".into(), "number '2'".into()])
        );
    }
}
