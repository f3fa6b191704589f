//! The interface as scripts use it, over a real socket.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::delivery::Received;
use crate::seed::{self, Plan};
use crate::server::tests::{Served, serving};

struct Stage {
    served: Served,
    management: String,
    central: String,
    member: String,
}

fn stage() -> Stage {
    let (mut world, seeded) = seed::build(&Plan { accounts: 5, ..Plan::default() }, Clock::real());
    world.central = Some(seeded.central_account_id.clone());
    let member = seeded.member_ids[0].clone();
    seed::simple_member_role(&mut world, &member, "runner", &seeded.central_account_id);
    Stage {
        served: serving(world),
        management: seeded.management_account_id,
        central: seeded.central_account_id,
        member,
    }
}

impl Stage {
    /// What is answered, which must be 200.
    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.served.admin(method, path, &body.to_string());
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.served.admin("GET", path, "");
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    fn status(&self, method: &str, path: &str, body: Value) -> u16 {
        let (status, answer) = self.served.admin(method, path, &body.to_string());
        assert!(
            status == 200 || answer["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{answer}"
        );
        status
    }

    fn member_state(&self, id: &str) -> Option<String> {
        self.served.simulator.world().organization.members.get(id).map(|member| member.state.clone())
    }
}

#[test]
fn the_world_is_told() {
    let stage = stage();
    let told = stage.get("world");
    assert_eq!(told["management_account_id"], stage.management);
    assert_eq!(told["central_account_id"], stage.central);
    assert_eq!((told["accounts"].as_u64(), told["partition"].as_str()), (Some(5), Some("aws")));
    assert!(told["time"].is_string());
}

#[test]
fn what_is_not_there_is_404_and_what_makes_no_sense_is_400() {
    let stage = stage();
    for (method, path) in [("GET", "nothing"), ("POST", "world"), ("GET", ""), ("DELETE", "faults/none")] {
        assert_eq!(stage.status(method, path, json!({})), 404, "{method} {path}");
    }
    assert_eq!(stage.served.admin("POST", "faults", "{").0, 400);
    assert_eq!(stage.status("POST", "faults", json!({ "action": "explode" })), 400);
    assert_eq!(stage.status("POST", "faults", json!({ "probability": 2, "action": "throttle" })), 400);
    assert_eq!(stage.status("PUT", "lags", json!({ "write": 1 })), 400);
    assert_eq!(stage.status("GET", "journal?acount=1", json!({})), 400);
    assert_eq!(stage.status("GET", "journal?since=first", json!({})), 400);
    assert_eq!(stage.status("POST", "time/advance", json!({ "seconds": -1 })), 400);
    assert_eq!(stage.status("POST", "drift", json!({ "account": stage.member, "kind": "earthquake" })), 400);
    assert_eq!(stage.status("POST", "drift", json!({ "account": "1", "kind": "rule-disabled" })), 404);
}

#[test]
fn accounts_join_move_close_and_depart() {
    let stage = stage();
    let joined = stage.ask("POST", "accounts", json!({ "name": "Payroll", "tags": { "team": "x" } }));
    let id = joined["account_id"].as_str().unwrap();
    assert_eq!(stage.member_state(id).as_deref(), Some("ACTIVE"));
    {
        let world = stage.served.simulator.world();
        assert_eq!(world.organization.members[id].name, "Payroll");
        assert_eq!(world.organization.members[id].parent, world.organization.root);
        assert_eq!(world.organization.members[id].tags["team"], "x");
    }
    let twice = json!({ "name": "Payroll", "email": "payroll@example.com" });
    stage.ask("POST", "accounts", twice.clone());
    assert_eq!(stage.status("POST", "accounts", twice), 400);
    let root = stage.get("world")["root_id"].clone();
    assert_eq!(stage.ask("POST", &format!("accounts/{id}/move"), json!({ "ou": root }))["parent_id"], root);
    assert_eq!(stage.status("POST", &format!("accounts/{id}/move"), json!({ "ou": "ou-none" })), 404);
    stage.ask("POST", &format!("accounts/{id}/close"), json!({}));
    assert_ne!(stage.member_state(id).as_deref(), Some("ACTIVE"));
    stage.ask("DELETE", &format!("accounts/{}", stage.member), json!({}));
    assert_eq!(stage.member_state(&stage.member), None);
    assert_eq!(stage.status("DELETE", &format!("accounts/{}", stage.member), json!({})), 404);
    assert_eq!(stage.status("DELETE", &format!("accounts/{}", stage.management), json!({})), 400);
}

#[test]
fn credentials_are_those_of_a_session_of_the_role() {
    let stage = stage();
    let asked =
        json!({ "account": stage.member, "role": "runner", "session_name": "tester", "duration": "15m" });
    let got = stage.ask("POST", "credentials", asked);
    let world = stage.served.simulator.world();
    let (account, session) = &world.sessions.by_key[got["AccessKeyId"].as_str().unwrap()];
    assert_eq!((account, session.role_name.as_str()), (&stage.member, "runner"));
    assert_eq!(got["SessionToken"], session.token);
    assert!(session.expires_at <= world.now() + SignedDuration::from_mins(15));
    drop(world);
    let wrong = json!({ "account": stage.member, "role": "none", "session_name": "tester" });
    assert_eq!(stage.status("POST", "credentials", wrong), 409);
}

#[test]
fn faults_are_set_listed_and_taken_away() {
    let stage = stage();
    let id =
        stage.ask("POST", "faults", json!({ "service": "events", "times": 3, "action": "throttle" }))["id"]
            .clone();
    stage.ask("POST", "faults", json!({ "id": "mine", "action": { "delay": { "fixed": "1ms" } } }));
    let listed = stage.get("faults")["faults"].clone();
    assert_eq!((&listed[0]["id"], &listed[1]["id"]), (&id, &json!("mine")));
    assert_eq!((&listed[0]["action"], &listed[0]["fired"]), (&json!("throttle"), &json!(0)));
    stage.ask("DELETE", "faults/mine", json!({}));
    assert_eq!(stage.get("faults")["faults"].as_array().unwrap().len(), 1);
    stage.ask("DELETE", "faults", json!({}));
    assert_eq!(stage.get("faults")["faults"], json!([]));
}

#[test]
fn latency_quotas_and_lags_are_set_and_read_back() {
    let stage = stage();
    let latency = json!({ "latency": { "log-normal": { "median": "20ms", "p99": "200ms" } } });
    assert_eq!(stage.ask("PUT", "latency", latency.clone()), latency);
    assert_eq!(stage.ask("PUT", "latency", json!({})), json!({ "latency": null }));
    let quotas = stage.ask("PUT", "quotas", json!({ "quotas": true, "limits": { "iam-writes": null } }));
    assert_eq!(quotas["quotas"], true);
    assert_eq!(quotas["limits"]["events-control-plane"]["rate"], 50.0);
    assert_eq!(quotas["limits"]["iam-writes"], Value::Null);
    stage.ask("PUT", "lags", json!({ "read": "2s" }));
    let lags = stage.ask("PUT", "lags", json!({ "effect": 30, "role": "10s" }));
    assert_eq!(lags, json!({ "read": "2s", "effect": "30s", "role": "10s" }));
    assert_eq!(stage.served.simulator.world().lags.effect, SignedDuration::from_secs(30));
}

#[test]
fn the_journal_is_asked_page_by_page() {
    let stage = stage();
    // No account has such a rule, so each is one call that finds nothing, or one that is not simulated.
    for _ in 0..5 {
        let drift = json!({ "account": stage.member, "kind": "rule-disabled", "installation": "none" });
        assert!([404, 409].contains(&stage.status("POST", "drift", drift)));
    }
    let page = stage.get(&format!("journal?account={}&service=events&operation=List*&limit=3", stage.member));
    let number = |place: usize| page["entries"][place]["number"].as_u64();
    assert_eq!((number(0), number(2), number(3)), (Some(1), Some(3), None));
    assert_eq!(
        (&page["next"], &page["complete"], &page["dropped"]),
        (&json!(3), &json!(false), &json!(false))
    );
    let rest = stage.get("journal?since=3");
    assert_eq!(rest["entries"].as_array().unwrap().len(), 2);
    assert_eq!((&rest["next"], &rest["complete"]), (&json!(5), &json!(true)));
    assert_eq!(stage.get("journal?write=true")["entries"], json!([]));
    stage.ask("PUT", "journal", json!({ "limit": 1, "count_accounts": true }));
    let kept = stage.get("journal");
    assert_eq!((kept["entries"].as_array().unwrap().len(), &kept["dropped"]), (1, &json!(true)));
    stage.ask("DELETE", "journal", json!({}));
    assert_eq!(stage.get("journal")["entries"], json!([]));
    let counters = stage.get("counters");
    assert_eq!(counters["calls"], 5);
    assert!(counters["operations"]["events"]["ListRules"].is_object());
}

#[test]
fn time_moves_forward_when_it_is_told_to() {
    let stage = stage();
    let before = stage.served.simulator.world().now();
    stage.ask("POST", "time/advance", json!({ "seconds": 172_800 }));
    let passed = stage.served.simulator.world().now().duration_since(before);
    assert!((SignedDuration::from_hours(48)..SignedDuration::from_hours(49)).contains(&passed), "{passed}");
}

#[test]
fn what_was_received_is_told_by_topic() {
    let stage = stage();
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:{}:{name}", stage.central);
    {
        let mut world = stage.served.simulator.world();
        let at = world.now();
        for name in ["a", "b"] {
            world.outbox.record(Received {
                at,
                topic_arn: topic(name),
                protocol: "email".to_owned(),
                endpoint: "soc@example.com".to_owned(),
                subject: None,
                body: format!("to {name}"),
            });
        }
    }
    let got = stage.get(&format!("received?topic={}", topic("b")));
    assert_eq!(got["received"].as_array().unwrap().len(), 1);
    assert_eq!(got["received"][0]["body"], "to b");
    assert_eq!(stage.get("received")["received"].as_array().unwrap().len(), 2);
    stage.ask("DELETE", "received", json!({}));
    assert_eq!(stage.get("received")["received"], json!([]));
    let nobody = json!({ "topic_arn": topic("a"), "endpoint": "nobody@example.com" });
    assert_eq!(stage.status("POST", "confirm", nobody.clone()), 404);
    assert_eq!(stage.status("POST", "unsubscribe", nobody), 404);
}

#[test]
fn an_iam_event_looks_as_cloudtrail_writes_it() {
    let stage = stage();
    let asked = json!({ "account": stage.member, "eventName": "CreateUser", "requestParameters": { "userName": "mallory" } });
    let event = stage.ask("POST", "iam-event", asked)["event"].clone();
    assert_eq!(event["detail-type"], "AWS API Call via CloudTrail");
    assert_eq!(
        (&event["source"], &event["account"], &event["region"]),
        (&json!("aws.iam"), &json!(stage.member), &json!("us-east-1"))
    );
    let detail = &event["detail"];
    assert_eq!(
        (&detail["eventSource"], &detail["eventName"]),
        (&json!("iam.amazonaws.com"), &json!("CreateUser"))
    );
    assert_eq!((&detail["readOnly"], &detail["managementEvent"]), (&json!(false), &json!(true)));
    assert_eq!(detail["requestParameters"]["userName"], "mallory");
    assert_eq!(detail["userIdentity"]["accountId"], stage.member);
    assert!(detail.get("errorCode").is_none(), "a call that succeeded has no errorCode, not a null one");
    let raw = json!({ "account": stage.member, "event": { "source": "aws.iam", "detail-type": "x" } });
    assert!(stage.ask("POST", "events", raw)["event_id"].is_string());
    assert_eq!(
        stage.status("POST", "events", json!({ "account": stage.member, "event": { "source": "x" } })),
        400
    );
}
