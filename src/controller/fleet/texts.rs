//! Documents that targets have in common, held once.

use std::collections::HashSet;

use crate::model::json::Json;
use crate::model::plan::Plan;
use crate::model::resource::Resource;

/// Shorter texts take hardly less room when they are shared.
const WORTH_IT: usize = 48;

/// The documents that are kept of targets, each once. While thousands of accounts wait for their first installation, each
/// of them lacks the same rule with the same pattern.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashSet<Json>,
    /// At so many, those that nobody has any more are looked for.
    sweep_at: usize,
}

impl Texts {
    /// Lets what a pass found and planned share its documents with that of others.
    pub(super) fn share(&mut self, resources: &mut [Resource], plan: &mut Plan) {
        let found = resources.iter_mut().flat_map(|resource| &mut resource.changes);
        let planned = plan.changes.iter_mut().flat_map(|change| &mut change.fields);
        for field in found.chain(planned) {
            self.one(&mut field.desired);
            self.one(&mut field.observed);
        }
        if self.known.len() > self.sweep_at {
            self.known.retain(Json::is_shared);
            self.sweep_at = (self.known.len() * 2).max(1_000);
        }
    }

    fn one(&mut self, json: &mut Json) {
        if json.as_str().len() < WORTH_IT {
            return;
        }
        match self.known.get(json) {
            Some(same) => json.clone_from(same),
            None => drop(self.known.insert(json.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::resource::{FieldChange, ResourceId, Verdict};
    use crate::model::target::Side;
    use crate::world::fixture;

    fn drifted(pattern: &str) -> Resource {
        Resource {
            id: ResourceId { kind: "sender_rule", name: "orgwatch-iam".to_owned() },
            verdict: Verdict::Drifted,
            reason: None,
            changes: vec![FieldChange {
                path: "pattern".to_owned(),
                desired: json!(pattern.repeat(100)).into(),
                observed: json!(null).into(),
            }],
            error: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn equal_documents_are_held_once_and_those_that_nobody_has_are_forgotten() {
        let mut texts = Texts::default();
        let mut plan =
            Plan { target: fixture::key(Side::Member, fixture::member_id(1)), changes: Vec::new() };
        let mut found: Vec<Resource> =
            (0..3_000).map(|n| drifted(if n < 2 { "same" } else { "other" })).collect();
        let before = found.clone();
        for one in found.chunks_mut(1) {
            texts.share(one, &mut plan);
        }
        assert_eq!(found, before, "nothing is shown otherwise");
        assert_eq!(texts.known.len(), 2);
        drop(found);
        for n in 0..1_002 {
            texts.share(&mut [drifted(&n.to_string())], &mut plan);
        }
        assert!(texts.known.len() <= 1_001, "{}", texts.known.len());
    }
}
