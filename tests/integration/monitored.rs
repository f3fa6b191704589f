//! The alert rules of `deploy/monitoring` over what a real daemon shows: each fires for its cause, planted in the
//! simulator, and none fires where all is well.

mod promtool;

use std::fs;
use std::process::Command;
use std::time::Duration;

use orgwatch_sim::call::Service;
use orgwatch_sim::fault::{Action, Rule};
use orgwatch_sim::service::sns;
use serde_json::{Value, json};

use self::promtool::Series;
use crate::killed::Aws;
use crate::staged::Staged;
use crate::wait::eventually;

const RULE: &str = "orgwatch-iam-changes";
/// Fewer topics and rules: what is not looked at here is left out.
const PLAIN: &str = "guard.enabled = false\nnotify.alert = 'off'\ncanary.interval = 'off'\n";
/// The same with canaries. A rule that was not there at the first look waits two minutes for its own.
const PROVEN: &str = "guard.enabled = false\nnotify.alert = 'off'\n";
const CANARIES: Duration = Duration::from_secs(240);
const ACCOUNTS: usize = 4;

fn plain(lines: &str) -> String {
    format!("{PLAIN}{lines}")
}

/// A daemon over an organization in which all is well.
fn healthy(lines: &str) -> Staged {
    let daemon = Staged::start(ACCOUNTS, &plain(lines));
    daemon.until_covered(ACCOUNTS);
    shows(&daemon, "orgwatch_central_in_sync 1");
    daemon
}

fn topic(daemon: &Staged) -> String {
    format!("arn:aws:sns:{}:{}:{RULE}", crate::killed::REGION, daemon.aws.central)
}

fn metrics(daemon: &Staged) -> String {
    daemon.ask(reqwest::Method::GET, "/metrics").1
}

/// Waits for a line that begins so.
fn shows(daemon: &Staged, line: &str) {
    daemon.until(line, |daemon| metrics(daemon).lines().any(|one| one.starts_with(line)).then_some(()));
}

fn fault(aws: &Aws, rule: Rule) {
    let mut world = aws.simulator.world();
    let now = world.now();
    world.faults.set(rule, now).expect("the rule makes sense");
}

fn denied(account: Option<&str>, service: &str, operation: Option<&str>) -> Rule {
    Rule {
        account: account.map(str::to_owned),
        service: Some(service.to_owned()),
        operation: operation.map(str::to_owned),
        ..Rule::new(Action::Denied)
    }
}

fn member(daemon: &Staged) -> String {
    daemon.aws.accounts[0].clone()
}

fn disable(daemon: &Staged, account: &str, bus: &str) -> Value {
    daemon.aws(account, Service::Events, "DisableRule", json!({ "Name": RULE, "EventBusName": bus }))
}

fn reload(daemon: &Staged, lines: &str) {
    daemon.configure(&plain(lines));
    let (status, answer) = daemon.post("/api/v1/reload");
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn where_all_is_well_no_alert_fires() {
    let daemon = Staged::start(ACCOUNTS, PROVEN);
    daemon.until_covered(ACCOUNTS);
    let proven = format!("orgwatch_canary_rules{{standing=\"proven\"}} {}\n", ACCOUNTS - 1);
    eventually("each rule is proven", CANARIES, || metrics(&daemon).contains(&proven).then_some(()));
    Series::of(&daemon).fire(&[], &[]);
}

#[test]
fn down() {
    let daemon = healthy("");
    let series = Series::of(&daemon).that_end();
    drop(daemon);
    series.fire(&["OrgwatchDown"], &[]);
}

#[test]
fn stuck() {
    let daemon = healthy("");
    fault(&daemon.aws, Rule::new(Action::Timeout));
    // Older than any pass that AWS answers.
    daemon.until("readings grow old", |daemon| {
        let text = metrics(daemon);
        let age = text.lines().find_map(|l| l.strip_prefix("orgwatch_oldest_observation_age_seconds "))?;
        (age.parse::<f64>().ok()? > 6.0).then_some(())
    });
    Series::of(&daemon).fire(&["OrgwatchStuck"], &["OrgwatchDiscoveryFails"]);
}

#[test]
fn discovery_fails_and_aws_denies() {
    let daemon = healthy("");
    fault(&daemon.aws, denied(None, "organizations", Some("ListAccounts")));
    shows(
        &daemon,
        "orgwatch_aws_errors_total{service=\"organizations\",operation=\"ListAccounts\",class=\"denied\"} 3",
    );
    Series::of(&daemon).fire(&["OrgwatchDiscoveryFails", "OrgwatchAwsDenies"], &[]);
}

#[test]
fn blind() {
    let daemon = healthy("");
    fault(&daemon.aws, denied(Some(&member(&daemon)), "events", Some("List*")));
    shows(&daemon, "orgwatch_coverage_accounts{coverage=\"unknown\"} 1");
    Series::of(&daemon).fire(&["OrgwatchBlind", "OrgwatchAwsDenies"], &[]);
}

#[test]
fn unproven() {
    let aws = Aws::start(ACCOUNTS);
    fault(&aws, denied(Some(&aws.accounts[0]), "events", Some("PutEvents")));
    let daemon = Staged::over(aws, PROVEN);
    daemon.until_covered(ACCOUNTS);
    let proven = format!("orgwatch_canary_rules{{standing=\"proven\"}} {}\n", ACCOUNTS - 2);
    eventually("the others are proven", CANARIES, || metrics(&daemon).contains(&proven).then_some(()));
    // It is tried again every two minutes, which are no six in half an hour.
    Series::of(&daemon).fire(&["OrgwatchUnproven"], &["OrgwatchAwsDenies"]);
}

#[test]
fn a_reload_is_refused() {
    let daemon = healthy("");
    daemon.write("nonsense = true");
    assert_eq!(daemon.post("/api/v1/reload").0, 422);
    Series::of(&daemon).fire(&["OrgwatchReloadRefused"], &[]);
}

#[test]
fn a_certificate_ends() {
    let folder = tempfile::TempDir::new().expect("a temporary directory can be made");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let issue = |days: &str| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=localhost", "-days", days, "-keyout"])
            .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
            .output()
            .expect("this test needs openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let lines = format!("http.tls_cert = '{}'\nhttp.tls_key = '{}'\n", certificate.display(), key.display());
    for (days, fires) in [("90", &[][..]), ("5", &["OrgwatchCertificateEnding"])] {
        issue(days);
        Series::of(&healthy(&lines)).fire(fires, &[]);
    }
}

#[test]
fn the_central_side_is_not_in_sync() {
    let daemon = healthy("");
    reload(&daemon, "reconcile.mode = 'observe'\n");
    disable(&daemon, &daemon.aws.central, "orgwatch");
    shows(&daemon, "orgwatch_central_in_sync 0");
    Series::of(&daemon).fire(&["OrgwatchCentralNotInSync"], &["OrgwatchAccountsBroken"]);
}

#[test]
fn accounts_are_broken() {
    let daemon = healthy("");
    reload(&daemon, "reconcile.mode = 'observe'\n");
    disable(&daemon, &member(&daemon), "default");
    shows(&daemon, "orgwatch_coverage_accounts{coverage=\"broken\"} 1");
    Series::of(&daemon).fire(&["OrgwatchAccountsBroken"], &[]);
}

#[test]
fn nobody_has_confirmed_a_subscription() {
    let daemon = Staged::start(ACCOUNTS, PLAIN);
    shows(&daemon, "orgwatch_notes{reason=\"SubscriptionPending\"} 1");
    daemon.until("all is installed", |daemon| {
        (daemon.get("/api/v1/status")["accounts"]["in_sync"] == ACCOUNTS).then_some(())
    });
    let fires = ["OrgwatchSubscriptionPending", "OrgwatchNobodySubscribed"];
    Series::of(&daemon).fire(&fires, &["OrgwatchAccountsBroken"]);
}

#[test]
fn somebody_else_is_subscribed() {
    let daemon = healthy("");
    let input =
        json!({ "TopicArn": topic(&daemon), "Protocol": "email", "Endpoint": "stranger@example.com" });
    daemon.aws(&daemon.aws.central, Service::Sns, "Subscribe", input);
    daemon.until("the stranger has clicked the link", |daemon| {
        sns::confirm(&mut daemon.aws.simulator.world(), &topic(daemon), "stranger@example.com").then_some(())
    });
    shows(&daemon, "orgwatch_drift{kind=\"topic\",verdict=\"drifted\",reason=\"UnknownSubscription\"} 1");
    daemon.until("no subscription waits", |daemon| {
        (!metrics(daemon).contains("orgwatch_notes{reason=\"SubscriptionPending\"} ")).then_some(())
    });
    Series::of(&daemon).fire(&["OrgwatchUnknownSubscription"], &["OrgwatchCentralNotInSync"]);
}

#[test]
fn events_could_not_be_delivered() {
    let daemon = healthy("");
    let central = daemon.aws.central.clone();
    let queue = format!("https://sqs/{central}/orgwatch-dead-letters");
    daemon.aws(&central, Service::Sqs, "SendMessage", json!({ "QueueUrl": queue, "MessageBody": "{}" }));
    shows(&daemon, "orgwatch_notes{reason=\"DeadLetters\"} 1");
    Series::of(&daemon).fire(&["OrgwatchDeadLetters"], &[]);
}

#[test]
fn a_suppression_ends() {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 7);
    let lines = format!(
        "[[alert]]\nname = 'iam-changes'\nsubscriptions = [{{ protocol = 'email', endpoint = 's@example.com' }}]\n\
         [[alert.suppress]]\nprincipal_arn = 'arn:aws:iam::333333333333:role/deploy'\nreason = 'a pipeline'\n\
         owner = 'platform'\nexpires = '{}'\n",
        day.strftime("%Y-%m-%d")
    );
    Series::of(&healthy(&lines)).fire(&["OrgwatchSuppressionEnding"], &[]);
}

/// What is disabled again and again while orgwatch repairs it, and then can be repaired no more.
#[test]
fn drift_is_not_repaired_is_contested_and_writes_fail() {
    let daemon = healthy("");
    let account = member(&daemon);
    let mut disabled = 0;
    daemon.until("the rule was repaired three times", |daemon| {
        let input = json!({ "Name": RULE, "EventBusName": "default" });
        let rule = daemon.aws(&account, Service::Events, "DescribeRule", input);
        if rule["State"] == "ENABLED" && disabled < 4 {
            disable(daemon, &account, "default");
            disabled += 1;
            if disabled == 4 {
                for operation in ["PutRule", "EnableRule"] {
                    fault(&daemon.aws, denied(Some(&account), "events", Some(operation)));
                }
            }
        }
        (disabled == 4).then_some(())
    });
    shows(&daemon, "orgwatch_drift{kind=\"sender_rule\",verdict=\"drifted\",reason=\"Contested\"} 1");
    shows(&daemon, "orgwatch_writes_failed_total{kind=\"sender_rule\",class=\"denied\"} 2");
    let fires = [
        "OrgwatchDriftNotRepaired",
        "OrgwatchContested",
        "OrgwatchWritesFail",
        "OrgwatchAwsDenies",
        "OrgwatchAccountsBroken",
    ];
    Series::of(&daemon).fire(&fires, &[]);
}

#[test]
fn a_name_is_taken() {
    let daemon = Staged::over(Aws::start(ACCOUNTS), &plain("reconcile.mode = 'observe'\n"));
    let input =
        json!({ "Name": RULE, "EventPattern": "{\"source\":[\"aws.s3\"]}", "Description": "of a team" });
    daemon.aws(&member(&daemon), Service::Events, "PutRule", input);
    reload(&daemon, "");
    shows(&daemon, "orgwatch_accounts{verdict=\"foreign\"} 1");
    daemon.until_covered(ACCOUNTS - 1);
    Series::of(&daemon).fire(&["OrgwatchNameTaken"], &["OrgwatchAccountsBroken"]);
}

#[test]
fn a_hold_is_open() {
    let alerts = |names: &[&str]| -> String {
        let one = |name: &&str| {
            format!(
                "[[alert]]\nname = '{name}'\nsubscriptions = [{{ protocol = 'email', endpoint = 's@example.com' }}]\n"
            )
        };
        names.iter().map(one).collect()
    };
    let daemon = Staged::start(ACCOUNTS, &plain(&alerts(&["iam-changes", "second", "third"])));
    daemon.until_covered(ACCOUNTS);
    daemon.until("both are there", |daemon| (daemon.alert_rules().len() >= 3).then_some(()));
    let fewer = "reconcile = { prune = true, limits = { deletions = 1 } }\n";
    reload(&daemon, &format!("{fewer}{}", alerts(&["iam-changes"])));
    shows(&daemon, "orgwatch_holds{reason=\"DeletionLimit\"} ");
    daemon.until_covered(ACCOUNTS);
    Series::of(&daemon).fire(&["OrgwatchHoldOpen"], &["OrgwatchCentralNotInSync"]);
}

#[test]
fn the_credentials_are_of_another_organization() {
    let daemon = Staged::start(ACCOUNTS, &plain("organization.id = 'o-zzzzzzzzzz'\n"));
    shows(&daemon, "orgwatch_holds{reason=\"WrongOrganization\"} 1");
    Series::of(&daemon)
        .fire(&["OrgwatchWrongOrganization"], &["OrgwatchDiscoveryFails", "OrgwatchCentralNotInSync"]);
}

/// So that an alert cannot be added without a cause that is planted here.
#[test]
fn every_alert_has_its_cause_here() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/monitored.rs"))
        .expect("it is this file");
    let lacking: Vec<String> =
        promtool::known().into_iter().filter(|alert| !text.contains(&format!("\"{alert}\""))).collect();
    assert_eq!(lacking, Vec::<String>::new());
}
