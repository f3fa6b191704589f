//! Everything that the commands do, one after the other, in a small organization.

mod steps;

use std::collections::BTreeMap;

use orgwatch::controller::{PassOutcome, Purpose, Teardown, WalkOptions};
use orgwatch_sim::call::Service;
use orgwatch_sim::seed::TrailLogs;
use serde_json::{Value, json};

use crate::converges::assert_everybody_is_heard;
use crate::drift::{Drift, IN_MEMBERS};
use crate::stage::{Daemon, Fuse, Stage, settings};

/// What a step comes to: why it did not fully succeed.
pub(crate) type Done<T = ()> = Result<T, String>;

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
    /// The ARN of the key that everything is encrypted with.
    key: String,
}

impl Scenario {
    /// The central account, a member and the management account; Organizations tells no paths, as on older endpoints.
    pub(crate) fn new(home: Home) -> Self {
        let stage = Stage::with_log_group(2, TrailLogs::Management);
        stage.simulator.world().organization.carries_paths = false;
        let key = crate::keys::make(&stage, &crate::keys::lets_in());
        let scenario = Self { stage, home, key };
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
        let (partition, central) = (&self.stage.kit.partition, &self.stage.kit.central_account);
        let region = self.stage.region();
        let stream = format!(
            "{{ protocol = 'firehose', endpoint = 'arn:{partition}:firehose:{region}:{central}:deliverystream/siem', \
             role_arn = 'arn:{partition}:iam::{central}:role/orgwatch-firehose' }}"
        );
        let alert = |name: &str, more: &str| {
            format!(
                "[[alert]]\nname = '{name}'\nwatches = ['{name}']\nunknown_subscriptions = 'remove'\nkms_key_arn = '{}'\n\
                 subscriptions = [{{ protocol = 'email', endpoint = '{}' }}, {more}]\n",
                self.key,
                crate::stage::PEOPLE
            )
        };
        let mut text = "[organization.exclude_tags]\norgwatch = 'off'\n".to_owned();
        // What comes and goes within the hour in which all of this happens is more than a person would let go unasked.
        text += "[reconcile.limits]\ndeletions = 100\n";
        text += &alert("iam-changes", &stream);
        // The delivery role has no right to use a key.
        text += &format!(
            "[[alert]]\nname = 'by-role'\nwatches = ['iam-changes']\ndelivery = 'role'\n\
             subscriptions = [{{ protocol = 'email', endpoint = '{}' }}]\n",
            crate::stage::PEOPLE
        );
        if more.contains("name = 'deletions'") {
            // Nobody confirms, so that the topic may go again.
            text += &alert("deletions", "");
        }
        if !more.contains("[[watch]]") {
            text += "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n";
        }
        let text = self.stage.config(&format!("{text}{more}"));
        let key = format!("[central]\nkms_key_arn = '{}'\n", self.key);
        let text = text.replacen("[central]\n", &key, 1);
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

    /// What `check --aws` does; none of it may be refused.
    async fn check(&self, config: &str) -> Done {
        let daemon = self.process(config, Purpose::default());
        let controller = &daemon.controller;
        let told = |error: orgwatch::controller::DiscoverError| error.to_string();
        let mut looked = controller.knock().await.map_err(told)?;
        if !controller.list_for(&mut looked).await.map_err(told)? {
            return Err(format!("check: the organization is not listed: {looked:?}"));
        }
        controller.look_at_all(&daemon.stop, &mut |_| ()).await;
        controller.look_closer(&mut looked, &daemon.stop, &mut |_| ()).await;
        let findings = controller.findings(&looked).map_err(told)?;
        if findings.is_empty() { Ok(()) } else { Err(format!("check: {findings:#?}")) }
    }

    /// What `plan` and `status` do, with the purposes that they have.
    async fn look(&self, config: &str, purpose: Purpose) -> Done<Daemon> {
        let daemon = self.process(config, purpose);
        daemon.controller.discover().await.map_err(|error| error.to_string())?;
        daemon.controller.look_at_all(&daemon.stop, &mut |_| ()).await;
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
        let mut outcomes = Vec::new();
        let mut keep = |pass: &PassOutcome| outcomes.push(pass.clone());
        daemon.controller.carry_out(changing, &options, &daemon.stop, &mut keep).await;
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
        self.check(&config).await?;
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
        self.dead_letters(&config).await?;
        self.audit(&config).await?;
        self.canaries().await?;
        self.health().await?;
        self.orphans(&config).await?;
        self.compliance().await?;
        self.wakes(&config).await?;
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

/// Why a walk did not fully succeed: what went wrong in the last pass over a target, as an earlier one may have had to
/// wait for AWS.
fn failures(outcomes: &[PassOutcome]) -> Option<String> {
    let last: BTreeMap<_, _> = outcomes.iter().map(|pass| (&pass.target, pass)).collect();
    let passes = last.values().filter_map(|pass| pass.error.as_ref());
    let calls = last.values().flat_map(|pass| &pass.written).filter_map(|w| w.outcome.as_ref().err());
    let all: Vec<String> = passes.chain(calls).map(ToString::to_string).collect();
    (!all.is_empty()).then(|| format!("{all:#?}"))
}
