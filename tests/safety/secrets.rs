//! Who may only read in the central account learns no secret of ours.

use orgwatch::history::{Filter, Record};
use serde_json::Value;

use crate::stage::{Stage, in_virtual_time};

const EXTERNAL_ID: &str = "planted-external-id-4711";
const HOOK_TOKEN: &str = "planted-hook-token-4712";
const HTTP_TOKEN: &str = "planted-http-token-4713-of-some-length";

/// Descriptions, tags, targets, attributes, policies and names of everything; and what the product says of itself. Only
/// the endpoint of a subscription is told by AWS itself, to whoever may list the subscriptions of its topic.
#[test]
fn no_secret_stands_in_anything_that_can_be_read_but_the_endpoint_of_its_own_subscription() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, HTTP_TOKEN).expect("a file");
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let config = stage.config(&format!(
            "[member]\nexternal_id = '{EXTERNAL_ID}'\n\
             [[http.token]]\nname = 'oncall'\nfile = '{}'\nrole = 'reader'\n\
             [[alert]]\nname = 'iam-changes'\n\
             subscriptions = [{{ protocol = 'https', endpoint = 'https://hooks.example.com/{HOOK_TOKEN}' }}]\n",
            file.display()
        ));
        let daemon = stage.daemon(&config);
        let written = stage.ends(daemon.apply()).await;
        assert!(written.iter().flat_map(|pass| &pass.written).all(|written| written.outcome.is_ok()));
        let held = stage.holdings();
        let tells =
            |text: &str| [EXTERNAL_ID, HOOK_TOKEN, HTTP_TOKEN].iter().any(|secret| text.contains(secret));
        let (of_subscriptions, telling): (Vec<&str>, Vec<&str>) = held
            .names()
            .filter(|name| tells(name) || held.what(name).is_some_and(tells))
            .partition(|name| name.contains(" subscription "));
        assert_eq!(telling, Vec::<&str>::new());
        // Who hears of changes hears of tampering as well: one subscription at the alert's topic, one at the guard's.
        assert_eq!(of_subscriptions.len(), 2, "AWS shows the endpoint: {of_subscriptions:?}");
        let views: Vec<Value> = daemon
            .controller
            .views(&daemon.controller.keys())
            .iter()
            .map(|view| serde_json::to_value(&**view).expect("a view is JSON"))
            .collect();
        assert!(!tells(&Value::from(views).to_string()), "the product tells nobody either");
        let everything =
            daemon.controller.history.page(&Filter::default(), 10_000).await.expect("memory is read");
        let subscribed = |record: &Record| record.operation.as_deref() == Some("Subscribe");
        assert!(everything.records.iter().any(subscribed), "the history has the write that holds the secret");
        let exported: Vec<Value> = everything
            .records
            .iter()
            .map(|record| serde_json::to_value(record).expect("a record is JSON"))
            .collect();
        assert!(!tells(&Value::from(exported).to_string()), "nor does the history");
        // The two are used where they must be, or this test could not fail.
        let world = stage.simulator.world();
        let said = |operation: &str, secret: &str| {
            let mut calls = world.journal.since(0).filter(|entry| entry.call.operation == operation);
            calls.any(|entry| Value::from(entry.call.input.clone()).to_string().contains(secret))
        };
        assert!(said("AssumeRole", EXTERNAL_ID) && said("Subscribe", HOOK_TOKEN));
        for entry in world.journal.since(0) {
            let input = Value::from(entry.call.input.clone()).to_string();
            let allowed = ["AssumeRole", "Subscribe"].contains(&entry.call.operation.as_str());
            assert!(allowed || !tells(&input), "{} {input}", entry.call.operation);
        }
    });
}
