//! Reading calls of IAM, all about roles and what bounds them.

use super::{Cloud, Session, send};
use crate::model::call::Tags;
use crate::model::error::CloudError;

/// A role as GetRole tells of it.
#[derive(Clone, Debug)]
pub struct RoleRow {
    pub(crate) path: String,
    pub(crate) trust: String,
    pub(crate) boundary: Option<String>,
    pub(crate) description: String,
    pub(crate) tags: Tags,
}

impl Cloud {
    /// A role by name.
    pub async fn role(&self, session: &Session, name: &str) -> Result<RoleRow, CloudError> {
        let request = self.iam.get_role().role_name(name);
        let answer = send!(self, session, aws_sdk_iam, "iam", "GetRole", request)?;
        let Some(role) = answer.role else {
            return Ok(RoleRow {
                path: String::new(),
                trust: String::new(),
                boundary: None,
                description: String::new(),
                tags: Tags::new(),
            });
        };
        Ok(RoleRow {
            path: role.path,
            trust: decoded(&role.assume_role_policy_document.unwrap_or_default()),
            boundary: role.permissions_boundary.and_then(|b| b.permissions_boundary_arn),
            description: role.description.unwrap_or_default(),
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        })
    }

    /// The document of a customer-managed policy's default version.
    pub async fn policy_document(&self, session: &Session, arn: &str) -> Result<String, CloudError> {
        let request = self.iam.get_policy().policy_arn(arn);
        let policy = send!(self, session, aws_sdk_iam, "iam", "GetPolicy", request)?;
        let version = policy.policy.and_then(|policy| policy.default_version_id);
        let request = self.iam.get_policy_version().policy_arn(arn).set_version_id(version);
        let answer = send!(self, session, aws_sdk_iam, "iam", "GetPolicyVersion", request)?;
        Ok(decoded(&answer.policy_version.and_then(|version| version.document).unwrap_or_default()))
    }

    /// The names of all roles of the account.
    pub async fn list_roles(&self, session: &Session) -> Result<Vec<String>, CloudError> {
        let mut names = Vec::new();
        let mut marker = None;
        loop {
            let request = self.iam.list_roles().max_items(1000).set_marker(marker);
            let page = send!(self, session, aws_sdk_iam, "iam", "ListRoles", request)?;
            names.extend(page.roles.into_iter().map(|role| role.role_name));
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(names);
            }
        }
    }

    /// The names of a role's inline policies.
    pub async fn role_policy_names(&self, session: &Session, role: &str) -> Result<Vec<String>, CloudError> {
        let mut names = Vec::new();
        let mut marker = None;
        loop {
            let request = self.iam.list_role_policies().role_name(role).set_marker(marker);
            let page = send!(self, session, aws_sdk_iam, "iam", "ListRolePolicies", request)?;
            names.extend(page.policy_names);
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(names);
            }
        }
    }

    /// One inline policy of a role.
    pub async fn role_policy(
        &self,
        session: &Session,
        role: &str,
        policy: &str,
    ) -> Result<String, CloudError> {
        let request = self.iam.get_role_policy().role_name(role).policy_name(policy);
        let answer = send!(self, session, aws_sdk_iam, "iam", "GetRolePolicy", request)?;
        Ok(decoded(&answer.policy_document))
    }

    /// The ARNs of the policies that are attached to a role.
    pub async fn attached_policies(&self, session: &Session, role: &str) -> Result<Vec<String>, CloudError> {
        let mut arns = Vec::new();
        let mut marker = None;
        loop {
            let request = self.iam.list_attached_role_policies().role_name(role).set_marker(marker);
            let page = send!(self, session, aws_sdk_iam, "iam", "ListAttachedRolePolicies", request)?;
            arns.extend(page.attached_policies.unwrap_or_default().into_iter().filter_map(|p| p.policy_arn));
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                arns.sort();
                return Ok(arns);
            }
        }
    }
}

/// IAM hands documents out percent-encoded.
fn decoded(document: &str) -> String {
    percent_encoding::percent_decode_str(document).decode_utf8_lossy().into_owned()
}
