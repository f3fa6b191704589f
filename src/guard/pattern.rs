//! The patterns of the guard: the calls that tamper with what is ours, as CloudTrail tells them.
//!
//! Every pattern pins its sources: who is admitted to a bus may put events of any source there but `aws.*`. An arm that names
//! no operation still matches writing calls alone, because reading ones do not reach a rule in state `ENABLED`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fields::{self, Field};
use crate::document;
use crate::model::ids::{AccountId, Region};
use crate::world::World;

/// What CloudTrail's events of calls have in common.
const CALL: &str = "AWS API Call via CloudTrail";
/// The same of what services do by themselves. AWS does not say which of the two an account's joining is.
const SERVICE: &str = "AWS Service Event via CloudTrail";
/// What changes which accounts there are and where they belong.
const ORGANIZATION: [&str; 8] = [
    "AccountDepartedOrganization",
    "AccountJoinedOrganization",
    "CloseAccountResult",
    "CreateAccountResult",
    "MoveAccount",
    "AcceptHandshake",
    "RemoveAccountFromOrganization",
    "CreateOrganizationalUnit",
];

/// Which of the calls of an arm are meant, beside what they are about.
#[derive(Clone, Copy, Debug)]
enum Only<'a> {
    /// All of them.
    Everything,
    /// Those that had an effect: a call that failed is worth telling and changes nothing.
    Successful,
    /// Those that a role of one of these names did not make.
    NotBy(&'a [String]),
    /// Those that a role of one of these names made.
    By(&'a [String]),
}

/// One arm before it is written down.
struct Arm {
    service: &'static str,
    operations: &'static [&'static str],
    parameters: Vec<(&'static str, Vec<Value>)>,
}

fn about(field: Field, named: Vec<Value>) -> Arm {
    Arm { service: field.service, operations: field.operations, parameters: vec![(field.field, named)] }
}

/// One pattern of many arms. Sources and what holds for every arm stand in the base: no field is in the base and in an arm
/// at once, which EventBridge would silently overwrite.
fn compiled(arms: Vec<Arm>, only: Only<'_>) -> Value {
    let sources: BTreeSet<String> = arms.iter().map(|arm| format!("aws.{}", arm.service)).collect();
    let mut detail = Map::new();
    let by = |values: Value| json!({ "sessionContext": { "sessionIssuer": { "userName": values } } });
    match only {
        Only::Everything => {}
        Only::Successful => {
            detail.insert("errorCode".to_owned(), json!([{ "exists": false }]));
        }
        // Users have no session; what is not there is nothing else either.
        Only::NotBy(roles) => {
            detail.insert(
                "userIdentity".to_owned(),
                by(json!([{ "exists": false }, { "anything-but": roles }])),
            );
        }
        Only::By(roles) => {
            detail.insert("userIdentity".to_owned(), by(json!(roles)));
        }
    }
    detail.insert("$or".to_owned(), arms.into_iter().map(written).collect());
    document::normal_pattern(json!({ "source": sources, "detail-type": [CALL], "detail": detail }))
}

fn written(arm: Arm) -> Value {
    // The base's sources suffice: among them no two services share an operation or a field that an arm goes by.
    let mut fields = Map::new();
    if !arm.operations.is_empty() {
        fields.insert("eventName".to_owned(), json!(arm.operations));
    }
    if !arm.parameters.is_empty() {
        let parameters: Map<String, Value> = arm
            .parameters
            .into_iter()
            .map(|(field, values)| (field.to_owned(), Value::Array(values)))
            .collect();
        fields.insert("requestParameters".to_owned(), Value::Object(parameters));
    }
    Value::Object(fields)
}

/// The arms of a member; `tagged` says how a rule's ARN begins, `in_iam_region` whether IAM's events appear there.
fn member_arms(world: &World, tagged: Value, boundaries: Vec<Value>, in_iam_region: bool) -> Vec<Arm> {
    let prefix = || vec![json!({ "prefix": world.prefix() })];
    let mut operations = about(fields::RULE, prefix());
    operations.operations = &["PutRule", "DeleteRule", "DisableRule", "EnableRule"];
    let mut arms = vec![
        operations,
        about(fields::TARGETS, prefix()),
        about(fields::EVENTS_TAGS, vec![tagged]),
        // Whatever names no rule where we look for it: too long to be told, or named otherwise than we think.
        Arm {
            service: "events",
            operations: &[
                "PutRule",
                "DeleteRule",
                "DisableRule",
                "EnableRule",
                "PutTargets",
                "RemoveTargets",
            ],
            parameters: ["name", "rule"].map(|field| (field, vec![json!({ "exists": false })])).to_vec(),
        },
        Arm { service: fields::TRAIL.service, operations: fields::TRAIL.operations, parameters: Vec::new() },
    ];
    if in_iam_region {
        let roles = world.guarded_roles().into_iter().map(Value::from).collect();
        arms.push(about(fields::ROLE, roles));
        if !boundaries.is_empty() {
            arms.push(about(fields::POLICY, boundaries));
        }
    }
    arms
}

/// What the guard rule of a member forwards; of the management account also who joins and leaves, which is told nowhere
/// else.
pub fn member(world: &World, account: &AccountId, region: &Region, is_management: bool) -> Value {
    let rules = world.arn("events", region, account, &format!("rule/{}", world.prefix()));
    let boundary = world.boundary_arn(account).map(Value::from).into_iter().collect();
    let in_iam_region = *region == world.partition.iam_events_region();
    let arms = member_arms(world, json!({ "prefix": rules }), boundary, in_iam_region);
    if is_management && *region == world.partition.organizations_region() {
        with_organization(arms, Only::Everything)
    } else {
        compiled(arms, Only::Everything)
    }
}

/// With an arm more: the organization has other accounts.
fn with_organization(mut arms: Vec<Arm>, only: Only<'_>) -> Value {
    arms.push(Arm { service: "organizations", operations: &ORGANIZATION, parameters: Vec::new() });
    let mut pattern = compiled(arms, only);
    pattern["detail-type"] = json!([CALL, SERVICE]);
    document::normal_pattern(pattern)
}

/// The same as it arrives at the central bus from all members.
fn forwarded(world: &World) -> Vec<Arm> {
    let rules = format!("arn:{}:events:*:rule/{}*", world.partition, world.prefix());
    let boundary = world.forwarder.boundary.as_ref();
    let boundaries =
        boundary.map(|name| json!({ "suffix": format!(":policy/{name}") })).into_iter().collect();
    member_arms(world, json!({ "wildcard": rules }), boundaries, true)
}

/// What wakes a member.
pub fn wake(world: &World) -> Value {
    with_organization(forwarded(world), Only::Successful)
}

/// What people are told of tampering in members: everything that we did not do ourselves.
pub fn tamper(world: &World) -> Value {
    compiled(forwarded(world), Only::NotBy(&world.writing_roles()))
}

/// What people are told of tampering with the receiving side.
pub fn central(world: &World) -> Value {
    compiled(central_arms(world), Only::NotBy(std::slice::from_ref(&world.central_role)))
}

/// The same done by the role that we work with: ours by the request's id, or somebody else's.
pub fn central_own(world: &World) -> Value {
    compiled(central_arms(world), Only::By(std::slice::from_ref(&world.central_role)))
}

fn central_arms(world: &World) -> Vec<Arm> {
    let (region, central) = (&world.central_region, &world.central);
    let guards = || [super::CENTRAL, super::CENTRAL_OWN].map(|name| Value::from(world.named(name))).to_vec();
    let bus = || Value::from(world.bus_arn());
    let names = |names: Vec<Value>| Arm { operations: &[], ..about(fields::BUS, names) };
    let topics = || {
        let ours = world.arn("sns", region, central, &world.prefix());
        // A topic that somebody else keeps for an alert is on its path as well.
        let theirs = world.every_alert().filter(|alert| alert.topic.is_none());
        std::iter::once(json!({ "prefix": ours }))
            .chain(theirs.map(|alert| json!({ "prefix": alert.topic_arn })))
    };
    let rules = world.arn("events", region, central, &format!("rule/{}/", world.bus()));
    let own_rules = world.arn("events", region, central, &format!("rule/{}", world.named(super::CENTRAL)));
    let queue = |name: String| json!({ "suffix": format!("/{central}/{name}") });
    let mut arms = vec![
        about(fields::ON_BUS, vec![Value::from(world.bus()), bus()]),
        names(std::iter::once(Value::from(world.bus())).chain(guards()).collect()),
        Arm { operations: &[], ..about(fields::TARGETS, guards()) },
        about(fields::EVENTS_TAGS, vec![bus(), json!({ "prefix": rules }), json!({ "prefix": own_rules })]),
        about(fields::ARCHIVED, vec![bus()]),
        about(fields::ARCHIVE, vec![Value::from(world.bus())]),
        about(fields::TOPIC, topics().collect()),
        about(fields::TOPIC_TAGS, topics().collect()),
        about(fields::SUBSCRIPTION, topics().collect()),
        about(fields::QUEUE, [world.inbox_queue(), world.dead_letter_queue()].map(queue).to_vec()),
    ];
    if *region == world.partition.iam_events_region() {
        arms.push(about(fields::ROLE, vec![Value::from(world.central_role.as_str())]));
    }
    arms
}
