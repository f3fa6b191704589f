//! The simulated organization, with what `deploy/` installs in a real one, and the configuration of its daemon.

use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use orgwatch_sim::Simulator;
use orgwatch_sim::call::{Caller, Principal, Refusal, Service, Session};
use orgwatch_sim::clock::Clock;
use orgwatch_sim::seed::{self, ORGANIZATION_ROLE, Plan};
use orgwatch_sim::service::iam::{NewPolicy, NewRole, install_policy, install_role};
use orgwatch_sim::service::sts;
use orgwatch_sim::world::World;
use serde_json::{Map, Value, json};

/// Who reads the alerts.
pub(super) const PEOPLE: &str = "security@example.com";
/// A program that reads them too.
const QUEUE: &str = "security-alerts";

/// So many calls are kept for the narrator, who reads them ten times a second.
const JOURNAL: usize = 20_000;
const MAILS: usize = 1_000;

/// What CreateAccount takes here.
const CREATION: SignedDuration = SignedDuration::from_millis(500);
/// Longer than any demo.
const TASK_SESSION: SignedDuration = SignedDuration::from_hours(365 * 24);

macro_rules! deployed {
    ($file:literal) => {
        include_str!(concat!("../../../deploy/iam/", $file))
    };
}

/// The organization, and who is who in it.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) organization: String,
    pub(super) management: String,
    pub(super) central: String,
    /// All other accounts there were at the beginning.
    pub(super) members: Vec<String>,
    pub(super) partition: String,
    /// Where IAM's events appear, and so where everything is.
    pub(super) region: String,
}

impl Stage {
    /// An organization of so many accounts that has the roles that orgwatch needs, and nothing else of it.
    pub(super) fn build(accounts: usize, seed: u64) -> anyhow::Result<Self> {
        let plan = Plan { accounts, ou_depth: 3, seed, ..Plan::default() };
        let (mut world, seeded) = seed::build(&plan, Clock::real());
        world.central = Some(seeded.central_account_id.clone());
        world.organization.creation_time = CREATION;
        world.journal.set_limit(JOURNAL);
        world.outbox.set_limit(MAILS);
        let stage = Self {
            organization: seeded.organization_id,
            management: seeded.management_account_id,
            central: seeded.central_account_id,
            members: seeded.member_ids,
            partition: world.partition.name.to_owned(),
            region: world.partition.iam_region.to_owned(),
            simulator: Simulator::new(world),
        };
        stage.install(&mut stage.simulator.world())?;
        stage.open_queue()?;
        Ok(stage)
    }

    /// Installs what the templates of `deploy/` install, word for word.
    fn install(&self, world: &mut World) -> anyhow::Result<()> {
        let member = (deployed!("member-role-trust.json"), deployed!("member-role-policy.json"));
        for account in self.members.iter().chain([&self.central]) {
            self.role(world, account, "orgwatch-member", member)?;
            self.boundary(world, account)?;
        }
        let task = (deployed!("central-task-trust.json"), deployed!("central-task-policy.json"));
        self.role(world, &self.central, "orgwatch-task", task)?;
        let reader =
            (deployed!("organization-reader-trust.json"), deployed!("organization-reader-policy.json"));
        self.role(world, &self.management, "orgwatch-organization-reader", reader)?;
        let of_management = (deployed!("member-role-trust.json"), deployed!("management-member-policy.json"));
        self.role(world, &self.management, "orgwatch-member", of_management)?;
        self.boundary(world, &self.management)?;
        // In the management account orgwatch may change no role, so the template makes this one too.
        let forwarder = (deployed!("forwarding-role-trust.json"), deployed!("forwarding-role-policy.json"));
        self.role(world, &self.management, "orgwatch-forwarder", forwarder)
    }

    fn role(
        &self,
        world: &mut World,
        account: &str,
        name: &str,
        (trust, policy): (&str, &str),
    ) -> anyhow::Result<()> {
        let read =
            |text: &str| seed::document(&self.filled(text, account)).map_err(|error| anyhow!("{error}"));
        let mut new = NewRole::new(name, read(trust)?);
        new.inline.insert(name.to_owned(), read(policy)?);
        new.created_at = Some(Timestamp::UNIX_EPOCH);
        install_role(world, account, new);
        Ok(())
    }

    fn boundary(&self, world: &mut World, account: &str) -> anyhow::Result<()> {
        let text = self.filled(deployed!("boundary.json"), account);
        let document = seed::document(&text).map_err(|error| anyhow!("{error}"))?;
        let new = NewPolicy { name: "orgwatch-boundary".to_owned(), path: "/".to_owned(), document };
        install_policy(world, account, new);
        Ok(())
    }

    /// A document of `deploy/iam`, as its template fills it in for an account.
    fn filled(&self, text: &str, account: &str) -> String {
        text.replace("${Partition}", &self.partition)
            .replace("${CentralAccount}", &self.central)
            .replace("${CentralRegion}", &self.region)
            .replace("${OrganizationId}", &self.organization)
            .replace("${Installation}", "orgwatch")
            .replace("${Account}", account)
    }

    /// The calls by which a stack set installs orgwatch's role in an account that has joined.
    pub(super) fn stack_set_calls(&self, account: &str) -> Vec<(Service, &'static str, Value)> {
        let filled = |text| self.filled(text, account);
        vec![
            (
                Service::Iam,
                "CreatePolicy",
                json!({ "PolicyName": "orgwatch-boundary", "PolicyDocument": filled(deployed!("boundary.json")) }),
            ),
            (
                Service::Iam,
                "CreateRole",
                json!({
                    "RoleName": "orgwatch-member",
                    "AssumeRolePolicyDocument": filled(deployed!("member-role-trust.json")),
                }),
            ),
            (
                Service::Iam,
                "PutRolePolicy",
                json!({
                    "RoleName": "orgwatch-member",
                    "PolicyName": "orgwatch-member",
                    "PolicyDocument": filled(deployed!("member-role-policy.json")),
                }),
            ),
        ]
    }

    /// A queue that the alert's topic may send to, as its owner would make one.
    fn open_queue(&self) -> anyhow::Result<()> {
        let queue = self.arn("sqs", QUEUE);
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": { "ArnEquals": { "aws:SourceArn": self.arn("sns", "orgwatch-iam-changes") } },
            }],
        });
        let input = json!({ "QueueName": QUEUE, "Attributes": { "Policy": policy.to_string() } });
        let owner = self.administrator(&self.central);
        self.ask(&owner, Service::Sqs, "CreateQueue", input)
            .map_err(|refusal| anyhow!("the simulator refused the demo's queue: {refusal:?}"))?;
        Ok(())
    }

    /// The ARN of something of the central account.
    pub(super) fn arn(&self, service: &str, name: &str) -> String {
        let Self { partition, region, central, .. } = self;
        format!("arn:{partition}:{service}:{region}:{central}:{name}")
    }

    /// Makes a call in the simulated organization, which checks it as any other.
    pub(super) fn ask(
        &self,
        caller: &Caller,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, Refusal> {
        let input = match input {
            Value::Object(input) => input,
            _ => Map::new(),
        };
        self.simulator.ask(caller, service, &self.region, operation, input)
    }

    /// The account's own administrator.
    pub(super) fn administrator(&self, account: &str) -> Caller {
        Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "demo".to_owned(),
        }
    }

    /// Somebody who works in a member with the role that every account of an organization has; none where there is no
    /// such account.
    pub(super) fn person(&self, account: &str, name: &str) -> Option<Caller> {
        let world = self.simulator.world();
        let role = world.accounts.get(account)?.iam.current().roles.get(ORGANIZATION_ROLE)?;
        let session = Session {
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            role_arn: role.arn.clone(),
            name: name.to_owned(),
            token: String::new(),
            expires_at: Timestamp::MAX,
            policies: Vec::new(),
            source_identity: None,
            chained: false,
        };
        let principal = Principal::Session(session.into());
        Some(Caller { account: account.to_owned(), principal, access_key: "demo".to_owned() })
    }

    /// The credentials that the daemon runs with: those of its task in the central account.
    pub(super) fn credentials(&self) -> anyhow::Result<Credentials> {
        let mut world = self.simulator.world();
        let issued =
            sts::issue(&mut world, &self.central, "orgwatch-task", "orgwatch", Vec::new(), TASK_SESSION)
                .map_err(|refusal| anyhow!("{}", refusal.message))
                .context("the simulator gives no credentials")?;
        let token = Some(issued.session_token);
        Ok(Credentials::new(issued.access_key_id, issued.secret_access_key, token, None, "demo"))
    }

    /// The daemon's configuration: as for a real organization, but more impatient, and without the limits that would
    /// rightly stop it here, where somebody breaks things all the time.
    pub(super) fn config(&self, bind: SocketAddr) -> String {
        let Self { organization, management, central, partition, .. } = self;
        let queue = self.arn("sqs", QUEUE);
        format!(
            r#"
            [organization]
            id = "{organization}"
            reader_role_arn = "arn:{partition}:iam::{management}:role/orgwatch-organization-reader"
            management_role_arn = "arn:{partition}:iam::{management}:role/orgwatch-member"
            poll_interval = "1s"
            max_calls_per_second = 50

            [central]
            account_id = "{central}"

            [[alert]]
            name = "iam-changes"
            subscriptions = [
                {{ protocol = "email", endpoint = "{PEOPLE}" }},
                {{ protocol = "sqs", endpoint = "{queue}" }},
            ]

            # Its story is that of the timer, which is quick enough here to be watched.
            [guard]
            enabled = false

            [canary]
            interval = "off"

            [notify]
            alert = "off"

            [reconcile]
            mode = "enforce"
            resync_interval = "2s"
            settle_time = "500ms"

            [reconcile.limits]
            deletions = 0
            changed_accounts = "off"

            [http]
            bind = "{bind}"
            "#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_of_the_deployed_policies_is_filled() {
        let stage = Stage::build(6, 1).unwrap();
        let world = stage.simulator.world();
        let mut ours = 0;
        for account in world.accounts.values() {
            let iam = account.iam.current();
            for role in iam.roles.values().filter(|role| role.name.starts_with("orgwatch-")) {
                for document in role.inline.values().chain([&role.trust]) {
                    assert!(!document.text.contains("${"), "{}: {}", role.name, document.text);
                    ours += 1;
                }
            }
        }
        // Trust and policy of: the member role in six accounts, task, reader and the management account's forwarder.
        assert_eq!(ours, 2 * (6 + 3));
    }

    #[test]
    fn the_configuration_is_good_and_has_no_warning() {
        let stage = Stage::build(6, 1).unwrap();
        let loaded =
            crate::config::parse(&stage.config("127.0.0.1:8080".parse().unwrap()), []).expect("it is good");
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert_eq!(loaded.settings.reconcile.mode, crate::config::Mode::Enforce);
    }

    #[test]
    fn the_same_seed_gives_the_same_organization_and_another_one_another() {
        let of = |seed| Stage::build(9, seed).unwrap().members;
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
}
