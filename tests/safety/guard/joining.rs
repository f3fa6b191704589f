//! A new account is covered within seconds.

use std::time::Duration;

use jiff::SignedDuration;
use orgwatch::model::target::Side;
use orgwatch_sim::service::organizations;

use super::{guarding, target, until_quiet, until_repaired};
use crate::stage::{Stage, in_virtual_time};

/// A new account in which the member role is installed after a while.
async fn joins(stage: &Stage, role_after: Duration) -> String {
    let account = {
        let mut world = stage.simulator.world();
        let id = organizations::join(
            &mut world,
            "new",
            "new@example.com",
            "",
            std::collections::BTreeMap::new(),
            SignedDuration::ZERO,
        );
        if role_after.is_zero() {
            stage.kit.install_member(&mut world, &id);
        }
        id
    };
    if !role_after.is_zero() {
        tokio::time::sleep(role_after).await;
        stage.kit.install_member(&mut stage.simulator.world(), &account);
    }
    account
}

#[test]
fn a_new_account_is_covered_five_seconds_after_it_joined_or_twenty_after_its_role_came() {
    in_virtual_time(async {
        let stage = Stage::new(3, 5);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            for (role_after, within) in [(0, 5), (40, 20)] {
                let account = joins(&stage, Duration::from_secs(role_after)).await;
                let key = target(&stage, Side::Member, &account);
                let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(600)).await;
                println!("joined, the role {role_after} s later: covered {took:?} after the role");
                assert!(took.is_some_and(|took| took <= Duration::from_secs(within)), "{took:?}");
            }
            let measured = daemon.snapshot().latency.join_to_covered_seconds;
            assert!(measured.is_some_and(|seconds| seconds >= 40.0), "{measured:?}");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}
