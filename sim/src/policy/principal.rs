//! The `Principal` element: whom a policy of a resource or role names, and how.

use serde_json::Value;

/// Somebody that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `*`: everybody.
    Anyone,
    /// An account, by its id or its root's ARN: everybody in it whom the account itself lets.
    Account(String),
    /// A role or user by its ARN.
    Arn(String),
    /// A session by its ARN: of a role, or federated.
    Session(String),
    /// A role or user that a trust policy named when it was written.
    ///
    /// AWS: the ARN is kept as the unique id, so one made anew under the same name is not meant. The ARN is empty
    /// where the document itself gave the id.
    Bound {
        /// What the document said.
        arn: String,
        /// Who that was then.
        unique_id: String,
    },
    /// A service, e.g. `events.amazonaws.com`; `*`: all of them.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// An account by its canonical id.
    CanonicalUser(String),
}

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester<'a> {
    /// A user.
    User {
        /// Its ARN.
        arn: &'a str,
        /// Its unique id.
        unique_id: &'a str,
        /// Its account.
        account: &'a str,
    },
    /// A session of a role.
    Session {
        /// The session's ARN (`…:assumed-role/<role>/<session>`).
        arn: &'a str,
        /// The role's ARN.
        role_arn: &'a str,
        /// The role's unique id.
        role_id: &'a str,
        /// The role's account.
        account: &'a str,
    },
    /// A service as such, e.g. `events.amazonaws.com`.
    Service(&'a str),
}

impl Requester<'_> {
    /// The account that it belongs to; a service belongs to none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::User { account, .. } | Self::Session { account, .. } => Some(account),
            Self::Service(_) => None,
        }
    }
}

/// How closely a policy names a requester: the closer, the less else must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// By its account: the account's own policies decide.
    Account,
    /// By the role of the session, or as one of all.
    Role,
    /// As the very principal that asks.
    Itself,
}

impl Principal {
    /// How it names the requester, if it does.
    pub(super) fn names(&self, requester: &Requester<'_>) -> Option<Naming> {
        let (itself, role) = (Some(Naming::Itself), Some(Naming::Role));
        match (self, requester) {
            (Self::Anyone, Requester::Session { .. }) => role,
            (Self::Anyone, _) => itself,
            (Self::Account(id), requester) => {
                (requester.account() == Some(id.as_str())).then_some(Naming::Account)
            }
            (Self::Arn(named), Requester::User { arn, .. }) if named == arn => itself,
            (Self::Arn(named), Requester::Session { role_arn, .. }) if named == role_arn => role,
            (Self::Session(named), Requester::Session { arn, .. }) if named == arn => itself,
            (Self::Bound { unique_id: named, .. }, Requester::User { unique_id, .. })
                if named == unique_id =>
            {
                itself
            }
            (Self::Bound { unique_id: named, .. }, Requester::Session { role_id, .. })
                if named == role_id =>
            {
                role
            }
            (Self::Service(named), Requester::Service(service)) if named == service || named == "*" => itself,
            _ => None,
        }
    }

    fn aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anyone);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        if text.len() >= 16
            && (text.starts_with("AROA") || text.starts_with("AIDA"))
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        {
            return Some(Self::Bound { arn: String::new(), unique_id: text.to_owned() });
        }
        // AWS: a wildcard cannot stand for a part of a principal's name or ARN.
        if text.contains(['*', '?']) {
            return None;
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else { return None };
        if !partition.starts_with("aws") || !is_account(account) {
            return None;
        }
        let name = |kind: &str| resource.strip_prefix(kind).filter(|name| !name.is_empty());
        match service {
            "iam" if resource == "root" => Some(Self::Account(account.to_owned())),
            "iam" if name("role/").or_else(|| name("user/")).is_some() => Some(Self::Arn(text.to_owned())),
            "sts" if name("assumed-role/").is_some_and(|name| name.contains('/')) => {
                Some(Self::Session(text.to_owned()))
            }
            "sts" if name("federated-user/").is_some() => Some(Self::Session(text.to_owned())),
            _ => None,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a `Principal` or `NotPrincipal` element.
pub(super) fn parse(element: &Value) -> Result<Vec<Principal>, String> {
    let syntax = || "Syntax errors in policy.".to_owned();
    match element {
        Value::String(text) if text == "*" => return Ok(vec![Principal::Anyone]),
        Value::String(text) => return Err(format!("Invalid principal in policy: \"{text}\"")),
        _ => {}
    }
    let kinds = element.as_object().ok_or_else(syntax)?;
    if kinds.is_empty() {
        return Err(syntax());
    }
    let mut principals = Vec::new();
    for (kind, names) in kinds {
        let names = super::document::strings(names)?;
        for name in names {
            let invalid =
                || format!("Invalid principal in policy: \"{}\":\"{name}\"", kind.to_ascii_uppercase());
            principals.push(match kind.as_str() {
                "AWS" => Principal::aws(name).ok_or_else(invalid)?,
                "Service" if name == "*" || is_service(name) => Principal::Service(name.to_owned()),
                "Federated" if !name.is_empty() => Principal::Federated(name.to_owned()),
                "CanonicalUser" if !name.is_empty() => Principal::CanonicalUser(name.to_owned()),
                "Service" | "Federated" | "CanonicalUser" => return Err(invalid()),
                _ => return Err(syntax()),
            });
        }
    }
    Ok(principals)
}

fn is_service(name: &str) -> bool {
    name.split('.').count() > 2
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}
