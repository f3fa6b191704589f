//! What an AssumeRole call asks for, checked as far as the request alone tells.

use std::sync::Arc;

use crate::call::{Call, Principal, Refusal, Service};
use crate::policy::{Context, Policy};
use crate::service::iam::{Constraints, Given, Role, check_tags, given_tags, is_name_letter, read_document};
use crate::world::World;

/// AWS: an inline and all managed session policies together have at most so many characters.
const LONGEST_POLICIES: usize = 2048;

/// AWS: at most so many managed policies can be session policies.
const MOST_POLICIES: usize = 10;

/// The parameters of an AssumeRole call.
pub(super) struct Request<'c> {
    pub(super) role_arn: &'c str,
    /// The account in the ARN.
    pub(super) account: &'c str,
    /// The role's name in the ARN, without the path.
    pub(super) role_name: &'c str,
    pub(super) session_name: &'c str,
    pub(super) seconds: i64,
    external_id: Option<&'c str>,
    /// The source identity that the session will have: the one given, or the one of the chain.
    pub(super) source_identity: Option<&'c str>,
    /// The source identity of the caller's own session.
    inherited_identity: Option<&'c str>,
    policy: Option<&'c str>,
    policy_arns: Vec<&'c str>,
    tags: Vec<Given<'c>>,
    transitive: Vec<&'c str>,
}

impl<'c> Request<'c> {
    /// Reads and checks the parameters.
    pub(super) fn read(partition: &str, call: &'c Call) -> Result<Self, Refusal> {
        let role_arn = call.required("RoleArn")?;
        let session_name = call.required("RoleSessionName")?;
        let seconds = call.number("DurationSeconds").unwrap_or(3600);
        let external_id = call.text("ExternalId");
        let given_identity = call.text("SourceIdentity");
        let policy = call.text("Policy");

        let mut constraints = Constraints::default();
        constraints.length(role_arn, "RoleArn", 20, 2048);
        word(&mut constraints, session_name, "RoleSessionName", 64, "");
        constraints.range(seconds, "DurationSeconds", 900, 43200);
        if let Some(id) = external_id {
            word(&mut constraints, id, "ExternalId", 1224, ":/");
        }
        if let Some(identity) = given_identity {
            word(&mut constraints, identity, "SourceIdentity", 64, "");
        }
        if let Some(policy) = policy {
            constraints.length(policy, "Policy", 1, LONGEST_POLICIES);
        }
        let policy_arns: Vec<&str> =
            call.list("PolicyArns").iter().filter_map(|member| member.get("arn")?.as_str()).collect();
        if policy_arns.len() > MOST_POLICIES {
            let constraint = format!("Member must have length less than or equal to {MOST_POLICIES}");
            constraints.violated("[…]", "PolicyArns", &constraint);
        }
        constraints.verdict()?;
        let tags = given_tags(call);
        check_tags(&tags)?;

        let (account, role_name) = role_of(partition, role_arn)
            .ok_or_else(|| Refusal::invalid(Service::Sts, format!("{role_arn} is invalid")))?;
        let inherited_identity = match &call.caller.principal {
            Principal::Session(session) => session.source_identity.as_deref(),
            Principal::Administrator => None,
        };
        Ok(Self {
            role_arn,
            account,
            role_name,
            session_name,
            seconds,
            external_id,
            source_identity: inherited_identity.or(given_identity),
            inherited_identity,
            policy,
            policy_arns,
            tags,
            transitive: call.list("TransitiveTagKeys").iter().filter_map(serde_json::Value::as_str).collect(),
        })
    }

    /// Whether another source identity is asked for than the caller's session has. AWS: it cannot change in a chain.
    pub(super) fn changes_identity(&self, call: &Call) -> bool {
        self.inherited_identity
            .is_some_and(|inherited| call.text("SourceIdentity").is_some_and(|given| given != inherited))
    }

    /// Whether session tags are given.
    pub(super) fn is_tagging(&self) -> bool {
        !self.tags.is_empty()
    }

    /// The condition keys of the request about the role.
    pub(super) fn context(&self, role: &Role) -> Context {
        let mut context = Context::new();
        let mut add = |key: String, values: Vec<String>| context.insert(key, values);
        add("sts:rolesessionname".to_owned(), vec![self.session_name.to_owned()]);
        if let Some(id) = self.external_id {
            add("sts:externalid".to_owned(), vec![id.to_owned()]);
        }
        if let Some(identity) = self.source_identity {
            add("sts:sourceidentity".to_owned(), vec![identity.to_owned()]);
        }
        for tag in &self.tags {
            add(format!("aws:requesttag/{}", tag.key.to_lowercase()), vec![tag.value.to_owned()]);
        }
        if self.is_tagging() {
            add("aws:tagkeys".to_owned(), self.tags.iter().map(|tag| tag.key.to_owned()).collect());
        }
        if !self.transitive.is_empty() {
            let keys = self.transitive.iter().map(|key| (*key).to_owned()).collect();
            add("sts:transitivetagkeys".to_owned(), keys);
        }
        for (key, value) in &role.tags {
            let key = key.to_lowercase();
            add(format!("aws:resourcetag/{key}"), vec![value.clone()]);
            add(format!("iam:resourcetag/{key}"), vec![value.clone()]);
        }
        context
    }

    /// The session policies, and how much of their space they take in percent; `None`: nothing was given.
    pub(super) fn session_policies(
        &self,
        world: &World,
    ) -> Result<(Vec<Arc<Policy>>, Option<usize>), Refusal> {
        let lengths = self.policy.iter().chain(&self.policy_arns).map(|text| text.chars().count());
        let plain: usize = lengths.sum();
        if plain > LONGEST_POLICIES {
            return Err(too_large("policy", plain));
        }
        let tags = self.tags.iter().map(|tag| tag.key.chars().count() + tag.value.chars().count());
        // How AWS packs is not known; the plain size is what it is about.
        let packed = plain + tags.sum::<usize>();
        if packed > LONGEST_POLICIES {
            return Err(too_large("size of session tags", packed));
        }
        let mut policies = Vec::new();
        if let Some(text) = self.policy {
            policies.push(read_document(text)?.policy);
        }
        for arn in &self.policy_arns {
            policies.push(self.managed(world, arn)?);
        }
        let given = self.policy.is_some() || !self.policy_arns.is_empty() || self.is_tagging();
        Ok((policies, given.then(|| percent(packed))))
    }

    /// AWS: a managed session policy must be in the role's account, or AWS's own.
    fn managed(&self, world: &World, arn: &str) -> Result<Arc<Policy>, Refusal> {
        let own = world.accounts.get(self.account).and_then(|account| {
            account.iam.current().policies.get(arn).map(|policy| Arc::clone(&policy.document.policy))
        });
        if let Some(policy) = own {
            return Ok(policy);
        }
        let document = crate::service::iam::managed_by_aws(world.partition, arn).ok_or_else(|| {
            Refusal::invalid(Service::Sts, format!("Policy {arn} does not exist or is not attachable."))
        })?;
        Ok(read_document(document)?.policy)
    }
}

fn percent(length: usize) -> usize {
    (length * 100).div_ceil(LONGEST_POLICIES)
}

fn too_large(what: &str, length: usize) -> Refusal {
    let message =
        format!("Packed {what} consumes {}% of allotted space, please use smaller policy.", percent(length));
    Refusal::bad("PackedPolicyTooLarge", message)
}

/// A text of 2 to `most` letters that names may have, or of `more`.
fn word(constraints: &mut Constraints, value: &str, parameter: &str, most: usize, more: &str) {
    constraints.length(value, parameter, 2, most);
    let pattern = if more.is_empty() { r"[\w+=,.@-]*" } else { r"[\w+=,.@:\/-]*" };
    constraints.letters(value, parameter, pattern, |letter| is_name_letter(letter) || more.contains(letter));
}

/// The account and the name in a role's ARN of the partition.
fn role_of<'a>(partition: &str, arn: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = arn.strip_prefix("arn:")?.strip_prefix(partition)?.strip_prefix(":iam::")?;
    let (account, resource) = rest.split_once(':')?;
    let path_and_name = resource.strip_prefix("role/")?;
    let name = path_and_name.rsplit('/').next()?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !name.is_empty() && !path_and_name.contains(':')).then_some((account, name))
}
