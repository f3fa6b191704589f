//! The ledger of canaries: which are due, sent, returned and missing. Pure and bounded by the routes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{Nonce, Route};
use crate::model::ids::{AccountId, Region};

/// How long after it was sent a canary that returns still counts.
const VALID: SignedDuration = SignedDuration::from_mins(10);
/// So many in a row must be missing before a route counts as broken: one may be lost on AWS's way.
const BROKEN_AFTER: u32 = 2;
/// So many a second at most go out when all routes are due at once, after a start or a change.
const FIRST_ROUND_PER_SECOND: f64 = 5.0;

/// How often canaries are sent, and how long one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one canary of a route to the next.
    pub interval: SignedDuration,
    /// After so long a canary that has not returned is missing.
    pub timeout: SignedDuration,
}

/// How a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No canary has returned yet, and not enough are missing.
    Unproven,
    /// A canary that was sent then has returned, less than three intervals ago.
    Proven {
        /// When it was sent.
        sent_at: Timestamp,
    },
    /// Two in a row are missing.
    Missing {
        /// When the first of them was sent.
        since: Timestamp,
    },
}

/// What became of a message that says to be a canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It is one of ours, back where it belongs.
    Proves {
        /// The Region that it was sent from.
        region: Region,
        /// When it was sent.
        sent_at: Timestamp,
        /// From sending to now.
        took: SignedDuration,
    },
    /// Nobody sent it, it came too late, or for the second time.
    Unknown,
    /// It is one of ours, of another account or rule than it says.
    Elsewhere,
}

#[derive(Clone, Debug)]
struct State {
    due: Timestamp,
    /// Sent and not yet given up, oldest first.
    waiting: Vec<(Nonce, Timestamp)>,
    /// When the first of those that are missing in a row was sent, and how many they are.
    missing: Option<(Timestamp, u32)>,
    /// When the latest that returned was sent.
    proven: Option<Timestamp>,
}

/// What is known of every route.
#[derive(Clone, Debug)]
pub struct Ledger {
    pace: Pace,
    routes: BTreeMap<Route, State>,
    /// Canaries that still count, by what they carry.
    sent: HashMap<Nonce, (Route, Timestamp)>,
    /// Those of `sent`, oldest first.
    order: std::collections::VecDeque<(Timestamp, Nonce)>,
    /// Due routes by time.
    due: BTreeSet<(Timestamp, Route)>,
    /// When the proof of a route ends, unless another canary returns.
    ends: BTreeSet<(Timestamp, Route)>,
}

impl Ledger {
    /// A ledger without routes.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            routes: BTreeMap::new(),
            sent: HashMap::new(),
            order: std::collections::VecDeque::new(),
            due: BTreeSet::new(),
            ends: BTreeSet::new(),
        }
    }

    /// Sends canaries by another pace. A proof ends when it ends by that, and no route is due later than it allows.
    pub fn set_pace(&mut self, pace: Pace, now: Timestamp) {
        if pace == self.pace {
            return;
        }
        self.pace = pace;
        let end =
            |(route, state): (&Route, &State)| Some((later(state.proven?, pace.interval * 3), route.clone()));
        self.ends = self.routes.iter().filter_map(end).collect();
        let latest = later(now, pace.interval);
        let late = self.routes.iter().filter(|(_, state)| state.due > latest);
        let late: Vec<Route> = late.map(|(route, _)| route.clone()).collect();
        self.spread(late, now);
    }

    /// Sets which routes there are. New ones are due soon, spread so that they do not go out together; what is known of
    /// the others stays, and what is no longer a route is forgotten.
    pub fn retarget(&mut self, routes: impl IntoIterator<Item = Route>, now: Timestamp) {
        let wanted: BTreeSet<Route> = routes.into_iter().collect();
        self.routes.retain(|route, _| wanted.contains(route));
        self.due.retain(|(_, route)| wanted.contains(route));
        self.ends.retain(|(_, route)| wanted.contains(route));
        self.sent.retain(|_, (route, _)| wanted.contains(route));
        let new: Vec<Route> = wanted.into_iter().filter(|route| !self.routes.contains_key(route)).collect();
        for route in &new {
            let state = State { due: now, waiting: Vec::new(), missing: None, proven: None };
            self.routes.insert(route.clone(), state);
        }
        self.spread(new, now);
    }

    /// Makes these routes due one after the other from now on, within one interval, however many they are.
    #[expect(clippy::cast_precision_loss, reason = "routes are far fewer than a float counts")]
    fn spread(&mut self, routes: Vec<Route>, now: Timestamp) {
        let step =
            (1.0 / FIRST_ROUND_PER_SECOND).min(self.pace.interval.as_secs_f64() / routes.len().max(1) as f64);
        for (n, route) in routes.into_iter().enumerate() {
            self.reschedule(&route, later(now, SignedDuration::from_secs_f64(step * n as f64)));
        }
    }

    /// The routes that are due, longest due first, `most` at most. They stay due until [`Ledger::sent`] or
    /// [`Ledger::put_off`] says otherwise.
    pub fn due(&self, now: Timestamp, most: usize) -> Vec<Route> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        due.take(most).map(|(_, route)| route.clone()).collect()
    }

    /// A canary went out. It is written down before it is sent: it may be back before the sending call is.
    pub fn sent(&mut self, route: &Route, nonce: Nonce, now: Timestamp) {
        let Some(state) = self.routes.get_mut(route) else { return };
        state.waiting.push((nonce.clone(), now));
        self.order.push_back((now, nonce.clone()));
        self.sent.insert(nonce, (route.clone(), now));
        self.reschedule(route, later(now, self.pace.interval));
    }

    /// A canary could not be sent after all: it proves nothing, and is missing nowhere.
    pub fn not_sent(&mut self, nonce: &Nonce, retry: Timestamp) {
        let Some((route, _)) = self.sent.remove(nonce) else { return };
        if let Some(state) = self.routes.get_mut(&route) {
            state.waiting.retain(|(waiting, _)| waiting != nonce);
        }
        self.reschedule(&route, retry);
    }

    /// A route is looked at again later: its rule is not in place, so a canary would say nothing new. What was proven or
    /// missing stays; two canaries in a row are two that were sent.
    pub fn put_off(&mut self, route: &Route, until: Timestamp) {
        self.reschedule(route, until);
    }

    /// A message came back that says to be a canary of `rule`, out of `account` as EventBridge says.
    pub fn returned(&mut self, account: &AccountId, rule: &str, nonce: &Nonce, now: Timestamp) -> Returned {
        self.forget(now);
        let Some((route, sent_at)) = self.sent.get(nonce) else { return Returned::Unknown };
        // It stays valid: whoever shows it elsewhere must not take away the proof of where it belongs.
        if route.target.account != *account || route.rule != rule {
            return Returned::Elsewhere;
        }
        let (route, sent_at) = (route.clone(), *sent_at);
        self.sent.remove(nonce);
        if let Some(state) = self.routes.get_mut(&route) {
            state.waiting.retain(|(waiting, _)| waiting != nonce);
            let lasts = self.pace.interval * 3;
            if let Some(proven) = state.proven {
                self.ends.remove(&(later(proven, lasts), route.clone()));
            }
            let proven = state.proven.map_or(sent_at, |proven| proven.max(sent_at));
            state.proven = Some(proven);
            self.ends.insert((later(proven, lasts), route.clone()));
            // One that returns late says nothing of those that were sent after it.
            if state.missing.is_some_and(|(since, count)| sent_at >= since || count < BROKEN_AFTER) {
                state.missing = None;
            }
        }
        Returned::Proves { region: route.target.region, sent_at, took: now.duration_since(sent_at) }
    }

    /// Counts canaries as missing whose time is over, and sends the next one of their routes sooner: an hour until the
    /// second opinion would be too long. Answers the routes that have just become broken.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Route> {
        self.forget(now);
        let timeout = self.pace.timeout;
        let (mut broken, mut again) = (Vec::new(), Vec::new());
        for (route, state) in &mut self.routes {
            let before = state.missing.map_or(0, |(_, count)| count);
            let mut missing = state.missing;
            state.waiting.retain(|(_, sent_at)| {
                if now.duration_since(*sent_at) < timeout {
                    return true;
                }
                missing =
                    Some(missing.map_or((*sent_at, 1), |(since, count)| (since.min(*sent_at), count + 1)));
                false
            });
            state.missing = missing;
            let count = missing.map_or(0, |(_, count)| count);
            if count > before && count < BROKEN_AFTER && state.due > now {
                again.push(route.clone());
            }
            if before < BROKEN_AFTER && count >= BROKEN_AFTER {
                broken.push(route.clone());
            }
        }
        for route in again {
            self.reschedule(&route, now);
        }
        broken
    }

    /// The routes whose proof has ended since the last time, without anything happening.
    pub fn outdated(&mut self, now: Timestamp) -> Vec<Route> {
        let mut outdated = Vec::new();
        while self.ends.first().is_some_and(|(ends, _)| *ends <= now) {
            outdated.extend(self.ends.pop_first().map(|(_, route)| route));
        }
        outdated
    }

    /// How a route stands; unproven if there is no such route.
    pub fn standing(&self, route: &Route, now: Timestamp) -> Standing {
        let Some(state) = self.routes.get(route) else { return Standing::Unproven };
        if let Some((since, count)) = state.missing
            && count >= BROKEN_AFTER
        {
            return Standing::Missing { since };
        }
        match state.proven {
            Some(sent_at) if now.duration_since(sent_at) < self.pace.interval * 3 => {
                Standing::Proven { sent_at }
            }
            _ => Standing::Unproven,
        }
    }

    /// How the routes of one target stand, by rule.
    pub fn of<'a>(
        &'a self,
        target: &'a crate::model::target::TargetKey,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Route, Standing)> {
        let first = Route { target: target.clone(), rule: String::new() };
        self.routes
            .range(first..)
            .map(|(route, _)| route)
            .take_while(move |route| route.target == *target)
            .map(move |route| (route, self.standing(route, now)))
    }

    /// How many routes stand how: proven, not proven, missing.
    pub fn standings(&self, now: Timestamp) -> [usize; 3] {
        let mut counts = [0; 3];
        for route in self.routes.keys() {
            counts[match self.standing(route, now) {
                Standing::Proven { .. } => 0,
                Standing::Unproven => 1,
                Standing::Missing { .. } => 2,
            }] += 1;
        }
        counts
    }

    /// Whether canaries of other accounts return: the latest that any of them knows the fate of did.
    pub fn others_return(&self, account: &AccountId) -> bool {
        let others = self.routes.iter().filter(|(route, _)| route.target.account != *account);
        others.into_iter().any(|(_, state)| state.proven.is_some() && state.missing.is_none())
    }

    /// How many canaries wait for their return.
    pub fn waiting(&self) -> usize {
        self.routes.values().map(|state| state.waiting.len()).sum()
    }

    fn reschedule(&mut self, route: &Route, due: Timestamp) {
        if let Some(state) = self.routes.get_mut(route) {
            self.due.remove(&(state.due, route.clone()));
            state.due = due;
            self.due.insert((due, route.clone()));
        }
    }

    /// Forgets canaries that no longer count.
    fn forget(&mut self, now: Timestamp) {
        while let Some((sent_at, nonce)) = self.order.front() {
            if now.duration_since(*sent_at) <= VALID {
                break;
            }
            self.sent.remove(nonce);
            self.order.pop_front();
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::Side;
    use crate::world::fixture::{at, key, member_id, region};

    const HOUR: i64 = 3_600;

    fn ledger(accounts: u64) -> Ledger {
        let pace = Pace { interval: SignedDuration::from_hours(1), timeout: SignedDuration::from_mins(5) };
        let mut ledger = Ledger::new(pace);
        ledger.retarget((1..=accounts).map(route), at(0));
        ledger
    }

    fn route(n: u64) -> Route {
        Route { target: key(Side::Member, member_id(n)), rule: "orgwatch-iam-changes".to_owned() }
    }

    fn nonce(n: u128) -> Nonce {
        Nonce::new(n)
    }

    fn back(ledger: &mut Ledger, of: u64, n: u128, second: i64) -> Returned {
        let route = route(of);
        ledger.returned(&route.target.account, &route.rule, &nonce(n), at(second))
    }

    #[test]
    fn a_canary_that_returns_proves_its_route_for_three_intervals() {
        let mut ledger = ledger(1);
        assert_eq!(ledger.due(at(0), 10), [route(1)]);
        ledger.sent(&route(1), nonce(7), at(0));
        assert!(ledger.due(at(HOUR - 1), 10).is_empty());
        assert_eq!(ledger.due(at(HOUR), 10), [route(1)]);
        assert_eq!(ledger.standing(&route(1), at(1)), Standing::Unproven);
        let back_again = back(&mut ledger, 1, 7, 2);
        let took = SignedDuration::from_secs(2);
        assert_eq!(back_again, Returned::Proves { region: region(), sent_at: at(0), took });
        assert_eq!(ledger.standing(&route(1), at(3 * HOUR - 1)), Standing::Proven { sent_at: at(0) });
        assert!(ledger.outdated(at(3 * HOUR - 1)).is_empty());
        assert_eq!(ledger.standing(&route(1), at(3 * HOUR)), Standing::Unproven);
        assert_eq!(
            (ledger.standings(at(3 * HOUR - 1)), ledger.standings(at(3 * HOUR))),
            ([1, 0, 0], [0, 1, 0])
        );
        assert_eq!(ledger.outdated(at(3 * HOUR)), [route(1)]);
        assert!(ledger.outdated(at(4 * HOUR)).is_empty());
        // A later one makes it last.
        ledger.sent(&route(1), nonce(8), at(4 * HOUR));
        back(&mut ledger, 1, 8, 4 * HOUR + 1);
        ledger.sent(&route(1), nonce(9), at(5 * HOUR));
        back(&mut ledger, 1, 9, 5 * HOUR + 1);
        assert!(ledger.outdated(at(8 * HOUR - 1)).is_empty());
        assert_eq!(ledger.outdated(at(8 * HOUR)), [route(1)]);
    }

    #[test]
    fn a_canary_counts_once_within_ten_minutes_and_only_for_the_account_and_rule_that_it_was_sent_for() {
        let mut ledger = ledger(2);
        ledger.sent(&route(1), nonce(7), at(0));
        let other = ledger.returned(&route(1).target.account, "orgwatch-other", &nonce(7), at(1));
        assert_eq!(other, Returned::Elsewhere);
        assert_eq!(back(&mut ledger, 2, 7, 1), Returned::Elsewhere);
        assert_eq!(back(&mut ledger, 1, 8, 1), Returned::Unknown);
        assert_eq!(ledger.standing(&route(2), at(1)), Standing::Unproven);
        assert!(matches!(back(&mut ledger, 1, 7, 600), Returned::Proves { .. }));
        assert_eq!(back(&mut ledger, 1, 7, 600), Returned::Unknown);
        ledger.sent(&route(1), nonce(9), at(HOUR));
        assert_eq!(back(&mut ledger, 1, 9, HOUR + 601), Returned::Unknown);
    }

    #[test]
    fn two_in_a_row_are_missing_before_a_route_is_broken_and_the_second_goes_out_at_once() {
        let mut ledger = ledger(1);
        ledger.sent(&route(1), nonce(1), at(0));
        assert!(ledger.expire(at(299)).is_empty());
        assert!(ledger.due(at(299), 10).is_empty());
        assert!(ledger.expire(at(300)).is_empty());
        assert_eq!(ledger.due(at(300), 10), [route(1)]);
        ledger.sent(&route(1), nonce(2), at(300));
        assert_eq!(ledger.expire(at(600)), [route(1)]);
        assert_eq!(ledger.standing(&route(1), at(600)), Standing::Missing { since: at(0) });
        // Told once.
        ledger.sent(&route(1), nonce(3), at(HOUR));
        assert!(ledger.expire(at(HOUR + 300)).is_empty());
        // And the next one that returns mends it.
        ledger.sent(&route(1), nonce(4), at(2 * HOUR));
        assert!(matches!(back(&mut ledger, 1, 4, 2 * HOUR + 1), Returned::Proves { .. }));
        assert_eq!(ledger.standing(&route(1), at(2 * HOUR + 1)), Standing::Proven { sent_at: at(2 * HOUR) });
    }

    #[test]
    fn a_late_canary_still_mends_what_one_missing_canary_cast_doubt_on() {
        let mut ledger = ledger(1);
        ledger.sent(&route(1), nonce(1), at(0));
        ledger.expire(at(300));
        assert!(matches!(back(&mut ledger, 1, 1, 400), Returned::Proves { .. }));
        ledger.sent(&route(1), nonce(2), at(401));
        assert!(ledger.expire(at(701)).is_empty());
        assert_eq!(ledger.standing(&route(1), at(701)), Standing::Proven { sent_at: at(0) });
    }

    #[test]
    fn what_could_not_be_sent_is_neither_missing_nor_proof() {
        let mut ledger = ledger(1);
        ledger.sent(&route(1), nonce(1), at(0));
        ledger.not_sent(&nonce(1), at(60));
        assert!(ledger.due(at(59), 10).is_empty());
        assert_eq!(ledger.due(at(60), 10), [route(1)]);
        assert!(ledger.expire(at(HOUR)).is_empty());
        assert_eq!(back(&mut ledger, 1, 1, 61), Returned::Unknown);
    }

    #[test]
    fn canaries_of_many_accounts_go_out_spread() {
        let ledger = ledger(20_000);
        let by = |second: i64| ledger.due(at(second), usize::MAX).len();
        // More than five a second only because all of them must go out within the hour.
        assert!((1..=6).contains(&by(0)), "{}", by(0));
        assert!((9_990..=10_010).contains(&by(HOUR / 2)), "{}", by(HOUR / 2));
        assert_eq!(by(HOUR), 20_000);
    }

    #[test]
    fn another_pace_ends_proofs_by_itself_and_makes_no_route_wait_for_the_former_one() {
        let mut ledger = ledger(1);
        ledger.sent(&route(1), nonce(7), at(0));
        back(&mut ledger, 1, 7, 1);
        let pace = |minutes| Pace { interval: SignedDuration::from_mins(minutes), ..ledger.pace };
        let (sooner, later) = (pace(10), pace(120));
        ledger.set_pace(sooner, at(60));
        assert_eq!(ledger.due(at(60), 10), [route(1)]);
        assert!(ledger.outdated(at(1_799)).is_empty());
        assert_eq!(ledger.outdated(at(1_800)), [route(1)]);
        ledger.sent(&route(1), nonce(8), at(1_800));
        back(&mut ledger, 1, 8, 1_801);
        ledger.set_pace(later, at(1_802));
        assert_eq!(ledger.due(at(2_400), 10), [route(1)], "what was due earlier still is");
        assert!(ledger.outdated(at(1_800 + 6 * HOUR - 1)).is_empty());
        assert_eq!(ledger.outdated(at(1_800 + 6 * HOUR)), [route(1)]);
    }

    #[test]
    fn routes_that_are_gone_are_forgotten_and_the_others_keep_what_is_known_of_them() {
        let mut ledger = ledger(2);
        ledger.sent(&route(1), nonce(1), at(0));
        ledger.sent(&route(2), nonce(2), at(0));
        assert!(matches!(back(&mut ledger, 1, 1, 1), Returned::Proves { .. }));
        ledger.retarget([route(1), route(3)], at(2));
        assert_eq!(back(&mut ledger, 2, 2, 3), Returned::Unknown);
        assert_eq!(ledger.standing(&route(1), at(3)), Standing::Proven { sent_at: at(0) });
        assert_eq!(ledger.due(at(3), 10), [route(3)]);
        assert_eq!(ledger.waiting(), 0);
    }

    #[test]
    fn memory_is_bounded_by_the_routes() {
        let mut ledger = ledger(1);
        for n in 0..100_000_u32 {
            let now = at(i64::from(n) * 60);
            ledger.sent(&route(1), nonce(u128::from(n)), now);
            ledger.expire(now);
        }
        assert!(ledger.sent.len() <= 11 && ledger.order.len() <= 11 && ledger.waiting() <= 5);
    }

    #[test]
    fn only_what_is_spelled_as_ours_is_a_nonce() {
        assert_eq!(Nonce::parse(&nonce(255).to_string()), Some(nonce(255)));
        for other in ["", "ff", "F0000000000000000000000000000000", "g0000000000000000000000000000000"] {
            assert_eq!(Nonce::parse(other), None, "{other}");
        }
    }
}
