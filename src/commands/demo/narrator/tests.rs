use std::sync::Arc;

use orgwatch_sim::call::{Caller, Principal, Service};
use serde_json::{Value, json};

use super::*;
use crate::commands::demo::stage::{PEOPLE, Stage};

/// A stage, and a narrator of it who takes everything for installed.
struct Scene {
    stage: Stage,
    narrator: Narrator,
    snapshot: Snapshot,
    began: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::build(6, 1).unwrap();
        let began = Timestamp::now();
        let mut narrator = Narrator::new(stage.simulator.clone(), began);
        narrator.installed = true;
        let text = stage.config("127.0.0.1:8080".parse().unwrap());
        let settings = crate::config::parse(&text, []).unwrap().settings;
        let snapshot = Snapshot::before_anything(&settings, began);
        Self { stage, narrator, snapshot, began }
    }

    /// What is told so many seconds after the beginning.
    fn told(&mut self, second: i64) -> Vec<(String, String)> {
        let now = self.began + SignedDuration::from_secs(second);
        self.narrator.look(&self.snapshot, now).into_iter().map(|line| (line.who, line.what)).collect()
    }

    fn act(&self, caller: &Caller, service: Service, operation: &str, input: Value) -> Value {
        self.stage.ask(caller, service, operation, input).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }
}

fn line(who: &str, what: impl Into<String>) -> (String, String) {
    (who.to_owned(), what.into())
}

#[test]
fn what_somebody_does_in_a_row_is_told_in_one_line_and_what_only_reads_is_not_told() {
    let mut scene = Scene::new();
    let account = scene.stage.members[0].clone();
    let mallory = scene.stage.person(&account, "mallory").unwrap();
    scene.act(&mallory, Service::Iam, "CreateUser", json!({ "UserName": "eve" }));
    scene.act(&mallory, Service::Iam, "ListUsers", json!({}));
    let refused = scene.stage.ask(&mallory, Service::Events, "DisableRule", json!({ "Name": "none" }));
    assert!(refused.is_err());
    let name = scene.stage.simulator.world().organization.members[&account].name.clone();
    let deeds = "makes the user eve, disables the rule none, which AWS refuses: ResourceNotFoundException";
    assert_eq!(scene.told(0), [line("mallory", format!("{deeds} in {name} ({account})"))]);
    assert_eq!(scene.told(1), [], "nothing is told twice");
    assert_eq!(scene.narrator.tally.deeds, 1);
}

#[test]
fn a_mail_that_asks_is_told_and_its_link_clicked_a_little_later() {
    let mut scene = Scene::new();
    let owner = scene.stage.administrator(&scene.stage.central);
    let topic = scene.act(&owner, Service::Sns, "CreateTopic", json!({ "Name": "orgwatch-iam-changes" }));
    let topic = topic["TopicArn"].as_str().unwrap();
    let input = json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": PEOPLE });
    scene.act(&owner, Service::Sns, "Subscribe", input);
    let asked = format!("to {PEOPLE}: confirm that you want the mails of orgwatch-iam-changes");
    assert!(scene.told(0).contains(&line("mail", asked)));
    let clicked = scene.told(2);
    assert_eq!(clicked.len(), 1, "{clicked:?}");
    assert_eq!(clicked[0].0, "security team");
    let publish =
        json!({ "TopicArn": topic, "Message": "Account 1: aws.iam CreateUser\nWho: IAMUser arn:x/eve " });
    scene.act(&owner, Service::Sns, "Publish", publish);
    let alert = format!("to {PEOPLE}: CreateUser by eve in an account that nobody knows");
    assert_eq!(scene.told(3).last(), Some(&line("mail", alert)));
    assert_eq!(scene.narrator.tally.alerts, 1);
}

#[test]
fn calls_of_the_daemon_that_belong_to_no_drift_are_told_all_the_same() {
    let mut scene = Scene::new();
    let account = scene.stage.members[0].clone();
    let mut daemon = scene.stage.person(&account, "orgwatch").unwrap();
    if let Principal::Session(session) = &mut daemon.principal {
        Arc::make_mut(session).role_name = "orgwatch-member".to_owned();
    }
    // Its policy is the deployed one, which has no such right.
    assert!(scene.stage.ask(&daemon, Service::Iam, "CreateUser", json!({ "UserName": "eve" })).is_err());
    assert_eq!(scene.told(0), []);
    let told = scene.told(5);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "orgwatch");
    assert!(told[0].1.starts_with("calls CreateUser (refused: AccessDenied) in "), "{told:?}");
    assert_eq!(scene.narrator.tally, Tally { writes: 1, ..Tally::default() });
}
