//! What is ours goes, all of it and nothing else.

use aws_sdk_sqs::Client as Sqs;
use serde_json::{Value, json};

use super::{
    reading::{plan, steady},
    scene::Scene,
};
use crate::{
    proxy::Call,
    sdk::{self, block_on},
};

/// What is in all accounts, the excluded and the closed one too.
fn all(scene: &Scene) -> Value {
    steady(scene.emulator.read_back(&scene.seed, &scene.seed.accounts))
}

#[test]
fn a_teardown_with_its_data_leaves_everything_as_it_was_before_the_first_apply() {
    let scene = Scene::new(8);
    let before = all(&scene);
    scene.apply().expect_code(0);
    let installed = all(&scene);
    assert_ne!(installed, before);

    let orgwatch = scene.orgwatch(&scene.config());
    scene.proxy.clear();
    let refused = orgwatch.run(&["teardown", "--delete-data"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("--yes"), "it says what to do: {}", refused.stderr);
    assert_eq!(scene.proxy.writes().len(), 0, "nobody agreed");
    assert_eq!(all(&scene), installed);

    orgwatch.run(&["teardown", "--yes", "--delete-data"]).expect_code(0);
    assert_eq!(all(&scene), before);
    let writes = scene.proxy.writes();
    let central = scene.seed.central_account_id.as_str();
    let is_central = |call: &Call| {
        ["sns", "sqs"].contains(&call.service.as_str())
            || call.operation == "DeleteEventBus"
            || call.field("EventBusName").as_deref() == Some("orgwatch")
    };
    let first_central = writes.iter().position(is_central).expect("the central side went too");
    assert!(writes[first_central..].iter().all(is_central), "members go first, the central side last");
    assert!(writes[first_central..].iter().all(|call| call.account.as_deref() == Some(central)));

    scene.proxy.clear();
    orgwatch.run(&["teardown", "--yes", "--delete-data"]).expect_code(0);
    assert_eq!(scene.proxy.writes().len(), 0, "a second teardown finds nothing");
    plan(&orgwatch, &[], 2);
}

#[test]
fn a_teardown_of_one_account_leaves_the_others_and_the_central_side() {
    let scene = Scene::new(7);
    let before = all(&scene);
    scene.apply().expect_code(0);
    let mut wanted = all(&scene);
    let leaving = scene.member(1);
    wanted["accounts"][leaving] = before["accounts"][leaving].clone();
    scene.proxy.clear();
    scene.orgwatch(&scene.config()).run(&["teardown", "--yes", "--account", leaving]).expect_code(0);
    assert_eq!(all(&scene), wanted);
    assert!(scene.proxy.writes().iter().all(|call| call.account.as_deref() == Some(leaving)));
}

#[test]
fn a_teardown_works_in_an_account_that_has_been_excluded_since() {
    let scene = Scene::installed(7);
    let leaving = scene.member(0);
    let excluding =
        scene.orgwatch(&scene.config().with(&format!("organization.exclude_accounts = ['{leaving}']")));
    plan(&excluding, &[], 0);
    assert_eq!(scene.proxy.for_account(leaving).len(), 0, "an excluded account is left alone");
    excluding.run(&["teardown", "--yes", "--account", leaving]).expect_code(0);
    let read = scene.read_back();
    assert_eq!(read["accounts"][leaving]["rules"], json!({}));
    assert_eq!(read["accounts"][leaving]["roles"], json!({}));
    plan(&excluding, &[], 0);
}

#[test]
fn a_teardown_keeps_a_queue_that_holds_events_unless_the_data_may_go_too() {
    let scene = Scene::installed(6);
    let sqs = Sqs::new(&sdk::central(scene.emulator.endpoint(), &scene.seed));
    block_on(async {
        let url = sqs.get_queue_url().queue_name("orgwatch-dead-letters").send().await;
        let url = url.expect("it is there").queue_url.expect("it has one");
        sqs.send_message().queue_url(url).message_body("{}").send().await.expect("the queue is there");
    });
    let orgwatch = scene.orgwatch(&scene.config());
    let told = orgwatch.run(&["teardown", "--yes"]).expect_code(4);
    assert!(told.stdout.contains("--delete-data"), "it says what releases it: {}", told.stdout);
    let central = scene.read_back()["central"].clone();
    assert_eq!((&central["bus"], &central["topics"]), (&Value::Null, &json!({})));
    assert_eq!(central["queues"].as_object().map(serde_json::Map::len), Some(1));
    orgwatch.run(&["teardown", "--yes", "--delete-data"]).expect_code(0);
    assert_eq!(scene.read_back()["central"]["queues"], json!({}));
}
