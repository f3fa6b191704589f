//! Drifts of roles.

use serde_json::{Value, json};

use super::{Fault, Scene, text};
use crate::call::{Refusal, Service};

const PAGES: (&str, &str) = ("Marker", "Marker");

impl Scene<'_> {
    fn iam(&mut self, operation: &str, input: Value) -> Result<Value, Refusal> {
        self.ask(Service::Iam, operation, input)
    }

    fn role(&mut self) -> Result<String, Fault> {
        let roles = self.pages(Service::Iam, "ListRoles", json!({}), "Roles", PAGES)?;
        self.first("role", roles.iter().map(|role| text(role, "RoleName")))
    }

    fn inline(&mut self, role: &str) -> Result<Vec<Value>, Refusal> {
        self.pages(Service::Iam, "ListRolePolicies", json!({ "RoleName": role }), "PolicyNames", PAGES)
    }

    pub(super) fn delete_role(&mut self) -> Result<String, Fault> {
        let role = self.role()?;
        for name in self.inline(&role)? {
            self.iam("DeleteRolePolicy", json!({ "RoleName": role, "PolicyName": name }))?;
        }
        let input = json!({ "RoleName": role });
        let attached =
            self.pages(Service::Iam, "ListAttachedRolePolicies", input, "AttachedPolicies", PAGES)?;
        for policy in attached {
            let arn = text(&policy, "PolicyArn");
            self.iam("DetachRolePolicy", json!({ "RoleName": role, "PolicyArn": arn }))?;
        }
        self.iam("DeleteRole", json!({ "RoleName": role }))?;
        Ok(role)
    }

    pub(super) fn open_trust(&mut self) -> Result<String, Fault> {
        let role = self.role()?;
        let got = self.iam("GetRole", json!({ "RoleName": role }))?;
        let written = got.get("Role").map(|role| text(role, "AssumeRolePolicyDocument")).unwrap_or_default();
        let mut trust: Value = serde_json::from_str(&decoded(written))
            .map_err(|error| Fault::bad(format!("the trust of {role} cannot be read: {error}")))?;
        let Some(statements) = trust.get_mut("Statement") else {
            return Err(Fault::absent(format!("the trust of {role} has no statement")));
        };
        let statements = match statements {
            Value::Array(statements) => statements.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        let mut conditions = 0;
        for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
            conditions += usize::from(statement.remove("Condition").is_some());
        }
        if conditions == 0 {
            return Err(Fault::absent(format!("the trust of {role} has no condition to lose")));
        }
        let input = json!({ "RoleName": role, "PolicyDocument": trust.to_string() });
        self.iam("UpdateAssumeRolePolicy", input)?;
        Ok(role)
    }

    pub(super) fn open_role_policies(&mut self) -> Result<String, Fault> {
        let role = self.role()?;
        let names = self.inline(&role)?;
        if names.is_empty() {
            return Err(Fault::absent(format!("role {role} has no inline policy")));
        }
        let statement = json!({ "Effect": "Allow", "Action": "events:PutEvents", "Resource": "*" });
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        for name in names {
            let input = json!({ "RoleName": role, "PolicyName": name, "PolicyDocument": document });
            self.iam("PutRolePolicy", input)?;
        }
        Ok(role)
    }
}

/// AWS: IAM answers documents percent-encoded.
fn decoded(document: &str) -> String {
    if document.starts_with('{') {
        return document.to_owned();
    }
    // What has a meaning in a form has none here.
    let document = document.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(document.as_bytes()).map(|(text, _)| text.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn documents_are_read_encoded_or_not() {
        assert_eq!(decoded("%7B%22a%22%3A%20%22x%26y%3D%2Bz%22%7D"), r#"{"a": "x&y=+z"}"#);
        assert_eq!(decoded(r#"{"a": "%7B"}"#), r#"{"a": "%7B"}"#);
    }
}
