//! One statement of a policy: reading it, and what it speaks of.

use serde_json::{Map, Value};

use super::Context;
use super::condition::{self, Condition};
use super::document::{PolicyKind, SYNTAX, only_known, strings};
use super::glob::{Glob, Reading};
use super::principal::{self, Naming, Principal, Requester};

/// What a statement does with what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows it.
    Allow,
    /// It denies it.
    Deny,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Its name, if it has one.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    principals: Whom,
    actions: Selection,
    resources: Option<Selection>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Whom {
    Unsaid,
    Only(Vec<Principal>),
    AllBut(Vec<Principal>),
}

#[derive(Clone, Debug, PartialEq)]
struct Selection {
    inverted: bool,
    globs: Vec<Glob>,
}

impl Selection {
    fn contains(&self, text: &str, context: &Context) -> bool {
        self.globs.iter().any(|glob| glob.matches(text, context)) != self.inverted
    }
}

impl Statement {
    /// One that allows the actions (patterns) on everything.
    pub(super) fn allowing(actions: &[&str]) -> Self {
        let everything = Selection { inverted: false, globs: vec![Glob::Anything] };
        let actions = Selection { inverted: false, globs: actions.iter().map(|text| action(text)).collect() };
        Self {
            sid: None,
            effect: Effect::Allow,
            principals: Whom::Unsaid,
            actions,
            resources: Some(everything),
            conditions: Vec::new(),
        }
    }

    /// Everybody that it names.
    pub(super) fn principals(&self) -> &[Principal] {
        match &self.principals {
            Whom::Unsaid => &[],
            Whom::Only(principals) | Whom::AllBut(principals) => principals,
        }
    }

    /// As [`Statement::principals`], to be bound.
    pub(super) fn principals_mut(&mut self) -> &mut [Principal] {
        match &mut self.principals {
            Whom::Unsaid => &mut [],
            Whom::Only(principals) | Whom::AllBut(principals) => principals,
        }
    }

    /// Reads a statement of a document of that kind; `None`: of any.
    pub(super) fn read(value: &Value, kind: Option<PolicyKind>, variables: bool) -> Result<Self, String> {
        let element = value.as_object().ok_or(SYNTAX)?;
        only_known(
            element,
            &[
                "Sid",
                "Effect",
                "Principal",
                "NotPrincipal",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ],
        )?;
        let sid = match element.get("Sid") {
            None => None,
            Some(sid) => Some(sid.as_str().ok_or(SYNTAX)?.to_owned()),
        };
        let effect = match element.get("Effect").map(Value::as_str) {
            Some(Some("Allow")) => Effect::Allow,
            Some(Some("Deny")) => Effect::Deny,
            Some(_) => return Err(SYNTAX.to_owned()),
            None => return Err("Missing required field Effect cannot be empty!".to_owned()),
        };
        if let Some(sid) = &sid
            && matches!(kind, Some(PolicyKind::Identity | PolicyKind::Trust | PolicyKind::ServiceControl))
            && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                        expression [0-9A-Za-z]*"
                    .to_owned(),
            );
        }
        let principals = read_principals(element, kind)?;
        let actions = read_actions(element, kind)?;
        let resources = read_resources(element, kind, variables)?;
        let conditions = match element.get("Condition") {
            None => Vec::new(),
            Some(block) => condition::parse(block.as_object().ok_or(SYNTAX)?, variables)?,
        };
        Ok(Self { sid, effect, principals, actions, resources, conditions })
    }

    /// Whether the statement speaks of the action (in lower case) on the resource under these circumstances, whoever
    /// asks.
    pub(super) fn applies(&self, action: &str, resource: &str, context: &Context) -> bool {
        self.actions.contains(action, context)
            && self.resources.as_ref().is_none_or(|resources| resources.contains(resource, context))
            && self.conditions.iter().all(|condition| condition.holds(context))
    }

    /// How closely it names the requester, if it does.
    pub(super) fn names(&self, requester: &Requester<'_>) -> Option<Naming> {
        let closest = |principals: &[Principal]| {
            principals.iter().filter_map(|principal| principal.names(requester)).max()
        };
        match &self.principals {
            Whom::Unsaid => None,
            Whom::Only(principals) => closest(principals),
            Whom::AllBut(principals) => {
                let excepted = match self.effect {
                    Effect::Allow => closest(principals).is_some(),
                    Effect::Deny => escapes(principals, requester),
                };
                (!excepted).then_some(match requester {
                    Requester::Session { .. } => Naming::Role,
                    _ => Naming::Itself,
                })
            }
        }
    }
}

/// Whether a deny with `NotPrincipal` spares the requester.
///
/// AWS: a session is spared only if the list names the session, its role and their account; a user, if it names the
/// user and the account.
fn escapes(principals: &[Principal], requester: &Requester<'_>) -> bool {
    let named = |how: Naming| principals.iter().any(|principal| principal.names(requester) == Some(how));
    if principals.contains(&Principal::Anyone) {
        return true;
    }
    match requester {
        Requester::Session { .. } => named(Naming::Itself) && named(Naming::Role) && named(Naming::Account),
        Requester::User { .. } => named(Naming::Itself) && named(Naming::Account),
        Requester::Service(_) => named(Naming::Itself),
    }
}

fn read_principals(element: &Map<String, Value>, kind: Option<PolicyKind>) -> Result<Whom, String> {
    let whom = match (element.get("Principal"), element.get("NotPrincipal")) {
        (None, None) => Whom::Unsaid,
        (Some(only), None) => Whom::Only(principal::parse(only)?),
        (None, Some(but)) => Whom::AllBut(principal::parse(but)?),
        (Some(_), Some(_)) => return Err(SYNTAX.to_owned()),
    };
    let said = whom != Whom::Unsaid;
    match kind {
        Some(PolicyKind::Identity | PolicyKind::ServiceControl) if said => {
            Err("Policy document should not specify a principal.".to_owned())
        }
        Some(PolicyKind::Trust | PolicyKind::Resource) if !said => {
            Err("Missing required field Principal".to_owned())
        }
        Some(PolicyKind::Trust) if element.get("Principal").is_some_and(Value::is_string) => {
            Err("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".".to_owned())
        }
        _ => Ok(whom),
    }
}

fn read_actions(element: &Map<String, Value>, kind: Option<PolicyKind>) -> Result<Selection, String> {
    let (inverted, texts) = match (element.get("Action"), element.get("NotAction")) {
        (Some(texts), None) => (false, strings(texts)?),
        (None, Some(texts)) => (true, strings(texts)?),
        (None, None) => return Err("Policy statement must contain actions.".to_owned()),
        (Some(_), Some(_)) => return Err(SYNTAX.to_owned()),
    };
    if texts.is_empty() {
        return Err("Policy statement must contain actions.".to_owned());
    }
    for text in &texts {
        if kind == Some(PolicyKind::Trust)
            && !text.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"))
        {
            return Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned());
        }
        match text.split(':').collect::<Vec<_>>()[..] {
            ["*"] => {}
            [vendor, name] if !vendor.is_empty() && !name.is_empty() => {}
            [_, _] | [_] => {
                return Err(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
                );
            }
            _ => return Err("Actions/Condition can contain only one colon.".to_owned()),
        }
    }
    Ok(Selection { inverted, globs: texts.into_iter().map(action).collect() })
}

fn read_resources(
    element: &Map<String, Value>,
    kind: Option<PolicyKind>,
    variables: bool,
) -> Result<Option<Selection>, String> {
    if kind == Some(PolicyKind::Trust) {
        for prohibited in ["Resource", "NotResource"] {
            if element.contains_key(prohibited) {
                return Err(format!("Has prohibited field {prohibited}"));
            }
        }
    }
    let (inverted, texts) = match (element.get("Resource"), element.get("NotResource")) {
        (Some(texts), None) => (false, strings(texts)?),
        (None, Some(texts)) => (true, strings(texts)?),
        (None, None) if matches!(kind, None | Some(PolicyKind::Trust)) => return Ok(None),
        (None, None) => return Err("Policy statement must contain resources.".to_owned()),
        (Some(_), Some(_)) => return Err(SYNTAX.to_owned()),
    };
    if texts.is_empty() {
        return Err("Policy statement must contain resources.".to_owned());
    }
    if matches!(kind, Some(PolicyKind::Identity | PolicyKind::ServiceControl))
        && let Some(text) = texts.iter().find(|text| **text != "*" && !is_arn_like(text))
    {
        return Err(format!("Resource {text} must be in ARN format or \"*\"."));
    }
    let reading = Reading { wildcards: true, variables };
    let globs = texts.into_iter().map(|text| Glob::compile(text, reading)).collect();
    Ok(Some(Selection { inverted, globs }))
}

fn is_arn_like(text: &str) -> bool {
    text.starts_with("arn:") && (text.split(':').count() >= 6 || text.ends_with('*'))
}

/// AWS: actions are compared whatever their case, and have no variables.
fn action(text: &str) -> Glob {
    Glob::compile(&text.to_ascii_lowercase(), Reading { wildcards: true, variables: false })
}
