//! The policies that `deploy/` hands to users, filled in for an organization.

use std::path::Path;

use jiff::Timestamp;
use orgwatch_sim::seed::TRAIL_LOG_GROUP;
use orgwatch_sim::service::iam::{Document, NewPolicy, NewRole, install_policy, install_role};
use orgwatch_sim::world::World;

/// What stands for the placeholders of the policies.
#[derive(Clone, Debug)]
pub(crate) struct Kit {
    pub(crate) partition: String,
    pub(crate) central_account: String,
    pub(crate) central_region: String,
    pub(crate) organization_id: String,
}

impl Kit {
    /// A file of `deploy/iam`, for `account`.
    pub(crate) fn document(&self, name: &str, account: &str) -> String {
        self.filled(&format!("iam/{name}"), &[("${Account}", account)])
    }

    /// A file of `deploy`, with placeholders that not all of them have.
    pub(crate) fn filled(&self, name: &str, more: &[(&str, &str)]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = more.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
        let filled = text
            .replace("${Partition}", &self.partition)
            .replace("${CentralAccount}", &self.central_account)
            .replace("${CentralRegion}", &self.central_region)
            .replace("${OrganizationId}", &self.organization_id)
            .replace("${LogGroup}", TRAIL_LOG_GROUP)
            .replace("${Installation}", "orgwatch");
        assert!(!filled.contains("${"), "{name} has a placeholder that nobody fills: {filled}");
        filled
    }
}

impl Kit {
    /// The name under which a file of `deploy/iam` is a role's inline policy.
    pub(crate) fn inline_name(file: &str) -> String {
        match file {
            "forwarding-role-policy.json" => "orgwatch-forward".to_owned(),
            "delivery-role-policy.json" => "orgwatch-publish".to_owned(),
            other => other.replace(".json", ""),
        }
    }

    /// Installs what the templates of `deploy/` install.
    pub(crate) fn install(&self, world: &mut World, management: &str, members: &[String]) {
        let role = |world: &mut World, account: &str, name: &str, trust: &str, policies: &[&str]| {
            let read = |file: &str| Document::parse(&self.document(file, account)).expect("it is a policy");
            let mut new = NewRole::new(name, read(trust));
            new.inline = policies.iter().map(|file| (Self::inline_name(file), read(file))).collect();
            new.created_at = Some(Timestamp::UNIX_EPOCH);
            install_role(world, account, new);
        };
        let boundary = |world: &mut World, account: &str| {
            let document = Document::parse(&self.document("boundary.json", account)).expect("it is a policy");
            let new = NewPolicy { name: "orgwatch-boundary".to_owned(), path: "/".to_owned(), document };
            install_policy(world, account, new);
        };
        let central = self.central_account.clone();
        role(world, &central, "orgwatch-task", "central-task-trust.json", &["central-task-policy.json"]);
        role(
            world,
            &central,
            "orgwatch-delivery",
            "delivery-role-trust.json",
            &["delivery-role-policy.json"],
        );
        for account in members {
            self.install_member(world, account);
        }
        let reader = "organization-reader-policy.json";
        role(world, management, "orgwatch-organization-reader", "organization-reader-trust.json", &[reader]);
        role(
            world,
            management,
            "orgwatch-member",
            "member-role-trust.json",
            &["management-member-policy.json"],
        );
        boundary(world, management);
        self.install_forwarder(world, management, "orgwatch-forwarder");
        self.install_forwarder(world, management, "orgwatch-forwarder-guard");
        self.install_alarms(world, management);
    }

    /// Installs what the template installs in the account of the trail's log group.
    pub(crate) fn install_alarms(&self, world: &mut World, account: &str) {
        let read = |file: &str| Document::parse(&self.document(file, account)).expect("it is a policy");
        let mut new = NewRole::new("orgwatch-alarms", read("member-role-trust.json"));
        let policy = "alarms-role-policy.json";
        new.inline = [(Self::inline_name(policy), read(policy))].into();
        new.created_at = Some(Timestamp::UNIX_EPOCH);
        install_role(world, account, new);
    }

    /// Installs what the template installs in a member.
    pub(crate) fn install_member(&self, world: &mut World, account: &str) {
        let read = |file: &str| Document::parse(&self.document(file, account)).expect("it is a policy");
        let mut new = NewRole::new("orgwatch-member", read("member-role-trust.json"));
        let policy = "member-role-policy.json";
        new.inline = [(Self::inline_name(policy), read(policy))].into();
        new.created_at = Some(Timestamp::UNIX_EPOCH);
        install_role(world, account, new);
        let boundary = NewPolicy {
            name: "orgwatch-boundary".to_owned(),
            path: "/".to_owned(),
            document: read("boundary.json"),
        };
        install_policy(world, account, boundary);
    }

    /// Installs a forwarding role as the template makes it in the management account, where the daemon never does.
    pub(crate) fn install_forwarder(&self, world: &mut World, account: &str, name: &str) {
        let read = |file: &str| Document::parse(&self.document(file, account)).expect("it is a policy");
        let mut new = NewRole::new(name, read("forwarding-role-trust.json"));
        let policy = "forwarding-role-policy.json";
        new.inline = [(Self::inline_name(policy), read(policy))].into();
        new.boundary = Some(format!("arn:{}:iam::{account}:policy/orgwatch-boundary", self.partition));
        new.tags = [("orgwatch:managed-by".to_owned(), "orgwatch".to_owned())].into();
        new.description = Some("managed by orgwatch/orgwatch v1".to_owned());
        new.created_at = Some(Timestamp::UNIX_EPOCH);
        install_role(world, account, new);
    }
}
