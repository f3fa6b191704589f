//! What happens in the scenario, step by step.

use std::time::Duration;

use orgwatch::compliance::evidence::Seen;
use orgwatch::controller::letters::Fate;
use orgwatch::controller::{Purpose, Teardown};
use orgwatch_sim::call::Service;
use orgwatch_sim::service::sns;
use serde_json::json;

use super::{Done, Home, Scenario, is_about_roles};
use crate::audit;
use crate::converges::assert_everybody_is_heard;
use crate::drift::{Drift, IN_CENTRAL, IN_MEMBERS};
use crate::stage::{Kit, Stage};

/// Who subscribes beside the people in [`Drift::SubscriptionAdded`].
const STRANGER: &str = "mallory@example.org";
const WATCH: &str = "orgwatch-iam-changes";
const MINE: &str = "orgwatch:managed-by";

impl Scenario {
    /// Credentials of another organization or account than configured are noticed.
    pub(super) async fn wrong_place(&self) -> Done {
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
    pub(super) async fn drifts(&self, config: &str, thorough: bool) -> Done {
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
                Drift::SubscriptionFiltered,
                Drift::ArchiveShortened,
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
    pub(super) async fn what_the_list_of_drifts_lacks(&self, config: &str) -> Done {
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
    pub(super) async fn strange_subscription(&self, config: &str) -> Done {
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
    pub(super) async fn adoption(&self) -> Done {
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

    /// Auditors' filters, alarms and topics are read wherever they are.
    pub(super) async fn audit(&self, config: &str) -> Done {
        crate::audited::everywhere(&self.stage);
        let daemon = self.look(config, Purpose::default()).await?;
        let missing = crate::audited::missing(&daemon).await;
        if missing.is_empty() { Ok(()) } else { Err(format!("audit: {missing:#?}")) }
    }

    /// Canaries come back from everywhere.
    pub(super) async fn canaries(&self) -> Done {
        let config = self.config("[canary]\ninterval = '10m'\n");
        self.mend("the part of the rules that takes canaries", &config, false).await?;
        let daemon = self.process(&config, Purpose::default());
        daemon.serve_for(Duration::from_secs(5 * 60)).await;
        let unproven: Vec<String> = daemon
            .snapshot()
            .accounts
            .values()
            .filter(|account| !account.coverage_message.contains("a canary sent at"))
            .map(|account| format!("{}: {}", account.id, account.coverage_message))
            .collect();
        if daemon.snapshot().deliveries.is_empty() {
            return Err("what CloudWatch counts of alerts is not known".to_owned());
        }
        if unproven.is_empty() { Ok(()) } else { Err(format!("canaries: {unproven:?}")) }
    }

    /// People hear of orgwatch itself, and an alarm that somebody rewrote is ours again.
    pub(super) async fn health(&self) -> Done {
        let stage = &self.stage;
        let config = self.config("[canary]\ninterval = '10m'\n[notify]\nalert = 'orgwatch-health'\n");
        self.apply(&config, false).await?;
        stage.confirm_subscriptions();
        let input = json!({
            "AlarmName": "orgwatch-heartbeat", "AlarmDescription": "mine", "Namespace": "AWS/Events",
            "MetricName": "Invocations", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "LessThanThreshold",
        });
        self.people(&stage.kit.central_account, Service::CloudWatch, "PutMetricAlarm", input);
        self.mend("the alarm", &config, false).await?;
        let daemon = self.process(&config, Purpose::default());
        daemon.serve_for(Duration::from_secs(3 * 60)).await;
        let inbox = daemon.snapshot().inbox;
        if inbox.last_message_at.is_some() { Ok(()) } else { Err(format!("no heartbeat: {inbox:?}")) }
    }

    /// What auditors ask for is installed in the account of the trail's log group, is mended, and goes: first in the
    /// management account, then in the central one, which the trail moves to.
    pub(super) async fn compliance(&self) -> Done {
        let stage = &self.stage;
        let Kit { partition, central_account, .. } = &stage.kit;
        let role = format!("arn:{partition}:iam::{}:role/orgwatch-alarms", stage.management);
        for account in [&stage.management, central_account] {
            let group = audit::group_of(stage, account);
            let asked = |themes: &str| {
                let role = if account == central_account { "" } else { &role };
                self.config(&format!(
                    "[compliance]\nmetric_alarms = [{themes}]\nlog_group_arn = '{group}'\nrole_arn = '{role}'\n"
                ))
            };
            self.mend("filters and alarms", &asked("'cis-4.4', 'cis-4.5'"), false).await?;
            audit::Spoilt::Alarm.happens(stage, account);
            audit::Spoilt::Pattern.happens(stage, account);
            self.mend("a spoilt alarm and a spoilt filter", &asked("'cis-4.4', 'cis-4.5'"), false).await?;
            if *account == stage.management {
                self.audit_by_the_role_for_alarms(&asked("'cis-4.4', 'cis-4.5'")).await?;
            }
            self.mend("one theme less", &asked("'cis-4.5'"), true).await?;
            self.mend("none any more", &asked(""), true).await?;
        }
        // Which trail it is, the program finds by itself.
        self.mend(
            "of itself",
            &self.config(&format!("[compliance]\nmetric_alarms = []\nrole_arn = '{role}'\n")),
            true,
        )
        .await
    }

    /// What is installed in the management account is found by the only role that may look there.
    async fn audit_by_the_role_for_alarms(&self, config: &str) -> Done {
        crate::audited::log_to(&self.stage, &self.stage.management);
        let alone: Vec<&str> =
            config.lines().filter(|line| !line.starts_with("management_role_arn")).collect();
        let daemon = self.look(&alone.join("\n"), Purpose::default()).await?;
        let evidence = daemon.controller.evidence(&daemon.stop, &mut |_| ()).await;
        let group = evidence.groups.iter().find(|(arn, _)| arn.contains(&self.stage.management));
        let Some((_, Seen::There(group))) = group else {
            return Err(format!("the log group was not read: {group:?}"));
        };
        let unseen = group.filters.iter().find(|filter| matches!(filter.alarms, Seen::Unseen(_)));
        if unseen.is_none() { Ok(()) } else { Err(format!("alarms were not read: {unseen:?}")) }
    }

    /// An event lies in the dead-letter queue; it is listed and delivered late.
    pub(super) async fn dead_letters(&self, config: &str) -> Done {
        let event = json!({
            "source": "aws.iam", "detail-type": "AWS API Call via CloudTrail", "account": self.member(),
            "detail": { "eventSource": "iam.amazonaws.com", "eventName": "CreateUser" },
        });
        let rule = format!(
            "arn:{}:events:{}:{}:rule/{WATCH}",
            self.stage.kit.partition,
            self.stage.region(),
            self.member()
        );
        let attributes = json!({ "RULE_ARN": { "DataType": "String", "StringValue": rule } });
        let input = json!({ "QueueUrl": self.queue(), "MessageBody": event.to_string(), "MessageAttributes": attributes });
        self.people(&self.stage.kit.central_account, Service::Sqs, "SendMessage", input);
        let daemon = self.look(config, Purpose::default()).await?;
        let controller = &daemon.controller;
        for queue in controller.letters(&daemon.stop).await {
            queue.letters.map_err(|error| error.to_string())?;
        }
        let mut fates = Vec::new();
        for region in controller.letter_regions() {
            let tell = |_: &_, fate: &Fate| fates.push(fate.clone());
            let delivered = controller.deliver_letters(&region, 10, |_| true, &daemon.stop, tell).await;
            delivered.map_err(|error| error.to_string())?;
        }
        // By both alerts. What was broken before has left letters too, some of which nobody is to hear of.
        let fine = |fate: &Fate| matches!(fate, Fate::Delivered(_) | Fate::Removed | Fate::Left(_));
        if fates.contains(&Fate::Delivered(2)) && fates.iter().all(fine) {
            Ok(())
        } else {
            Err(format!("dead letters: {fates:?}"))
        }
    }

    /// A second watch with its alert comes and goes, and so do a queue and roles that nobody wants any more.
    pub(super) async fn orphans(&self, config: &str) -> Done {
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
    pub(super) async fn serve(&self, config: &str) -> Done {
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

    /// The daemon is woken by what somebody does to a rule.
    pub(super) async fn wakes(&self, config: &str) -> Done {
        let daemon = self.process(config, Purpose::default());
        let around = async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Drift::RuleDisabled.happens(&self.stage, self.member());
        };
        futures::join!(around, daemon.serve_for(Duration::from_secs(60)));
        let (left, inbox) = (daemon.out_of_sync(), daemon.snapshot().inbox);
        if left.is_empty() && inbox.woken > 0 { Ok(()) } else { Err(format!("wakes: {inbox:?} {left:#?}")) }
    }

    /// Everything goes, from a second Region too, a queue with an event in it and a role without its boundary
    /// included.
    pub(super) async fn teardown(&self) -> Done {
        let stage = &self.stage;
        let region = stage.region();
        let both =
            self.config("[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\nregions = ['all']\n");
        let allowed = format!("[organization]\nregions = ['{region}', 'eu-west-1']\n");
        let both = both.replacen("[organization]\n", &allowed, 1);
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
    pub(super) fn left(&self) -> Vec<String> {
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
                    (Service::CloudWatch, "DescribeAlarms", "MetricAlarms", "/AlarmName"),
                    (Service::Logs, "DescribeMetricFilters", "metricFilters", "/filterName"),
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

/// Whether the templates install a role of that name in the account.
fn is_installed(stage: &Stage, account: &str, name: &str) -> bool {
    let forwarders = ["orgwatch-forwarder", "orgwatch-forwarder-guard"];
    let forwarder = forwarders.contains(&name) && account == stage.management;
    let others = [
        "orgwatch-alarms",
        "orgwatch-delivery",
        "orgwatch-member",
        "orgwatch-task",
        "orgwatch-organization-reader",
    ];
    forwarder || others.contains(&name)
}
