//! `orgwatch check --aws` in organizations with planted problems: each is named once, with its mend, and nothing else is.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};
use orgwatch::preflight::Code;
use orgwatch_sim::call::{Caller, Principal, Service};
use orgwatch_sim::clock::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::getting_started::Organization;

const REGION: &str = "us-east-1";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

impl Organization {
    /// The configuration of the guide, with more of it.
    fn configuration(&self, central: &str, more: &str) -> String {
        format!(
            "[organization]\nid = '{}'\n\
             reader_role_arn = 'arn:aws:iam::{management}:role/orgwatch-organization-reader'\n\
             management_role_arn = 'arn:aws:iam::{management}:role/orgwatch-member'\nmax_calls_per_second = 1000\n\
             [central]\naccount_id = '{}'\n{central}\
             [[alert]]\nname = 'iam-changes'\n\
             subscriptions = [{{ protocol = 'email', endpoint = 'security@example.com' }}]\n\
             [history]\npath = 'off'\n{more}",
            self.id,
            self.central,
            management = self.management,
        )
    }

    /// Runs `check --aws` with the task role's credentials, unless `environment` has others.
    fn check(&self, configuration: &str, json: bool, environment: &[(&str, &str)]) -> Output {
        let folder = TempDir::new().expect("a temporary directory can be made");
        let file = folder.path().join("orgwatch.toml");
        fs::write(&file, configuration).expect("our directory is writable");
        Command::new(env!("CARGO_BIN_EXE_orgwatch"))
            .arg("--config")
            .arg(file)
            .args(["check", "--aws"])
            .args(json.then_some("--json"))
            .env_clear()
            .env("HOME", folder.path())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.credentials.iter().map(|(name, value)| (*name, value)))
            .envs(environment.iter().copied())
            .output()
            .expect("the binary is there")
    }

    /// The codes of what is found, with the accounts, and the exit code.
    fn findings(&self, configuration: &str, environment: &[(&str, &str)]) -> (i32, Vec<Value>) {
        let output = self.check(configuration, true, environment);
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let answer: Value =
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{errors}"));
        let findings = answer["findings"].as_array().cloned();
        let findings = findings.unwrap_or_else(|| panic!("nothing was looked at: {answer:#}"));
        (output.status.code().expect("it ends by itself"), findings)
    }

    /// Makes a call as an account's administrator.
    fn ask(&self, account: &str, service: Service, operation: &str, input: Value) -> Value {
        let principal = Principal::Administrator;
        let caller = Caller { account: account.to_owned(), principal, access_key: "test".to_owned() };
        let Value::Object(input) = input else { unreachable!("an input is an object") };
        let answer = self.simulator.ask(&caller, service, REGION, operation, input);
        answer.unwrap_or_else(|refusal| panic!("{operation} in {account}: {refusal:?}"))
    }

    fn remove_role(&self, account: &str, role: &str) {
        let policies = self.ask(account, Service::Iam, "ListRolePolicies", json!({ "RoleName": role }));
        for policy in policies["PolicyNames"].as_array().expect("a list") {
            let input = json!({ "RoleName": role, "PolicyName": policy });
            self.ask(account, Service::Iam, "DeleteRolePolicy", input);
        }
        self.ask(account, Service::Iam, "DeleteRole", json!({ "RoleName": role }));
    }

    fn boundary(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:policy/orgwatch-boundary")
    }
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
}

/// What is told of the mend.
fn mend(finding: &Value) -> String {
    ["mend", "command", "template"].map(|field| finding[field].as_str().unwrap_or_default()).join("\n")
}

fn policy(statement: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
}

#[test]
fn in_a_sound_organization_nothing_is_missing_before_the_installation() {
    let organization = Organization::at(Clock::real());
    let configuration = organization.configuration("", "");
    let (code, findings) = organization.findings(&configuration, &[]);
    assert_eq!((code, findings), (0, Vec::new()));
    let output = organization.check(&configuration, false, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    for told in ["assumed-role/orgwatch-task/", "12 accounts", "Nothing is missing.", "orgwatch plan"] {
        assert!(said.contains(told), "{told} is not in {said}");
    }
    let writes = organization.simulator.world().journal.since(0).filter(|entry| entry.write).count();
    // Credentials are asked for by AssumeRole alone, which changes nothing.
    assert_eq!(writes, 0);
}

/// Fifteen problems at once, each in a place of its own.
#[test]
fn fifteen_planted_problems_are_named_each_with_its_mend_and_nothing_else_is() {
    // AWS's clock is ahead, by less than it would refuse.
    let ahead = SignedDuration::from_secs(90);
    let organization = Organization::at(Clock::from_source(move || {
        Timestamp::now().checked_add(ahead).expect("far from the end of time")
    }));
    let Organization { central, management, members, .. } = &organization;
    let [lacks_role, lacks_boundary, wide, taken, full, denied, old, disabled, ..] = members.as_slice()
    else {
        panic!("there are too few members")
    };
    let allow = |action: &str| policy(&json!({ "Effect": "Allow", "Action": action, "Resource": "*" }));

    organization.remove_role(lacks_role, "orgwatch-member");
    let arn = organization.boundary(lacks_boundary);
    organization.ask(lacks_boundary, Service::Iam, "DeletePolicy", json!({ "PolicyArn": arn }));
    let arn = organization.boundary(wide);
    let version = json!({ "PolicyArn": arn, "PolicyDocument": allow("*"), "SetAsDefault": true });
    organization.ask(wide, Service::Iam, "CreatePolicyVersion", version);
    let pattern = json!({ "source": ["aws.s3"] }).to_string();
    let rule = |name: &str| json!({ "Name": name, "EventPattern": pattern });
    organization.ask(taken, Service::Events, "PutRule", rule("orgwatch-iam-changes"));
    for n in 0..299 {
        organization.ask(full, Service::Events, "PutRule", rule(&format!("legacy-{n}")));
    }
    let deny = policy(&json!({ "Effect": "Deny", "Action": "events:*", "Resource": "*" }));
    let scp =
        json!({ "Name": "no-events", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": deny });
    let made = organization.ask(management, Service::Organizations, "CreatePolicy", scp);
    let id = &made["Policy"]["PolicySummary"]["Id"];
    let attach = json!({ "PolicyId": id, "TargetId": denied });
    organization.ask(management, Service::Organizations, "AttachPolicy", attach);
    let input = json!({ "RoleName": "orgwatch-member", "PolicyName": "member-role-policy" });
    let given = organization.ask(old, Service::Iam, "GetRolePolicy", input);
    let text = given["PolicyDocument"].as_str().expect("a document");
    let text = percent_encoding::percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    let former = text.replace("\"iam:GetRole\"", "\"iam:GetRoleOfOld\"");
    assert_ne!(text, former, "the role had the right");
    let input = json!({ "RoleName": "orgwatch-member", "PolicyName": "member-role-policy", "PolicyDocument": former });
    organization.ask(old, Service::Iam, "PutRolePolicy", input);
    organization.simulator.world().account(disabled).opted_in.clear();
    organization.remove_role(management, "orgwatch-forwarder");
    organization.ask(management, Service::CloudTrail, "StopLogging", json!({ "Name": "organization-trail" }));
    for n in 0..99 {
        organization.ask(central, Service::Events, "CreateEventBus", json!({ "Name": format!("other-{n}") }));
    }
    let root = json!({ "AWS": format!("arn:aws:iam::{central}:root") });
    let own = json!({ "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*" });
    let made =
        organization.ask(central, Service::Kms, "CreateKey", json!({ "Policy": policy(&json!([own])) }));
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    let tags = json!([{ "Key": "orgwatch:managed-by", "Value": "orgwatch" }]);
    let topic = json!({ "Name": "orgwatch-iam-changes", "Tags": tags });
    let topic = organization.ask(central, Service::Sns, "CreateTopic", topic);
    let subscription = json!({
        "TopicArn": topic["TopicArn"], "Protocol": "email", "Endpoint": "security@example.com"
    });
    organization.ask(central, Service::Sns, "Subscribe", subscription);

    let configuration = organization.configuration(
        &format!("kms_key_arn = '{key}'\n"),
        "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
         [[watch]]\nname = 'networks'\npreset = 'cis-4.10'\nregions = ['us-east-1', 'af-south-1']\n",
    );
    let (code, findings) = organization.findings(&configuration, &[("AWS_ENDPOINT_URL_CLOUDWATCH", NOWHERE)]);
    let planted: BTreeMap<&str, (&str, Option<&String>)> = BTreeMap::from([
        ("P-unreachable-host", ("HTTPS_PROXY", None)),
        ("P-clock-skew", ("timedatectl", None)),
        ("P-member-role-refuses", ("create-stack-instances", Some(lacks_role))),
        ("P-denied-by-scp", ("deploy/scp", Some(denied))),
        ("P-missing-permission", ("update-stack-set", Some(old))),
        ("P-region-disabled", ("enable-region --region-name af-south-1", Some(disabled))),
        ("P-boundary-missing", ("deploy/cloudformation/member-role.yaml", Some(lacks_boundary))),
        ("P-boundary-allows-more", ("update-stack-set", Some(wide))),
        ("P-forwarding-role", ("deploy/cloudformation/organization-reader.yaml", Some(management))),
        ("P-trail-stopped", ("start-logging --name arn:aws:cloudtrail:", None)),
        ("P-rule-quota", ("list-service-quotas", Some(full))),
        ("P-bus-quota", ("list-service-quotas", None)),
        ("P-name-taken", ("reconcile.adopt", Some(taken))),
        ("P-key-refuses", ("statements", None)),
        ("P-subscription-pending", ("click the link", None)),
    ]);
    assert_eq!(planted.len(), 15);
    let mut found = codes(&findings);
    found.sort_unstable();
    assert_eq!(found, planted.keys().copied().collect::<Vec<_>>(), "{findings:#?}");
    for finding in &findings {
        let (told, account) = &planted[finding["code"].as_str().expect("a code")];
        assert!(mend(finding).contains(told), "{told} is not in {finding:#}");
        if let Some(account) = account {
            assert_eq!(finding["accounts"], json!([account]), "{finding:#}");
        }
    }
    let trail = findings.iter().find(|finding| finding["code"] == "P-trail-stopped");
    assert_eq!(trail.expect("it is among them")["count"], 11, "all but the one that lets nobody in");
    assert_eq!(code, 3);
}

/// What stops everything else, each in a run of its own.
#[test]
fn what_lets_nobody_in_is_named_alone_and_is_an_error() {
    let organization = Organization::at(Clock::real());
    let configuration = organization.configuration("", "");
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_SESSION_TOKEN", "")];
    let unknown = [("AWS_ACCESS_KEY_ID", "ASIAUNKNOWN")];
    let management = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SESSION_TOKEN", "")];
    let another = configuration.replace(&organization.id, "o-another0000");
    for (code, told, configuration, environment) in [
        ("P-no-credentials", "role orgwatch-task", &configuration, none.as_slice()),
        ("P-credentials-refused", "get-caller-identity", &configuration, &unknown),
        ("P-wrong-account", "role orgwatch-task", &configuration, &management),
        ("P-wrong-organization", "other credentials", &another, &[]),
    ] {
        let (exit, findings) = organization.findings(configuration, environment);
        assert_eq!((exit, codes(&findings)), (1, vec![code]), "{findings:#?}");
        assert!(mend(&findings[0]).contains(told), "{findings:#?}");
    }
    organization.remove_role(&organization.management, "orgwatch-organization-reader");
    let (exit, findings) = organization.findings(&configuration, &[]);
    assert_eq!((exit, codes(&findings)), (1, vec!["P-organization-role-refuses"]), "{findings:#?}");
    assert!(mend(&findings[0]).contains("organization-reader.yaml"), "{findings:#?}");
}

#[test]
fn hosts_and_a_clock_that_keep_everybody_out_are_named_alone() {
    let organization = Organization::at(Clock::real());
    let configuration = organization.configuration("", "");
    let (exit, findings) = organization.findings(&configuration, &[("AWS_ENDPOINT_URL_STS", NOWHERE)]);
    assert_eq!((exit, codes(&findings)), (3, vec!["P-unreachable-host"]), "{findings:#?}");
    assert!(
        findings[0]["found"].as_str().is_some_and(|found| found.contains("127.0.0.1:1")),
        "{findings:#?}"
    );

    // Ten minutes: AWS refuses every signature.
    let ahead = SignedDuration::from_mins(10);
    let organization = Organization::at(Clock::from_source(move || {
        Timestamp::now().checked_add(ahead).expect("far from the end of time")
    }));
    let configuration = organization.configuration("", "");
    let (exit, findings) = organization.findings(&configuration, &[]);
    assert_eq!((exit, codes(&findings)), (3, vec!["P-clock-skew"]), "{findings:#?}");
    assert!(findings[0]["found"].as_str().is_some_and(|found| found.contains("behind")), "{findings:#?}");
}

#[test]
fn somebody_whom_no_account_trusts_is_told_so_once() {
    let organization = Organization::at(Clock::real());
    let role = "OrganizationAccountAccessRole";
    let given = {
        let mut world = organization.simulator.world();
        let hour = SignedDuration::from_hours(1);
        orgwatch_sim::service::sts::issue(&mut world, &organization.central, role, "ann", Vec::new(), hour)
            .expect("the role is there")
    };
    // It may list the organization itself, so that it comes as far as the accounts.
    let management = &organization.management;
    let configuration = organization.configuration("", "");
    let own = configuration.replace("role/orgwatch-organization-reader", "role/reader");
    {
        let mut world = organization.simulator.world();
        orgwatch_sim::seed::simple_member_role(&mut world, management, "reader", &organization.central);
    }
    let environment = [
        ("AWS_ACCESS_KEY_ID", given.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", given.secret_access_key.as_str()),
        ("AWS_SESSION_TOKEN", given.session_token.as_str()),
    ];
    let (exit, findings) = organization.findings(&own, &environment);
    assert_eq!((exit, codes(&findings)), (3, vec!["P-not-the-task-role"]), "{findings:#?}");
    assert!(mend(&findings[0]).contains("role orgwatch-task"), "{findings:#?}");
}

/// docs/preflight.md is the reference of the codes.
#[test]
fn every_code_is_explained_in_the_documents_and_no_other_is() {
    let page =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/preflight.md")).expect("it is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `P-")?.split_once('`'));
    let explained: Vec<String> = rows.map(|(code, _)| format!("P-{code}")).collect();
    let all: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(explained, all, "in the order in which they are told");
}
