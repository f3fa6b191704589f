//! Nothing is encrypted with a key that may keep those out who bring events. Pure.

use crate::judge::Judged;
use crate::kinds::key::{KEY_NOT_VERIFIED, KEY_REFUSES, NAME};
use crate::model::call::Call;
use crate::model::plan::{Change, Hold, Stage};
use crate::model::resource::{FieldChange, Verdict};

use super::{Guards, wait};

/// What is to be encrypted waits until its key was seen to let everybody in who needs it.
const WAITING_FOR_KEY: &str = "WaitingForKey";

/// How fields are called that say what something is encrypted with.
const FIELDS: [&str; 3] = ["kms_key_arn", "KmsMasterKeyId", "SqsManagedSseEnabled"];

/// A change as it is, or in two: what does not depend on its key goes ahead, and what is encrypted with it is held.
pub(super) fn behind_its_key(judged: &[Judged], change: Change, guards: &Guards) -> Vec<Change> {
    let Some(key) = change.calls.iter().find_map(Call::encrypts_with).filter(|_| change.hold.is_none())
    else {
        return vec![change];
    };
    let Some(hold) = hold(judged, key, change.stage).filter(|hold| guards.holds(&change.resource, hold))
    else {
        return vec![change];
    };
    let (held, goes): (Vec<Call>, Vec<Call>) =
        change.calls.iter().cloned().partition(|call| call.encrypts_with().is_some());
    if goes.is_empty() {
        return vec![Change { hold: Some(hold), ..change }];
    }
    let is_of_key = |field: &FieldChange| FIELDS.iter().any(|name| field.path.ends_with(name));
    let (of_key, others): (Vec<FieldChange>, Vec<FieldChange>) =
        change.fields.iter().cloned().partition(is_of_key);
    let held = Change { calls: held, hold: Some(hold), fields: of_key.into(), ..change.clone() };
    vec![Change { calls: goes, fields: others.into(), ..change }, held]
}

/// Why nothing is encrypted with a key now.
///
/// What is new is encrypted with a key that nobody here can look at, as there is no path yet that could break; what is in
/// force is not, unless a person says that the key's owner has seen to it.
fn hold(judged: &[Judged], key: &str, stage: Stage) -> Option<Hold> {
    let looked_at = judged.iter().map(|j| &j.resource).find(|r| r.id.kind == NAME && r.id.name == key);
    let Some(resource) = looked_at else {
        return Some(wait(WAITING_FOR_KEY, &format!("key {key} was not looked at yet")));
    };
    match resource.verdict {
        Verdict::InSync => {
            let unread = resource.notes.iter().find(|note| note.reason == KEY_NOT_VERIFIED)?;
            (stage == Stage::Switch).then(|| Hold {
                reason: KEY_NOT_VERIFIED,
                message: format!("{}; then release this", unread.message),
                waits: false,
            })
        }
        Verdict::Pending | Verdict::Unknown => {
            let why = resource.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            Some(wait(WAITING_FOR_KEY, &format!("key {key} could not be looked at{why}")))
        }
        Verdict::Drifted | Verdict::Foreign | Verdict::Orphan => {
            let needed = resource.notes.iter().find(|note| note.reason == KEY_REFUSES);
            let refused =
                resource.changes.iter().map(|change| format!("{}: {}", change.path, change.observed));
            let mut told: Vec<String> = refused.collect();
            told.extend(needed.map(|note| note.message.clone()));
            Some(Hold {
                reason: KEY_REFUSES,
                message: format!(
                    "what is encrypted with key {key} would not be delivered, so nothing is: {}",
                    told.join("; ")
                ),
                waits: false,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::plan::Action;
    use crate::model::resource::{Note, Resource, ResourceId};

    const KEY: &str = "arn:aws:kms:us-east-1:222222222222:key/1";

    fn key(verdict: Verdict, notes: Vec<Note>) -> Judged {
        let changes = [FieldChange {
            path: "state".to_owned(),
            desired: json!("Enabled").into(),
            observed: json!("Disabled").into(),
        }];
        let id = ResourceId { kind: NAME, name: KEY.to_owned() };
        let changes = if verdict == Verdict::Drifted { changes.into() } else { [].into() };
        let resource = Resource { id, verdict, reason: None, changes, error: None, notes };
        Judged { resource, proposal: None, seen: None }
    }

    fn topic(stage: Stage) -> Change {
        let set = |attribute: &str, value: &str| Call::SetTopicAttribute {
            arn: "t".to_owned(),
            attribute: attribute.to_owned(),
            value: json!(value),
        };
        Change {
            resource: ResourceId { kind: "topic", name: "orgwatch-x".to_owned() },
            action: Action::Update,
            stage,
            reason: String::new(),
            fields: [].into(),
            calls: vec![set("Policy", "p"), set("KmsMasterKeyId", KEY), set("DisplayName", "d")],
            hold: None,
        }
    }

    /// How many calls go, and how many are held for what.
    fn split(judged: &[Judged], stage: Stage, guards: &Guards) -> (usize, Option<(usize, &'static str)>) {
        let changes = behind_its_key(judged, topic(stage), guards);
        let goes = changes.iter().filter(|c| c.hold.is_none()).map(|c| c.calls.len()).sum();
        let held = changes.iter().find_map(|c| Some((c.calls.len(), c.hold.as_ref()?.reason)));
        (goes, held)
    }

    #[test]
    fn what_a_key_would_keep_out_is_held_and_the_rest_of_the_change_goes_ahead() {
        let guards = Guards::default();
        let seen = |verdict| split(&[key(verdict, Vec::new())], Stage::Switch, &guards);
        assert_eq!(seen(Verdict::InSync), (3, None));
        assert_eq!(seen(Verdict::Drifted), (2, Some((1, KEY_REFUSES))));
        assert_eq!(seen(Verdict::Unknown), (2, Some((1, WAITING_FOR_KEY))));
        assert_eq!(split(&[], Stage::Expand, &guards), (2, Some((1, WAITING_FOR_KEY))), "not looked at");
        let refused = split(&[key(Verdict::Drifted, Vec::new())], Stage::Expand, &guards);
        assert_eq!(refused, (2, Some((1, KEY_REFUSES))), "what is new is made without it");
    }

    #[test]
    fn a_key_that_nobody_here_can_read_encrypts_what_is_new_and_waits_for_a_person_elsewhere() {
        let unread = [key(Verdict::InSync, vec![Note::new(KEY_NOT_VERIFIED, "its owner")])];
        let mut guards = Guards::default();
        assert_eq!(split(&unread, Stage::Expand, &guards), (3, None));
        assert_eq!(split(&unread, Stage::Switch, &guards), (2, Some((1, KEY_NOT_VERIFIED))));
        guards.released.insert((topic(Stage::Switch).resource, KEY_NOT_VERIFIED));
        assert_eq!(split(&unread, Stage::Switch, &guards), (3, None));
    }
}
