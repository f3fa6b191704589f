//! An account is proven where a canary came lately and each of its alerts came to somebody not long ago; and no longer.

use std::collections::BTreeMap;
use std::time::Duration;

use orgwatch::controller::Purpose;
use orgwatch::model::view::Coverage;
use orgwatch_sim::call::Service;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{Daemon, Fuse, PEOPLE, Stage, in_virtual_time};

const HOUR: Duration = Duration::from_secs(3_600);
/// Two alerts, the second for one account alone.
fn config(stage: &Stage) -> String {
    let people = format!("subscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]");
    let one = &stage.accounts[2];
    stage.config(&format!(
        "[canary]\ninterval = '1h'\n[drill]\nschedule = 'on-request'\nmax_age = '1d'\n\
         [[alert]]\nname = 'iam-changes'\n{people}\n\
         [[alert]]\nname = 'second'\naccounts = ['{one}']\n{people}\n"
    ))
}

fn coverage(daemon: &Daemon) -> BTreeMap<String, Coverage> {
    let accounts = daemon.snapshot().accounts;
    accounts.values().map(|account| (account.id.to_string(), account.coverage)).collect()
}

async fn drill(daemon: &Daemon, alert: &str) {
    daemon.controller.drill(alert, &CancellationToken::new()).await.expect("somebody is there");
    // Until CloudWatch was read.
    tokio::time::sleep(HOUR / 6).await;
}

#[test]
fn an_account_is_proven_by_canaries_and_deliveries_of_each_of_its_alerts_until_one_of_them_is_too_old() {
    in_virtual_time(async {
        let stage = Stage::new(3, 43);
        let config = config(&stage);
        let enforcing = Purpose { enforce_all: true, ..Purpose::default() };
        stage.confirming(stage.process(&config, enforcing, Fuse::none()).apply()).await;
        // What the installation itself delivered proves nothing here.
        tokio::time::sleep(26 * HOUR).await;
        let daemon = stage.daemon(&config);
        let around = async {
            tokio::time::sleep(HOUR / 2).await;
            let configured = coverage(&daemon);
            assert!(configured.values().all(|coverage| *coverage == Coverage::Configured), "{configured:?}");
            drill(&daemon, "iam-changes").await;
            let (one, half) = (stage.accounts[2].clone(), coverage(&daemon));
            for (account, coverage) in &half {
                let expected = if *account == one { Coverage::Configured } else { Coverage::Proven };
                assert_eq!(*coverage, expected, "{account}");
            }
            // A real event does as well as a drill.
            stage.make(&one, Service::Iam, "CreateUser", json!({ "UserName": "mallory" }));
            tokio::time::sleep(HOUR / 6).await;
            let proven = coverage(&daemon);
            assert!(proven.values().all(|coverage| *coverage == Coverage::Proven), "{proven:?}");
            assert_eq!(daemon.snapshot().coverage_counts().proven, proven.len());

            // A rule that takes no canaries any more, though nothing that is looked at tells so before the pass.
            let other = stage.accounts[1].clone();
            stage.make(&other, Service::Events, "DisableRule", json!({ "Name": "orgwatch-iam-changes" }));
            tokio::time::sleep(HOUR).await;
            assert_eq!(coverage(&daemon)[&other], Coverage::Proven, "it is repaired");

            tokio::time::sleep(21 * HOUR).await;
            let still = coverage(&daemon);
            assert!(still.values().all(|coverage| *coverage == Coverage::Proven), "{still:?}");
            tokio::time::sleep(3 * HOUR).await;
            let old = coverage(&daemon);
            assert!(old.values().all(|coverage| *coverage == Coverage::Configured), "{old:?}");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
        // The next process reads the deliveries of the past.
        drill_again(&stage, &config).await;
    });
}

/// A drill by a process of its own, as the command sends it, is known to a daemon that starts hours later.
async fn drill_again(stage: &Stage, config: &str) {
    let command = stage.daemon(config);
    command.apply().await;
    for alert in ["iam-changes", "second"] {
        command.controller.drill(alert, &CancellationToken::new()).await.expect("somebody is there");
    }
    tokio::time::sleep(8 * HOUR).await;
    let daemon = stage.daemon(config);
    daemon.serve_for(HOUR / 2).await;
    let proven = coverage(&daemon);
    assert!(proven.values().all(|coverage| *coverage == Coverage::Proven), "{proven:?}");
}
