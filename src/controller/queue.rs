//! The work queue: keys, not news. Equal keys collapse, the earlier time wins, and no key is worked on twice at once.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// Keys with the moment at which each is due. Pure: it is told the time.
#[derive(Debug)]
pub(super) struct Queue<K> {
    at: BTreeMap<K, Instant>,
    /// What was due when that was last asked; told apart so that nobody has to count it.
    due: BTreeSet<(Instant, K)>,
    later: BTreeSet<(Instant, K)>,
    running: BTreeSet<K>,
}

impl<K: Ord + Clone> Default for Queue<K> {
    fn default() -> Self {
        Self { at: BTreeMap::new(), due: BTreeSet::new(), later: BTreeSet::new(), running: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Makes `key` due at `at`, or earlier if it was due earlier. A key that is being worked on stays queued until
    /// that ends.
    pub(super) fn push(&mut self, key: K, at: Instant) {
        if let Some(before) = self.at.get(&key) {
            if *before <= at {
                return;
            }
            let before = (*before, key.clone());
            if !self.later.remove(&before) {
                self.due.remove(&before);
            }
        }
        self.at.insert(key.clone(), at);
        self.later.insert((at, key));
    }

    /// Takes over what has become due.
    fn advance(&mut self, now: Instant) {
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            self.due.extend(self.later.pop_first());
        }
    }

    /// Takes the key that has been due longest and is not being worked on.
    pub(super) fn pop(&mut self, now: Instant) -> Option<K> {
        self.advance(now);
        let (at, key) = self
            .due
            .iter()
            .take_while(|(at, _)| *at <= now)
            .find(|(_, key)| !self.running.contains(key))
            .cloned()?;
        self.due.remove(&(at, key.clone()));
        self.at.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    /// Ends the work on `key`; it may be taken again.
    pub(super) fn finish(&mut self, key: &K) {
        self.running.remove(key);
    }

    /// When the next key that can be taken is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let mut all = self.due.iter().chain(&self.later);
        all.find(|(_, key)| !self.running.contains(key)).map(|(at, _)| *at)
    }

    /// Forgets keys that are no longer wanted; work that runs goes on to its end.
    pub(super) fn retain(&mut self, wanted: impl Fn(&K) -> bool) {
        self.at.retain(|key, _| wanted(key));
        self.due.retain(|(_, key)| wanted(key));
        self.later.retain(|(_, key)| wanted(key));
    }

    /// Keys due now, keys due later, keys being worked on.
    pub(super) fn depth(&mut self, now: Instant) -> (usize, usize, usize) {
        self.advance(now);
        (self.due.len(), self.later.len(), self.running.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn at(start: Instant, second: u64) -> Instant {
        start + Duration::from_secs(second)
    }

    #[test]
    fn equal_keys_collapse_and_the_earlier_time_wins() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push("a", at(start, 9));
        queue.push("a", at(start, 3));
        queue.push("a", at(start, 6));
        assert_eq!(queue.next_due(), Some(at(start, 3)));
        assert_eq!(queue.pop(at(start, 3)), Some("a"));
        assert_eq!(queue.pop(at(start, 99)), None);
    }

    #[test]
    fn a_key_that_is_worked_on_waits_and_holds_nobody_up() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push("a", start);
        assert_eq!(queue.pop(start), Some("a"));
        queue.push("a", start);
        queue.push("b", at(start, 1));
        assert_eq!(queue.pop(at(start, 1)), Some("b"));
        assert_eq!(queue.pop(at(start, 1)), None);
        queue.finish(&"a");
        assert_eq!(queue.pop(at(start, 1)), Some("a"));
    }

    #[test]
    fn what_is_due_is_told_from_what_is_due_later() {
        let start = Instant::now();
        let mut queue = Queue::default();
        queue.push("a", at(start, 1));
        queue.push("b", at(start, 5));
        queue.push("c", at(start, 9));
        assert_eq!(queue.depth(at(start, 5)), (2, 1, 0));
        assert_eq!(queue.pop(at(start, 5)), Some("a"));
        queue.push("c", at(start, 2));
        queue.push("b", at(start, 3));
        assert_eq!(queue.depth(at(start, 5)), (2, 0, 1));
        assert_eq!(queue.pop(at(start, 5)), Some("c"));
        assert_eq!(queue.pop(at(start, 5)), Some("b"));
        assert_eq!(queue.depth(at(start, 5)), (0, 0, 3));
    }

    proptest! {
        #[test]
        fn no_key_is_lost_and_none_runs_twice(steps in prop::collection::vec((0u8..4, 0u8..5, 0u64..5), 0..60)) {
            let start = Instant::now();
            let mut queue = Queue::default();
            let mut wanted = BTreeSet::new();
            let mut running = BTreeSet::new();
            for (step, key, second) in steps {
                match step {
                    0 | 1 => { queue.push(key, at(start, second)); wanted.insert(key); }
                    2 => if let Some(key) = queue.pop(at(start, second)) {
                        prop_assert!(wanted.remove(&key));
                        prop_assert!(running.insert(key));
                    },
                    _ => { queue.finish(&key); running.remove(&key); }
                }
            }
            for key in &running { queue.finish(key); }
            while let Some(key) = queue.pop(at(start, 99)) {
                prop_assert!(wanted.remove(&key));
                queue.finish(&key);
            }
            prop_assert!(wanted.is_empty());
        }
    }
}
