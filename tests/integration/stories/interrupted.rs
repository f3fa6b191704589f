//! Ended in the middle: the next run goes on from what AWS has, and arrives where an undisturbed one does.

use std::time::Duration;

use serde_json::Value;

use super::scene::{SOON, Scene, until_covered};
use crate::{
    proxy::{Fault, Then},
    wait::eventually,
};

/// A write that comes after so many others never gets through; it waits until its sender is killed.
const FOR_EVER: Then = Then::Delay(Duration::from_secs(3600));

/// What is installed, without what differs between two equal installations: times, and ids that AWS makes up.
fn installed(scene: &Scene) -> Value {
    let mut read = scene.read_back();
    forget_made_up(&mut read);
    read
}

fn forget_made_up(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["CreatedTimestamp", "LastModifiedTimestamp", "SubscriptionArn", "arn"] {
                // A subscription's ARN; those of all other things are made of names.
                if fields
                    .get(name)
                    .is_some_and(|arn| name != "arn" || fields.contains_key("protocol") && arn.is_string())
                {
                    fields.remove(name);
                }
            }
            fields.values_mut().for_each(forget_made_up);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_made_up),
        _ => {}
    }
}

/// An organization in which everything was installed without a disturbance and taken away again, and what was there.
fn undisturbed() -> (Scene, Value) {
    let scene = Scene::installed(6);
    let expected = installed(&scene);
    scene.orgwatch(&scene.config()).run(&["teardown", "--yes", "--delete-data"]).expect_code(0);
    assert_ne!(installed(&scene), expected, "a teardown leaves something to do");
    scene.proxy.clear();
    (scene, expected)
}

#[test]
fn an_apply_that_is_killed_again_and_again_still_arrives() {
    let (scene, expected) = undisturbed();
    let orgwatch = scene.orgwatch(&scene.config());
    let mut kills = 0;
    loop {
        // The central side is made one call after the other.
        let writes = if kills < 9 { 1 } else { 3 };
        let fault = scene.proxy.fault(Fault::on_writes(FOR_EVER).after(writes));
        let mut apply = orgwatch.start(&["apply", "--yes"]);
        let killed = eventually("it writes or ends", SOON, || match apply.ended() {
            Some(status) => Some(Err(status)),
            None => (scene.proxy.met(fault) > 0).then_some(Ok(())),
        });
        scene.proxy.heal(fault);
        if let Err(status) = killed {
            assert!(status.success(), "{status}: {}", apply.log());
            break;
        }
        apply.kill();
        kills += 1;
        assert!(kills < 20, "each run must bring it further");
    }
    println!("killed {kills} times");
    assert!(kills >= 10, "there was something to interrupt");
    assert_eq!(installed(&scene), expected);
    orgwatch.run(&["plan", "--detailed-exitcode"]).expect_code(0);
}

#[test]
fn a_daemon_that_is_killed_again_and_again_still_arrives() {
    let (scene, expected) = undisturbed();
    let orgwatch = scene.orgwatch(&scene.config());
    for writes in [2, 5, 7] {
        let fault = scene.proxy.fault(Fault::on_writes(FOR_EVER).after(writes));
        let daemon = orgwatch.serve();
        eventually("it writes", SOON, || (scene.proxy.met(fault) > 0).then_some(()));
        daemon.kill();
        scene.proxy.heal(fault);
    }
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);
    daemon.stop();
    assert_eq!(installed(&scene), expected);
}

#[test]
fn two_who_apply_at_once_do_each_other_no_harm() {
    let (scene, expected) = undisturbed();
    let (one, other) = (scene.orgwatch(&scene.config()), scene.orgwatch(&scene.config()));
    let running = [one.start(&["apply", "--yes"]), other.start(&["apply", "--yes"])];
    let codes = running.map(|process| process.finish("apply ends").code);
    assert_eq!(codes, [0, 0], "each sees in the end that everything is in place");
    assert_eq!(installed(&scene), expected);
    one.run(&["plan", "--detailed-exitcode"]).expect_code(0);
}

#[test]
fn an_answer_that_is_lost_makes_nothing_twice() {
    let (scene, expected) = undisturbed();
    // Once: the SDK asks again by itself. Three times: it gives up, and the next run goes on.
    for operation in
        ["CreateEventBus", "PutPermission", "CreateTopic", "Subscribe", "CreateRole", "PutRule", "PutTargets"]
    {
        scene.proxy.fault(Fault::on("*", operation, Then::LoseAnswer).times(1));
    }
    scene.apply().expect_code(0);
    assert_eq!(installed(&scene), expected);
}

#[test]
fn an_answer_that_is_lost_for_good_is_a_failure_that_the_next_run_mends() {
    let (scene, expected) = undisturbed();
    // As often as the SDK asks.
    let lose = |operation| scene.proxy.fault(Fault::on("*", operation, Then::LoseAnswer).times(3));
    let lost =
        ["CreateEventBus", "CreateTopic", "Subscribe", "CreateRole", "PutRule", "PutTargets"].map(lose);
    scene.apply().expect_code(1);
    let again = (1..10).find(|_| scene.apply().code == 0);
    println!("whole after {again:?} more runs");
    assert!(lost.iter().all(|fault| scene.proxy.heal(*fault) == 3), "every answer was lost");
    assert_eq!(installed(&scene), expected);
}
