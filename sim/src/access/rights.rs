//! Which policies bind a principal.

use std::sync::{Arc, LazyLock};

use jiff::SignedDuration;

use crate::policy::{Policies, Policy};
use crate::service::iam::{Iam, Role};
use crate::world::{Part, World};

static NOTHING: Policy = Policy::nothing();
static EVERYTHING: LazyLock<Policy> = LazyLock::new(|| Policy::allowing(&["*"]));
static READING: LazyLock<Policy> = LazyLock::new(|| Policy::allowing(&["*:Get*", "*:List*", "*:Describe*"]));

/// The service control policy that AWS attaches everywhere.
const FULL_ACCESS: &str = "p-FullAWSAccess";

impl World {
    /// The role of that name as somebody sees it who is `lag` behind, with what it is part of.
    pub(super) fn role(&self, account: &str, name: &str, lag: SignedDuration) -> Option<(&Iam, &Role)> {
        let lag = self.behind(account, Part::Roles, lag);
        let iam = self.accounts.get(account)?.iam.seen(self.now(), lag);
        Some((iam, iam.roles.get(name)?))
    }

    /// Whether a role is old enough to be assumed: AWS takes a moment to make a new one known.
    pub(super) fn is_usable(&self, role: &Role) -> bool {
        self.now().duration_since(role.created_at) >= self.lags.role
    }

    /// What a user with every right is bound by.
    pub(super) fn rights_of_administrator(&self, account: &str) -> Policies<'_> {
        Policies { identity: vec![&EVERYTHING], control: self.control(account), ..Policies::default() }
    }

    /// What a role's session is bound by.
    pub(super) fn rights_of_role<'w>(
        &'w self,
        account: &str,
        iam: &'w Iam,
        role: &'w Role,
        session: &'w [Arc<Policy>],
    ) -> Policies<'w> {
        let inline = role.inline.values().map(|document| &*document.policy);
        let attached = role.attached.iter().map(|arn| managed(iam, arn));
        // AWS: service control policies do not bind service-linked roles.
        let linked = role.path.starts_with("/aws-service-role/");
        Policies {
            identity: inline.chain(attached).collect(),
            boundary: role.boundary.as_deref().map(|arn| managed(iam, arn)),
            session: session.iter().map(|policy| &**policy).collect(),
            control: if linked { Vec::new() } else { self.control(account) },
            ..Policies::default()
        }
    }

    /// The service control policies over an account, level by level from the root.
    ///
    /// AWS: they do not bind the management account. Each level always has one attached, at first `FullAWSAccess`;
    /// so a level without any is as it was at first.
    fn control(&self, account: &str) -> Vec<Vec<&Policy>> {
        let organization = &self.organization;
        let Some(member) = organization.members.get(account).filter(|_| account != organization.management)
        else {
            return Vec::new();
        };
        let mut places = vec![member.id.as_str()];
        let mut place = Some(member.parent.as_str());
        while let Some(id) = place {
            places.push(id);
            place = organization.units.get(id).map(|unit| unit.parent.as_str());
        }
        places
            .iter()
            .rev()
            .filter_map(|id| organization.attachments.get(*id).filter(|attached| !attached.is_empty()))
            .map(|attached| {
                let policy = |id: &String| match organization.policies.get(id) {
                    Some(policy) => Some(&*policy.document.policy),
                    None => (id == FULL_ACCESS).then_some(&*EVERYTHING),
                };
                attached.iter().filter_map(policy).collect()
            })
            .collect()
    }
}

/// The managed policy of that ARN: the account's own, or one of the few of AWS that are known. What does not exist
/// allows nothing.
fn managed<'w>(iam: &'w Iam, arn: &str) -> &'w Policy {
    if let Some(policy) = iam.policies.get(arn) {
        return &policy.document.policy;
    }
    match arn.split_once(":iam::aws:policy/").map(|(_, name)| name) {
        Some("AdministratorAccess") => &EVERYTHING,
        Some("ReadOnlyAccess" | "SecurityAudit") => &READING,
        _ => &NOTHING,
    }
}
