//! The policy of a bus.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal};
use crate::policy::{Context, Policy};
use crate::service::iam::Document;
use crate::world::World;

use super::{Place, check};

/// The only action that PutPermission grants in its form with a statement.
const PUT_EVENTS: &str = "events:PutEvents";

/// Sets the whole policy, or one statement of it. Each form overwrites what the other wrote.
///
/// AWS: a `Policy` replaces the document; a statement replaces the one with its id.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    // AWS: the action supports no resource types.
    world.authorize(call, "events:PutPermission", "*", Context::new())?;
    let place = Place::asked(world, call, "EventBusName")?;
    let bus = place.bus(world)?;
    let document = match call.text("Policy").filter(|policy| !policy.is_empty()) {
        Some(policy) => {
            if ["Action", "Principal", "StatementId", "Condition"].iter().any(|name| given(call, name)) {
                return Err(check::invalid(
                    "Parameter Policy cannot be used together with Action, Principal, StatementId or Condition.",
                ));
            }
            whole(policy)?
        }
        None => {
            let arn = place.arn(world);
            let statement = statement(call, &arn, world.partition.name)?;
            let mut document = bus.policy.as_ref().map_or_else(empty, read);
            let mut statements = take_statements(&mut document);
            let id = statement["Sid"].clone();
            match statements.iter_mut().find(|former| former["Sid"] == id) {
                Some(former) => *former = statement,
                None => statements.push(statement),
            }
            document["Statement"] = Value::Array(statements);
            document
        }
    };
    let document = parsed(document, world)?;
    if document.text.chars().count() > world.events.policy_length {
        return Err(Refusal::bad(
            "PolicyLengthExceededException",
            "The event bus policy length exceeds the limit.",
        ));
    }
    let now = world.now();
    let bus = place.change(world)?;
    bus.policy = Some(document);
    bus.modified_at = Some(now);
    Ok(Value::Null)
}

/// Takes one statement out of the policy, or all.
pub(super) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "events:RemovePermission", "*", Context::new())?;
    let place = Place::asked(world, call, "EventBusName")?;
    let bus = place.bus(world)?;
    let document = if call.flag("RemoveAllPermissions").unwrap_or(false) {
        None
    } else {
        let id = call.text("StatementId").ok_or_else(|| {
            check::invalid("Parameter StatementId is required when RemoveAllPermissions is not specified.")
        })?;
        check::statement_id(id)?;
        let policy = bus
            .policy
            .as_ref()
            .ok_or_else(|| Refusal::bad("ResourceNotFoundException", "EventBus does not have a policy."))?;
        let mut document = read(policy);
        let mut statements = take_statements(&mut document);
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != id);
        if statements.len() == before {
            return Err(Refusal::bad(
                "ResourceNotFoundException",
                "Statement with the provided id does not exist.",
            ));
        }
        if statements.is_empty() {
            None
        } else {
            document["Statement"] = Value::Array(statements);
            Some(parsed(document, world)?)
        }
    };
    let now = world.now();
    let bus = place.change(world)?;
    bus.policy = document;
    bus.modified_at = Some(now);
    Ok(Value::Null)
}

fn given(call: &Call, name: &str) -> bool {
    call.input.get(name).is_some_and(|value| !value.is_null())
}

fn whole(policy: &str) -> Result<Value, Refusal> {
    let document: Value = serde_json::from_str(policy)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| check::invalid("This policy contains invalid Json"))?;
    let incomplete = match &document["Statement"] {
        Value::Array(statements) => statements.is_empty() || statements.iter().any(lacks),
        one => lacks(one),
    };
    if incomplete {
        return Err(check::invalid(
            "This policy contains a statement without Effect, Principal, Action or Resource.",
        ));
    }
    Ok(document)
}

/// Whether a statement of a resource's policy lacks what each must have.
fn lacks(statement: &Value) -> bool {
    let has = |name: &str| statement.get(name).is_some_and(|value| !value.is_null());
    !has("Effect")
        || !(has("Principal") || has("NotPrincipal"))
        || !(has("Action") || has("NotAction"))
        || !(has("Resource") || has("NotResource"))
}

fn statement(call: &Call, bus_arn: &str, partition: &str) -> Result<Value, Refusal> {
    let specified = |name: &str| {
        call.text(name).ok_or_else(|| check::invalid(format!("Parameter {name} must be specified.")))
    };
    let action = specified("Action")?;
    let principal = specified("Principal")?;
    let id = specified("StatementId")?;
    if action != PUT_EVENTS {
        return Err(check::invalid("Provided value in parameter 'action' is not supported."));
    }
    check::statement_id(id)?;
    let principal = if principal == "*" {
        json!("*")
    } else if is_account(principal) {
        json!({ "AWS": format!("arn:{partition}:iam::{principal}:root") })
    } else {
        return Err(check::invalid(format!(
            "1 validation error detected: Value '{principal}' at 'principal' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: (\\d{{12}}|\\*)"
        )));
    };
    let mut statement = json!({
        "Sid": id, "Effect": "Allow", "Principal": principal, "Action": PUT_EVENTS, "Resource": bus_arn
    });
    if let Some(condition) = call.object("Condition") {
        statement["Condition"] = organization(condition)?;
    }
    Ok(statement)
}

/// AWS: the only condition is `StringEquals` on `aws:PrincipalOrgID`.
fn organization(condition: &Map<String, Value>) -> Result<Value, Refusal> {
    let part = |name: &str| condition.get(name).and_then(Value::as_str);
    match (part("Type"), part("Key"), part("Value")) {
        (Some("StringEquals"), Some("aws:PrincipalOrgID"), Some(organization)) => {
            Ok(json!({ "StringEquals": { "aws:PrincipalOrgID": organization } }))
        }
        _ => Err(check::invalid(
            "Parameter Condition is not valid. Only Type StringEquals and Key aws:PrincipalOrgID are supported.",
        )),
    }
}

fn empty() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [] })
}

fn read(policy: &Document) -> Value {
    serde_json::from_str(&policy.text).unwrap_or_else(|_| empty())
}

/// Takes the statements out of the document; one may stand alone, without a list.
fn take_statements(document: &mut Value) -> Vec<Value> {
    match document["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Parses the document, with the principals as AWS reads them back: an account's id becomes its root's ARN.
fn parsed(mut document: Value, world: &World) -> Result<Document, Refusal> {
    let as_arn = |principal: &mut Value| {
        if let Some(account) = principal.as_str().filter(|text| is_account(text)) {
            *principal = Value::String(format!("arn:{}:iam::{account}:root", world.partition.name));
        }
    };
    let mut rewrite = |statement: &mut Value| {
        for field in ["Principal", "NotPrincipal"] {
            match statement.get_mut(field).and_then(|principal| principal.get_mut("AWS")) {
                Some(Value::Array(principals)) => principals.iter_mut().for_each(as_arn),
                Some(principal) => as_arn(principal),
                None => {}
            }
        }
    };
    match &mut document["Statement"] {
        Value::Array(statements) => statements.iter_mut().for_each(&mut rewrite),
        one => rewrite(one),
    }
    let text = document.to_string();
    let policy = Policy::parse(&text).map_err(check::invalid)?;
    Ok(Document { text: Arc::from(text), policy: Arc::new(policy) })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit())
}
