//! What a command came to, as the program's exit code.

use std::process::ExitCode;

use crate::compliance::report::Counts;
use crate::render::apply::ApplySummary;
use crate::render::summary::PlanSummary;

/// How a command ended, ordered from best to worst: of two outcomes the greater one is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Done and in sync, or printed.
    Done,
    /// Something is not as desired; or a control is not met; told only with `--detailed-exitcode`.
    Drift,
    /// Something could not be seen or reached; it is listed last.
    Incomplete,
    /// A change is held until a person releases it.
    Held,
    /// The command could not do its work.
    Error,
    /// The configuration is not usable; nothing was sent to AWS.
    BadConfig,
}

impl Outcome {
    /// The exit code; its numbers are part of the interface and are not in the order of badness.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Drift => 2,
            Self::Incomplete => 3,
            Self::Held => 4,
            Self::Error => 1,
            Self::BadConfig => 78,
        }
    }

    /// The worse of two.
    pub fn worst(a: Self, b: Self) -> Self {
        a.max(b)
    }

    /// What a printed plan comes to; drift counts only where it was asked for (`detailed`).
    pub fn of_plan(summary: &PlanSummary, detailed: bool) -> Self {
        let drift = if detailed && summary.is_drift() { Self::Drift } else { Self::Done };
        let held = if summary.held > 0 { Self::Held } else { Self::Done };
        let unknown = if summary.unknown > 0 { Self::Incomplete } else { Self::Done };
        drift.max(held).max(unknown)
    }

    /// What an audit came to; what is not met counts only where it was asked for (`detailed`).
    pub fn of_audit(counts: &Counts, detailed: bool) -> Self {
        let unmet = if detailed && counts.unmet > 0 { Self::Drift } else { Self::Done };
        let unknown = if counts.unknown > 0 { Self::Incomplete } else { Self::Done };
        unmet.max(unknown)
    }

    /// What an apply came to. Whatever is not in sync afterwards makes it incomplete at least.
    pub fn of_apply(summary: &ApplySummary) -> Self {
        let failed = if summary.failures.is_empty() { Self::Done } else { Self::Error };
        let held = if summary.held > 0 { Self::Held } else { Self::Done };
        let whole =
            summary.in_sync == summary.total && summary.unseen.is_empty() && summary.stopped.is_none();
        let incomplete = if whole { Self::Done } else { Self::Incomplete };
        failed.max(held).max(incomplete)
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{Side, TargetKey};
    use crate::render::apply::{Failure, Stopped};
    use proptest::prelude::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop::sample::select(vec![
            Outcome::Done,
            Outcome::Drift,
            Outcome::Incomplete,
            Outcome::Held,
            Outcome::Error,
            Outcome::BadConfig,
        ])
    }

    /// The order of exit codes in the manual, worst first.
    const WORST_FIRST: [u8; 6] = [78, 1, 4, 3, 2, 0];

    fn rank(outcome: Outcome) -> usize {
        WORST_FIRST.iter().position(|code| *code == outcome.code()).unwrap()
    }

    proptest! {
        #[test]
        fn the_worst_of_many_is_the_first_in_the_documented_order(all in prop::collection::vec(outcome(), 1..8)) {
            let worst = all.iter().copied().reduce(Outcome::worst).unwrap();
            prop_assert_eq!(rank(worst), all.iter().copied().map(rank).min().unwrap());
        }

        #[test]
        fn the_order_in_which_outcomes_arrive_does_not_matter(a in outcome(), b in outcome(), c in outcome()) {
            prop_assert_eq!(Outcome::worst(a, b), Outcome::worst(b, a));
            prop_assert_eq!(Outcome::worst(Outcome::worst(a, b), c), Outcome::worst(a, Outcome::worst(b, c)));
            prop_assert_eq!(Outcome::worst(a, a), a);
            prop_assert_eq!(Outcome::worst(a, Outcome::Done), a);
        }
    }

    #[test]
    fn drift_is_told_only_where_it_was_asked_for() {
        let drift = PlanSummary { update: 1, targets: 1, ..PlanSummary::default() };
        assert_eq!(Outcome::of_plan(&drift, false), Outcome::Done);
        assert_eq!(Outcome::of_plan(&drift, true), Outcome::Drift);
    }

    #[test]
    fn each_thing_that_apply_cannot_change_is_drift_too() {
        let summaries = [
            PlanSummary { foreign: 1, ..PlanSummary::default() },
            PlanSummary { orphan: 1, ..PlanSummary::default() },
            PlanSummary { left_to_a_person: 1, ..PlanSummary::default() },
        ];
        for summary in summaries {
            assert_eq!(Outcome::of_plan(&summary, true), Outcome::Drift, "{summary:?}");
        }
        let waiting_for_a_person = PlanSummary { notices: 1, pending: 1, ..PlanSummary::default() };
        assert_eq!(Outcome::of_plan(&waiting_for_a_person, true), Outcome::Done);
    }

    #[test]
    fn a_hold_outranks_what_could_not_be_seen_and_both_outrank_drift() {
        let unknown = PlanSummary { create: 1, unknown: 1, ..PlanSummary::default() };
        assert_eq!(Outcome::of_plan(&unknown, true), Outcome::Incomplete);
        let held = PlanSummary { held: 1, ..unknown };
        assert_eq!(Outcome::of_plan(&held, false), Outcome::Held);
    }

    #[test]
    fn what_an_audit_finds_unmet_is_told_only_where_it_was_asked_for_and_what_it_could_not_see_always() {
        let unmet = Counts { met: 1, unmet: 2, unknown: 0 };
        assert_eq!(Outcome::of_audit(&unmet, false), Outcome::Done);
        assert_eq!(Outcome::of_audit(&unmet, true), Outcome::Drift);
        assert_eq!(Outcome::of_audit(&Counts { unknown: 1, ..unmet }, true), Outcome::Incomplete);
        assert_eq!(Outcome::of_audit(&Counts { met: 9, ..Counts::default() }, true), Outcome::Done);
    }

    #[test]
    fn an_apply_is_done_only_when_every_account_was_seen_in_sync() {
        let done = ApplySummary { in_sync: 30, total: 30, ..ApplySummary::default() };
        assert_eq!(Outcome::of_apply(&done), Outcome::Done);
        assert_eq!(Outcome::of_apply(&ApplySummary { in_sync: 29, ..done.clone() }), Outcome::Incomplete);
        let failure = Failure {
            target: TargetKey {
                side: Side::Member,
                account: "333333333333".parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
            },
            resource: None,
            error: None,
        };
        let unseen = ApplySummary { unseen: vec![failure.clone()], ..done.clone() };
        assert_eq!(Outcome::of_apply(&unseen), Outcome::Incomplete);
        let stopped = ApplySummary { stopped: Some(Stopped::Limit), ..done.clone() };
        assert_eq!(Outcome::of_apply(&stopped), Outcome::Incomplete);
        assert_eq!(Outcome::of_apply(&ApplySummary { held: 1, ..unseen }), Outcome::Held);
        let failed = ApplySummary { failures: vec![failure], held: 1, ..done };
        assert_eq!(Outcome::of_apply(&failed), Outcome::Error);
    }
}
