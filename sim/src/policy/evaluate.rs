//! Whether all policies that apply to a request together allow it.

use std::fmt;

use super::principal::Naming;
use super::statement::Effect;
use super::{Context, Policy, Requester};

/// The policies that apply to a request, by what they are.
#[derive(Clone, Debug, Default)]
pub struct Policies<'a> {
    /// Of the requester: inline and attached. A service has none.
    pub identity: Vec<&'a Policy>,
    /// Its permissions boundary.
    pub boundary: Option<&'a Policy>,
    /// Its session policies; empty: none was given.
    pub session: Vec<&'a Policy>,
    /// The service control policies by level (root, units, account), each of which must allow; empty: not subject.
    pub control: Vec<Vec<&'a Policy>>,
    /// Of the resource.
    pub resource: Option<&'a Policy>,
    /// What a requester of the resource's own account needs.
    pub within: Within,
}

/// What is needed for something within one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// The resource's policy or the requester's: as nearly everywhere.
    #[default]
    Either,
    /// The resource's policy, and the requester's only as far as the former leaves it to the account: trust policies.
    ResourceFirst,
    /// Both, as across accounts.
    Both,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub requester: Requester<'a>,
    /// The action, as IAM spells it.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// The account that owns it.
    pub owner: &'a str,
    /// The circumstances.
    pub context: &'a Context,
}

/// What the policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allowed,
    /// A policy of this layer denies it.
    Denied(Layer),
    /// No policy of this layer allows it, and one must.
    NotAllowed(Layer),
}

/// A kind of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Service control policies.
    Control,
    /// The resource's policy.
    Resource,
    /// The requester's policies.
    Identity,
    /// Its permissions boundary.
    Boundary,
    /// Its session policies.
    Session,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "service control policy",
            Self::Resource => "resource-based policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        })
    }
}

impl Decision {
    /// Whether it is allowed.
    pub fn allowed(self) -> bool {
        self == Self::Allowed
    }

    /// How AWS words the refusal to the principal of that ARN.
    pub fn message(self, who: &str, action: &str, resource: &str) -> String {
        let refusal = format!("User: {who} is not authorized to perform: {action} on resource: {resource}");
        match self {
            Self::Allowed => refusal,
            Self::Denied(layer) => {
                let article = if layer == Layer::Identity { "an" } else { "a" };
                format!("{refusal} with an explicit deny in {article} {layer}")
            }
            Self::NotAllowed(layer) => format!("{refusal} because no {layer} allows the {action} action"),
        }
    }
}

/// What one layer says.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    allows: bool,
    denies: bool,
}

/// Whether the policies together allow the request.
///
/// AWS: a deny anywhere wins. Service control policies must allow on each level. Within an account the resource's
/// policy or the requester's must allow, across accounts both; boundary and session policies limit what the
/// requester's own policies give, and what the resource's policy gives to the role or to everybody, but not what it
/// gives to the very session (or user) that asks.
pub fn evaluate(policies: &Policies<'_>, request: &Request<'_>) -> Decision {
    let action = request.action.to_ascii_lowercase();
    let hear = |layer: &[&Policy]| hear(layer, &action, request);

    let mut control = true;
    for level in &policies.control {
        let level = hear(level);
        if level.denies {
            return Decision::Denied(Layer::Control);
        }
        control &= level.allows;
    }
    let (granted, resource_denies) = grant(policies.resource, &action, request);
    if resource_denies {
        return Decision::Denied(Layer::Resource);
    }
    let identity = hear(&policies.identity);
    if identity.denies {
        return Decision::Denied(Layer::Identity);
    }
    let boundary = policies.boundary.map(|boundary| hear(&[boundary]));
    if boundary.is_some_and(|boundary| boundary.denies) {
        return Decision::Denied(Layer::Boundary);
    }
    let session = (!policies.session.is_empty()).then(|| hear(&policies.session));
    if session.is_some_and(|session| session.denies) {
        return Decision::Denied(Layer::Session);
    }

    if !control {
        return Decision::NotAllowed(Layer::Control);
    }
    let Some(account) = request.requester.account() else {
        return match granted {
            Some(_) => Decision::Allowed,
            None => Decision::NotAllowed(Layer::Resource),
        };
    };
    let both = account != request.owner || policies.within == Within::Both;
    let needs_identity = match granted {
        None if both || policies.within == Within::ResourceFirst => {
            return Decision::NotAllowed(Layer::Resource);
        }
        None | Some(Naming::Account) => true,
        Some(Naming::Role) => both,
        Some(Naming::Itself) if both => true,
        Some(Naming::Itself) => return Decision::Allowed,
    };
    if needs_identity && !identity.allows {
        return Decision::NotAllowed(Layer::Identity);
    }
    if boundary.is_some_and(|boundary| !boundary.allows) {
        return Decision::NotAllowed(Layer::Boundary);
    }
    if session.is_some_and(|session| !session.allows) {
        return Decision::NotAllowed(Layer::Session);
    }
    Decision::Allowed
}

fn hear(layer: &[&Policy], action: &str, request: &Request<'_>) -> Voice {
    let mut voice = Voice::default();
    for statement in layer.iter().flat_map(|policy| &policy.statements) {
        if !statement.applies(action, request.resource, request.context) {
            continue;
        }
        match statement.effect {
            Effect::Allow => voice.allows = true,
            Effect::Deny => {
                voice.denies = true;
                return voice;
            }
        }
    }
    voice
}

/// To whom the resource's policy allows it, named as closely as any statement does; and whether it denies it.
fn grant(policy: Option<&Policy>, action: &str, request: &Request<'_>) -> (Option<Naming>, bool) {
    let mut granted = None;
    for statement in policy.into_iter().flat_map(|policy| &policy.statements) {
        let Some(naming) = statement.names(&request.requester) else { continue };
        if !statement.applies(action, request.resource, request.context) {
            continue;
        }
        match statement.effect {
            Effect::Allow => granted = granted.max(Some(naming)),
            Effect::Deny => return (granted, true),
        }
    }
    (granted, false)
}

#[cfg(test)]
mod tests;
