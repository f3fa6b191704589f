//! Turns judgements into a plan: order, stages and guards. Pure: what it depends on is handed in.

mod keys;

use std::collections::BTreeSet;

use crate::compile;
use crate::judge::{Judged, MISSING, Memory, STRANGER, UNKNOWN_SUBSCRIPTION};
use crate::kinds::archive::ARCHIVE_KEPT;
use crate::kinds::queue::DEAD_LETTERS;
use crate::kinds::topic::{ALERT_RULES, NO_CONFIRMED_SUBSCRIPTION, WAITING_FOR_CONFIRMATION};
use crate::limits::{Allowance, Denial};
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{FieldChange, ResourceId, Verdict};
use crate::model::target::Side;
use crate::world::Target;

/// What is no longer desired waits until all that is desired was seen in place.
pub const WAITING_FOR_SUCCESSOR: &str = "WaitingForSuccessor";
/// A dead-letter queue stays as long as rules may send to it.
pub const WAITING_FOR_SENDERS: &str = "WaitingForSenders";
/// A rule is not moved to a role that was not seen in place.
pub const WAITING_FOR_ROLE: &str = "WaitingForRole";

/// A rule of an alert gives up events only after another one that takes them was seen in place.
pub const WAITING_FOR_SIBLING: &str = "WaitingForSibling";

/// What holds a plan back, as far as it concerns this target.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Why nothing may be written anywhere: other credentials, another organization.
    pub wrong_place: Option<Hold>,
    /// Why nothing is ever written in this target, whatever else happens.
    pub overridden: Option<Hold>,
    /// Why nothing may be written in this target yet: the central side or the first accounts come first.
    pub not_yet: Option<Hold>,
    /// Whether orphans are taken away.
    pub prune: bool,
    /// Whether orphans are taken away without waiting for a second sighting: a teardown, which somebody asked for.
    pub teardown: bool,
    /// Whether a teardown takes filled queues and adopted resources too.
    pub delete_data: bool,
    /// What was adopted by configuration, by kind and name; a teardown leaves it.
    pub adopted: BTreeSet<(String, String)>,
    /// Whether another Region of the same account was not seen in place yet.
    pub open_elsewhere: bool,
    /// Whether rules that send their dead letters to this Region's queue may still be there.
    pub senders_left: bool,
    /// Whether nothing was written here within the settle time, and what is in place was so for as long.
    pub settled: bool,
    /// Whether forwarding role and bus policy were in place for the settle time.
    pub path_settled: bool,
    /// The topics of the built-in alerts: whether anybody confirmed them says nothing about the alerts of the settings.
    pub built_in_topics: BTreeSet<String>,
    /// What a person has let go, by resource and the reason that it was held for.
    pub released: BTreeSet<(ResourceId, &'static str)>,
}

impl Guards {
    /// Whether nobody has let this go.
    fn holds(&self, resource: &ResourceId, hold: &Hold) -> bool {
        self.released.is_empty() || !self.released.contains(&(resource.clone(), hold.reason))
    }
}

/// The plan for one target. Asks `allowance` for each change that the limits count, in the plan's order.
///
/// `judged` comes in the order of the kinds; removals are planned in reverse.
pub fn plan(
    target: &Target,
    judged: &[Judged],
    memory: &Memory,
    guards: &Guards,
    allowance: &mut dyn Allowance,
) -> Plan {
    let mut changes: Vec<Change> = Vec::new();
    let makes = judged.iter().filter(|j| j.proposal.as_ref().is_some_and(|p| p.action != Action::Delete));
    for made in makes {
        let planned = change(made, |proposal_hold, change| {
            guards
                .wrong_place
                .clone()
                .or_else(|| guards.overridden.clone())
                // What waits for a person is told before what waits for its turn.
                .or(proposal_hold.filter(|hold| guards.holds(&change.resource, hold)))
                .or_else(|| moves_to_an_unseen_role(judged, change, guards))
                .or_else(|| admitted_either_way(judged, change, guards))
                .or_else(|| before_its_siblings(judged, made, guards))
                .or_else(|| guards.not_yet.clone())
                .or_else(|| {
                    let denial = rewrites(target, change)
                        .then(|| allowance.rewrite(target).err().map(denied))
                        .flatten();
                    denial.filter(|hold| guards.holds(&change.resource, hold))
                })
        });
        changes.extend(planned.into_iter().flat_map(|change| keys::behind_its_key(judged, change, guards)));
    }
    let prune = guards.prune || guards.teardown || target.leaving;
    let removals = judged
        .iter()
        .rev()
        .filter(|j| prune && j.proposal.as_ref().is_some_and(|p| p.action == Action::Delete));
    let waits = removal_waits(judged, !changes.is_empty(), guards);
    for going in removals {
        changes.extend(change(going, |proposal_hold, _| {
            let holds = |hold: &Hold| guards.holds(&going.resource.id, hold);
            let sightings =
                memory.get(&going.resource.id).map_or(0, |remembered| remembered.orphan_sightings);
            let unseen = (!guards.teardown && sightings < 2).then(|| {
                wait("SecondSighting", "what is no longer desired goes only after it was seen twice")
            });
            let settling = (!guards.teardown && !guards.settled).then(|| {
                wait(
                    "Settling",
                    "what stays was seen in place too short a while ago; removals wait until it has settled",
                )
            });
            guards
                .wrong_place
                .clone()
                .or_else(|| guards.overridden.clone())
                .or_else(|| guards.not_yet.clone().filter(|_| !guards.teardown))
                .or_else(|| kinds_hold(proposal_hold, guards).filter(&holds))
                .or_else(|| adopted(target, going, guards))
                .or_else(|| keeps_its_bus(judged, going, guards))
                .or_else(|| carries_a_strangers_rule(judged, going))
                .or_else(|| unconfirmed(judged, going, guards).filter(|hold| !guards.teardown && holds(hold)))
                .or_else(|| waits.clone())
                .or_else(|| used_elsewhere(going, guards))
                .or_else(|| used_by_senders(going, guards))
                .or(unseen)
                .or(settling)
                .or_else(|| {
                    (!guards.teardown).then(|| allowance.delete().err().map(denied)).flatten().filter(&holds)
                })
        }));
    }
    Plan { target: target.key.clone(), changes }
}

fn change(judged: &Judged, hold: impl FnOnce(Option<Hold>, &Change) -> Option<Hold>) -> Option<Change> {
    let proposal = judged.proposal.as_ref()?;
    let mut change = Change {
        resource: judged.resource.id.clone(),
        action: proposal.action,
        stage: proposal.stage,
        reason: proposal.reason.clone(),
        fields: judged.resource.changes.clone(),
        calls: proposal.calls.clone(),
        hold: None,
    };
    change.hold = hold(proposal.hold.clone(), &change);
    Some(change)
}

/// A rule in force keeps its role until the other one was seen in place and has taken effect: what EventBridge may not
/// deliver it does not retry.
fn moves_to_an_unseen_role(judged: &[Judged], change: &Change, guards: &Guards) -> Option<Hold> {
    let (kind, settled, until) = match change.resource.kind {
        "sender_rule" => (
            "forwarding_role",
            guards.path_settled,
            "the other one, and the policy of the bus that admits it, were in place for the settle time",
        ),
        "alert_rule" => ("delivery_role", guards.settled, "its own was in place for the settle time"),
        _ => return None,
    };
    if change.stage != Stage::Switch || !change.fields.iter().any(|f| is_role(f) && !f.desired.is_null()) {
        return None;
    }
    let unseen = |role: &&Judged| match role.resource.verdict {
        Verdict::Pending | Verdict::Unknown | Verdict::Foreign => true,
        Verdict::Drifted => role.proposal.is_none() || role.resource.reason == Some(MISSING),
        Verdict::InSync | Verdict::Orphan => false,
    };
    let Some(role) = judged.iter().filter(|j| j.resource.id.kind == kind).find(unseen) else {
        return (!settled)
            .then(|| wait(WAITING_FOR_ROLE, &format!("the rule keeps the role that it has until {until}")));
    };
    Some(Hold {
        reason: WAITING_FOR_ROLE,
        message: format!(
            "role {} was not seen in place; until it is, the rule stays with what it has",
            role.resource.id.name
        ),
        // A role that is not ours to make, somebody else has to install.
        waits: role.proposal.is_some() || role.resource.verdict == Verdict::Pending,
    })
}

/// Where a target gets another role.
fn is_role(field: &FieldChange) -> bool {
    field.path.ends_with(".role_arn")
}

/// A rule in force gives up its role only when topics admit EventBridge itself, and a topic stops admitting it only when
/// its rules have a role.
fn admitted_either_way(judged: &[Judged], change: &Change, guards: &Guards) -> Option<Hold> {
    let open = |kind: &str, differs: &dyn Fn(&FieldChange) -> bool| {
        judged.iter().any(|j| {
            j.resource.id.kind == kind
                && match j.resource.verdict {
                    Verdict::Pending | Verdict::Unknown => true,
                    Verdict::Drifted => {
                        j.resource.reason == Some(MISSING) || j.resource.changes.iter().any(differs)
                    }
                    Verdict::InSync | Verdict::Orphan | Verdict::Foreign => false,
                }
        })
    };
    let waits =
        |others: bool, message: &str| (others || !guards.settled).then(|| wait(WAITING_FOR_ROLE, message));
    match change.resource.kind {
        "alert_rule"
            if change.stage == Stage::Switch
                && change.fields.iter().any(|f| is_role(f) && f.desired.is_null()) =>
        {
            waits(
                open("topic", &|f| f.path.starts_with("policy")),
                "the rule keeps its role until the topic that admits EventBridge itself was in place for the settle time",
            )
        }
        "topic" if change.fields.iter().any(shuts_out) => waits(
            open("alert_rule", &is_role),
            "the topic admits EventBridge itself until the rules that deliver by a role were in place for the settle time",
        ),
        _ => None,
    }
}

/// Whether a topic that may have admitted EventBridge itself does not any more.
fn shuts_out(field: &FieldChange) -> bool {
    let keeps = || field.desired.value().to_string().contains(ALERT_RULES);
    let statement = format!("policy.Statement.{ALERT_RULES}");
    match field.path.as_str() {
        "policy" | "policy.Statement" => !keeps(),
        path => path == statement && field.desired.is_null(),
    }
}

/// Where an alert has several rules, none of those in force is changed before all that deliver more were seen in place
/// for as long as AWS may take: what one gives up, another has to have.
fn before_its_siblings(judged: &[Judged], made: &Judged, guards: &Guards) -> Option<Hold> {
    let proposal = made.proposal.as_ref()?;
    let id = &made.resource.id;
    if id.kind != "alert_rule" || proposal.stage != Stage::Switch {
        return None;
    }
    let family = compile::family(&id.name);
    let siblings = || {
        judged.iter().filter(|j| {
            j.resource.id.kind == id.kind
                && j.resource.id.name != id.name
                && compile::family(&j.resource.id.name) == family
        })
    };
    let waited_for = |sibling: &&Judged| match sibling.resource.verdict {
        Verdict::InSync | Verdict::Orphan | Verdict::Foreign => false,
        Verdict::Pending | Verdict::Unknown => true,
        Verdict::Drifted => {
            let comes = sibling.proposal.as_ref().is_some_and(|p| p.stage == Stage::Expand);
            comes || (is_switched_off(made) && !is_switched_off(sibling))
        }
    };
    // A rule that lost its target or its pattern is mended at once, whatever its siblings do.
    let only = |field: &FieldChange| field.path.starts_with("pattern") || field.path == "state";
    if !made.resource.changes.iter().all(only) {
        return None;
    }
    match siblings().find(waited_for) {
        Some(sibling) => Some(wait(
            WAITING_FOR_SIBLING,
            &format!("rule {} of the same alert was not seen in place yet", sibling.resource.id.name),
        )),
        None if !guards.settled && siblings().next().is_some() => Some(wait(
            WAITING_FOR_SIBLING,
            "the rules of the same alert were not in place for the settle time yet",
        )),
        None => None,
    }
}

/// Whether a rule in force is to match nothing any more.
fn is_switched_off(judged: &Judged) -> bool {
    let off = serde_json::Value::from("DISABLED");
    judged.resource.changes.iter().any(|field| field.path == "state" && field.desired == off)
}

/// Only rewriting what is in force in members counts against the limit of changed accounts: creating what is absent
/// cannot break a path that works, and the central side, which all depend on, must not wait for any of them.
fn rewrites(target: &Target, change: &Change) -> bool {
    target.key.side == Side::Member && change.stage == Stage::Switch
}

/// Nothing is taken away in a pass that makes something, nor before all that is desired was seen in place: what goes might
/// still be the working path.
fn removal_waits(judged: &[Judged], makes: bool, guards: &Guards) -> Option<Hold> {
    if guards.teardown {
        return None;
    }
    // What is only reported, as nobody desires it, is no successor of anything.
    let reported = |j: &Judged| [Some(STRANGER), Some(UNKNOWN_SUBSCRIPTION)].contains(&j.resource.reason);
    let all_in_place =
        judged.iter().all(|j| matches!(j.resource.verdict, Verdict::InSync | Verdict::Orphan) || reported(j));
    (makes || !all_in_place).then(|| {
        wait(
            WAITING_FOR_SUCCESSOR,
            "what is no longer desired goes only after its successor was seen in place",
        )
    })
}

/// While a topic that is desired has nobody who confirmed, old alerts and their topics stay: people still listen there.
fn unconfirmed(judged: &[Judged], going: &Judged, guards: &Guards) -> Option<Hold> {
    let listens = ["alert_rule", "topic"].contains(&going.resource.id.kind);
    let silent = judged
        .iter()
        .filter(|j| j.resource.verdict != Verdict::Orphan)
        .filter(|j| !guards.built_in_topics.contains(&j.resource.id.name))
        .find(|j| j.resource.notes.iter().any(|note| note.reason == NO_CONFIRMED_SUBSCRIPTION))?;
    listens.then(|| Hold {
        reason: WAITING_FOR_CONFIRMATION,
        message: format!(
            "nobody confirmed a subscription of topic {} yet; until somebody does, the old one stays",
            silent.resource.id.name
        ),
        waits: false,
    })
}

/// What a kind itself holds back goes in a teardown that somebody asked for; data only if that was asked for too.
fn kinds_hold(hold: Option<Hold>, guards: &Guards) -> Option<Hold> {
    let is_data = |hold: &Hold| [DEAD_LETTERS, ARCHIVE_KEPT].contains(&hold.reason);
    // An archive is data in a teardown and outside one; a pass that prunes never takes it.
    hold.filter(|hold| !guards.teardown || (is_data(hold) && !guards.delete_data))
}

/// A role serves every Region of its account, and each Region is a target of its own.
fn used_elsewhere(going: &Judged, guards: &Guards) -> Option<Hold> {
    let open = going.resource.id.kind == "forwarding_role" && guards.open_elsewhere && !guards.teardown;
    open.then(|| {
        wait("WaitingForRegions", "a role goes only after every Region of its account was seen in place")
    })
}

/// An archive that stays keeps the bus whose events it holds, which they could not be replayed to otherwise.
fn keeps_its_bus(judged: &[Judged], going: &Judged, guards: &Guards) -> Option<Hold> {
    let stays = going.resource.id.kind == "event_bus" && !guards.delete_data;
    let archive =
        judged.iter().filter(|j| stays && j.resource.id.kind == "archive").find(|j| j.seen.is_some())?;
    Some(Hold {
        reason: ARCHIVE_KEPT,
        message: format!(
            "bus {} stays with its archive {}; `teardown --delete-data` takes both",
            going.resource.id.name, archive.resource.id.name
        ),
        waits: false,
    })
}

/// AWS deletes no bus that rules are on, and a rule that is not ours is not ours to take away.
fn carries_a_strangers_rule(judged: &[Judged], going: &Judged) -> Option<Hold> {
    let theirs = |j: &&Judged| j.resource.id.kind == "alert_rule" && j.resource.verdict == Verdict::Foreign;
    let rule = judged.iter().filter(|_| going.resource.id.kind == "event_bus").find(theirs)?;
    Some(Hold {
        reason: STRANGER,
        message: format!(
            "rule {} on bus {} is not ours; the bus goes once whoever made that rule has taken it away",
            rule.resource.id.name, going.resource.id.name
        ),
        waits: false,
    })
}

/// A rule that is left somewhere goes on sending what it cannot deliver to the queue of its Region.
fn used_by_senders(going: &Judged, guards: &Guards) -> Option<Hold> {
    let used = going.resource.id.kind == "queue" && guards.senders_left && !guards.teardown;
    used.then(|| Hold {
        reason: WAITING_FOR_SENDERS,
        message:
            "a dead-letter queue goes only after every account was seen to have no rule of ours in its Region"
                .to_owned(),
        waits: false,
    })
}

/// What was somebody else's before is not taken away with the rest.
fn adopted(target: &Target, going: &Judged, guards: &Guards) -> Option<Hold> {
    let id = &going.resource.id;
    let kept = guards.teardown
        && !guards.delete_data
        && guards.adopted.contains(&(id.kind.to_owned(), id.name.clone()));
    kept.then(|| Hold {
        reason: "Adopted",
        message: format!(
            "{id} in {} was adopted and stays; `teardown --delete-data` takes it too",
            target.key
        ),
        waits: false,
    })
}

fn wait(reason: &'static str, message: &str) -> Hold {
    Hold { reason, message: message.to_owned(), waits: true }
}

fn denied(denial: Denial) -> Hold {
    Hold { reason: denial.reason, message: denial.message, waits: false }
}

#[cfg(test)]
mod tests;
