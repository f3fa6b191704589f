//! Dead letters: what was lost while a path was broken is listed without being touched, and reaches people once, late.

use orgwatch::controller::Purpose;
use orgwatch::controller::letters::Fate;
use orgwatch::letters::Letter;
use orgwatch_sim::call::Service;
use orgwatch_sim::delivery::Received;
use serde_json::json;

use crate::stage::{Daemon, Fuse, PEOPLE, Stage, in_virtual_time};

/// An installed organization in which one account's forwarding role may not send for a while, so that what happens in it
/// meanwhile is lost, and is mended again.
async fn lost_and_mended() -> (Stage, Daemon) {
    let stage = Stage::new(3, 5);
    let config = stage.config("");
    stage.confirming(stage.process(&config, enforcing(), Fuse::none()).apply()).await;
    let member = &stage.accounts[1];
    let policy = json!({ "RoleName": "orgwatch-forwarder", "PolicyName": "orgwatch-forward" });
    stage.make(member, Service::Iam, "DeleteRolePolicy", policy);
    stage.make(member, Service::Iam, "CreateUser", json!({ "UserName": "eve" }));
    let daemon = stage.process(&config, enforcing(), Fuse::none());
    daemon.apply().await;
    stage.simulator.world().outbox.clear();
    (stage, daemon)
}

fn enforcing() -> Purpose {
    Purpose { enforce_all: true, ..Purpose::default() }
}

fn mails(stage: &Stage) -> Vec<Received> {
    let world = stage.simulator.world();
    world.outbox.all().filter(|received| received.endpoint == PEOPLE).cloned().collect()
}

async fn listed(daemon: &Daemon) -> Vec<Letter> {
    let queues = daemon.controller.letters(&daemon.stop).await;
    queues.into_iter().flat_map(|queue| queue.letters.unwrap()).collect()
}

async fn deliver(daemon: &Daemon) -> Vec<Fate> {
    let mut fates = Vec::new();
    for region in daemon.controller.letter_regions() {
        let tell = |_: &Letter, fate: &Fate| fates.push(fate.clone());
        daemon.controller.deliver_letters(&region, 100, |_| true, &daemon.stop, tell).await.unwrap();
    }
    fates
}

#[test]
fn what_was_lost_is_listed_without_being_consumed_and_reaches_people_once() {
    in_virtual_time(async {
        let (stage, daemon) = lost_and_mended().await;
        let letters = listed(&daemon).await;
        assert_eq!(letters, listed(&daemon).await, "a list changes nothing");
        let member = stage.accounts[1].as_str();
        assert!(letters.iter().all(|letter| letter.account.as_ref().unwrap().as_str() == member));
        assert!(letters.iter().all(|letter| letter.error == "NO_PERMISSIONS"), "{letters:?}");
        let created = |text: &str| text.contains("CreateUser") && text.contains(member);
        assert_eq!(letters.iter().filter(|l| created(&l.event.as_ref().unwrap().to_string())).count(), 1);
        assert_eq!(mails(&stage), [], "nobody hears of a list");

        let fates = deliver(&daemon).await;
        assert_eq!(fates, vec![Fate::Delivered(1); letters.len()]);
        let mails = mails(&stage);
        assert_eq!(mails.len(), letters.len());
        let late: Vec<_> = mails.iter().filter(|mail| created(&mail.body)).collect();
        assert_eq!(late.len(), 1);
        assert_eq!(
            late[0].subject.as_deref(),
            Some(format!("Delayed: CreateUser in account {member}").as_str())
        );
        assert!(late[0].body.starts_with("DELAYED."), "{}", late[0].body);

        assert_eq!(listed(&daemon).await, []);
        assert_eq!(deliver(&daemon).await, []);
    });
}

#[test]
fn what_cannot_be_published_stays_and_an_account_that_left_is_named_so() {
    in_virtual_time(async {
        let (stage, daemon) = lost_and_mended().await;
        let before = listed(&daemon).await;
        let central = &stage.kit.central_account;
        let topic = format!("arn:aws:sns:us-east-1:{central}:orgwatch-iam-changes");
        stage.make(central, Service::Sns, "DeleteTopic", json!({ "TopicArn": topic }));
        let fates = deliver(&daemon).await;
        assert!(fates.iter().all(|fate| matches!(fate, Fate::Failed(_))), "{fates:?}");
        let after = listed(&daemon).await;
        assert_eq!(before.len(), after.len(), "no letter is lost");

        let member = stage.accounts[1].clone();
        let input = json!({ "AccountId": member });
        stage.make(&stage.management, Service::Organizations, "RemoveAccountFromOrganization", input);
        let daemon = stage.process(&stage.config(""), Purpose::default(), Fuse::none());
        daemon.controller.discover().await.unwrap();
        let queues = daemon.controller.letters(&daemon.stop).await;
        let overview = daemon.controller.overview(&queues);
        assert!(!overview.summary.groups.is_empty());
        assert!(overview.summary.groups.iter().all(|group| group.departed), "{overview:?}");
    });
}

#[test]
fn the_daemon_shows_them_and_leaves_them_where_they_are() {
    in_virtual_time(async {
        let (stage, daemon) = lost_and_mended().await;
        let letters = listed(&daemon).await.len();
        let served = stage.daemon(&stage.config(""));
        served.serve_for(std::time::Duration::from_secs(20 * 60)).await;
        let shown = served.snapshot().dead_letters.expect("they were looked through");
        assert_eq!((shown.summary.letters, shown.unreadable.len()), (letters, 0));
        assert_eq!(listed(&daemon).await.len(), letters);
        assert_eq!(mails(&stage), []);
    });
}
