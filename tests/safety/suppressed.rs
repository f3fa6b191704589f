//! What an alert does not deliver on purpose: that alone, counted, and only for a time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orgwatch::config::SuppressState;
use orgwatch::model::view::SuppressedView;
use orgwatch_sim::world::Lags;
use serde_json::{Value, json};

use crate::alerts::{alert, call, hear, times};
use crate::stage::{Daemon, Stage, in_virtual_time};

const MINUTE: Duration = Duration::from_secs(60);

/// Two alerts of the same watch, of which `quiet` does not deliver what the pipelines of the first member do, until the
/// end of the 21st: for one and a half days from the start.
fn config(stage: &Stage) -> String {
    stage.config(&(alert("quiet", &suppress(stage)) + &alert("loud", "")))
}

fn suppress(stage: &Stage) -> String {
    format!(
        "[[alert.suppress]]\nprincipal_arn = 'arn:{}:iam::{}:role/deploy-*'\nreason = 'pipeline'\nowner = 'platform'\n\
         expires = '2026-11-21'\n",
        stage.kit.partition, stage.accounts[1]
    )
}

/// An event of a role that no other event has the id of.
fn event(stage: &Stage, account: &str, name: &str, role: &str, object: &str) -> Value {
    let mut event = call(stage, account, name, role, json!({ "roleName": object }));
    let id = format!("{name} {role} {object} {}", stage.clock.now());
    (event["id"], event["detail"]["eventID"]) = (json!(id), json!(id));
    event
}

fn suppressed(daemon: &Daemon) -> SuppressedView {
    let [one] = daemon.snapshot().suppressed.try_into().expect("one alert suppresses");
    one
}

async fn until(stage: &Stage, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    tokio::time::sleep(Duration::try_from(moment.duration_since(stage.clock.now())).unwrap()).await;
}

fn both() -> BTreeMap<String, usize> {
    times(&[("loud", 1), ("quiet", 1)])
}

/// Does `around` while a process serves and people click their links.
async fn serving(stage: &Stage, daemon: &Daemon, around: impl Future<Output = ()>) {
    let around = async {
        around.await;
        daemon.stop.cancel();
    };
    stage.confirming(async { futures::join!(around, daemon.serve_until_stopped()) }).await;
}

#[test]
fn a_pipelines_events_stop_at_one_alert_go_on_at_others_are_counted_and_come_back_at_the_end() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let daemon = stage.daemon(&config(&stage));
        let (member, other) = (stage.accounts[1].clone(), stage.accounts[2].clone());
        let of_pipeline = |name: &str, object: &str| event(&stage, &member, name, "deploy-web", object);
        serving(&stage, &daemon, async {
            tokio::time::sleep(MINUTE * 10).await;
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
            assert_eq!(suppressed(&daemon).events, 0);
            let before = daemon.snapshot().inbox;

            // It stops there, and goes on elsewhere.
            assert_eq!(hear(&stage, &member, &of_pipeline("CreateRole", "app")), times(&[("loud", 1)]));
            tokio::time::sleep(MINUTE).await;
            let shown = suppressed(&daemon);
            assert_eq!((shown.alert.as_str(), shown.events), ("quiet", 1));
            assert_eq!(
                (shown.latest[0].event_name.as_str(), shown.latest[0].account.as_str()),
                ("CreateRole", member.as_str())
            );
            assert_eq!(shown.suppressions[0].state, SuppressState::EndsSoon);
            assert_eq!(shown.suppressions[0].owner, "platform");

            // Whoever makes such a role, or changes what it may, is heard: the role itself too.
            let by_admin = event(&stage, &member, "CreateRole", "admin", "deploy-web");
            assert_eq!(hear(&stage, &member, &by_admin), both());
            for deed in
                ["CreateRole", "UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePermissionsBoundary"]
            {
                assert_eq!(hear(&stage, &member, &of_pipeline(deed, "deploy-web")), both(), "{deed}");
            }
            // A role of that name in another account is another one.
            let elsewhere = event(&stage, &other, "CreateRole", "deploy-web", "app");
            assert_eq!(hear(&stage, &other, &elsewhere), both());
            tokio::time::sleep(MINUTE).await;
            assert_eq!(suppressed(&daemon).events, 1, "what is delivered is not counted");
            let after = daemon.snapshot().inbox;
            assert_eq!((after.woken, after.dropped), (before.woken, before.dropped), "it wakes nobody");

            until(&stage, "2026-11-21T23:59:30Z").await;
            assert_eq!(hear(&stage, &member, &of_pipeline("TagRole", "app")), times(&[("loud", 1)]));
            // Its end needs no resync: that would be up to a quarter of an hour later.
            until(&stage, "2026-11-22T00:02:30Z").await;
            assert_eq!(hear(&stage, &member, &of_pipeline("TagRole", "app")), both());
            tokio::time::sleep(MINUTE).await;
            let shown = suppressed(&daemon);
            assert_eq!((shown.events, shown.suppressions[0].state), (2, SuppressState::Ended));
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        })
        .await;
    });
}

#[test]
fn what_ended_while_nobody_ran_ends_with_the_first_pass_as_soon_as_that_is_settled() {
    in_virtual_time(async {
        let stage = Stage::new(2, 2);
        let member = stage.accounts[1].clone();
        let deed = || event(&stage, &member, "CreateRole", "deploy-web", "app");
        let daemon = stage.daemon(&config(&stage));
        serving(&stage, &daemon, tokio::time::sleep(MINUTE * 10)).await;
        until(&stage, "2026-11-22T06:00:00Z").await;
        // Nobody is there who could make it end.
        assert_eq!(hear(&stage, &member, &deed()), times(&[("loud", 1)]));
        let daemon = stage.daemon(&config(&stage));
        serving(&stage, &daemon, async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let planned = daemon.controller.views(&daemon.controller.keys());
            let mut planned = planned.iter().flat_map(|view| &view.plan.changes);
            assert!(planned.any(|change| change.resource.name == "orgwatch-quiet"), "by the first pass");
            // A rule in force is changed once everything around it has been seen in place for `settle_time`.
            tokio::time::sleep(MINUTE).await;
            assert_eq!(hear(&stage, &member, &deed()), both());
        })
        .await;
    });
}

/// Each event of a pipeline is delivered or counted, second by second, while the suppression comes and while it ends,
/// however long AWS takes and in whatever order it does.
#[test]
fn nothing_is_lost_between_the_rule_that_gives_up_and_the_one_that_counts() {
    let came = |uneven: u64| {
        in_virtual_time(async move {
            let lags = Lags {
                read: SignedDuration::from_secs(10),
                effect: SignedDuration::from_secs(40),
                uneven: Some(uneven),
                ..Lags::default()
            };
            let stage = Stage::lagging(2, uneven, lags);
            let member = stage.accounts[1].clone();
            let deed = || event(&stage, &member, "CreateRole", "deploy-web", "app");
            let before = stage.daemon(&stage.config(&alert("quiet", "")));
            serving(&stage, &before, tokio::time::sleep(MINUTE * 15)).await;
            assert_eq!(hear(&stage, &member, &deed()), times(&[("quiet", 1)]));
            until(&stage, "2026-11-21T23:35:00Z").await;

            let daemon = stage.daemon(&stage.config(&alert("quiet", &suppress(&stage))));
            let (mut unheard, mut heard) = (0_u64, 0_u64);
            let mut one = || match hear(&stage, &member, &deed()).get("quiet") {
                None => unheard += 1,
                Some(1) => heard += 1,
                Some(more) => panic!("it came {more} times"),
            };
            let mut since_start = 0;
            serving(&stage, &daemon, async {
                for _ in 0..600 {
                    one();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                tokio::time::sleep(MINUTE).await;
                since_start = suppressed(&daemon).events;
                until(&stage, "2026-11-21T23:58:00Z").await;
                for _ in 0..600 {
                    one();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                tokio::time::sleep(MINUTE).await;
            })
            .await;
            let counted = suppressed(&daemon).events;
            // Both before and after, some events were delivered and some were not: the switch itself was seen.
            assert!(heard > 10 && unheard > 100, "{heard} heard, {unheard} not");
            assert!(since_start > 0 && counted > since_start, "{since_start}, then {counted}");
            assert!(counted >= unheard, "{unheard} events were not delivered and {counted} were counted");
            // Delivered and counted are those alone that came while two rules were being told apart.
            assert!(counted <= unheard + 300, "{unheard} not delivered, {counted} counted");
        });
    };
    (1..=6).for_each(came);
}

#[test]
fn a_busy_pipeline_is_no_flood_and_all_of_its_events_are_counted() {
    in_virtual_time(async {
        let stage = Stage::new(2, 4);
        let member = stage.accounts[1].clone();
        let daemon = stage.daemon(&stage.config(&alert("quiet", &suppress(&stage))));
        serving(&stage, &daemon, async {
            tokio::time::sleep(MINUTE * 10).await;
            for n in 0..3000 {
                let deed = event(&stage, &member, "CreateRole", "deploy-web", &format!("app-{n}"));
                assert_eq!(hear(&stage, &member, &deed), times(&[]));
                if n % 50 == 0 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            tokio::time::sleep(MINUTE * 2).await;
            let shown = suppressed(&daemon);
            assert_eq!((shown.events, shown.latest.len()), (3000, 10));
            assert_eq!(daemon.snapshot().inbox.flooded_since, None);
        })
        .await;
    });
}

#[test]
fn a_suppression_without_the_guard_is_counted_all_the_same() {
    in_virtual_time(async {
        let stage = Stage::new(2, 5);
        let member = stage.accounts[1].clone();
        let text = stage.config(&(alert("quiet", &suppress(&stage)) + "[guard]\nenabled = false\n"));
        let daemon = stage.daemon(&text);
        serving(&stage, &daemon, async {
            tokio::time::sleep(MINUTE * 10).await;
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
            let deed = event(&stage, &member, "CreateRole", "deploy-web", "app");
            assert_eq!(hear(&stage, &member, &deed), times(&[]));
            tokio::time::sleep(MINUTE).await;
            assert_eq!(suppressed(&daemon).events, 1);
        })
        .await;
    });
}
