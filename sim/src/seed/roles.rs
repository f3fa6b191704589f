//! Roles that are there without anybody's call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::policy::Policy;
use crate::service::iam::{Document, ManagedPolicy, Role};
use crate::world::World;

/// A policy document, parsed. Clones share both text and parse.
///
/// # Errors
/// What is wrong with it.
pub fn document(text: &str) -> Result<Document, String> {
    Ok(Document { text: text.into(), policy: Arc::new(Policy::parse(text)?) })
}

/// Installs a role with inline policies (name and JSON), and a customer-managed policy as its permissions boundary, as a
/// deployment kit does; answers the role's ARN.
///
/// A role or policy of the same name is replaced. It is usable at once, whatever the lags are.
///
/// # Errors
/// What is wrong with a document.
pub fn install(
    world: &mut World,
    account: &str,
    role_name: &str,
    trust: &str,
    policies: &[(&str, &str)],
    boundary: Option<(&str, &str)>,
) -> Result<String, String> {
    let inline = policies
        .iter()
        .map(|(name, text)| Ok(((*name).to_owned(), document(text)?)))
        .collect::<Result<_, String>>()?;
    let boundary = boundary.map(|(name, text)| Ok::<_, String>((name, document(text)?))).transpose()?;
    let mut role = Role { inline, ..plain(world, account, role_name, document(trust)?, long_ago(world)) };
    if let Some((name, document)) = boundary {
        let arn = format!("arn:{}:iam::{account}:policy/{name}", world.partition.name);
        let id = world.unique_id("ANPA", 17);
        let policy = ManagedPolicy::new(name, id, document, long_ago(world));
        let (now, lag) = (world.now(), world.lags.longest());
        world.account(account).iam.write(now, lag).policies.insert(arn.clone(), policy);
        role.boundary = Some(arn);
    }
    let arn = role.arn.clone();
    put(world, account, role);
    Ok(arn)
}

/// Installs an administrator role that trusts another account as a whole; answers its ARN.
///
/// It is usable at once, whatever the lags are.
pub fn simple_member_role(
    world: &mut World,
    account: &str,
    role_name: &str,
    trusted_account: &str,
) -> String {
    let at = long_ago(world);
    let trust = trust(world.partition.name, trusted_account);
    administrator(world, account, role_name, trust, at)
}

/// Installs an administrator role that trusts another account as a whole and is made at that time.
pub(crate) fn administrator_role(
    world: &mut World,
    account: &str,
    role_name: &str,
    trusted_account: &str,
    at: Timestamp,
) -> String {
    let trust = trust(world.partition.name, trusted_account);
    administrator(world, account, role_name, trust, at)
}

/// The same, with a document that is parsed already.
pub(super) fn administrator(
    world: &mut World,
    account: &str,
    role_name: &str,
    trust: Document,
    at: Timestamp,
) -> String {
    let mut role = plain(world, account, role_name, trust, at);
    role.attached =
        BTreeSet::from([format!("arn:{}:iam::aws:policy/AdministratorAccess", world.partition.name)]);
    let arn = role.arn.clone();
    put(world, account, role);
    arn
}

/// A trust in an account as a whole.
pub(super) fn trust(partition: &str, account: &str) -> Document {
    own(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:{partition}:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    ))
}

/// A document of the simulator's own, which parses.
pub(super) fn own(text: &str) -> Document {
    match document(text) {
        Ok(document) => document,
        Err(error) => unreachable!("{text} parses: {error}"),
    }
}

fn plain(world: &mut World, account: &str, role_name: &str, trust: Document, at: Timestamp) -> Role {
    Role {
        name: role_name.to_owned(),
        path: "/".to_owned(),
        id: world.unique_id("AROA", 17),
        arn: format!("arn:{}:iam::{account}:role/{role_name}", world.partition.name),
        created_at: at,
        description: None,
        trust,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary: None,
        tags: BTreeMap::new(),
        max_session_duration: 3600,
    }
}

fn put(world: &mut World, account: &str, role: Role) {
    let (now, lag) = (world.now(), world.lags.longest());
    world.account(account).iam.write(now, lag).roles.insert(role.name.clone(), role);
}

/// Long enough ago that what was made then has settled.
fn long_ago(world: &World) -> Timestamp {
    world.now().saturating_sub(world.lags.longest()).unwrap_or(Timestamp::MIN)
}
