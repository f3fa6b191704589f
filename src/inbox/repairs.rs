//! From tampering to its repair: what was noticed, and when it was seen to be undone. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Tampering;
use super::notice::{Notice, TamperRepaired};
use crate::model::target::TargetKey;

/// So many deeds are told apart in one target; of more only the first ones are.
const MOST: usize = 16;

/// A deed that may have to be undone.
#[derive(Clone, Debug)]
struct Open {
    call: String,
    actor: String,
    at: Timestamp,
    noticed_at: Timestamp,
    /// Whether something was written since.
    written: bool,
}

/// What a pass over a target came to, as far as this is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// When it began to look.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it wrote anything.
    pub written: bool,
    /// Whether everything was as desired.
    pub in_sync: bool,
}

/// Deeds that wait for their undoing, by target. Bounded by the targets.
#[derive(Debug, Default)]
pub struct Repairs {
    open: BTreeMap<TargetKey, Vec<Open>>,
    /// Targets whose guard is not in place, with when it last was.
    blind: BTreeMap<TargetKey, Timestamp>,
}

impl Repairs {
    /// Somebody did something in a target.
    pub fn noticed(&mut self, key: &TargetKey, tampering: &Tampering, now: Timestamp) {
        let open = self.open.entry(key.clone()).or_default();
        if open.len() < MOST {
            open.push(Open {
                call: format!("{}:{}", tampering.service, tampering.operation),
                actor: tampering.actor.clone(),
                at: tampering.at,
                noticed_at: now,
                written: false,
            });
        }
    }

    /// A pass ended; answers what is undone by now.
    pub fn passed(&mut self, key: &TargetKey, pass: Ended) -> Vec<Notice> {
        let Some(open) = self.open.get_mut(key) else { return Vec::new() };
        let mut undone = Vec::new();
        open.retain_mut(|deed| {
            // What a pass saw that began before the deed was known says nothing about it.
            if pass.began < deed.noticed_at {
                deed.written |= pass.written;
                return true;
            }
            if pass.written || !pass.in_sync {
                deed.written |= pass.written;
                return true;
            }
            if deed.written {
                undone.push(Notice::TamperRepaired(TamperRepaired {
                    target: key.clone(),
                    call: deed.call.clone(),
                    actor: deed.actor.clone(),
                    at: deed.at,
                    noticed_at: deed.noticed_at,
                    repaired_at: pass.ended,
                    seconds: pass.ended.duration_since(deed.at).as_secs_f64().max(0.0),
                }));
            }
            false
        });
        if open.is_empty() {
            self.open.remove(key);
        }
        undone
    }

    /// Whether the guard of a target was seen in place; answers for how long it was not.
    pub fn guard(
        &mut self,
        key: &TargetKey,
        in_place: bool,
        last_seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Notice> {
        if in_place {
            let since = self.blind.remove(key)?;
            return Some(Notice::GuardWasBlind { target: key.clone(), since, until: now });
        }
        // Before the first installation there was nothing to be blind.
        if let Some(last_seen) = last_seen {
            self.blind.entry(key.clone()).or_insert(last_seen);
        }
        None
    }

    /// Forgets targets that are no longer wanted.
    pub fn retain(&mut self, wanted: impl Fn(&TargetKey) -> bool) {
        self.open.retain(|key, _| wanted(key));
        self.blind.retain(|key, _| wanted(key));
    }
}
