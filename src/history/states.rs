//! Changes of verdict and coverage, found by comparing one snapshot with the next.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::record::{Record, Tokens, What};
use crate::model::ids::AccountId;
use crate::model::view::{AccountView, Snapshot, Standing};

/// A verdict or coverage, with its reason. What this process tells is a name that the program has; text of its own is only
/// what a former process told.
type State = (Cow<'static, str>, Option<Cow<'static, str>>);

/// What was told last of everybody.
#[derive(Debug, Default)]
pub(super) struct States {
    /// By what is told, and of whom; the central side has no account.
    told: HashMap<(What, Option<AccountId>), State>,
    /// What was looked at last; what is still the same needs no second look.
    shown: BTreeMap<AccountId, Arc<AccountView>>,
}

impl States {
    /// Goes on from these.
    pub(super) fn of(latest: Vec<Record>) -> Self {
        let told = latest.into_iter().filter_map(|record| {
            let whom = match record.account.filter(|_| record.side.as_deref() != Some("central")) {
                Some(account) => Some(AccountId::try_from(account).ok()?),
                None => None,
            };
            let state = (record.to.unwrap_or_default().into(), record.reason.map(Cow::from));
            Some(((record.what, whom), state))
        });
        Self { told: told.collect(), shown: BTreeMap::new() }
    }

    /// What changed, up to about `most` records of it; the rest by calling it again, until there is none. Nothing is told
    /// before everybody was looked at once: what a process that has just started does not know yet is no change.
    pub(super) fn changes(&mut self, tokens: &Tokens, snapshot: &Snapshot, most: usize) -> Vec<Record> {
        if snapshot.last_resync.is_none() {
            return Vec::new();
        }
        let mut news = Vec::new();
        let central = snapshot.central.verdict.label();
        if let Some(from) = self.moved(What::Verdict, None, central, None) {
            news.push(Record {
                account: Some(snapshot.central.account.to_string()),
                side: Some("central".to_owned()),
                from,
                to: Some(central.to_owned()),
                ..Record::new(tokens, What::Verdict, snapshot.taken_at)
            });
        }
        for (id, view) in &snapshot.accounts {
            if news.len() >= most {
                return news;
            }
            if self.shown.get(id).is_some_and(|before| Arc::ptr_eq(before, view)) {
                continue;
            }
            self.shown.insert(id.clone(), Arc::clone(view));
            // An account that joined a moment ago has not been looked at.
            if view.standing == Standing::Active && view.observed_at.is_none() && !view.targets.is_empty() {
                continue;
            }
            let (verdict, coverage, why) = match view.standing {
                Standing::Active => (view.verdict.label(), view.coverage.label(), view.coverage_reason),
                Standing::Excluded => ("excluded", view.coverage.label(), view.coverage_reason),
                Standing::Inactive => ("inactive", "none", "Inactive"),
            };
            for (what, to, reason) in [(What::Verdict, verdict, None), (What::Coverage, coverage, Some(why))]
            {
                if let Some(from) = self.moved(what, Some(id.clone()), to, reason) {
                    news.push(Record {
                        account: Some(id.to_string()),
                        side: Some("member".to_owned()),
                        from,
                        to: Some(to.to_owned()),
                        reason: reason.map(str::to_owned),
                        ..Record::new(tokens, what, snapshot.taken_at)
                    });
                }
            }
        }
        if self.shown.len() > snapshot.accounts.len() {
            self.shown.retain(|id, _| snapshot.accounts.contains_key(id));
        }
        news
    }

    /// What was told before, if it is another now.
    fn moved(
        &mut self,
        what: What,
        whom: Option<AccountId>,
        to: &'static str,
        reason: Option<&'static str>,
    ) -> Option<Option<String>> {
        let now = (Cow::from(to), reason.map(Cow::from));
        match self.told.insert((what, whom), now.clone()) {
            Some(before) if before == now => None,
            before => Some(before.map(|(from, _)| from.into_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixture;
    use crate::model::resource::Verdict;
    use crate::model::view::{Coverage, ResyncView};

    const ALL: usize = usize::MAX;

    fn snapshot() -> Snapshot {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut snapshot = fixture::snapshot(now);
        snapshot.last_resync.get_or_insert(ResyncView {
            started_at: now,
            finished_at: now,
            duration_seconds: 0.0,
        });
        snapshot
    }

    #[test]
    fn only_what_changed_is_told_and_only_once() {
        let (tokens, mut states) = (Tokens::new(), States::default());
        let before = snapshot();
        let first = states.changes(&tokens, &before, ALL);
        assert!(first.iter().all(|record| record.from.is_none()));
        assert!(states.changes(&tokens, &before, ALL).is_empty());
        let mut after = before.clone();
        let (id, view) = before
            .accounts
            .iter()
            .find(|(_, view)| view.verdict == Verdict::InSync && view.observed_at.is_some())
            .unwrap();
        let changed =
            AccountView { verdict: Verdict::Drifted, coverage: Coverage::Broken, ..AccountView::clone(view) };
        after.accounts.insert(id.clone(), Arc::new(changed));
        let news = states.changes(&tokens, &after, ALL);
        let told: Vec<_> =
            news.iter().map(|r| (r.what, r.account.as_deref(), r.from.as_deref(), r.to.as_deref())).collect();
        assert_eq!(
            told,
            [
                (What::Verdict, Some(id.as_str()), Some("in_sync"), Some("drifted")),
                (What::Coverage, Some(id.as_str()), Some(view.coverage.label()), Some("broken")),
            ]
        );
    }

    #[test]
    fn a_few_at_a_time_are_the_same_as_all_at_once() {
        let (tokens, snapshot) = (Tokens::new(), snapshot());
        let about = |news: Vec<Record>| -> Vec<_> {
            news.into_iter().map(|record| (record.what, record.account, record.to)).collect()
        };
        let all = about(States::default().changes(&tokens, &snapshot, ALL));
        let (mut states, mut parts) = (States::default(), Vec::new());
        loop {
            let news = states.changes(&tokens, &snapshot, 1);
            assert!(news.len() <= 2, "an account has a verdict and a coverage");
            if news.is_empty() {
                break;
            }
            parts.extend(about(news));
        }
        assert_eq!(parts, all);
    }

    #[test]
    fn a_restart_tells_nothing_that_was_told_before() {
        let tokens = Tokens::new();
        let first = States::default().changes(&tokens, &snapshot(), ALL);
        let mut restarted = States::of(first);
        let starting = Snapshot { last_resync: None, ..snapshot() };
        assert!(restarted.changes(&tokens, &starting, ALL).is_empty());
        assert!(restarted.changes(&tokens, &snapshot(), ALL).is_empty());
    }
}
