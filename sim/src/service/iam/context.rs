//! The condition keys that IAM adds to a request.

use std::collections::BTreeMap;

use super::Role;
use super::tag::Given;
use crate::policy::Context;

/// Condition keys of one request, built step by step.
#[derive(Debug, Default)]
pub(super) struct Keys(Context);

impl Keys {
    /// No keys yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The keys of a request about an existing role, or about none.
    pub(super) fn about(role: Option<&Role>) -> Self {
        let keys = Self::new();
        match role {
            Some(role) => keys.resource_tags(&role.tags),
            None => keys,
        }
    }

    /// `aws:ResourceTag/…` and `iam:ResourceTag/…`.
    pub(super) fn resource_tags(mut self, tags: &BTreeMap<String, String>) -> Self {
        for (key, value) in tags {
            let key = key.to_lowercase();
            self.0.insert(format!("aws:resourcetag/{key}"), vec![value.clone()]);
            self.0.insert(format!("iam:resourcetag/{key}"), vec![value.clone()]);
        }
        self
    }

    /// `iam:PermissionsBoundary`: the boundary asked for where one is set, else the one that the role has.
    pub(super) fn boundary(self, arn: Option<&str>) -> Self {
        self.value("iam:permissionsboundary", arn)
    }

    /// `iam:PolicyARN`: the policy that is attached or detached.
    pub(super) fn policy_arn(self, arn: &str) -> Self {
        self.value("iam:policyarn", Some(arn))
    }

    /// `aws:RequestTag/…` and `aws:TagKeys`.
    pub(super) fn request_tags(mut self, tags: &[Given<'_>]) -> Self {
        for tag in tags {
            self.0.insert(format!("aws:requesttag/{}", tag.key.to_lowercase()), vec![tag.value.to_owned()]);
        }
        self.tag_keys(tags.iter().map(|tag| tag.key))
    }

    /// `aws:TagKeys`.
    pub(super) fn tag_keys<'a>(mut self, keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        if !keys.is_empty() {
            self.0.insert("aws:tagkeys".to_owned(), keys);
        }
        self
    }

    fn value(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), vec![value.to_owned()]);
        }
        self
    }
}

impl From<Keys> for Context {
    fn from(keys: Keys) -> Self {
        keys.0
    }
}
