//! A drill reaches everybody who is subscribed to its alert, once and marked as such; nobody else can send one.

use std::time::Duration;

use orgwatch::controller::Purpose;
use orgwatch::controller::drill::DrillError;
use orgwatch_sim::call::Service;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Fuse, PEOPLE, Stage, in_virtual_time};

const WORDS: &str = "DRILL, no action needed";

/// Two alerts of the same watch, for the same people.
fn config(stage: &Stage, schedule: &str) -> String {
    let alert = |name: &str| {
        format!(
            "[[alert]]\nname = '{name}'\nwatches = ['iam-changes']\n\
             subscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]\n"
        )
    };
    stage.config(&format!("[drill]\nschedule = '{schedule}'\n{}{}", alert("iam-changes"), alert("others")))
}

async fn installed(schedule: &str) -> (Stage, String) {
    let stage = Stage::new(3, 31);
    let config = config(&stage, schedule);
    let enforcing = Purpose { enforce_all: true, ..Purpose::default() };
    stage.confirming(stage.process(&config, enforcing, Fuse::none()).apply()).await;
    stage.confirm_subscriptions();
    stage.simulator.world().outbox.clear();
    (stage, config)
}

/// The drills of an alert that people got, each in the alert's format and with the words before anything else.
fn drills(stage: &Stage, alert: &str) -> usize {
    let world = stage.simulator.world();
    let mails = world.outbox.all().filter(|mail| mail.endpoint == PEOPLE && mail.body.contains(WORDS));
    let mails =
        mails.inspect(|mail| assert!(mail.body.trim_start_matches('"').starts_with(WORDS), "{}", mail.body));
    mails.filter(|mail| mail.body.contains(&format!("Alert: {alert};"))).count()
}

#[test]
fn a_drill_reaches_everybody_who_is_subscribed_to_its_alert_once_and_nobody_else() {
    in_virtual_time(async {
        let (stage, config) = installed("on-request").await;
        let daemon = stage.daemon(&config);
        daemon.apply().await;
        let drilled = daemon.controller.drill("iam-changes", &CancellationToken::new()).await.unwrap();
        assert_eq!(drilled.rule, "orgwatch-iam-changes");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((drills(&stage, "iam-changes"), drills(&stage, "others")), (1, 0));
        let unknown = daemon.controller.drill("nobody", &CancellationToken::new()).await;
        assert!(matches!(unknown, Err(DrillError::NoAlert(..))), "{unknown:?}");
    });
}

#[test]
fn drills_of_the_calendar_reach_everybody_once() {
    in_virtual_time(async {
        let (stage, config) = installed("daily").await;
        // From noon until after nine o'clock of the next day.
        stage.daemon(&config).serve_for(Duration::from_secs(22 * 3600)).await;
        assert_eq!((drills(&stage, "iam-changes"), drills(&stage, "others")), (1, 1));
    });
}

#[test]
fn a_drill_where_they_are_off_is_refused_and_a_forged_one_reaches_nobody() {
    in_virtual_time(async {
        for schedule in ["off", "on-request"] {
            let (stage, config) = installed(schedule).await;
            if schedule == "off" {
                let daemon = stage.daemon(&config);
                daemon.apply().await;
                let refused = daemon.controller.drill("iam-changes", &CancellationToken::new()).await;
                assert!(matches!(refused, Err(DrillError::Off)), "{refused:?}");
            }
            // By way of the sender's own role and a rule of its own, as the bus admits it.
            let member = stage.accounts[1].clone();
            let kit = &stage.kit;
            let (partition, central) = (&kit.partition, &kit.central_account);
            let bus = format!("arn:{partition}:events:{}:{central}:event-bus/orgwatch", stage.region());
            let role = format!("arn:{partition}:iam::{member}:role/orgwatch-forwarder");
            let pattern = json!({ "source": ["orgwatch.drill"] }).to_string();
            let make = |operation: &str, input| stage.make(&member, Service::Events, operation, input);
            make("PutRule", json!({ "Name": "orgwatch-mine", "EventPattern": pattern }));
            let target = json!({ "Id": "x", "Arn": bus, "RoleArn": role });
            make("PutTargets", json!({ "Rule": "orgwatch-mine", "Targets": [target] }));
            let detail = json!({ "alert": "iam-changes", "orgwatchDrill": WORDS }).to_string();
            let entry =
                json!({ "Source": "orgwatch.drill", "DetailType": "orgwatch drill", "Detail": detail });
            make("PutEvents", json!({ "Entries": [entry] }));
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(drills(&stage, "iam-changes"), 0, "{schedule}");
        }
    });
}
