//! What mends a finding: words, a command to be copied, and the template that it is about.

use serde::Serialize;

use crate::world::World;

/// What to do about a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mend {
    /// What to do, in words: where, and with whose credentials.
    #[serde(rename = "mend")]
    pub text: String,
    /// A command that does it. What stands in angle brackets is the reader's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The file of this repository that holds what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<&'static str>,
}

impl Mend {
    pub(super) fn say(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None, template: None }
    }

    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    pub(super) fn template(mut self, file: &'static str) -> Self {
        self.template = Some(file);
        self
    }

    /// The same with its texts changed.
    pub(super) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            text: change(&self.text),
            command: self.command.as_deref().map(change),
            template: self.template,
        }
    }
}

/// The stacks of `deploy/` as the guide makes them, by an installation's names.
#[derive(Clone, Copy, Debug)]
pub struct Stacks<'a>(pub &'a World);

const MEMBER: &str = "deploy/cloudformation/member-role.yaml";
const ORGANIZATION: &str = "deploy/cloudformation/organization-reader.yaml";
const TASK: &str = "deploy/cloudformation/central-task-role.yaml";
const ALARMS: &str = "deploy/cloudformation/alarms-role.yaml";

impl Stacks<'_> {
    /// Brings the member role to accounts that lack it; `root` is the root that they are below.
    pub fn bring_members(self, root: Option<&str>) -> Mend {
        let (region, set) = (&self.0.central_region, self.0.named("member"));
        Mend::say(
            "in the management account: give the account an instance of the stack set; what its instance reports there says \
             why it failed. An external id must be the one of `member.external_id`",
        )
        .command(format!(
            "aws cloudformation create-stack-instances --region {region} --stack-set-name {set} --deployment-targets \
             OrganizationalUnitIds={} --regions {region}",
            root.unwrap_or("<root id>")
        ))
        .template(MEMBER)
    }

    /// Brings the latest version of the member template to all accounts.
    pub fn renew_members(self) -> Mend {
        let same = ["CentralAccount", "CentralRegion", "OrganizationId"]
            .map(|name| format!("ParameterKey={name},UsePreviousValue=true"));
        Mend::say("in the management account: roll out the template of this version")
            .command(format!(
                "aws cloudformation update-stack-set --region {} --stack-set-name {} --template-body file://{MEMBER} \
                 --capabilities CAPABILITY_NAMED_IAM --parameters {}",
                self.0.central_region,
                self.0.named("member"),
                same.join(" ")
            ))
            .template(MEMBER)
    }

    /// What the management account needs: the reader, its own member role and its forwarding roles.
    pub fn organization(self) -> Mend {
        let World { central, central_region, organization, .. } = self.0;
        // Before anybody could ask which one it is, the reader has to say.
        let organization = match organization.as_str() {
            "o-0000000000" => "<organization id>",
            known => known,
        };
        Mend::say("in the management account: install or update what it needs")
            .command(format!(
                "aws cloudformation deploy --region {central_region} --stack-name {} --template-file {ORGANIZATION} \
                 --capabilities CAPABILITY_NAMED_IAM --parameter-overrides CentralAccount={central} \
                 CentralRegion={central_region} OrganizationId={organization}",
                self.0.named("organization"),
            ))
            .template(ORGANIZATION)
    }

    /// The role that orgwatch runs with.
    pub fn task(self) -> Mend {
        let World { central_region, organization, .. } = self.0;
        Mend::say("in the central account: install or update the role that orgwatch runs with")
            .command(format!(
                "aws cloudformation deploy --region {central_region} --stack-name {} --template-file {TASK} --capabilities \
                 CAPABILITY_NAMED_IAM --parameter-overrides CentralRegion={central_region} OrganizationId={organization}",
                self.0.named("task"),
            ))
            .template(TASK)
    }

    /// The role in the account of the trail's log group.
    pub fn alarms(self) -> Mend {
        Mend::say("in the account of the trail's log group: install the role, as docs/compliance.md says")
            .template(ALARMS)
    }
}
