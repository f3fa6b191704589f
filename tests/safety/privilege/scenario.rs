//! Everything that the commands do, one after the other, in a small organization.

use std::collections::BTreeMap;

use orgwatch::controller::{PassOutcome, Purpose, Teardown, WalkOptions};
use orgwatch_sim::call::Service;
use orgwatch_sim::service::sns;
use serde_json::{Value, json};

use crate::converges::assert_everybody_is_heard;
use crate::drift::{Drift, IN_CENTRAL, IN_MEMBERS};
use crate::stage::{Daemon, Fuse, Stage, settings};

/// What a step comes to: why it did not fully succeed.
pub(crate) type Done<T = ()> = Result<T, String>;

/// Who `subscribes` beside the people in [`Drift::SubscriptionAdded`].
const STRANGER: &str = "mallory@example.org";
const WATCH: &str = "orgwatch-iam-changes";
const MINE: &str = "orgwatch:managed-by";

/// How the product is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// With the task role's own credentials.
    Task,
    /// With other credentials of the central account, from which it assumes the task role (`central.role_arn`).
    Elsewhere,
}

/// A small organization and how the product is run in it.
pub(crate) struct Scenario {
    pub(crate) stage: Stage,
    home: Home,
}

impl Scenario {
    /// The central account, a member and the management account; Organizations tells no paths, as on older endpoints.
    pub(crate) fn new(home: Home) -> Self {
        let stage = Stage::new(2, 1);
        stage.simulator.world().organization.carries_paths = false;
        let scenario = Self { stage, home };
        if home == Home::Elsewhere {
            scenario.let_the_runner_in();
        }
        scenario
    }

    /// A role of the central account that may become the task role, which is told to trust it.
    fn let_the_runner_in(&self) {
        let central = &self.stage.kit.central_account;
        let partition = &self.stage.kit.partition;
        let task = format!("arn:{partition}:iam::{central}:role/orgwatch-task");
        let trust =
            |statement: Value| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let anyone = json!({
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:{partition}:iam::{central}:root") },
        });
        let enter = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": task });
        self.people(
            central,
            Service::Iam,
            "CreateRole",
            json!({ "RoleName": "runner", "AssumeRolePolicyDocument": trust(anyone.clone()) }),
        );
        self.people(
            central,
            Service::Iam,
            "PutRolePolicy",
            json!({ "RoleName": "runner", "PolicyName": "enter", "PolicyDocument": trust(enter) }),
        );
        self.people(
            central,
            Service::Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "orgwatch-task", "PolicyDocument": trust(anyone) }),
        );
    }

    /// What somebody with every right in `account` does; it must succeed.
    pub(crate) fn people(&self, account: &str, service: Service, operation: &str, input: Value) -> Value {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let caller = self.stage.administrator(account);
        let region = self.stage.region();
        self.stage
            .simulator
            .ask(&caller, service, &region, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation} in {account}: {refusal:?}"))
    }

    fn member(&self) -> &str {
        &self.stage.accounts[1]
    }

    /// The configuration: accounts may opt out by a tag, strangers are unsubscribed; `more` comes after it.
    fn config(&self, more: &str) -> String {
        let alert = |name: &str| {
            format!(
                "[[alert]]\nname = '{name}'\nwatches = ['{name}']\nunknown_subscriptions = 'remove'\n\
                 subscriptions = [{{ protocol = 'email', endpoint = '{}' }}]\n",
                crate::stage::PEOPLE
            )
        };
        let mut text = "[organization.exclude_tags]\norgwatch = 'off'\n".to_owned();
        text += &alert("iam-changes");
        if more.contains("name = 'deletions'") {
            text += &alert("deletions");
        }
        if !more.contains("[[watch]]") {
            text += "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n";
        }
        let text = self.stage.config(&format!("{text}{more}"));
        let Home::Elsewhere = self.home else { return text };
        let stage = &self.stage.kit;
        let role = format!(
            "[central]\nrole_arn = 'arn:{}:iam::{}:role/orgwatch-task'\n",
            stage.partition, stage.central_account
        );
        text.replacen("[central]\n", &role, 1)
    }

    fn process(&self, config: &str, purpose: Purpose) -> Daemon {
        let role = match self.home {
            Home::Task => "orgwatch-task",
            Home::Elsewhere => "runner",
        };
        let credentials = self.stage.credentials(&self.stage.kit.central_account, role);
        let clock = self.stage.clock.clone();
        Daemon::new(&self.stage.simulator, clock, credentials, settings(config), purpose, Fuse::none())
    }

    /// What `plan`, `status` and `check --aws` do, with the purposes that they have.
    async fn look(&self, config: &str, purpose: Purpose) -> Done<Daemon> {
        let daemon = self.process(config, purpose);
        daemon.controller.discover().await.map_err(|error| error.to_string())?;
        daemon.controller.look_at_all(&daemon.stop, &|_| ()).await;
        Ok(daemon)
    }

    /// What `apply --yes` and `teardown --yes` do.
    async fn carry_out(&self, config: &str, purpose: Purpose) -> Done<Daemon> {
        let max_failures = if purpose.teardown.is_some() { usize::MAX } else { 10 };
        let daemon = self.look(config, purpose).await?;
        let keys = daemon.controller.keys();
        let changing = daemon
            .controller
            .views(&keys)
            .iter()
            .filter(|view| !view.plan.changes.is_empty())
            .map(|view| view.target.clone())
            .collect();
        let options = WalkOptions { max_failures, ..WalkOptions::default() };
        let outcomes = daemon.controller.carry_out(changing, &options, &daemon.stop, &|_| ()).await;
        failures(&outcomes).map_or(Ok(daemon), Err)
    }

    async fn apply(&self, config: &str, prune: bool) -> Done<Daemon> {
        self.carry_out(config, Purpose { enforce_all: true, prune, teardown: None }).await
    }

    /// `apply`, after which nothing is left to do.
    async fn mend(&self, what: &str, config: &str, prune: bool) -> Done {
        let daemon = self.apply(config, prune).await.map_err(|error| format!("{what}: {error}"))?;
        let left = daemon.out_of_sync();
        if left.is_empty() { Ok(()) } else { Err(format!("{what}: {left:#?}")) }
    }

    /// Everything. `thorough`: each trouble is mended by a process of its own, instead of many by one.
    pub(crate) async fn play(&self, thorough: bool) -> Done {
        let config = self.config("");
        self.wrong_place().await?;
        self.plan(&config, true).await?;
        self.apply(&config, false).await?;
        self.stage.confirm_subscriptions();
        self.mend("after the people confirmed", &config, false).await?;
        assert_everybody_is_heard(&self.stage);
        self.plan(&config, false).await?;
        self.status(&config).await?;
        self.drifts(&config, thorough).await?;
        self.what_the_list_of_drifts_lacks(&config).await?;
        self.strange_subscription(&config).await?;
        self.adoption().await?;
        self.orphans(&config).await?;
        if thorough {
            self.serve(&config).await?;
        }
        self.teardown().await
    }

    /// The member template with `ForwardingRole=existing`: the stack set makes the forwarding roles, and the member
    /// role may not write IAM anywhere.
    pub(crate) async fn play_with_existing_roles(&self) -> Done {
        let stage = &self.stage;
        for account in &stage.accounts {
            let kit = &stage.kit;
            let boundary = format!("arn:{}:iam::{account}:policy/orgwatch-boundary", kit.partition);
            let trust = kit.document("forwarding-role-trust.json", account);
            let policies = [
                ("orgwatch-forwarder", "orgwatch-forward", "forwarding-role-policy.json"),
                ("orgwatch-member", "member-role-policy", "management-member-policy.json"),
            ];
            let input = json!({
                "RoleName": "orgwatch-forwarder", "AssumeRolePolicyDocument": trust, "PermissionsBoundary": boundary,
            });
            self.people(account, Service::Iam, "CreateRole", input);
            for (role, name, file) in policies {
                let document = kit.document(file, account);
                let input = json!({ "RoleName": role, "PolicyName": name, "PolicyDocument": document });
                self.people(account, Service::Iam, "PutRolePolicy", input);
            }
        }
        let config = self.config("[member]\nforwarding_role = 'existing'\n");
        self.apply(&config, false).await?;
        stage.confirm_subscriptions();
        self.mend("after the people confirmed", &config, true).await?;
        assert_everybody_is_heard(stage);
        for drift in IN_MEMBERS.into_iter().filter(|drift| !is_about_roles(*drift)) {
            drift.happens(stage, self.member());
            self.mend(&format!("{drift:?}"), &config, true).await?;
        }
        let teardown = Some(Teardown { accounts: Vec::new(), delete_data: true });
        self.carry_out(&config, Purpose { enforce_all: true, prune: true, teardown }).await?;
        let left: Vec<String> =
            self.left().into_iter().filter(|name| !name.ends_with(" orgwatch-forwarder")).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("teardown left {left:?}")) }
    }

    /// Whether `apply` comes to an end, whatever it says.
    pub(crate) async fn apply_ends(&self) -> bool {
        let config = self.config("");
        let day = std::time::Duration::from_secs(24 * 60 * 60);
        tokio::time::timeout(day, self.apply(&config, false)).await.is_ok()
    }

    /// `plan`: shows changes or none, and writes nothing.
    async fn plan(&self, config: &str, changes: bool) -> Done {
        let calls = self.stage.calls();
        let daemon = self.look(config, Purpose { enforce_all: true, prune: true, teardown: None }).await?;
        let planned = daemon.controller.views(&daemon.controller.keys());
        if planned.iter().any(|view| !view.plan.changes.is_empty()) != changes {
            return Err(format!("the plan is {planned:#?}"));
        }
        let errors: Vec<_> = planned.iter().filter_map(|view| view.error.as_ref()).collect();
        let wrote = self.stage.writes_since(calls);
        if errors.is_empty() && wrote.is_empty() { Ok(()) } else { Err(format!("{errors:?} {wrote:?}")) }
    }

    async fn status(&self, config: &str) -> Done {
        let daemon = self.look(config, Purpose::default()).await?;
        let left = daemon.out_of_sync();
        if left.is_empty() { Ok(()) } else { Err(format!("status: {left:#?}")) }
    }

    /// Credentials of another organization or account than configured are noticed.
    async fn wrong_place(&self) -> Done {
        let config = self.config("");
        let kit = &self.stage.kit;
        let (wrong, elsewhere) = (
            config.replacen(&kit.organization_id, "o-a1b2c3d4e5", 1),
            config.replacen(
                &format!("account_id = '{}'", kit.central_account),
                "account_id = '999999999999'",
                1,
            ),
        );
        let mut configs = vec![wrong];
        // A role names its account, so there a configuration with another one is refused before anything is asked.
        if self.home == Home::Task {
            configs.push(elsewhere);
        }
        for config in configs {
            let calls = self.stage.calls();
            match self.look(&config, Purpose { enforce_all: true, ..Purpose::default() }).await {
                Err(said) if said.contains("these credentials belong to") => {}
                Err(said) => return Err(format!("not the wrong place, but: {said}")),
                Ok(_) => return Err(format!("the wrong place was not noticed: {config}")),
            }
            assert_eq!(self.stage.writes_since(calls), Vec::<String>::new());
        }
        Ok(())
    }

    /// Every drift that the other safety tests know, in a member, in the management account and in the central one.
    async fn drifts(&self, config: &str, thorough: bool) -> Done {
        let stage = &self.stage;
        let (central, management) = (&stage.accounts[0], &stage.management);
        if !thorough {
            // Those that need every action between them, all at once.
            for drift in [
                Drift::RuleDescription,
                Drift::TargetAdded,
                Drift::RoleTrust,
                Drift::RolePolicyAdded,
                Drift::RolePolicyAttached,
                Drift::RoleBoundary,
                Drift::RoleUntagged,
            ] {
                drift.happens(stage, self.member());
            }
            for drift in [Drift::RuleDescription, Drift::TargetAdded] {
                drift.happens(stage, management);
            }
            for drift in [
                Drift::BusDescription,
                Drift::AlertRulePattern,
                Drift::TopicPolicy,
                Drift::TopicName,
                Drift::QueuePolicy,
            ] {
                drift.happens(stage, central);
            }
            return self.mend("many drifts", config, false).await;
        }
        for drift in IN_MEMBERS {
            drift.happens(stage, self.member());
            if !is_about_roles(drift) {
                drift.happens(stage, management);
            }
            self.mend(&format!("{drift:?}"), config, false).await?;
        }
        for drift in IN_CENTRAL.into_iter().filter(|drift| *drift != Drift::SubscriptionAdded) {
            drift.happens(stage, central);
            self.mend(&format!("{drift:?}"), config, false).await?;
        }
        // The rules' own path is whole again as well.
        assert_everybody_is_heard(stage);
        Ok(())
    }

    /// The forwarding role's description, a subscription of our own that is gone, a target that an alert rule has too
    /// many.
    async fn what_the_list_of_drifts_lacks(&self, config: &str) -> Done {
        let (stage, kit) = (&self.stage, &self.stage.kit);
        let central = &kit.central_account;
        let input = json!({ "RoleName": "orgwatch-forwarder", "Description": "mine" });
        self.people(self.member(), Service::Iam, "UpdateRoleDescription", input);
        let ears = format!("arn:{}:sqs:{}:{central}:ears", kit.partition, stage.region());
        self.people(
            central,
            Service::Events,
            "PutTargets",
            json!({ "EventBusName": "orgwatch", "Rule": WATCH, "Targets": [{ "Id": "ears", "Arn": ears }] }),
        );
        self.mend("description and ears", config, false).await
    }

    /// Somebody subscribes and confirms, and is removed again.
    async fn strange_subscription(&self, config: &str) -> Done {
        Drift::SubscriptionAdded.happens(&self.stage, &self.stage.accounts[0]);
        sns::confirm(&mut self.stage.simulator.world(), &self.topic(), STRANGER);
        self.mend("a stranger's subscription", config, false).await
    }

    fn topic(&self) -> String {
        let kit = &self.stage.kit;
        format!("arn:{}:sns:{}:{}:{WATCH}", kit.partition, kit.central_region, kit.central_account)
    }

    fn queue(&self) -> String {
        format!("https://sqs/{}/orgwatch-dead-letters", self.stage.kit.central_account)
    }

    /// Topic and queue lose the tag that makes them ours, and are adopted by configuration.
    async fn adoption(&self) -> Done {
        let central = &self.stage.kit.central_account;
        let input = json!({ "ResourceArn": self.topic(), "TagKeys": [MINE] });
        self.people(central, Service::Sns, "UntagResource", input);
        let input = json!({ "QueueUrl": self.queue(), "TagKeys": [MINE] });
        self.people(central, Service::Sqs, "UntagQueue", input);
        let adopt = format!(
            "[reconcile]\nmode = 'enforce'\niam_writes_per_second = 'off'\n\
             adopt = ['topic:{WATCH}', 'queue:orgwatch-dead-letters']\n"
        );
        self.mend("adoption", &self.config(&adopt), false).await
    }

    /// A second watch with its alert comes and goes, and so do a queue and roles that nobody wants any more.
    async fn orphans(&self, config: &str) -> Done {
        let (stage, central, member) = (&self.stage, &self.stage.kit.central_account, self.member());
        let two = self.config(
            "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
             [[watch]]\nname = 'deletions'\npattern = '''{\"source\": [\"aws.s3\"], \
             \"detail-type\": [\"AWS API Call via CloudTrail\"]}'''\n",
        );
        self.apply(&two, false).await?;
        let tags = json!([{ "Key": MINE, "Value": "orgwatch" }]);
        let named = json!({ MINE: "orgwatch" });
        let input = json!({ "QueueName": "orgwatch-old", "tags": named });
        self.people(central, Service::Sqs, "CreateQueue", input);
        let boundary = format!("arn:{}:iam::{member}:policy/orgwatch-boundary", stage.kit.partition);
        let trust = stage.kit.document("forwarding-role-trust.json", member);
        let policy = stage.kit.document("forwarding-role-policy.json", member);
        for (role, boundary) in
            [("orgwatch-forwarder-old", Some(boundary)), ("orgwatch-forwarder-bare", None)]
        {
            let mut input = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust, "Tags": tags });
            if let Some(boundary) = boundary {
                input["PermissionsBoundary"] = json!(boundary);
            }
            self.people(member, Service::Iam, "CreateRole", input);
            let input =
                json!({ "RoleName": role, "PolicyName": "orgwatch-forward", "PolicyDocument": policy });
            self.people(member, Service::Iam, "PutRolePolicy", input);
        }
        self.mend("orphans", config, true).await?;
        let left = self.left();
        let wanted =
            |name: &String| name.contains("deletions") || name.contains("-old") || name.contains("-bare");
        if left.iter().any(wanted) { Err(format!("orphans are left: {left:?}")) } else { Ok(()) }
    }

    /// The daemon mends what happens meanwhile.
    async fn serve(&self, config: &str) -> Done {
        use std::time::Duration;
        let daemon = self.process(config, Purpose::default());
        let around = async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            for drift in [Drift::RuleDeleted, Drift::RoleDeleted] {
                drift.happens(&self.stage, self.member());
            }
            // Later: EventBridge would refuse the targets of members, whatever their rights, as long as the bus refuses them.
            tokio::time::sleep(Duration::from_secs(1800)).await;
            Drift::BusPolicyRemoved.happens(&self.stage, &self.stage.accounts[0]);
        };
        futures::join!(around, daemon.serve_for(Duration::from_secs(2 * 3600)));
        let left = daemon.out_of_sync();
        if left.is_empty() { Ok(()) } else { Err(format!("serve: {left:#?}")) }
    }

    /// Everything goes, from a second Region too, a queue with an event in it and a role without its boundary
    /// included.
    async fn teardown(&self) -> Done {
        let stage = &self.stage;
        let region = stage.region();
        let both = self.config(&format!(
            "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\nregions = ['{region}', 'eu-west-1']\n"
        ));
        self.mend("a second Region", &both, false).await?;
        let central = &stage.kit.central_account;
        let input = json!({ "QueueUrl": self.queue(), "MessageBody": "{}" });
        self.people(central, Service::Sqs, "SendMessage", input);
        Drift::RoleBoundary.happens(stage, self.member());
        let teardown = Some(Teardown { accounts: Vec::new(), delete_data: true });
        self.carry_out(&both, Purpose { enforce_all: true, prune: true, teardown }).await?;
        let left = self.left();
        if left.is_empty() { Ok(()) } else { Err(format!("teardown left {left:?}")) }
    }

    /// What carries the installation's name and was not installed by the templates, in all accounts and both Regions.
    fn left(&self) -> Vec<String> {
        let stage = &self.stage;
        let mut found = Vec::new();
        for account in stage.accounts.iter().chain([&stage.management]) {
            let caller = stage.administrator(account);
            for region in [stage.region(), "eu-west-1".to_owned()] {
                for (service, operation, list, field) in [
                    (Service::Events, "ListRules", "Rules", "/Name"),
                    (Service::Events, "ListEventBuses", "EventBuses", "/Name"),
                    (Service::Sns, "ListTopics", "Topics", "/TopicArn"),
                    (Service::Sqs, "ListQueues", "QueueUrls", ""),
                    (Service::Iam, "ListRoles", "Roles", "/RoleName"),
                ] {
                    let listed = stage
                        .simulator
                        .ask(&caller, service, &region, operation, serde_json::Map::new())
                        .unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"));
                    let names = listed[list].as_array().into_iter().flatten();
                    found.extend(
                        names
                            .filter_map(|item| item.pointer(field)?.as_str())
                            .map(|name| name.rsplit([':', '/']).next().unwrap_or_default())
                            .filter(|name| name.starts_with("orgwatch"))
                            .filter(|name| !is_installed(stage, account, name))
                            .map(|name| format!("{account} {region} {name}")),
                    );
                }
            }
        }
        found
    }
}

/// Whether a drift is one of the forwarding role, which the product does not write everywhere.
fn is_about_roles(drift: Drift) -> bool {
    use Drift::{
        RoleBoundary, RoleDeleted, RolePolicyAdded, RolePolicyAttached, RolePolicyRemoved,
        RolePolicyReplaced, RoleTrust, RoleUntagged,
    };
    [
        RoleBoundary,
        RoleDeleted,
        RolePolicyAdded,
        RolePolicyAttached,
        RolePolicyRemoved,
        RolePolicyReplaced,
        RoleTrust,
        RoleUntagged,
    ]
    .contains(&drift)
}

/// Whether the templates install a role of that name in the account.
fn is_installed(stage: &Stage, account: &str, name: &str) -> bool {
    let forwarder = name == "orgwatch-forwarder" && account == stage.management;
    forwarder || ["orgwatch-member", "orgwatch-task", "orgwatch-organization-reader"].contains(&name)
}

/// Why a walk did not fully succeed: what went wrong in the last pass over a target, as an earlier one may have had to
/// wait for AWS.
fn failures(outcomes: &[PassOutcome]) -> Option<String> {
    let last: BTreeMap<_, _> = outcomes.iter().map(|pass| (&pass.target, pass)).collect();
    let passes = last.values().filter_map(|pass| pass.error.as_ref());
    let calls = last.values().flat_map(|pass| &pass.written).filter_map(|w| w.outcome.as_ref().err());
    let all: Vec<String> = passes.chain(calls).map(ToString::to_string).collect();
    (!all.is_empty()).then(|| format!("{all:#?}"))
}
