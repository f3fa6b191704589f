//! Somebody got hold of the task role's credentials and does not send the session policies that the daemon sends: what
//! is there to gain beyond sending events to the central bus?
//!
//! Each attempt stands in a table with what it would gain. The attacker must be refused for want of a right, and
//! somebody with every right in the same account must succeed with the very same call: so no attempt fails for being
//! made wrongly.

mod central;
mod forwarder;
mod guarded;
mod management;
mod member;
mod organization;

use std::sync::Arc;

use jiff::SignedDuration;
use orgwatch_sim::call::{Caller, Principal, Refusal, Service, Session};
use serde_json::{Value, json};

use crate::privilege::is_denial;
use crate::stage::Stage;

/// One call, and what the attacker would have of it.
pub(crate) type Attempt = (Service, &'static str, Value, &'static str);

const RULE: &str = "orgwatch-iam-changes";
const FORWARDER: &str = "orgwatch-forwarder";

/// A policy that allows everything.
fn everything() -> String {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] })
        .to_string()
}

/// An installation that is in place, in which the attacker holds the task role.
struct Scene {
    stage: Stage,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self { stage: Stage::new(2, 1) };
        let daemon = scene.stage.daemon(&scene.stage.config(""));
        daemon.apply().await;
        scene.stage.confirm_subscriptions();
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        for account in [scene.member(), scene.central(), &scene.stage.management] {
            scene.install_bystanders(account);
        }
        scene
    }

    fn central(&self) -> &str {
        &self.stage.accounts[0]
    }

    fn member(&self) -> &str {
        &self.stage.accounts[1]
    }

    /// What others have in an account.
    fn install_bystanders(&self, account: &str) {
        let partition = &self.stage.kit.partition;
        let lent_to = |service: &str| {
            json!({ "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": service } }] })
            .to_string()
        };
        let pattern = json!({ "source": ["aws.ec2"] }).to_string();
        let queue = self.arn("sqs", account, "theirs");
        for (service, operation, input) in [
            (
                Service::Iam,
                "CreateRole",
                json!({ "RoleName": "theirs", "AssumeRolePolicyDocument": lent_to("lambda.amazonaws.com") }),
            ),
            (
                Service::Iam,
                "PutRolePolicy",
                json!({ "RoleName": "theirs", "PolicyName": "theirs", "PolicyDocument": everything() }),
            ),
            (
                Service::Iam,
                "AttachRolePolicy",
                json!({ "RoleName": "theirs", "PolicyArn": format!("arn:{partition}:iam::aws:policy/ReadOnlyAccess") }),
            ),
            (
                Service::Iam,
                "CreateRole",
                json!({ "RoleName": "empty", "AssumeRolePolicyDocument": lent_to("lambda.amazonaws.com") }),
            ),
            (
                Service::Iam,
                "CreateRole",
                json!({ "RoleName": "sender", "AssumeRolePolicyDocument": lent_to("events.amazonaws.com") }),
            ),
            (
                Service::Iam,
                "CreateRole",
                json!({ "RoleName": "trusting", "AssumeRolePolicyDocument": trusting(&self.arn("iam", account, "root")) }),
            ),
            (Service::Iam, "CreatePolicy", json!({ "PolicyName": "theirs", "PolicyDocument": everything() })),
            (Service::Iam, "CreateUser", json!({ "UserName": "operator" })),
            (Service::Events, "PutRule", json!({ "Name": "theirs", "EventPattern": pattern })),
            (
                Service::Events,
                "PutTargets",
                json!({ "Rule": "theirs", "Targets": [{ "Id": "theirs", "Arn": queue }] }),
            ),
            (Service::Events, "PutRule", json!({ "Name": "empty", "EventPattern": pattern })),
            (Service::Events, "CreateEventBus", json!({ "Name": "theirs" })),
            (Service::Sns, "CreateTopic", json!({ "Name": "theirs" })),
            (Service::Sqs, "CreateQueue", json!({ "QueueName": "theirs" })),
        ] {
            self.people(account, service, operation, input);
        }
    }

    /// An ARN in an account, in the Region of IAM's events.
    fn arn(&self, service: &str, account: &str, resource: &str) -> String {
        let kit = &self.stage.kit;
        let region = if service == "iam" { "" } else { &kit.central_region };
        format!("arn:{}:{service}:{region}:{account}:{resource}", kit.partition)
    }

    /// The ARN of a policy of AWS.
    fn of_aws(&self, policy: &str) -> String {
        format!("arn:{}:iam::aws:policy/{policy}", self.stage.kit.partition)
    }

    fn ask(
        &self,
        caller: &Caller,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, Refusal> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        self.stage.simulator.ask(caller, service, &self.stage.region(), operation, input)
    }

    /// What somebody with every right in `account` does; it must succeed.
    fn people(&self, account: &str, service: Service, operation: &str, input: Value) -> Value {
        let caller = self.stage.administrator(account);
        self.ask(&caller, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation} in {account}: {refusal:?}"))
    }

    /// Somebody with the credentials of a role and no session policy.
    fn holder(&self, account: &str, role: &str) -> Caller {
        let world = self.stage.simulator.world();
        let held = world.accounts[account].iam.current().roles[role].clone();
        let session = Session {
            role_name: held.name,
            role_id: held.id,
            role_arn: held.arn,
            name: "attacker".to_owned(),
            token: String::new(),
            expires_at: world.now() + SignedDuration::from_hours(1),
            policies: Vec::new(),
            source_identity: None,
            chained: false,
        };
        Caller {
            account: account.to_owned(),
            principal: Principal::Session(Arc::new(session)),
            access_key: "stolen".to_owned(),
        }
    }

    /// The attacker: whoever holds the task role's credentials.
    fn task(&self) -> Caller {
        self.holder(self.central(), "orgwatch-task")
    }

    /// Becomes a role of an account, by the trust that it has.
    fn assume(&self, caller: &Caller, account: &str, role: &str) -> Result<Caller, Refusal> {
        let input = json!({
            "RoleArn": self.arn("iam", account, &format!("role/{role}")), "RoleSessionName": "attacker",
        });
        self.ask(caller, Service::Sts, "AssumeRole", input)?;
        Ok(self.holder(account, role.rsplit('/').next().expect("a name")))
    }

    /// The attacker in the role that the task role may assume in an account.
    fn seized(&self, account: &str) -> Caller {
        self.assume(&self.task(), account, "orgwatch-member")
            .unwrap_or_else(|refusal| panic!("the product does it too: {refusal:?}"))
    }

    /// Fails with each attempt that is not refused for want of a right; and with each that nobody could have made.
    fn refuses(&self, attacker: &Caller, attempts: &[Attempt]) {
        let mut gained = Vec::new();
        for (service, operation, input, gain) in attempts {
            match self.ask(attacker, *service, operation, input.clone()) {
                Err(refusal) if is_denial(&refusal) => {}
                other => gained.push(format!("{operation} {input}: would {gain}: {other:?}")),
            }
        }
        assert!(gained.is_empty(), "{} attempts were not refused: {gained:#?}", gained.len());
        let mut wrong = Vec::new();
        let administrator = self.stage.administrator(&attacker.account);
        for (service, operation, input, _) in attempts {
            match self.ask(&administrator, *service, operation, input.clone()) {
                Ok(_) => {}
                // In use; the right to do it was there.
                Err(refusal) if refusal.code == "DeleteConflict" => {}
                Err(refusal) => wrong.push(format!("{operation} {input}: {refusal:?}")),
            }
        }
        assert!(wrong.is_empty(), "{} attempts could not have succeeded: {wrong:#?}", wrong.len());
    }

    /// The ARN of the central bus.
    fn bus(&self) -> String {
        self.arn("events", self.central(), "event-bus/orgwatch")
    }
}

/// A trust policy that lets a principal in.
fn trusting(principal: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": principal } }] })
    .to_string()
}

/// An address of the attacker's.
const EARS: &str = "mallory@example.org";
