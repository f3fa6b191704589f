//! Differences that targets have in common, held once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::judge::Judged;
use crate::model::resource::FieldChange;

/// So few are looked through no sooner than after as many passes.
const FEW: usize = 1_000;

/// The differences that are kept of targets, each once. While thousands of accounts wait for their first installation,
/// each of them lacks the same rule with the same pattern.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashSet<Arc<FieldChange>>,
    /// At so many, those that nobody has any more are looked for.
    sweep_at: usize,
    /// How many passes have ended since that was done.
    passes: usize,
}

impl Texts {
    /// Lets what a pass found share its differences with what others found.
    pub(super) fn share(&mut self, judged: &mut [Judged]) {
        for one in judged {
            one.resource.changes.share(|field| match self.known.get(field) {
                Some(same) => field.clone_from(same),
                None => drop(self.known.insert(Arc::clone(field))),
            });
        }
        self.passes += 1;
        // The second: where everything is in sync again, nothing is added any more.
        if self.known.len() > self.sweep_at || self.passes > self.known.len().max(FEW) {
            self.known.retain(|field| Arc::strong_count(field) > 1);
            self.sweep_at = (self.known.len() * 2).max(FEW);
            self.known.shrink_to(self.sweep_at);
            self.passes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::resource::{Resource, ResourceId, Verdict};

    fn drifted(pattern: &str) -> Judged {
        let field = FieldChange {
            path: "pattern".to_owned(),
            desired: json!(pattern).into(),
            observed: json!(null).into(),
        };
        let resource = Resource {
            id: ResourceId { kind: "sender_rule", name: "orgwatch-iam".to_owned() },
            verdict: Verdict::Drifted,
            reason: None,
            changes: [field].into(),
            error: None,
            notes: Vec::new(),
        };
        Judged { resource, proposal: None, seen: None }
    }

    #[test]
    fn equal_differences_are_held_once_and_those_that_nobody_has_are_forgotten() {
        let mut texts = Texts::default();
        let mut found: Vec<Judged> =
            (0..3_000).map(|n| drifted(if n < 2 { "same" } else { "other" })).collect();
        let before = found.clone();
        for one in found.chunks_mut(1) {
            texts.share(one);
        }
        assert_eq!(found, before, "nothing is shown otherwise");
        assert_eq!(texts.known.len(), 2);
        drop(found);
        drop(before);
        for n in 0..1_002 {
            texts.share(&mut [drifted(&n.to_string())]);
        }
        assert!(texts.known.len() <= 1_001, "{}", texts.known.len());
        for _ in 0..=FEW + 1 {
            texts.share(&mut []);
        }
        assert!(texts.known.is_empty(), "nothing differs any more, and {} are kept", texts.known.len());
    }
}
