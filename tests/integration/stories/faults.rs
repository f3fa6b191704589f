//! The organization cannot be read, or is another one: one clear message, the right exit code, and no write.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use super::scene::{SOON, Scene, account, until_covered};
use crate::{
    orgwatch::{Daemon, Finished, Orgwatch},
    proxy::{Fault, Then},
    wait::eventually,
};

fn error(status: u16, code: &'static str, message: &'static str) -> Then {
    Then::Respond { status, code, message }
}

/// The message is one, says all of this, and nothing was written; nobody needs a backtrace to understand it.
fn told(scene: &Scene, finished: &Finished, parts: &[&str]) {
    let errors = finished.stderr.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "{}", finished.stderr);
    for part in parts {
        assert!(finished.stderr.contains(part), "{part} is not in: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    assert_eq!(scene.proxy.writes().len(), 0);
}

/// Both commands that would change or show something end alike.
fn ends(scene: &Scene, orgwatch: &Orgwatch, code: i32, parts: &[&str]) {
    for arguments in [&["apply", "--yes"][..], &["plan"]] {
        told(scene, &orgwatch.run(arguments).expect_code(code), parts);
    }
}

#[test]
fn a_throttled_organization_is_asked_again_and_given_up_with_advice() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let throttled = || Fault::on("organizations", "*", error(400, "TooManyRequestsException", "slow down"));
    let brief = scene.proxy.fault(throttled().times(2));
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    assert_eq!(scene.proxy.heal(brief), 2);

    scene.proxy.clear();
    scene.proxy.fault(throttled());
    let advice = ["TooManyRequestsException", "slow down", "organization.max_calls_per_second"];
    told(&scene, &orgwatch.run(&["plan"]).expect_code(1), &advice);
}

#[test]
fn an_endpoint_that_nobody_listens_on_is_named_as_the_cause() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config()).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    told(&scene, &orgwatch.run(&["plan"]).expect_code(1), &["sts:GetCallerIdentity", "AWS_ENDPOINT_URL"]);
    assert_eq!(scene.proxy.calls().len(), 0);
}

#[test]
fn expired_credentials_are_told_as_such_wherever_they_are_noticed() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let noticed = [
        ("sts", "GetCallerIdentity", 403, "ExpiredToken"),
        ("sts", "AssumeRole", 403, "ExpiredTokenException"),
        ("organizations", "DescribeOrganization", 400, "ExpiredTokenException"),
    ];
    for (service, operation, status, code) in noticed {
        let fault = Fault::on(service, operation, error(status, code, "The token is expired"));
        let fault = scene.proxy.fault(fault);
        let call = format!("{service}:{operation}");
        told(
            &scene,
            &orgwatch.run(&["apply", "--yes"]).expect_code(1),
            &[&call, code, "The token is expired", "give orgwatch valid AWS credentials"],
        );
        scene.proxy.heal(fault);
    }
}

#[test]
fn nobody_without_credentials_gets_further_than_a_message() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let orgwatch = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        .iter()
        .fold(orgwatch, |orgwatch, name| orgwatch.env(name, ""));
    told(&scene, &orgwatch.run(&["plan"]).expect_code(1), &["give orgwatch valid AWS credentials"]);
}

#[test]
fn credentials_of_another_organization_write_nothing() {
    let scene = Scene::new(6);
    let other = scene.orgwatch(&scene.config().with("organization.id = 'o-somebodyelse'"));
    let real = scene.seed.organization_id.as_str();
    ends(&scene, &other, 4, &[real, "o-somebodyelse", "organization.id", "nothing is written"]);

    let daemon = other.serve();
    let wrong = eventually("the daemon says so too", SOON, || {
        Some(daemon.status()["wrong_place"].clone()).filter(|wrong| !wrong.is_null())
    });
    assert_eq!(wrong["reason"], "WrongOrganization");
    assert!(wrong["message"].to_string().contains("o-somebodyelse"), "{wrong}");
    assert_eq!(daemon.post("/api/v1/reconcile").status, 202);
    daemon.stop();
    assert_eq!(scene.proxy.writes().len(), 0);
}

#[test]
fn credentials_of_another_account_write_nothing() {
    let scene = Scene::new(6);
    let member = scene.member(0);
    let other = scene.orgwatch(&scene.config().with(&format!("central.account_id = '{member}'")));
    let real = scene.seed.central_account_id.as_str();
    ends(&scene, &other, 4, &[real, member, "central.account_id", "central.role_arn", "nothing is written"]);
}

#[test]
fn a_bus_that_admits_another_organization_holds_every_write_unless_the_right_one_is_configured() {
    let scene = Scene::installed(6);
    let member = scene.member(0);
    scene.emulator.drift(member, "rule-disabled");
    // The organization is another one than when the bus was made: the bus is right as far as anybody can know.
    let described = json!({ "Organization": {
        "Id": "o-somebodyelse", "MasterAccountId": scene.seed.management_account_id,
    } });
    let another = Then::Answer { status: 200, body: described.to_string() };
    scene.proxy.fault(Fault::on("organizations", "DescribeOrganization", another));
    let unnamed = scene.orgwatch(&scene.config().with("organization.id = ''"));
    let finished = unnamed.run(&["apply", "--yes"]).expect_code(4);
    let real = scene.seed.organization_id.as_str();
    for part in ["WrongOrganization", real, "o-somebodyelse", "organization.id"] {
        assert!(finished.stdout.contains(part), "{part} is not in: {}", finished.stdout);
    }
    assert_eq!(scene.proxy.writes().len(), 0);
}

/// The daemon has looked at the organization again, and this is how it went.
fn discovery(daemon: &Daemon, what: &str, found: impl Fn(&Value) -> bool) -> Value {
    eventually(what, SOON, || Some(daemon.status()["discovery"].clone()).filter(|discovery| found(discovery)))
}

#[test]
fn a_listing_that_cannot_be_true_removes_nobody() {
    let scene = Scene::installed(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);

    let list = |ids: &[&str]| {
        let account = |id: &&str| {
            json!({ "Id": id, "Name": id, "Email": "a@example.com", "State": "ACTIVE", "Status": "ACTIVE",
                    "JoinedTimestamp": 1_600_000_000 })
        };
        let accounts: Vec<Value> = ids.iter().map(account).collect();
        Then::Answer { status: 200, body: json!({ "Accounts": accounts }).to_string() }
    };
    let management = scene.seed.management_account_id.as_str();
    for (listed, doubt) in [(vec![], "empty"), (vec![management, scene.member(0)], "central account")] {
        let fault = scene.proxy.fault(Fault::on("organizations", "ListAccounts", list(&listed)));
        discovery(&daemon, doubt, |discovery| discovery["doubtful"].to_string().contains(doubt));
        let status = daemon.status();
        assert_eq!((&status["accounts"]["total"], &status["coverage"]["covered"]), (&json!(6), &json!(4)));
        scene.proxy.heal(fault);
        discovery(&daemon, "believed again", |discovery| discovery["doubtful"].is_null());
    }
    assert_eq!(scene.proxy.writes().len(), 0);
    daemon.stop();
}

#[test]
fn an_organization_that_can_no_longer_be_listed_is_watched_as_it_was_known() {
    let scene = Scene::installed(6);
    let before = scene.read_back();
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);
    let denied = error(400, "AccessDeniedException", "You don't have permissions to access this resource.");
    let fault = scene.proxy.fault(Fault::on("organizations", "ListAccounts", denied));
    let discovery_error =
        discovery(&daemon, "the failure is told", |discovery| !discovery["error"].is_null())["error"].clone();
    for part in ["ListAccounts", "AccessDenied", "organization.reader_role_arn"] {
        assert!(discovery_error.to_string().contains(part), "{discovery_error}");
    }
    scene.emulator.drift(scene.member(0), "rule-deleted");
    eventually("it is repaired all the same", SOON, || (scene.read_back() == before).then_some(()));
    assert_eq!(account(&daemon, scene.member(1))["coverage"], "configured");
    scene.proxy.heal(fault);
    discovery(&daemon, "listed again", |discovery| discovery["error"].is_null());
    daemon.stop();
}

#[test]
fn an_empty_page_with_a_token_is_not_the_end_of_the_listing() {
    let scene = Scene::new(7);
    let listed: Vec<Value> = scene
        .seed
        .accounts
        .iter()
        .map(|account| {
            let path = format!("{}/{}/{}/", scene.seed.organization_id, account.path.join("/"), account.id);
            let email = format!("{}@example.com", account.name);
            json!({ "Id": account.id, "Name": account.name, "Email": email, "State": account.state, "Paths": [path] })
        })
        .collect();
    let (first, rest) = listed.split_at(3);
    for (accounts, token) in [(first, Some("a")), (&[], Some("b")), (rest, None)] {
        let body = json!({ "Accounts": accounts, "NextToken": token }).to_string();
        let page = Then::Answer { status: 200, body };
        scene.proxy.fault(Fault::on("organizations", "ListAccounts", page).times(1));
    }
    scene.orgwatch(&scene.config()).run(&["apply", "--yes"]).expect_code(0);
    let read = scene.read_back();
    for account in scene.seed.covered() {
        assert_eq!(read["accounts"][&account.id]["rules"].as_object().map(serde_json::Map::len), Some(1));
    }
    // The listing told where each account is, so nobody had to walk the tree.
    assert!(scene.proxy.calls().iter().all(|call| call.operation != "ListRoots"));
}

#[test]
fn a_certificate_bundle_that_cannot_be_used_is_named() {
    let scene = Scene::new(6);
    let missing = scene.orgwatch(&scene.config()).env("AWS_CA_BUNDLE", "/nowhere/ca.pem");
    told(&scene, &missing.run(&["plan"]).expect_code(1), &["AWS_CA_BUNDLE", "/nowhere/ca.pem"]);
    assert_eq!(scene.proxy.calls().len(), 0);
}

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/tests/tls/first-cert.pem");

/// Behind a company's proxy both are set: the proxy, and the certificate that it shows.
#[test]
fn calls_go_through_the_proxy_that_is_named_with_a_certificate_bundle_of_ones_own_or_without() {
    let scene = Scene::new(6);
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = format!("http://{}", proxy.local_addr().expect("it is bound"));
    let (told_of, asked) = mpsc::channel();
    thread::spawn(move || {
        for asker in proxy.incoming() {
            let Ok(asker) = asker else { return };
            let mut line = String::new();
            BufReader::new(asker).read_line(&mut line).expect("a request has a first line");
            if told_of.send(line).is_err() {
                return;
            }
        }
    });
    for with_bundle in [true, false] {
        let mut orgwatch = scene
            .orgwatch(&scene.config())
            .env("AWS_ENDPOINT_URL", "http://aws.invalid")
            .env("HTTP_PROXY", &address);
        if with_bundle {
            orgwatch = orgwatch.env("AWS_CA_BUNDLE", CERTIFICATE);
        }
        // The proxy hangs up, so nothing can be planned.
        orgwatch.run(&["plan"]).expect_code(1);
        let lines: Vec<String> = asked.try_iter().collect();
        assert!(!lines.is_empty(), "the proxy was not asked; with a bundle: {with_bundle}");
        assert!(lines.iter().all(|line| line.contains("http://aws.invalid")), "{lines:?}");
    }
}
