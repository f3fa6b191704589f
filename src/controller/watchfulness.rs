//! What a pass says about the guard: which deeds are undone, whether it was blind, how long a new account took.

use jiff::Timestamp;

use super::Controller;
use super::fleet::Begun;
use crate::inbox::notice::Notice;
use crate::inbox::repairs::Ended;
use crate::model::resource::{Resource, Verdict};
use crate::model::target::Side;
use crate::world::World;

/// Whether the guard of a member is in place; none where there is none to be.
fn guard_in_place(world: &World, resources: &[Resource]) -> Option<bool> {
    world.guard.as_ref()?;
    let mut guards = resources.iter().filter(|r| world.is_beside(r.id.kind, &r.id.name)).peekable();
    guards.peek()?;
    Some(guards.all(|resource| resource.verdict == Verdict::InSync))
}

impl Controller {
    /// Draws the conclusions of a pass, before its outcome replaces that of the former one.
    pub(super) fn conclude(&self, begun: &Begun, resources: &[Resource], ended: Ended) {
        let key = &begun.target.key;
        let mut notices = Vec::new();
        {
            // Always the fleet before what was heard.
            let fleet = self.fleet();
            let mut heard = self.heard();
            if let Some(in_place) = guard_in_place(&begun.world, resources)
                .filter(|_| key.side == Side::Member && !begun.target.leaving)
            {
                let former = fleet.states.get(key).and_then(|state| state.view.as_ref());
                let was = former.filter(|v| guard_in_place(&begun.world, &v.resources) == Some(true));
                notices.extend(heard.repairs.guard(key, in_place, was.map(|v| v.observed_at), ended.ended));
            }
            notices.extend(heard.repairs.passed(key, ended));
            let joined = fleet.inventory.known().get(&key.account).and_then(|known| known.account.joined_at);
            let covered = ended.in_sync && key.side == Side::Member;
            if let Some(at) = joined.filter(|at| covered && *at >= self.started_at)
                && heard.joined.insert(key.account.clone())
            {
                let seconds = ended.ended.duration_since(at).as_secs_f64();
                heard.latency.join_to_covered_seconds = Some(seconds);
                self.metrics.guard.covered(seconds);
            }
            for notice in &notices {
                if let Notice::TamperRepaired(repaired) = notice {
                    heard.latency.tamper_to_repaired_seconds = Some(repaired.seconds);
                    self.metrics.guard.repaired(repaired.seconds);
                }
            }
        }
        for notice in notices {
            self.tell(&notice);
        }
    }
}

/// Whether a pass left nothing to be desired.
pub(super) fn in_sync(error: bool, written: bool, resources: &[Resource]) -> bool {
    let fine = |r: &Resource| r.error.is_none() && matches!(r.verdict, Verdict::InSync | Verdict::Orphan);
    !error && !written && resources.iter().all(fine)
}

/// A pass as what is heard of it takes it.
pub(super) fn ended(began: Timestamp, now: Timestamp, written: bool, in_sync: bool) -> Ended {
    Ended { began, ended: now, written, in_sync }
}
