//! Who may do what: gathers the policies that apply to a caller and asks whether together they allow it.

use jiff::SignedDuration;

use crate::call::{Call, Principal, Refusal};
use crate::policy::{Context, Decision, Layer, Policies, Policy, Request, Requester, Within, evaluate};
use crate::service::iam::Role;
use crate::world::World;

mod circumstances;
mod rights;
#[cfg(test)]
mod tests;

/// The unique id of the administrator's user.
const ADMINISTRATOR_ID: &str = "AIDAADMINISTRATOR0000";

/// Who asks for something that a service does on somebody's behalf: a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Asker {
    /// An AWS service as such, admitted by the resource's policy alone.
    Service {
        /// E.g. `events.amazonaws.com`.
        service: String,
        /// `aws:SourceAccount`; empty where the service does not tell.
        source_account: String,
        /// `aws:SourceArn`, e.g. the rule's ARN; empty where the service does not tell.
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

/// What a requester of the resource's own account needs for an action. AWS: a trust policy or a key's policy must allow,
/// whatever the requester's own policies say, unlike other resources' policies.
fn within(action: &str, resource: Resource<'_>) -> Within {
    let first = ["sts:", "kms:"];
    let is_first = |prefix: &str| first.iter().any(|each| prefix.eq_ignore_ascii_case(each));
    match resource.policy {
        Some(_) if action.get(..4).is_some_and(is_first) => Within::ResourceFirst,
        _ => Within::Either,
    }
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
        match self.decide(call, action, resource, within(action, resource), context) {
            Decision::Allowed => Ok(()),
            refused => {
                let (status, code) = call.service.denial();
                let who = call.caller.arn(self.partition.name);
                Err(Refusal::new(status, code, refused.message(&who, action, resource.arn)))
            }
        }
    }

    /// Whether the caller may assume a role of the account `owner`: its trust and the caller's policies must allow
    /// `sts:AssumeRole`, for session tags also `sts:TagSession`, and for a source identity (given, or kept along a
    /// chain) both of them `sts:SetSourceIdentity`.
    ///
    /// The `role` is what STS found; one that is too new to be assumed is refused.
    ///
    /// # Errors
    /// `AccessDenied`, in the words that STS also has for a role that does not exist.
    pub fn may_assume(
        &self,
        call: &Call,
        role: &Role,
        owner: &str,
        mut context: Context,
    ) -> Result<(), Refusal> {
        let given = call.text("SourceIdentity");
        let kept = match &call.caller.principal {
            Principal::Session(session) => session.source_identity.as_deref(),
            Principal::Administrator => None,
        };
        circumstances::of_assuming(call, given.or(kept), &mut context);
        let mut actions = vec![("sts:AssumeRole", Within::ResourceFirst)];
        if !call.list("Tags").is_empty() {
            actions.push(("sts:TagSession", Within::ResourceFirst));
        }
        if given.or(kept).is_some() {
            actions.push(("sts:SetSourceIdentity", Within::Both));
        }
        let resource = Resource { arn: &role.arn, owner, policy: Some(&role.trust.policy) };
        for (action, within) in actions {
            let allowed = self.is_usable(role)
                && self.decide(call, action, resource, within, context.clone()).allowed();
            if !allowed {
                let message = format!(
                    "User: {} is not authorized to perform: {action} on resource: {}",
                    call.caller.arn(self.partition.name),
                    role.arn
                );
                return Err(Refusal::new(403, "AccessDenied", message));
            }
        }
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
        let mut context = context;
        circumstances::add_region(resource.arn, &mut context);
        match asker {
            Asker::Service { service, source_account, source_arn } => {
                self.add_service(service, source_account, source_arn, &mut context);
                self.add_resource(resource.owner, &mut context);
                self.add_time(&mut context);
                let requester = Requester::Service(service);
                let policies = Policies { resource: resource.policy, ..Policies::default() };
                let request = Request {
                    requester,
                    action,
                    resource: resource.arn,
                    owner: resource.owner,
                    context: &context,
                };
                match evaluate(&policies, &request) {
                    Decision::Allowed => Ok(()),
                    refused => Err(refused.message(service, action, resource.arn)),
                }
            }
            Asker::Role { account, role_arn, service, source_arn } => {
                let name = role_arn.rsplit('/').next().unwrap_or_default();
                let (iam, role) = self
                    .role(account, name, lag)
                    .filter(|(_, role)| role.arn == *role_arn)
                    .ok_or_else(|| format!("Role {role_arn} does not exist."))?;
                if !self.is_usable(role) || !self.trusts(role, account, service, source_arn) {
                    return Err(format!(
                        "Provided role '{role_arn}' cannot be assumed by principal '{service}'."
                    ));
                }
                let session = service.split('.').next().unwrap_or_default();
                let arn = format!("arn:{}:sts::{account}:assumed-role/{name}/{session}", self.partition.name);
                self.add_session(account, role, session, &mut context);
                self.add_resource(resource.owner, &mut context);
                self.add_time(&mut context);
                let mut policies = self.rights_of_role(account, iam, role, &[]);
                policies.resource = resource.policy;
                policies.within = within(action, resource);
                let requester = Requester::Session { arn: &arn, role_arn, role_id: &role.id, account };
                let request = Request {
                    requester,
                    action,
                    resource: resource.arn,
                    owner: resource.owner,
                    context: &context,
                };
                match evaluate(&policies, &request) {
                    Decision::Allowed => Ok(()),
                    refused => Err(refused.message(&arn, action, resource.arn)),
                }
            }
        }
    }

    /// What all policies say to a call.
    fn decide(
        &self,
        call: &Call,
        action: &str,
        resource: Resource<'_>,
        within: Within,
        mut context: Context,
    ) -> Decision {
        let account = call.caller.account.as_str();
        let arn = call.caller.arn(self.partition.name);
        let (mut policies, requester) = match &call.caller.principal {
            Principal::Administrator => {
                self.add_user(account, &arn, &mut context);
                let requester = Requester::User { arn: &arn, unique_id: ADMINISTRATOR_ID, account };
                (self.rights_of_administrator(account), requester)
            }
            Principal::Session(session) => {
                let found = self.role(account, &session.role_name, self.lags.effect);
                let Some((iam, role)) = found.filter(|(_, role)| role.id == session.role_id) else {
                    return Decision::NotAllowed(Layer::Identity);
                };
                self.add_session(account, role, &session.name, &mut context);
                if let Some(identity) = &session.source_identity {
                    circumstances::add(&mut context, "aws:sourceidentity", identity.clone());
                }
                let requester =
                    Requester::Session { arn: &arn, role_arn: &role.arn, role_id: &role.id, account };
                (self.rights_of_role(account, iam, role, &session.policies), requester)
            }
        };
        circumstances::add(&mut context, "aws:requestedregion", self.requested_region(call).to_owned());
        self.add_resource(resource.owner, &mut context);
        self.add_time(&mut context);
        policies.resource = resource.policy;
        policies.within = within;
        let request =
            Request { requester, action, resource: resource.arn, owner: resource.owner, context: &context };
        evaluate(&policies, &request)
    }

    /// Whether the role's trust admits a service that acts for something of the role's own account.
    fn trusts(&self, role: &Role, account: &str, service: &str, source_arn: &str) -> bool {
        let mut context = Context::new();
        self.add_service(service, account, source_arn, &mut context);
        circumstances::add_region(source_arn, &mut context);
        self.add_resource(account, &mut context);
        self.add_time(&mut context);
        let policies = Policies { resource: Some(&role.trust.policy), ..Policies::default() };
        let request = Request {
            requester: Requester::Service(service),
            action: "sts:AssumeRole",
            resource: &role.arn,
            owner: account,
            context: &context,
        };
        evaluate(&policies, &request).allowed()
    }
}
