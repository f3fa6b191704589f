use super::*;
use crate::world::fixture::{self, at};

const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

fn figure(count: Count) -> Figure {
    Figure { whose: Whose::Alert("a".to_owned()), count, namespace: "", dimensions: Vec::new() }
}

/// What is said at a moment after these figures of alert `a`, each with the second at which its period began.
fn said_at(now: i64, repaired: Option<i64>, read: &[(Count, i64, f64)]) -> Said {
    let mut deliveries = Deliveries::default();
    let read = read.iter().map(|(count, began, sum)| (figure(*count), vec![(at(*began), *sum)]));
    deliveries.learn(read, PERIOD, at(now));
    deliveries.of("a", at(now), MAX_AGE, repaired.map(at))
}

fn said(read: &[(Count, i64, f64)]) -> Said {
    said_at(1_000, None, read)
}

use Count::{Delivered, Failed, Invocations, NotDelivered};

#[test]
fn an_event_that_came_through_rule_and_topic_is_a_delivery() {
    assert_eq!(said(&[]), Said::Nothing);
    assert_eq!(said(&[(Invocations, 300, 1.0), (Delivered, 300, 2.0)]), Said::Delivered);
    // The message left the topic a moment after the period was over.
    assert_eq!(said(&[(Invocations, 300, 1.0), (Delivered, 600, 1.0)]), Said::Delivered);
    // Somebody published to the topic, or the topic has no subscriber that wants it.
    assert_eq!(said(&[(Delivered, 300, 1.0)]), Said::Nothing);
    assert_eq!(said(&[(Invocations, 300, 1.0)]), Said::Nothing);
    assert_eq!(said(&[(Invocations, 600, 1.0), (Delivered, 300, 1.0)]), Said::Nothing);
}

#[test]
fn what_fails_after_the_latest_delivery_is_failing_until_the_next_one() {
    let failed = [(Invocations, 300, 2.0), (Failed, 300, 2.0)];
    assert_eq!(said(&failed), Said::Failing(at(300)));
    let before = [(Invocations, 0, 1.0), (Delivered, 0, 1.0)];
    assert_eq!(said(&[&before[..], &failed].concat()), Said::Failing(at(300)));
    let after = [(Invocations, 600, 1.0), (Delivered, 600, 1.0)];
    assert_eq!(said(&[&failed[..], &after].concat()), Said::Delivered);
    // One of several got through.
    let some = [(Invocations, 300, 3.0), (Failed, 300, 2.0), (Delivered, 300, 1.0)];
    assert_eq!(said(&some), Said::Delivered);
    let nobody = [(Invocations, 300, 1.0), (NotDelivered, 300, 1.0)];
    assert_eq!(said(&nobody), Said::NotDelivered(at(300)));
    assert_eq!(said(&[&nobody[..], &after].concat()), Said::Delivered);
    // One of two subscribers got it.
    let one = [(Invocations, 300, 1.0), (NotDelivered, 300, 1.0), (Delivered, 300, 1.0)];
    assert_eq!(said(&one), Said::Delivered);
}

#[test]
fn what_failed_before_we_repaired_something_is_not_held_against_it() {
    let failed = [(Invocations, 300, 2.0), (Failed, 300, 2.0)];
    assert_eq!(said_at(1_000, Some(450), &failed), Said::Nothing);
    assert_eq!(said_at(1_000, Some(299), &failed), Said::Failing(at(300)));
}

#[test]
fn a_delivery_counts_for_so_long_and_is_remembered_over_later_looks() {
    let mut deliveries = Deliveries::default();
    let hour = |count| (figure(count), vec![(at(0), 1.0)]);
    deliveries.learn([hour(Invocations), hour(Delivered)], LONG_PERIOD, at(7_200));
    deliveries.learn([(figure(Invocations), Vec::new())], PERIOD, at(7_500));
    let of = |second| deliveries.of("a", at(second), MAX_AGE, None);
    assert_eq!(of(86_399), Said::Delivered);
    assert_eq!(of(86_400), Said::Nothing);
    let view = &deliveries.view()[0];
    assert_eq!((view.last_delivered_at, view.observed_at), (Some(at(0)), at(7_500)));
    assert_eq!(view.last_hour, DeliveryCounts::default());
    // An alert that is no longer asked for is forgotten.
    let other = Figure { whose: Whose::Alert("b".to_owned()), ..figure(Invocations) };
    deliveries.learn([(other, Vec::new())], PERIOD, at(7_800));
    assert_eq!(deliveries.of("a", at(7_800), MAX_AGE, None), Said::Nothing);
}

#[test]
fn periods_that_overlap_are_counted_once_and_rules_of_an_alert_together() {
    let mut deliveries = Deliveries::default();
    for now in [600, 900] {
        let two = [(figure(Invocations), vec![(at(300), 2.0)]), (figure(Invocations), vec![(at(300), 3.0)])];
        deliveries.learn(two, PERIOD, at(now));
    }
    assert_eq!(deliveries.view()[0].last_hour.invocations, 5);
    deliveries.learn([(figure(Invocations), Vec::new())], PERIOD, at(3_901));
    assert_eq!(deliveries.view()[0].last_hour.invocations, 0);
}

#[test]
fn each_rule_and_each_topic_of_ours_is_asked_for_by_all_its_dimensions() {
    let theirs =
        "[[alert]]\nname = 'a'\ntopic = 'arn:aws:sns:us-east-1:222222222222:theirs'\n[[alert]]\nname = 'b'\n";
    let world = fixture::world(&fixture::settings(theirs));
    let figures = figures(&world);
    let told = |figure: &Figure| {
        let dimensions: Vec<String> = figure.dimensions.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let whose = match &figure.whose {
            Whose::Alert(alert) => alert,
            Whose::Inbox => "the inbox",
        };
        format!("{whose} {} {} {}", figure.namespace, figure.count.metric(), dimensions.join(","))
    };
    let told: Vec<String> = figures.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "a AWS/Events Invocations EventBusName=orgwatch,RuleName=orgwatch-a",
            "a AWS/Events FailedInvocations EventBusName=orgwatch,RuleName=orgwatch-a",
            "a AWS/Events InvocationsSentToDlq EventBusName=orgwatch,RuleName=orgwatch-a",
            "a AWS/Events InvocationsFailedToBeSentToDlq EventBusName=orgwatch,RuleName=orgwatch-a",
            "a AWS/SNS NumberOfNotificationsDelivered TopicName=theirs",
            "a AWS/SNS NumberOfNotificationsFailed TopicName=theirs",
            "b AWS/Events Invocations EventBusName=orgwatch,RuleName=orgwatch-b",
            "b AWS/Events FailedInvocations EventBusName=orgwatch,RuleName=orgwatch-b",
            "b AWS/Events InvocationsSentToDlq EventBusName=orgwatch,RuleName=orgwatch-b",
            "b AWS/Events InvocationsFailedToBeSentToDlq EventBusName=orgwatch,RuleName=orgwatch-b",
            "b AWS/SNS NumberOfNotificationsDelivered TopicName=orgwatch-b",
            "b AWS/SNS NumberOfNotificationsFailed TopicName=orgwatch-b",
        ]
    );
}

#[test]
fn the_rules_that_feed_the_inbox_are_asked_for_where_they_are() {
    let text = "[guard]\nenabled = true\n[canary]\ninterval = '1h'\n[notify]\nalert = 'orgwatch-health'\n";
    let world = fixture::world(&fixture::settings(text));
    let figures = figures(&world);
    let of_inbox = figures.iter().filter(|figure| figure.whose == Whose::Inbox);
    let failed =
        of_inbox.filter(|figure| figure.count == Failed).map(|figure| figure.dimensions[1].1.as_str());
    assert_eq!(failed.collect::<Vec<_>>(), ["orgwatch-wake", "orgwatch-heartbeat", "orgwatch-canary"]);
}

#[test]
fn an_inbox_that_gets_nothing_is_told_until_something_comes_or_we_repaired_it() {
    let fails = |read: &[(Count, i64, f64)], repaired: Option<i64>| {
        let mut deliveries = Deliveries::default();
        let of_inbox = |count| Figure { whose: Whose::Inbox, ..figure(count) };
        let read = read.iter().map(|(count, began, sum)| (of_inbox(*count), vec![(at(*began), *sum)]));
        deliveries.learn(read, PERIOD, at(1_000));
        assert!(deliveries.view().is_empty(), "the inbox is no alert");
        deliveries.inbox_fails(repaired.map(at))
    };
    let failed = [(Invocations, 300, 5.0), (Failed, 300, 5.0)];
    assert_eq!(fails(&[], None), None);
    assert_eq!(fails(&failed, None), Some(at(300)));
    assert_eq!(fails(&failed, Some(400)), None);
    assert_eq!(fails(&[(Invocations, 300, 5.0), (Failed, 300, 4.0)], None), None);
    assert_eq!(fails(&[&failed[..], &[(Invocations, 600, 1.0)]].concat(), None), None);
}
