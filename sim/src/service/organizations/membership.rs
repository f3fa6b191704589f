//! Accounts join, move, close and leave; the management account's default bus hears of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::standing::{self, Who, account_id, invalid, no_account, permit, place_id, violated};
use super::{Change, Member, creation};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;
use crate::{seed, trail};

/// AWS: an account that was created must stay so long before it may leave.
const WAITING: SignedDuration = SignedDuration::from_hours(4 * 24);
/// AWS: a closed account can be reopened for so long, then it leaves.
const GRACE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An account that joins.
pub(crate) struct Joining {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) parent: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) role_name: String,
    pub(crate) at: Timestamp,
    pub(crate) role_at: Timestamp,
}

/// Creates an account as CreateAccount does, and answers its id.
///
/// It stands below `parent` (the root, where there is no such place) and holds a role
/// `OrganizationAccountAccessRole`, usable from `member_role_after` on, and nothing else.
pub fn join(
    world: &mut World,
    name: &str,
    email: &str,
    parent: &str,
    tags: BTreeMap<String, String>,
    member_role_after: SignedDuration,
) -> String {
    let at = world.now();
    let joining = Joining {
        name: name.to_owned(),
        email: email.to_owned(),
        parent: parent.to_owned(),
        tags,
        role_name: seed::ORGANIZATION_ROLE.to_owned(),
        at,
        role_at: at.saturating_add(member_role_after).unwrap_or(at),
    };
    let input = json!({ "Email": joining.email, "AccountName": joining.name, "Tags": [] });
    trail::emit_by_administrator(world, "CreateAccount", input);
    let id = new_account_id(world);
    admit(world, &id, joining);
    // AWS: CloudTrail hides the name.
    let details = json!({ "createAccountStatus": {
        "id": world.unique_id("car-", 32).to_lowercase(),
        "accountName": "****",
        "accountId": id,
        "state": "SUCCEEDED",
        "requestedTimestamp": at.to_string(),
        "completedTimestamp": at.to_string(),
    } });
    tell(world, "CreateAccountResult", at, details);
    id
}

/// Takes a new account of that id in, gives it the management account's role, and tells of it.
pub(super) fn admit(world: &mut World, id: &str, joining: Joining) {
    let organization = &mut world.organization;
    let parent =
        if organization.is_place(&joining.parent) { joining.parent } else { organization.root.clone() };
    let member = Member {
        id: id.to_owned(),
        name: joining.name,
        email: joining.email,
        parent,
        state: "ACTIVE".to_owned(),
        joined_method: "CREATED".to_owned(),
        joined_at: joining.at,
        tags: joining.tags,
    };
    organization.admit(member);
    let trusted = organization.management.clone();
    seed::administrator_role(world, id, &joining.role_name, &trusted, joining.role_at);
    let details = json!({ "accountId": id, "joinedMethod": "CREATED", "joinedTime": joining.at.to_string() });
    tell(world, "AccountJoinedOrganization", joining.at, details);
}

/// Lets an account leave as RemoveAccountFromOrganization does; whether it was a member.
///
/// What the account holds stays as it is, but the organization no longer counts it: organization trails, service
/// control policies and `aws:PrincipalOrgID` do not reach it. The management account cannot leave.
pub fn depart(world: &mut World, id: &str) -> bool {
    if world.organization.is_management(id) || !world.organization.members.contains_key(id) {
        return false;
    }
    let now = world.now();
    trail::emit_by_administrator(world, "RemoveAccountFromOrganization", json!({ "AccountId": id }));
    leave_by(world, id, "REMOVED", now)
}

fn leave_by(world: &mut World, id: &str, method: &str, at: Timestamp) -> bool {
    if world.organization.is_management(id) || world.organization.expel(id).is_none() {
        return false;
    }
    let details = json!({ "accountId": id, "departureMethod": method, "departureTime": at.to_string() });
    tell(world, "AccountDepartedOrganization", at, details);
    true
}

/// Closes an account as CloseAccount does; whether it was an open member account.
///
/// It is `PENDING_CLOSURE` for the organization's `closing_time`, then `CLOSED`, and gone after 90 days.
pub fn close(world: &mut World, id: &str) -> bool {
    if !begin_closure(world, id) {
        return false;
    }
    trail::emit_by_administrator(world, "CloseAccount", json!({ "AccountId": id }));
    true
}

fn begin_closure(world: &mut World, id: &str) -> bool {
    let due = world.now().saturating_add(world.organization.closing_time).unwrap_or(Timestamp::MAX);
    if world.organization.is_management(id) {
        return false;
    }
    let Some(member) = world.organization.members.get_mut(id) else { return false };
    if is_closing(&member.state) {
        return false;
    }
    member.state = "PENDING_CLOSURE".to_owned();
    plan(world, due, Change::Close(id.to_owned()));
    true
}

fn is_closing(state: &str) -> bool {
    matches!(state, "PENDING_CLOSURE" | "CLOSED")
}

/// Moves an account below another root or unit; whether it is a member and there is such a place.
pub fn move_to(world: &mut World, id: &str, parent: &str) -> bool {
    let Some(member) = world.organization.members.get(id) else { return false };
    let source = member.parent.clone();
    if !world.organization.relocate(id, parent) {
        return false;
    }
    let input = json!({ "AccountId": id, "SourceParentId": source, "DestinationParentId": parent });
    trail::emit_by_administrator(world, "MoveAccount", input);
    true
}

/// Does what is due by now of what happens by itself: accounts that were asked for come into being, closures end.
pub fn settle(world: &mut World) {
    if world.organization.schedule.is_empty() {
        return;
    }
    let now = world.now();
    while let Some(entry) = world.organization.schedule.first_entry() {
        if entry.key().0 > now {
            break;
        }
        let ((at, _), change) = entry.remove_entry();
        match change {
            Change::Create(request) => creation::finish(world, &request, at),
            Change::Close(account) => finish_closure(world, &account, at),
            Change::Clean(account) => {
                leave_by(world, &account, "CLEANED", at);
                // AWS: with the account everything goes that it held.
                world.accounts.remove(&account);
            }
        }
    }
}

/// Makes something happen by itself later.
pub(super) fn plan(world: &mut World, at: Timestamp, change: Change) {
    let schedule = &mut world.organization.schedule;
    let number = schedule.range((at, 0)..=(at, u64::MAX)).next_back().map_or(0, |((_, last), _)| last + 1);
    schedule.insert((at, number), change);
}

fn finish_closure(world: &mut World, account: &str, at: Timestamp) {
    // It may have left meanwhile.
    let Some(member) = world.organization.members.get_mut(account) else { return };
    member.state = "CLOSED".to_owned();
    let details = json!({ "closeAccountStatus": {
        "accountId": account, "state": "SUCCEEDED", "completedTimestamp": at.to_string(),
    } });
    tell(world, "CloseAccountResult", at, details);
    plan(world, at.saturating_add(GRACE).unwrap_or(Timestamp::MAX), Change::Clean(account.to_owned()));
}

/// An event that Organizations itself leaves in the management account.
pub(super) fn tell(world: &mut World, name: &str, at: Timestamp, details: Value) {
    let management = world.organization.management.clone();
    trail::emit_service_event(world, &management, name, at, details);
}

/// A new account's id: 12 digits that no account has or had.
pub(crate) fn new_account_id(world: &mut World) -> String {
    use rand::RngExt;
    loop {
        let id = world.rng.random_range(100_000_000_000_u64..=999_999_999_999).to_string();
        if !world.accounts.contains_key(&id) && !world.organization.members.contains_key(&id) {
            return id;
        }
    }
}

pub(super) fn close_account(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    permit(world, call, Who::Management, &standing::arn(world, id), Context::new())?;
    if world.organization.is_management(id) {
        return Err(violated("You can't close the management account."));
    }
    let member = world.organization.members.get(id).ok_or_else(no_account)?;
    match member.state.as_str() {
        "CLOSED" => Err(Refusal::bad(
            "AccountAlreadyClosedException",
            "You attempted to close an account that is already closed.",
        )),
        "PENDING_CLOSURE" => Err(Refusal::bad(
            "ConflictException",
            "The request failed because it conflicts with the current state of the specified resource.",
        )),
        _ if world.organization.delegated.contains_key(id) => Err(violated(
            "You attempted to close an account that is registered as a delegated administrator.",
        )),
        _ => {
            begin_closure(world, id);
            Ok(Value::Null)
        }
    }
}

pub(super) fn move_account(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    permit(world, call, Who::Management, &standing::arn(world, id), Context::new())?;
    let source = place_id(call, "SourceParentId")?;
    let destination = place_id(call, "DestinationParentId")?;
    let organization = &mut world.organization;
    let member = organization.members.get(id).ok_or_else(no_account)?;
    if member.parent != source {
        return Err(Refusal::bad(
            "SourceParentNotFoundException",
            "You specified a source parent that doesn't exist.",
        ));
    }
    if source == destination {
        let message = "The account is already present in the specified destination parent.";
        return Err(Refusal::bad("DuplicateAccountException", message));
    }
    if !organization.relocate(id, destination) {
        return Err(Refusal::bad(
            "DestinationParentNotFoundException",
            "You specified a destination parent that doesn't exist.",
        ));
    }
    Ok(Value::Null)
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    permit(world, call, Who::Management, &standing::arn(world, id), Context::new())?;
    may_leave(world, id)?;
    leave_by(world, id, "REMOVED", call.at);
    Ok(Value::Null)
}

pub(super) fn leave(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Member, "*", Context::new())?;
    let id = call.caller.account.as_str();
    may_leave(world, id)?;
    trail::foretell(world, call);
    leave_by(world, id, "LEFT", call.at);
    Ok(Value::Null)
}

fn may_leave(world: &World, id: &str) -> Result<(), Refusal> {
    let organization = &world.organization;
    if organization.is_management(id) {
        let message = "You can't remove a management account from an organization.";
        return Err(Refusal::bad("MasterCannotLeaveOrganizationException", message));
    }
    let member = organization.members.get(id).ok_or_else(no_account)?;
    if organization.delegated.contains_key(id) {
        return Err(violated(
            "You can't remove an account that is registered as a delegated administrator for a service integrated \
             with your organization.",
        ));
    }
    if is_closing(&member.state) {
        return Err(invalid("You can't remove an account that is closed."));
    }
    let until = member.joined_at.saturating_add(WAITING).unwrap_or(Timestamp::MAX);
    if member.joined_method == "CREATED" && world.now() < until {
        return Err(violated(
            "After you create an account, you must wait until at least four days after the account was created before \
             you can remove it.",
        ));
    }
    Ok(())
}
