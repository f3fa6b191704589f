//! What event rules meet, and what they do not.

use super::*;

#[test]
fn each_gap_of_the_event_rule_is_found_where_no_alarm_is_there_instead() {
    let member = member_id(1);
    let of = |coverage, reason| {
        move |view: &mut AccountView| {
            view.coverage = coverage;
            view.coverage_reason = reason;
            "what is wrong".clone_into(&mut view.coverage_message);
        }
    };
    for (change, status, reason) in [
        (of(Coverage::Broken, "SenderRuleDrifted"), Status::Unmet, "SenderRuleDrifted"),
        (of(Coverage::Pending, "SubscriptionPending"), Status::Unmet, "SubscriptionPending"),
        (of(Coverage::Uncovered, "NoManagementRole"), Status::Unmet, "NoManagementRole"),
        (of(Coverage::Unknown, "Denied"), Status::Unknown, "Denied"),
    ] {
        let mut world = World::new();
        world.filters().clear();
        world.change(&member, change);
        let report = world.audit("cis-6.0");
        let expected =
            themes::all().iter().map(|t| (t.id.clone(), member.to_string(), status, reason.to_owned()));
        assert_eq!(gaps(&report), expected.collect(), "{reason}");
        let remarks = &finding(&report, "cis-4.4", &member).remarks;
        assert!(remarks.iter().any(|remark| remark.contains("has no metric filter")), "{remarks:?}");
        // What is asked to be a filter and alarm is not met anywhere, whatever the rules do.
        assert_eq!(world.audit("cis-1.4").counts.met, 0);
    }
}

#[test]
fn coverage_that_is_configured_meets_what_is_to_be_monitored_with_a_remark() {
    let mut world = World::new();
    world.filters().clear();
    world.change(&member_id(1), |view| view.coverage = Coverage::Configured);
    let report = world.audit("cis-3.0");
    assert_eq!(gaps(&report), BTreeSet::new());
    let remarks = |account: AccountId| finding(&report, "cis-4.4", &account).remarks.clone();
    assert!(remarks(member_id(1))[0].contains("not proven"), "{:?}", remarks(member_id(1)));
    assert_eq!(remarks(member_id(2)), Vec::<String>::new());
}

#[test]
fn an_event_rule_alone_does_not_meet_what_is_to_be_a_filter_and_an_alarm_and_that_is_said() {
    let mut world = World::new();
    world.filters().clear();
    for standard in ["cis-1.4", "security-hub", "cwl-010"] {
        let report = world.audit(standard);
        assert_eq!(report.counts.met, 0, "{standard}");
        let found = finding(&report, "cis-4.4", &member_id(1));
        assert_eq!((found.status, found.by), (Status::Unmet, None));
        assert!(
            found.remarks.iter().any(|remark| remark.contains("event rule alone")),
            "{:?}",
            found.remarks
        );
    }
}

#[test]
fn a_theme_that_no_watch_is_for_is_not_monitored() {
    let mut world = World::new();
    world.filters().clear();
    world.settings = settings("");
    for (control, _, finding) in world.audit("cis-6.0").rows() {
        assert_eq!((finding.status, finding.reason.as_str()), (Status::Unmet, "NotWatched"));
        let advice = finding.advice.as_deref().unwrap_or_default();
        // The default watch would be for one of them, and this account does not have it.
        let widen = control.theme == "cis-4.4";
        assert!(if widen { advice.contains("widen") } else { advice.contains(&control.theme) }, "{advice}");
    }
}

#[test]
fn a_watch_that_is_not_in_every_region_or_leaves_out_reads_is_not_enough() {
    let mut world = World::new();
    world.filters().clear();
    for account in world.evidence.accounts.values_mut() {
        let mut watched = Watched::clone(&account.watched);
        watched.enabled = Some(["us-east-1", "eu-west-1"].map(|code| code.parse().unwrap()).into());
        account.watched = Arc::new(watched);
    }
    let report = world.audit("cis-6.0");
    let found: BTreeMap<&str, &str> =
        report.controls.iter().map(|c| (c.theme.as_str(), c.findings[0].reason.as_str())).collect();
    assert_eq!(found["cis-4.10"], "NotInEveryRegion");
    // IAM's events and those of Organizations are in one Region.
    assert_eq!((found["cis-4.4"], found["cis-4.15"]), ("InPlace", "InPlace"));
    for account in world.evidence.accounts.values_mut() {
        account.watched = Arc::new(Watched { enabled: None, ..Watched::clone(&account.watched) });
    }
    let report = world.audit("cis-6.0");
    assert_eq!(finding(&report, "cis-4.10", &member_id(1)).reason, "RegionsUnknown");
    assert_eq!(finding(&report, "cis-4.10", &member_id(1)).status, Status::Unknown);

    let mut world = World::new();
    world.filters().clear();
    world.settings = settings("[[watch]]\nname='w1'\npreset='cis-4.1'\n");
    assert_eq!(finding(&world.audit("cis-6.0"), "cis-4.1", &member_id(1)).reason, "ReadsNotForwarded");
}
