//! The plain case: a first installation, by `apply` and by `serve`, with exactly the rights that `deploy/` gives.

use std::time::Duration;

use orgwatch_sim::partition::PARTITIONS;

use crate::converges::assert_everybody_is_heard;
use crate::stage::{Stage, in_virtual_time};

#[test]
fn apply_covers_an_empty_organization_and_a_second_apply_writes_nothing() {
    in_virtual_time(async {
        let stage = Stage::new(4, 1);
        let config = stage.config("");
        let failed: Vec<_> = stage
            .daemon(&config)
            .apply()
            .await
            .into_iter()
            .flat_map(|pass| pass.written)
            .filter_map(|written| written.outcome.err())
            .collect();
        assert!(failed.is_empty(), "{failed:#?}");
        stage.confirm_subscriptions();
        assert_everybody_is_heard(&stage);
        let calls = stage.calls();
        let second = stage.daemon(&config);
        second.apply().await;
        assert_eq!(stage.writes_since(calls), Vec::<String>::new());
        assert_eq!(second.out_of_sync(), Vec::<String>::new());
    });
}

#[test]
fn serve_covers_an_empty_organization() {
    in_virtual_time(async {
        let stage = Stage::new(4, 1);
        let daemon = stage.daemon(&stage.config(""));
        daemon.serve_for(Duration::from_secs(600)).await;
        stage.confirm_subscriptions();
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        assert_everybody_is_heard(&stage);
    });
}

#[test]
fn every_partition_is_covered() {
    for partition in PARTITIONS {
        in_virtual_time(async {
            let stage = Stage::in_partition(3, partition);
            let daemon = stage.daemon(&stage.config(""));
            daemon.serve_for(Duration::from_secs(600)).await;
            stage.confirm_subscriptions();
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new(), "{}", partition.name);
            assert_everybody_is_heard(&stage);
        });
    }
}

#[test]
fn apply_ends_although_a_role_that_somebody_else_keeps_is_not_there() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        // In the management account the role is the template's, which made it under another name.
        let config = stage.config("[member]\nforwarding_role_name = 'orgwatch-forwarder-2'\n");
        stage.ends(stage.confirming(stage.daemon(&config).apply())).await;
    });
}
