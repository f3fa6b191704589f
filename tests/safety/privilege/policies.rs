//! The policies of `deploy/iam`, and what an installation is like in which one of their actions is missing.

use orgwatch_sim::call::Service;
use serde_json::{Value, json};

use super::scenario::Scenario;
use crate::stage::Kit;

/// Where a document of `deploy/iam` is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// What a role of the central account may do.
    Central(&'static str),
    /// What a role of every account but the management account may do.
    Members(&'static str),
    /// What a role of the management account may do.
    Management(&'static str),
    /// Who may become the member role, in every account.
    MemberTrust,
    /// Who may become the organization reader.
    ReaderTrust,
    /// Who may become the delivery role.
    DeliveryTrust,
    /// Who may become the forwarding role that the template installs.
    ForwarderTrust,
    /// The permissions boundary in every account.
    Boundary,
}

/// Every document of `deploy/iam` that the simulated organization obeys.
///
/// Not among them is `central-task-trust.json`: which service lends the task role to the daemon is not simulated.
pub(crate) const DOCUMENTS: [(&str, Use); 12] = [
    ("alarms-role-policy.json", Use::Management("orgwatch-alarms")),
    ("boundary.json", Use::Boundary),
    ("central-task-policy.json", Use::Central("orgwatch-task")),
    ("delivery-role-policy.json", Use::Central("orgwatch-delivery")),
    ("delivery-role-trust.json", Use::DeliveryTrust),
    ("forwarding-role-policy.json", Use::Management("orgwatch-forwarder")),
    ("forwarding-role-trust.json", Use::ForwarderTrust),
    ("management-member-policy.json", Use::Management("orgwatch-member")),
    ("member-role-policy.json", Use::Members("orgwatch-member")),
    ("member-role-trust.json", Use::MemberTrust),
    ("organization-reader-policy.json", Use::Management("orgwatch-organization-reader")),
    ("organization-reader-trust.json", Use::ReaderTrust),
];

/// Stands where an action was, as a document must have one: nobody asks for this.
fn nothing(action: &str) -> &'static str {
    // A trust policy may name no other service's actions.
    if action.starts_with("sts:") { "sts:TagSession" } else { "orgwatch:Nothing" }
}

/// One action of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) file: &'static str,
    pub(crate) used: Use,
    /// The statement's number.
    pub(crate) statement: usize,
    /// The action's number in the statement.
    number: usize,
    pub(crate) action: String,
}

impl Right {
    /// Every action of every statement of a document.
    pub(crate) fn all(scenario: &Scenario, file: &'static str, used: Use) -> Vec<Self> {
        let document = parsed(&scenario.stage.kit.document(file, &scenario.stage.management));
        let statements = document["Statement"].as_array().expect("a policy has statements");
        statements
            .iter()
            .enumerate()
            .flat_map(|(statement, content)| {
                strings(&content["Action"]).into_iter().enumerate().map(move |(number, action)| Self {
                    file,
                    used,
                    statement,
                    number,
                    action,
                })
            })
            .collect()
    }

    /// Takes the action away, wherever the document is in force.
    pub(crate) fn is_taken_away(&self, scenario: &Scenario) {
        let stage = &scenario.stage;
        let everywhere: Vec<&String> = stage.accounts.iter().chain([&stage.management]).collect();
        match self.used {
            Use::Central(role) => self.write(scenario, &stage.accounts[0], role),
            Use::Management(role) => self.write(scenario, &stage.management, role),
            Use::Members(role) => stage.accounts.iter().for_each(|id| self.write(scenario, id, role)),
            Use::MemberTrust => {
                everywhere.into_iter().for_each(|id| self.trust(scenario, id, "orgwatch-member"));
                self.trust(scenario, &stage.management, "orgwatch-alarms");
            }
            Use::ReaderTrust => self.trust(scenario, &stage.management, "orgwatch-organization-reader"),
            Use::DeliveryTrust => self.trust(scenario, &stage.accounts[0], "orgwatch-delivery"),
            Use::ForwarderTrust => self.trust(scenario, &stage.management, "orgwatch-forwarder"),
            Use::Boundary => everywhere.into_iter().for_each(|id| self.bound(scenario, id)),
        }
    }

    /// The document without the action, for an account.
    fn lacking(&self, scenario: &Scenario, account: &str) -> String {
        let mut document = parsed(&scenario.stage.kit.document(self.file, account));
        let place = &mut document["Statement"][self.statement]["Action"];
        let place = if place.is_array() { &mut place[self.number] } else { place };
        assert_eq!(*place, json!(self.action), "{self:?}");
        *place = json!(nothing(&self.action));
        document.to_string()
    }

    fn write(&self, scenario: &Scenario, account: &str, role: &str) {
        let input = json!({
            "RoleName": role, "PolicyName": Kit::inline_name(self.file),
            "PolicyDocument": self.lacking(scenario, account),
        });
        scenario.people(account, Service::Iam, "PutRolePolicy", input);
    }

    fn trust(&self, scenario: &Scenario, account: &str, role: &str) {
        let input = json!({ "RoleName": role, "PolicyDocument": self.lacking(scenario, account) });
        scenario.people(account, Service::Iam, "UpdateAssumeRolePolicy", input);
    }

    fn bound(&self, scenario: &Scenario, account: &str) {
        let partition = &scenario.stage.kit.partition;
        let input = json!({
            "PolicyArn": format!("arn:{partition}:iam::{account}:policy/orgwatch-boundary"),
            "PolicyDocument": self.lacking(scenario, account), "SetAsDefault": true,
        });
        scenario.people(account, Service::Iam, "CreatePolicyVersion", input);
    }
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// One text, or a list of texts, as IAM takes both.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    let texts = value.as_array().map_or_else(|| vec![value], |all| all.iter().collect());
    texts.into_iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}
