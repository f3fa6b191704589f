//! How the suppressions of alerts stand: shown, and told to the log when one of them ends, or is about to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Controller;
use crate::config::{Alert, Suppress, SuppressState};
use crate::model::view::{SuppressedView, SuppressionView};

/// How each suppression stood when that was last told, by its place in the settings.
pub(super) type Told = BTreeMap<(usize, usize), SuppressState>;

impl Controller {
    /// What each alert with suppressions does not deliver.
    pub(super) fn suppressed(&self, now: Timestamp) -> Vec<SuppressedView> {
        let heard = self.heard();
        let settings = self.settings();
        let suppressing = settings.alerts.iter().filter(|alert| !alert.suppress.is_empty());
        let view = |alert: &Alert| {
            let counted = heard.hidden.of(&alert.name);
            SuppressedView {
                alert: alert.name.clone(),
                events: counted.events,
                last_at: counted.last_at,
                latest: counted.latest.into(),
                suppressions: alert.suppress.iter().map(|suppress| shown(suppress, now)).collect(),
            }
        };
        suppressing.map(view).collect()
    }

    /// Tells of each suppression once that it ends soon, and that it has ended.
    pub(super) fn tell_of_ends(&self) {
        let now = self.clock.now();
        for (i, alert) in self.settings().alerts.iter().enumerate() {
            for (j, suppress) in alert.suppress.iter().enumerate() {
                let state = suppress.state(now);
                let former = self.heard().told.insert((i, j), state);
                if former == Some(state) {
                    continue;
                }
                let (principal, owner, ends) = (suppress.principal.arn(), &suppress.owner, suppress.ends());
                let alert = &alert.name;
                match state {
                    SuppressState::Active => {}
                    SuppressState::EndsSoon => tracing::warn!(
                        alert, principal, owner, %ends,
                        "Alert {alert} delivers the events of {principal} again from {ends} on; ask {owner}"
                    ),
                    SuppressState::Ended => tracing::warn!(
                        alert, principal, owner, %ends,
                        "Alert {alert} delivers the events of {principal} again since {ends}; take the suppression out, or \
                         give it a new end with {owner}"
                    ),
                }
            }
        }
    }
}

fn shown(suppress: &Suppress, now: Timestamp) -> SuppressionView {
    SuppressionView {
        principal_arn: suppress.principal.arn().to_owned(),
        accounts: suppress.where_it_counts().into_iter().flatten().collect(),
        event_names: suppress.event_names.iter().cloned().collect(),
        reason: suppress.reason.clone(),
        owner: suppress.owner.clone(),
        ends_at: suppress.ends(),
        state: suppress.state(now),
    }
}
