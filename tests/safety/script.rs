//! What goes on around a daemon: deeds and troubles at their times.

use std::time::Duration;

use orgwatch_sim::fault::{Action, Rule, Span};
use orgwatch_sim::world::Lags;
use proptest::prelude::*;

use crate::drift::{self, Drift};
use crate::stage::Stage;

/// How long deeds and troubles go on.
pub(crate) const TROUBLED: Duration = Duration::from_secs(20 * 60);

/// A fault that lasts for a while.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    action: Action,
    probability: f64,
    from: u64,
    until: u64,
}

/// The troubles that AWS and networks make.
fn trouble() -> impl Strategy<Value = Trouble> {
    let action = proptest::sample::select(vec![
        Action::Throttle,
        Action::ServerError { status: 500 },
        Action::ServerError { status: 503 },
        Action::Denied,
        Action::Reset,
        Action::LostAnswer,
        Action::Truncated,
        Action::Timeout,
    ]);
    let within = TROUBLED.as_secs();
    (action, 0.05..0.6_f64, 0..within, 1..within).prop_map(move |(action, probability, from, lasts)| {
        Trouble { action, probability, from, until: (from + lasts).min(within) }
    })
}

/// What happens while a daemon runs: by second, the account's number and the deed; and what goes wrong meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    deeds: Vec<(u64, usize, Drift)>,
    troubles: Vec<Trouble>,
}

/// Any script for so many accounts.
pub(crate) fn script(accounts: usize) -> impl Strategy<Value = Script> {
    let deed =
        (0..TROUBLED.as_secs(), drift::any(accounts)).prop_map(|(at, (account, deed))| (at, account, deed));
    let deeds = proptest::collection::vec(deed, 0..8).prop_map(|mut deeds| {
        deeds.sort_by_key(|(at, ..)| *at);
        deeds
    });
    (deeds, proptest::collection::vec(trouble(), 0..4))
        .prop_map(|(deeds, troubles)| Script { deeds, troubles })
}

/// Worlds that settle at once, and worlds that take their time.
pub(crate) fn lags() -> impl Strategy<Value = Lags> {
    use jiff::SignedDuration;
    let seconds = |range: std::ops::Range<i64>| range.prop_map(SignedDuration::from_secs);
    prop_oneof![
        1 => Just(Lags::default()),
        2 => (seconds(0..20_i64), seconds(0..20_i64), seconds(0..30_i64), any::<Option<u64>>())
            .prop_map(|(read, effect, role, uneven)| Lags { read, effect, role, uneven }),
    ]
}

impl Script {
    /// Lives through it; ends when all troubles are over.
    pub(crate) async fn play(&self, stage: &Stage) {
        let began = tokio::time::Instant::now();
        for trouble in &self.troubles {
            let rule = Rule {
                probability: trouble.probability,
                from: Some(Span(Duration::from_secs(trouble.from))),
                until: Some(Span(Duration::from_secs(trouble.until))),
                ..Rule::new(trouble.action.clone())
            };
            let now = stage.clock.now();
            stage.simulator.world().faults.set(rule, now).expect("it is a rule");
        }
        for (at, account, deed) in &self.deeds {
            tokio::time::sleep_until(began + Duration::from_secs(*at)).await;
            deed.happens(stage, &stage.accounts[*account]);
        }
        tokio::time::sleep_until(began + TROUBLED).await;
        stage.simulator.world().faults.clear();
    }
}
