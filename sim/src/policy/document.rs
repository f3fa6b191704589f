//! Policy documents: JSON text to statements.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::principal::Principal;
use super::statement::Statement;

/// A parsed policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// What a document is meant for: each kind demands and forbids other elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Of a role or user: inline, managed, boundary or session policy.
    Identity,
    /// Who may assume a role.
    Trust,
    /// Of a resource.
    Resource,
    /// Of an organization.
    ServiceControl,
}

/// What IAM says of most faults.
pub(super) const SYNTAX: &str = "Syntax errors in policy.";

impl Policy {
    /// Parses a document of any kind: elements that only some kinds demand or forbid are taken as they come.
    ///
    /// # Errors
    /// What is wrong with it, in the words of a `MalformedPolicyDocument`.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text, None)
    }

    /// Parses a document of one kind, with all that AWS demands of that kind.
    ///
    /// # Errors
    /// What is wrong with it, in the words of a `MalformedPolicyDocument`.
    pub fn parse_as(kind: PolicyKind, text: &str) -> Result<Self, String> {
        Self::read(text, Some(kind)).map_err(|error| match kind {
            // Organizations says no more than this about any fault.
            PolicyKind::ServiceControl => {
                "The provided policy document does not meet the requirements of the specified policy type."
                    .to_owned()
            }
            _ => error,
        })
    }

    /// A policy that says nothing, and so allows nothing.
    pub const fn nothing() -> Self {
        Self { statements: Vec::new() }
    }

    /// A policy that allows the actions (patterns) on everything.
    pub fn allowing(actions: &[&str]) -> Self {
        Self { statements: vec![Statement::allowing(actions)] }
    }

    /// Everybody that the document names, in its order.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.statements.iter().flat_map(Statement::principals)
    }

    /// Binds each role and user that the document names by ARN to its unique id, which `resolve` tells.
    ///
    /// AWS: IAM does this when a trust policy is written.
    ///
    /// # Errors
    /// One of them does not exist, in the words of a `MalformedPolicyDocument`; then nothing is bound.
    pub fn bind_roles(&mut self, resolve: impl Fn(&str) -> Option<String>) -> Result<(), String> {
        let mut ids = Vec::new();
        for principal in self.principals() {
            if let Principal::Arn(arn) = principal {
                let id =
                    resolve(arn).ok_or_else(|| format!("Invalid principal in policy: \"AWS\":\"{arn}\""))?;
                ids.push(id);
            }
        }
        let mut ids = ids.into_iter();
        for principal in self.statements.iter_mut().flat_map(Statement::principals_mut) {
            if let Principal::Arn(arn) = principal
                && let Some(unique_id) = ids.next()
            {
                *principal = Principal::Bound { arn: std::mem::take(arn), unique_id };
            }
        }
        Ok(())
    }

    fn read(text: &str, kind: Option<PolicyKind>) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|_| "This policy contains invalid Json".to_owned())?;
        let document = value.as_object().ok_or(SYNTAX)?;
        only_known(document, &["Version", "Id", "Statement"])?;
        let variables = match document.get("Version").map(Value::as_str) {
            None | Some(Some("2008-10-17")) => false,
            Some(Some("2012-10-17")) => true,
            Some(_) => return Err(SYNTAX.to_owned()),
        };
        let statements = match document.get("Statement").ok_or(SYNTAX)? {
            Value::Array(statements) => statements.iter().collect(),
            statement => vec![statement],
        };
        if statements.is_empty() {
            return Err(SYNTAX.to_owned());
        }
        let statements = statements
            .into_iter()
            .map(|statement| Statement::read(statement, kind, variables))
            .collect::<Result<Vec<_>, _>>()?;
        let mut sids = BTreeSet::new();
        if !statements
            .iter()
            .filter_map(|statement| statement.sid.as_ref())
            .filter(|sid| !sid.is_empty())
            .all(|sid| sids.insert(sid))
        {
            return Err("Statement IDs (SID) in a single policy must be unique.".to_owned());
        }
        Ok(Self { statements })
    }
}

/// Whether an element holds nothing but what the grammar knows.
pub(super) fn only_known(object: &Map<String, Value>, names: &[&str]) -> Result<(), String> {
    match object.keys().all(|key| names.contains(&key.as_str())) {
        true => Ok(()),
        false => Err(SYNTAX.to_owned()),
    }
}

/// A text or a list of texts.
pub(super) fn strings(value: &Value) -> Result<Vec<&str>, String> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(texts) => {
            texts.iter().map(|text| text.as_str().ok_or_else(|| SYNTAX.to_owned())).collect()
        }
        _ => Err(SYNTAX.to_owned()),
    }
}

#[cfg(test)]
mod tests;
