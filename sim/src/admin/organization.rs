//! The world at large, its accounts, and credentials in them.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Asked, Fault, elsewhere, known_account};
use crate::fault::Span;
use crate::world::World;

pub(super) fn world(world: &World) -> Value {
    json!({
        "organization_id": world.organization.id,
        "management_account_id": world.organization.management,
        "central_account_id": world.central,
        "root_id": world.organization.root,
        "partition": world.partition.name,
        "accounts": world.organization.members.len(),
        "time": world.now(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    name: String,
    email: Option<String>,
    /// A unit's id, or its name where only one has it; absent: the root.
    ou: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// How long the role that CreateAccount makes is missing at first.
    #[serde(default)]
    member_role_after: Span,
}

pub(super) fn join(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Join { name, email, ou, tags, member_role_after } = asked.body()?;
    let parent = place(world, ou.as_deref())?;
    let email = match email {
        Some(email) if world.organization.members.values().any(|member| member.email == email) => {
            return Err(Fault::bad(format!("an account with the address {email} is there already")));
        }
        Some(email) => email,
        // Random enough to be nobody else's: thousands may join, and none of them has to look at all others.
        None => format!("aws+{}@example.com", world.unique_id("", 12).to_lowercase()),
    };
    let id = elsewhere::join(world, &name, &email, &parent, tags, member_role_after.signed());
    Ok(json!({ "account_id": id }))
}

pub(super) fn depart(world: &mut World, id: &str) -> Answer {
    member(world, id)?;
    done(elsewhere::depart(world, id))?;
    Ok(json!({ "account_id": id }))
}

pub(super) fn close(world: &mut World, id: &str) -> Answer {
    member(world, id)?;
    done(elsewhere::close(world, id))?;
    Ok(json!({ "account_id": id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    /// As in [`Join`].
    ou: Option<String>,
}

pub(super) fn move_to(world: &mut World, id: &str, asked: &Asked<'_>) -> Answer {
    let Move { ou } = asked.body()?;
    let parent = place(world, ou.as_deref())?;
    member(world, id)?;
    done(elsewhere::move_to(world, id, &parent))?;
    Ok(json!({ "account_id": id, "parent_id": parent }))
}

fn done(done: bool) -> Result<(), Fault> {
    if done {
        Ok(())
    } else {
        Err(Fault::new(StatusCode::CONFLICT, "the account's standing does not allow it"))
    }
}

/// AWS: the management account can neither leave nor be closed or moved out of its organization.
fn member(world: &World, id: &str) -> Result<(), Fault> {
    if !world.organization.members.contains_key(id) {
        return Err(Fault::absent(format!("{id} is no account of the organization")));
    }
    if world.organization.management == id {
        return Err(Fault::bad("the management account stays where it is"));
    }
    Ok(())
}

fn place(world: &World, ou: Option<&str>) -> Result<String, Fault> {
    let organization = &world.organization;
    let Some(ou) = ou else { return Ok(organization.root.clone()) };
    if ou == organization.root || organization.units.contains_key(ou) {
        return Ok(ou.to_owned());
    }
    let mut named = organization.units.values().filter(|unit| unit.name == ou);
    match (named.next(), named.next()) {
        (Some(unit), None) => Ok(unit.id.clone()),
        (Some(_), Some(_)) => Err(Fault::bad(format!("several units are named {ou}: give an id"))),
        (None, _) => Err(Fault::absent(format!("there is no organizational unit {ou}"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    account: String,
    role: String,
    session_name: String,
    duration: Option<Span>,
}

pub(super) fn credentials(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Credentials { account, role, session_name, duration } = asked.body()?;
    known_account(world, &account)?;
    let duration = duration.unwrap_or(Span::from_millis(3_600_000)).signed();
    Ok(elsewhere::credentials(world, &account, &role, &session_name, duration)?)
}
