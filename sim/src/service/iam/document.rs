//! Policy documents: how IAM reads, measures and answers them.

use serde_json::Value;

use super::refusal::malformed;
use super::{Document, check};
use crate::call::{Call, Refusal, Service};
use crate::policy::{Policy, PolicyKind};
use crate::service::sts::ADMINISTRATOR_ID;
use crate::world::World;

impl Document {
    /// Parses a document that is not written by a call, such as one that a seed or test installs.
    ///
    /// # Errors
    /// What is wrong with it, in the words of a `MalformedPolicyDocument`.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.into(), policy: Policy::parse(text)?.into() })
    }

    /// The document as answers carry it. AWS: documents are answered URL-encoded, by RFC 3986.
    pub(super) fn encoded(&self) -> String {
        let mut encoded = String::with_capacity(self.text.len() * 2);
        for byte in self.text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    }

    /// Its size. AWS: white space does not count for the quotas of permission policies.
    pub(super) fn size(&self) -> usize {
        size(&self.text)
    }
}

/// How many characters of a permission policy count.
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|letter| !letter.is_ascii_whitespace()).count()
}

/// Reads a permission policy: inline or managed, or a session's.
///
/// # Errors
/// `MalformedPolicyDocument`. AWS: a permission policy has resources and no principals.
pub fn read_document(text: &str) -> Result<Document, Refusal> {
    for statement in statements(&shape(text)?)? {
        if has_any(statement, &["Principal", "NotPrincipal"]) {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if !has_any(statement, &["Resource", "NotResource"]) {
            return Err(malformed("Policy statement must contain resources."));
        }
        check_statement(statement)?;
    }
    let policy = Policy::parse_as(PolicyKind::Identity, text).map_err(malformed)?;
    Ok(Document { text: text.into(), policy: policy.into() })
}

/// Reads a role's trust policy, and finds out whether the principals in it exist.
///
/// AWS: a trust policy has principals and no resources; a user or role that is named must exist, and one made a moment
/// ago does not yet; an account that is named by its id is kept as the ARN of its root.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub fn read_trust(world: &World, text: &str) -> Result<Document, Refusal> {
    let mut document = shape(text)?;
    for statement in statements(&document)? {
        if has_any(statement, &["Resource", "NotResource"]) {
            return Err(malformed("Has prohibited field Resource"));
        }
        if !has_any(statement, &["Principal", "NotPrincipal"]) {
            return Err(malformed("Missing required field Principal"));
        }
        check_statement(statement)?;
    }
    let mut changed = false;
    for principal in named_principals(&mut document) {
        if let Value::String(name) = principal {
            if !exists(world, name) {
                return Err(malformed(format!("Invalid principal in policy: \"AWS\":\"{name}\"")));
            }
            if is_account_id(name) {
                *name = format!("arn:{}:iam::{name}:root", world.partition.name);
                changed = true;
            }
        }
    }
    let kept = if changed { document.to_string() } else { text.to_owned() };
    let mut policy = Policy::parse_as(PolicyKind::Trust, &kept).map_err(malformed)?;
    policy.bind_roles(|named| unique_id(world, named)).map_err(malformed)?;
    Ok(Document { text: kept.into(), policy: policy.into() })
}

/// The parameter that holds a document, checked as a text only. AWS: documents hold Latin-1 characters only.
pub(super) fn text<'c>(call: &'c Call, parameter: &str) -> Result<&'c str, Refusal> {
    let text = call.required(parameter)?;
    let mut constraints = check::Constraints::default();
    constraints.length(text, parameter, 1, 131_072);
    constraints.verdict()?;
    if text.chars().all(|letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        return Ok(text);
    }
    let message =
        "The specified value for policyDocument is invalid. It must contain only printable ASCII characters.";
    Err(Refusal::invalid(Service::Iam, message))
}

fn shape(text: &str) -> Result<Value, Refusal> {
    match serde_json::from_str(text) {
        Ok(document @ Value::Object(_)) => Ok(document),
        Ok(_) => Err(malformed("Syntax errors in policy.")),
        Err(_) => Err(malformed("This policy contains invalid Json")),
    }
}

fn statements(document: &Value) -> Result<&[Value], Refusal> {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        Some(_) => return Err(malformed("Syntax errors in policy.")),
        None => &[],
    };
    match statements {
        [] => Err(malformed("Missing required field Statement")),
        some if some.iter().all(Value::is_object) => Ok(some),
        _ => Err(malformed("Syntax errors in policy.")),
    }
}

fn check_statement(statement: &Value) -> Result<(), Refusal> {
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err(malformed("Missing required field Effect"));
    }
    if !has_any(statement, &["Action", "NotAction"]) {
        return Err(malformed("Missing required field Action"));
    }
    Ok(())
}

fn has_any(statement: &Value, fields: &[&str]) -> bool {
    fields.iter().any(|field| statement.get(field).is_some())
}

/// All texts of `Principal.AWS` and `NotPrincipal.AWS`.
fn named_principals(document: &mut Value) -> Vec<&mut Value> {
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.as_mut_slice(),
        Some(statement) => std::slice::from_mut(statement),
        None => &mut [],
    };
    let mut found = Vec::new();
    for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
        for (field, value) in statement.iter_mut() {
            if !matches!(field.as_str(), "Principal" | "NotPrincipal") {
                continue;
            }
            match value.get_mut("AWS") {
                Some(Value::Array(names)) => found.extend(names),
                Some(name) => found.push(name),
                None => {}
            }
        }
    }
    found
}

fn is_account_id(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a principal of `AWS` exists.
fn exists(world: &World, name: &str) -> bool {
    name == "*" || is_account_id(name) || unique_id(world, name).is_some()
}

/// The unique id of the principal with that ARN, if it exists as far as this world reaches: accounts outside of it hold
/// whatever is named, and sessions and accounts are their own ids.
///
/// AWS: a trust policy is bound to the unique ids of the roles and users that it names, so one made anew under the same
/// name is not meant.
pub(super) fn unique_id(world: &World, named: &str) -> Option<String> {
    let fields: Vec<&str> = named.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = fields[..] else { return None };
    if partition != world.partition.name || !is_account_id(account) {
        return None;
    }
    let as_it_is = || Some(named.to_owned());
    let Some(iam) = super::current(world, account) else { return as_it_is() };
    let last = resource.rsplit('/').next().unwrap_or(resource);
    match (service, resource.split('/').next()?) {
        ("sts", _) | ("iam", "root") => as_it_is(),
        ("iam", "role") => {
            let role = iam.roles.get(last).filter(|role| role.arn == named)?;
            role.is_usable(world.now(), world.lags.role).then(|| role.id.clone())
        }
        ("iam", "user") if account == world.organization.management && resource == "user/administrator" => {
            Some(ADMINISTRATOR_ID.to_owned())
        }
        ("iam", "user") => iam.users.get(last).filter(|user| user.arn == named).map(|user| user.id.clone()),
        _ => None,
    }
}
