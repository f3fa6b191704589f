//! Who may do what: gathers the policies that apply to a caller and asks whether together they allow it.

use jiff::SignedDuration;

use crate::call::{Call, Refusal};
use crate::policy::{Context, Policy};
use crate::world::World;

/// Who asks for something that a service does on somebody's behalf: a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Asker {
    /// An AWS service as such, admitted by the resource's policy alone.
    Service {
        /// E.g. `events.amazonaws.com`.
        service: String,
        /// `aws:SourceAccount`.
        source_account: String,
        /// `aws:SourceArn`, e.g. the rule's ARN.
        source_arn: String,
    },
    /// A role that a service assumed.
    Role {
        /// The account of the role.
        account: String,
        /// Its ARN.
        role_arn: String,
        /// The service that assumed it.
        service: String,
        /// `aws:SourceArn` when it was assumed.
        source_arn: String,
    },
}

/// A resource that something is done to.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its ARN, or what IAM takes for it (`*`).
    pub arn: &'a str,
    /// The account that owns it.
    pub owner: &'a str,
    /// Its own policy, if it has one: of a bus, topic, queue, or a role's trust.
    pub policy: Option<&'a Policy>,
}

impl World {
    /// Whether the caller may do `action` on `resource` of its own account, both as IAM spells them.
    ///
    /// Identity policies, permissions boundary, session policies and service control policies must all allow it, and
    /// none may deny it. Global keys (`aws:PrincipalArn`, `aws:PrincipalOrgID`, `aws:RequestedRegion`,
    /// `aws:ResourceOrgID`, …) are added to `context`.
    ///
    /// # Errors
    /// The service's own wording of a refusal.
    pub fn authorize(
        &self,
        call: &Call,
        action: &str,
        resource: &str,
        context: Context,
    ) -> Result<(), Refusal> {
        let resource = Resource { arn: resource, owner: &call.caller.account, policy: None };
        self.authorize_at(call, action, resource, context)
    }

    /// As [`World::authorize`], for any resource: in one account either side may allow, across accounts both must.
    ///
    /// # Errors
    /// The service's own wording of a refusal.
    pub fn authorize_at(
        &self,
        call: &Call,
        action: &str,
        resource: Resource<'_>,
        context: Context,
    ) -> Result<(), Refusal> {
        let _ = (call, action, resource, context);
        Ok(())
    }

    /// Whether a service or its role may do `action` on a resource. What a role may is seen `lag` behind.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn asker_may(
        &self,
        asker: &Asker,
        action: &str,
        resource: Resource<'_>,
        context: Context,
        lag: SignedDuration,
    ) -> Result<(), String> {
        let _ = (asker, action, resource, context, lag);
        Ok(())
    }
}
