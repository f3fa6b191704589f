//! Knows of each thing who made it, and whether a call of the product ever changed what somebody else made.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use orgwatch_sim::Simulator;
use orgwatch_sim::call::Call;

use super::holdings::Holdings;
use super::watchman::is_by;

#[derive(Debug, Default)]
struct Pages {
    before: Holdings,
    /// What we ever made. A name stays here when somebody makes the thing anew without our sign: what was ours is taken
    /// back.
    ours: BTreeSet<String>,
    touched: Vec<String>,
}

/// Watches one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Mutex<Pages>>);

/// Roles whose name begins so are the product's.
const OURS: &str = "orgwatch-";
/// How a thing of ours says so: by its mark or by its tag.
const SIGNS: [&str; 2] = ["managed by orgwatch/orgwatch v1", r#""orgwatch:managed-by": "orgwatch""#];

impl Ledger {
    /// Begins to watch: what is there now is somebody else's, the template's roles too.
    pub(crate) fn post(simulator: &Simulator) -> Self {
        let before = Holdings::of(&simulator.world());
        let ledger = Self(Arc::new(Mutex::new(Pages { before, ..Pages::default() })));
        let pages = Arc::clone(&ledger.0);
        simulator.watch(move |world, call, result| {
            if result.is_ok() && orgwatch_sim::journal::is_write(&call.operation) {
                pages.lock().unwrap().write(call, Holdings::of(world));
            }
        });
        ledger
    }

    /// Fails with the first call of ours that changed or removed what somebody else made.
    pub(crate) fn assert_nothing_of_others_was_touched(&self) {
        if let Some(first) = self.0.lock().unwrap().touched.first() {
            panic!("{first}");
        }
    }

    /// The things that we made, and that still say so.
    pub(crate) fn left(&self) -> Vec<String> {
        let pages = self.0.lock().unwrap();
        pages.ours.iter().filter(|name| is_signed(&pages.before, name)).cloned().collect()
    }
}

fn is_signed(holdings: &Holdings, name: &str) -> bool {
    holdings.what(name).is_some_and(|what| SIGNS.iter().any(|sign| what.contains(sign)))
}

impl Pages {
    fn write(&mut self, call: &Call, now: Holdings) {
        let Self { before, ours, touched } = self;
        let moves = before.moves(&now);
        if is_by(call, OURS) {
            ours.extend(moves.new.iter().map(|name| (*name).to_owned()));
            let hit = moves.changed.iter().chain(&moves.gone).find(|name| {
                let own = ours.contains(**name) || (call.operation == "DeleteTopic" && is_subscription(name));
                !own
            });
            if let Some(name) = hit {
                touched.push(format!(
                    "{} {} by {} changes {name}, which is somebody else's: it was {:?} and is {:?}; input {:?}",
                    call.service,
                    call.operation,
                    call.caller.account,
                    before.what(name),
                    now.what(name),
                    call.input
                ));
            }
        }
        self.before = now;
    }
}

/// A topic takes its subscriptions along, whoever made them.
fn is_subscription(name: &str) -> bool {
    name.contains(" subscription ")
}
