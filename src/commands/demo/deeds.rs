//! What people and tools do in the organization, each by the calls that they would make, and in which order.

use orgwatch_sim::call::Service;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::stage::Stage;

const RULE: &str = "orgwatch-iam-changes";
const ROLE: &str = "orgwatch-forwarder";

/// Something that breaks, or opens, the path of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tampering {
    RuleDisabled,
    RuleDeleted,
    RulePattern,
    TargetRemoved,
    RoleTrust,
    RolePolicyRemoved,
    BusOpened,
    TopicPolicy,
}

const TAMPERING: [Tampering; 8] = [
    Tampering::RuleDisabled,
    Tampering::RuleDeleted,
    Tampering::RulePattern,
    Tampering::TargetRemoved,
    Tampering::RoleTrust,
    Tampering::RolePolicyRemoved,
    Tampering::BusOpened,
    Tampering::TopicPolicy,
];

/// A call to be made.
pub(super) type Ask = (Service, &'static str, Value);

impl Tampering {
    /// Whether it is done in the central account.
    fn is_central(self) -> bool {
        matches!(self, Self::BusOpened | Self::TopicPolicy)
    }

    fn calls(self, stage: &Stage) -> Vec<Ask> {
        let nothing = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" },
        }] });
        let everybody = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
            "Resource": stage.arn("events", "event-bus/orgwatch"),
        }] });
        let topic = stage.arn("sns", RULE);
        let nobody = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic,
        }] });
        let events = Service::Events;
        let untie = || (events, "RemoveTargets", json!({ "Rule": RULE, "Ids": ["central"] }));
        match self {
            Self::RuleDisabled => vec![(events, "DisableRule", json!({ "Name": RULE }))],
            Self::RuleDeleted => vec![untie(), (events, "DeleteRule", json!({ "Name": RULE }))],
            Self::RulePattern => {
                let pattern = json!({ "source": ["aws.ec2"] }).to_string();
                vec![(events, "PutRule", json!({ "Name": RULE, "EventPattern": pattern }))]
            }
            Self::TargetRemoved => vec![untie()],
            Self::RoleTrust => vec![(
                Service::Iam,
                "UpdateAssumeRolePolicy",
                json!({ "RoleName": ROLE, "PolicyDocument": nothing.to_string() }),
            )],
            Self::RolePolicyRemoved => vec![(
                Service::Iam,
                "DeleteRolePolicy",
                json!({ "RoleName": ROLE, "PolicyName": "orgwatch-forward" }),
            )],
            Self::BusOpened => vec![(
                events,
                "PutPermission",
                json!({ "EventBusName": "orgwatch", "Policy": everybody.to_string() }),
            )],
            Self::TopicPolicy => vec![(
                Service::Sns,
                "SetTopicAttributes",
                json!({ "TopicArn": topic, "AttributeName": "Policy", "AttributeValue": nobody.to_string() }),
            )],
        }
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Somebody makes calls in a member.
    Calls { who: &'static str, account: String, calls: Vec<Ask> },
    /// The management account creates an account.
    Joins { name: String },
    /// The management account removes one.
    Leaves { account: String },
}

/// A step of a round.
#[derive(Clone, Copy)]
enum Step {
    Tampering,
    IamChange,
    Joins,
    Leaves,
}

use Step::{IamChange, Joins, Leaves, Tampering as Tamper};

/// A round: every kind of tampering once, with everyday things between.
const ROUND: [Step; 13] = [
    Tamper, IamChange, Tamper, Joins, Tamper, Tamper, IamChange, Tamper, Leaves, Tamper, Tamper, IamChange,
    Tamper,
];

/// Those who know what they do, those who do not, and those who do not look.
const PEOPLE: [&str; 4] = ["mallory", "bob", "ci-deploy", "terraform"];
const NEWCOMERS: [&str; 12] = [
    "Apollo", "Borealis", "Cassini", "Draco", "Europa", "Fornax", "Gemini", "Hydra", "Io", "Juno", "Kepler",
    "Lyra",
];

/// Decides what happens next; the same seed decides the same.
pub(super) struct Script {
    rng: StdRng,
    members: Vec<String>,
    /// Half of the members may leave; the demo is about the others.
    may_leave: usize,
    /// Members in the order in which it is their turn, so that nobody is broken while being repaired.
    turns: Vec<String>,
    tampering: Vec<Tampering>,
    step: usize,
    newcomers: usize,
    users: usize,
}

impl Script {
    pub(super) fn new(seed: u64, members: &[String]) -> Self {
        let mut members = members.to_vec();
        members.sort_unstable();
        Self {
            rng: StdRng::seed_from_u64(seed),
            may_leave: members.len() / 2,
            turns: Vec::new(),
            members,
            tampering: Vec::new(),
            step: 0,
            newcomers: 0,
            users: 0,
        }
    }

    /// The next deed.
    pub(super) fn next(&mut self, stage: &Stage) -> Deed {
        let step = ROUND[self.step % ROUND.len()];
        self.step += 1;
        match step {
            Tamper => self.tamper(stage),
            Joins if self.may_leave > 0 => {
                let round = self.newcomers / NEWCOMERS.len();
                let name = NEWCOMERS[self.newcomers % NEWCOMERS.len()];
                self.newcomers += 1;
                Deed::Joins {
                    name: if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) },
                }
            }
            Leaves if self.may_leave > 0 => {
                self.may_leave -= 1;
                let account = self.turn();
                self.members.retain(|member| *member != account);
                Deed::Leaves { account }
            }
            IamChange | Joins | Leaves => self.change_iam(stage),
        }
    }

    fn tamper(&mut self, stage: &Stage) -> Deed {
        let deed = match self.tampering.pop() {
            Some(deed) => deed,
            None => {
                let first = self.step == 1;
                self.tampering = TAMPERING.to_vec();
                self.tampering.shuffle(&mut self.rng);
                if first {
                    // What anybody understands at once comes first.
                    self.tampering.sort_by_key(|deed| *deed == Tampering::RuleDisabled);
                }
                self.tampering.pop().unwrap_or(Tampering::RuleDisabled)
            }
        };
        let account = if deed.is_central() { stage.central.clone() } else { self.turn() };
        Deed::Calls { who: self.somebody(), account, calls: deed.calls(stage) }
    }

    /// A change of IAM as the alerts are there for.
    fn change_iam(&mut self, stage: &Stage) -> Deed {
        self.users += 1;
        let user = format!("backup-admin-{}", self.users);
        let policy = format!("arn:{}:iam::aws:policy/AdministratorAccess", stage.partition);
        let calls = vec![
            (Service::Iam, "CreateUser", json!({ "UserName": user })),
            (Service::Iam, "AttachUserPolicy", json!({ "UserName": user, "PolicyArn": policy })),
        ];
        Deed::Calls { who: self.somebody(), account: self.turn(), calls }
    }

    fn somebody(&mut self) -> &'static str {
        PEOPLE[self.rng.random_range(0..PEOPLE.len())]
    }

    fn turn(&mut self) -> String {
        loop {
            if self.turns.is_empty() {
                self.turns.clone_from(&self.members);
                self.turns.shuffle(&mut self.rng);
            }
            // Who has left meanwhile has no turn.
            match self.turns.pop() {
                Some(member) if !self.members.contains(&member) => {}
                Some(member) => return member,
                None => return String::new(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn played(seed: u64, steps: usize) -> Vec<Deed> {
        let stage = Stage::build(12, 3).unwrap();
        let mut script = Script::new(seed, &stage.members);
        (0..steps).map(|_| script.next(&stage)).collect()
    }

    #[test]
    fn the_same_seed_plays_the_same_and_another_one_another() {
        let of = |seed| format!("{:?}", played(seed, 60));
        assert_eq!(of(5), of(5));
        assert_ne!(of(5), of(6));
    }

    #[test]
    fn a_round_has_every_kind_of_tampering_and_somebody_joins_and_leaves() {
        let deeds = played(1, ROUND.len());
        let operations: BTreeSet<&str> = deeds
            .iter()
            .filter_map(|deed| match deed {
                Deed::Calls { calls, .. } => calls.last().map(|(_, operation, _)| *operation),
                _ => None,
            })
            .collect();
        let expected = [
            "AttachUserPolicy",
            "DeleteRolePolicy",
            "DeleteRule",
            "DisableRule",
            "PutPermission",
            "PutRule",
            "RemoveTargets",
            "SetTopicAttributes",
            "UpdateAssumeRolePolicy",
        ];
        assert_eq!(operations, BTreeSet::from(expected));
        assert!(matches!(&deeds[0], Deed::Calls { calls, .. } if calls[0].1 == "DisableRule"), "{deeds:?}");
        assert_eq!(deeds.iter().filter(|deed| matches!(deed, Deed::Joins { .. })).count(), 1);
        assert_eq!(deeds.iter().filter(|deed| matches!(deed, Deed::Leaves { .. })).count(), 1);
    }

    #[test]
    fn nobody_acts_in_an_account_that_has_left_and_most_accounts_stay() {
        let mut gone = BTreeSet::new();
        for deed in played(9, 40 * ROUND.len()) {
            match deed {
                Deed::Leaves { account } => assert!(gone.insert(account)),
                Deed::Calls { account, .. } => assert!(!gone.contains(&account), "{account}"),
                Deed::Joins { .. } => {}
            }
        }
        assert_eq!(gone.len(), 5, "half of the ten members of twelve accounts");
    }
}
