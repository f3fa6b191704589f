//! What an audit takes; printed, not judged.

use orgwatch::compliance::standards;
use orgwatch_sim::call::Service::CloudTrail;
use serde_json::json;

use super::{TRAIL, comply, log_to, look, make_group, own_trail, topic};
use crate::stage::{Stage, in_virtual_time};

/// What it takes to audit an organization of `size` accounts, printed: calls, time of this machine, memory of this process,
/// which holds the simulated organization as well.
#[expect(clippy::print_stdout, reason = "a measurement that is to be read")]
fn measured(size: usize, own_trails: bool) {
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default() / 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    };
    in_virtual_time(async {
        let stage = Stage::new(size, 1);
        let auditors = topic(&stage, "auditors", true);
        let central = stage.accounts[0].clone();
        make_group(&stage, &central);
        comply(&stage, &central, "cis-1.4", &auditors);
        log_to(&stage, &central);
        if own_trails {
            stage.make(&stage.management, CloudTrail, "DeleteTrail", json!({ "Name": TRAIL }));
            for account in &stage.accounts[1..] {
                own_trail(&stage, account, &auditors, |_| ());
            }
        }
        let (built, _) = memory();
        let began = std::time::Instant::now();
        let daemon = look(&stage, &stage.config("")).await;
        let looked = began.elapsed();
        let before = stage.calls();
        let evidence = daemon.controller.evidence(&daemon.stop, &mut |_| ()).await;
        let gathered = began.elapsed();
        let calls = stage.calls() - before;
        let standard = standards::by_id("cis-1.4").unwrap();
        let report = daemon.controller.audit(standard, &evidence, &daemon.snapshot());
        let judged = began.elapsed();
        let text = serde_json::to_string(&report).unwrap();
        let (_, peak) = memory();
        println!(
            "{size} accounts, own trails: {own_trails}: passes {looked:.1?}, evidence {:.1?} in {calls} calls, judged in \
             {:.1?}; report {} KiB, {:?}; {built} MiB with the organization, at most {peak} MiB",
            gathered.checked_sub(looked).unwrap(),
            judged.checked_sub(gathered).unwrap(),
            text.len() / 1024,
            report.counts,
        );
    });
}

#[test]
#[ignore = "measures 5,000 accounts, which takes minutes; `.ci/deep properties` runs it"]
fn an_audit_of_five_thousand_accounts_is_measured() {
    measured(5_000, false);
}

#[test]
#[ignore = "measures 5,000 accounts, which takes minutes; `.ci/deep properties` runs it"]
fn an_audit_of_five_thousand_accounts_with_trails_of_their_own_is_measured() {
    measured(5_000, true);
}
