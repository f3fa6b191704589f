//! The global condition keys: what AWS knows about every request.

use serde_json::Value;

use super::ADMINISTRATOR_ID;
use crate::call::{Call, Service};
use crate::policy::Context;
use crate::service::iam::Role;
use crate::world::World;

/// Sets a key, unless the service said it already.
pub(super) fn add(context: &mut Context, key: &str, value: impl Into<String>) {
    if !context.contains_key(key) {
        context.insert(key.to_owned(), vec![value.into()]);
    }
}

/// Sets `aws:RequestedRegion` for what a service asks on its own: where the thing is that its ARN names.
pub(super) fn add_region(arn: &str, context: &mut Context) {
    if let Some(region) = arn.split(':').nth(3).filter(|region| !region.is_empty()) {
        add(context, "aws:requestedregion", region);
    }
}

/// What AssumeRole adds of its own input.
pub(super) fn of_assuming(call: &Call, source_identity: Option<&str>, context: &mut Context) {
    for (key, value) in [
        ("sts:externalid", call.text("ExternalId")),
        ("sts:rolesessionname", call.text("RoleSessionName")),
        ("sts:sourceidentity", source_identity),
    ] {
        if let Some(value) = value {
            add(context, key, value);
        }
    }
    let mut keys = Vec::new();
    for tag in call.list("Tags") {
        let text = |name| tag.get(name).and_then(Value::as_str);
        if let (Some(key), Some(value)) = (text("Key"), text("Value")) {
            add(context, &format!("aws:requesttag/{}", key.to_ascii_lowercase()), value);
            keys.push(key.to_owned());
        }
    }
    if !keys.is_empty() {
        context.entry("aws:tagkeys".to_owned()).or_insert(keys);
    }
}

impl World {
    /// The Region that `aws:RequestedRegion` holds: of global services the one where they are.
    pub(super) fn requested_region<'a>(&self, call: &'a Call) -> &'a str {
        match call.service {
            Service::Iam => self.partition.iam_region,
            Service::Organizations | Service::Account => self.partition.organizations_region,
            _ => &call.region,
        }
    }

    /// What is known of the administrator's user.
    pub(super) fn add_user(&self, account: &str, arn: &str, context: &mut Context) {
        self.add_principal(account, arn, "User", context);
        add(context, "aws:userid", ADMINISTRATOR_ID);
        add(context, "aws:username", "administrator");
    }

    /// What is known of a role's session.
    pub(super) fn add_session(&self, account: &str, role: &Role, session: &str, context: &mut Context) {
        // AWS: `aws:PrincipalArn` of a session is the role's ARN.
        self.add_principal(account, &role.arn, "AssumedRole", context);
        add(context, "aws:userid", format!("{}:{session}", role.id));
        for (key, value) in &role.tags {
            add(context, &format!("aws:principaltag/{}", key.to_ascii_lowercase()), value.clone());
        }
    }

    fn add_principal(&self, account: &str, arn: &str, kind: &str, context: &mut Context) {
        add(context, "aws:principalarn", arn);
        add(context, "aws:principalaccount", account);
        add(context, "aws:principaltype", kind);
        add(context, "aws:principalisawsservice", "false");
        add(context, "aws:viaawsservice", "false");
        self.add_organization(account, context, "aws:principalorgid", "aws:principalorgpaths");
    }

    /// What is known of a service that asks as such.
    pub(super) fn add_service(
        &self,
        service: &str,
        source_account: &str,
        source_arn: &str,
        context: &mut Context,
    ) {
        add(context, "aws:principalisawsservice", "true");
        add(context, "aws:principalservicename", service);
        add(context, "aws:principalservicenameslist", service);
        // AWS: not every service tells for whom it asks.
        for (key, value) in [("aws:sourceaccount", source_account), ("aws:sourcearn", source_arn)] {
            if !value.is_empty() {
                add(context, key, value);
            }
        }
        self.add_organization(source_account, context, "aws:sourceorgid", "aws:sourceorgpaths");
    }

    /// What is known of the resource by its owner.
    pub(super) fn add_resource(&self, owner: &str, context: &mut Context) {
        add(context, "aws:resourceaccount", owner);
        self.add_organization(owner, context, "aws:resourceorgid", "aws:resourceorgpaths");
    }

    /// What is the same for everybody.
    pub(super) fn add_time(&self, context: &mut Context) {
        let now = self.now();
        add(context, "aws:currenttime", now.to_string());
        add(context, "aws:epochtime", now.as_second().to_string());
        add(context, "aws:securetransport", "true");
    }

    /// AWS: the keys of the organization are absent for an account that is in none.
    fn add_organization(&self, account: &str, context: &mut Context, id: &str, paths: &str) {
        let organization = &self.organization;
        if let Some(path) = organization.path(account) {
            // AWS: unlike the `Paths` of an account, the condition keys end with its parent.
            let parent = path.strip_suffix('/').and_then(|path| path.strip_suffix(account)).unwrap_or(&path);
            add(context, id, organization.id.clone());
            add(context, paths, parent);
        }
    }
}
