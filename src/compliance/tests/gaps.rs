//! One thing missing between trail and people, and what is said of it.

use super::*;

type Gap = (&'static str, fn(&mut World), Status, &'static str, &'static [&'static str]);

/// What may be missing between trail and people: of a theme in all accounts, or of everything in one of them.
const GAPS: [Gap; 20] = [
    ("no trail", |w| w.trails(&member_id(1), Vec::clear), Status::Unmet, "NoTrail", &[]),
    (
        "one Region",
        |w| w.trails(&member_id(1), |t| t[0].trail.multi_region = false),
        Status::Unmet,
        "NoMultiRegionTrail",
        &[],
    ),
    (
        "stopped",
        |w| w.trails(&member_id(1), |t| t[0].logging = Some(Ok(false))),
        Status::Unmet,
        "TrailStopped",
        &[],
    ),
    (
        "no log group",
        |w| w.trails(&member_id(1), |t| t[0].trail.log_group = None),
        Status::Unmet,
        "NoLogGroup",
        &[],
    ),
    (
        "writes alone",
        |w| {
            w.trails(&member_id(1), |t| {
                let writes =
                    Basic { reads: false, writes: true, management: true, excluded: BTreeSet::new() };
                t[0].selectors = Some(Ok(Selectors::Basic(vec![writes])));
            });
        },
        Status::Unmet,
        "TrailLacksEvents",
        &[],
    ),
    (
        "trails denied",
        |w| {
            let seen = w.evidence.accounts.get_mut(&member_id(1)).unwrap();
            seen.trails = Err(Unseen::of(&error(ErrorClass::Denied)));
        },
        Status::Unknown,
        "TrailsUnreadable",
        &[],
    ),
    (
        "status denied",
        |w| w.trails(&member_id(1), |t| t[0].logging = Some(Err(error(ErrorClass::Denied)))),
        Status::Unknown,
        "TrailUnreadable",
        &[],
    ),
    (
        "group gone",
        |w| drop(w.evidence.groups.insert(GROUP.to_owned(), Seen::Missing)),
        Status::Unmet,
        "LogGroupMissing",
        &["*"],
    ),
    (
        "group out of reach",
        |w| {
            drop(
                w.evidence.groups.insert(GROUP.to_owned(), Seen::Unseen(Unseen::new("far away", "go there"))),
            )
        },
        Status::Unknown,
        "LogGroupUnreadable",
        &["*"],
    ),
    (
        "no filter",
        |w| w.filters().retain(|f| f.name != "cis-4.4-filter"),
        Status::Unmet,
        "NoMetricFilter",
        &["cis-4.4"],
    ),
    (
        "wrong pattern",
        |w| {
            let pattern =
                themes::by_id("cis-4.4").unwrap().pattern().replace("($.eventName = CreatePolicy) || ", "");
            w.of_theme("cis-4.4").normal = Arc::new(Normal::of(&pattern));
        },
        Status::Unmet,
        "PatternDiffers",
        &["cis-4.4"],
    ),
    (
        "no alarm",
        |w| w.of_theme("cis-4.4").alarms = Seen::There(Vec::new()),
        Status::Unmet,
        "NoAlarm",
        &["cis-4.4"],
    ),
    (
        "alarms denied",
        |w| w.of_theme("cis-4.4").alarms = Seen::Unseen(Unseen::of(&error(ErrorClass::Denied))),
        Status::Unknown,
        "AlarmsUnreadable",
        &["cis-4.4"],
    ),
    (
        "disabled",
        |w| w.alarm_of("cis-4.4").actions_enabled = false,
        Status::Unmet,
        "AlarmDisabled",
        &["cis-4.4"],
    ),
    (
        "no actions",
        |w| w.alarm_of("cis-4.4").alarm_actions.clear(),
        Status::Unmet,
        "AlarmWithoutActions",
        &["cis-4.4"],
    ),
    ("threshold", |w| w.alarm_of("cis-4.4").threshold = 5.0, Status::Unmet, "AlarmInsensitive", &["cis-4.4"]),
    (
        "no topic",
        |w| w.alarm_of("cis-4.4").alarm_actions = vec!["arn:aws:lambda:us-east-1:1:function:f".to_owned()],
        Status::Unmet,
        "NoTopic",
        &["cis-4.4"],
    ),
    (
        "topic gone",
        |w| drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::Missing)),
        Status::Unmet,
        "TopicMissing",
        &["*"],
    ),
    (
        "nobody subscribed",
        |w| drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::There(Subscriptions::default()))),
        Status::Unmet,
        "NoConfirmedSubscription",
        &["*"],
    ),
    (
        "not confirmed",
        |w| {
            let pending = Subscriptions { confirmed: 0, pending: 2 };
            drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::There(pending)));
        },
        Status::Unmet,
        "SubscriptionPending",
        &["*"],
    ),
];

#[test]
fn each_gap_between_trail_and_people_is_found_and_nothing_else() {
    for (what, open, status, reason, themes) in GAPS {
        let mut world = World::new();
        open(&mut world);
        for standard in ["cis-1.4", "security-hub"] {
            let report = world.audit(standard);
            let all: Vec<&str> =
                standards::by_id(standard).unwrap().controls().map(|(_, t)| t.id.as_str()).collect();
            let accounts: Vec<String> = match themes {
                [] => vec![member_id(1).to_string()],
                _ => report.accounts.keys().map(ToString::to_string).collect(),
            };
            let themes = if matches!(themes, [] | ["*"]) { all } else { themes.to_vec() };
            let expected: BTreeSet<_> = themes
                .iter()
                .flat_map(|theme| {
                    accounts.iter().map(|id| ((*theme).to_owned(), id.clone(), status, reason.to_owned()))
                })
                .collect();
            assert_eq!(gaps(&report), expected, "{what}, {standard}");
            for (control, _, finding) in report.rows().filter(|(_, _, f)| f.status != Status::Met) {
                let advice = finding.advice.as_deref().unwrap_or_default();
                // What AWS answered has advice of its own.
                assert!(!advice.is_empty() || status == Status::Unknown, "{what}: {}", control.control);
                assert!(!finding.message.is_empty());
            }
        }
        // The event rule stands, so that what only asks for monitoring is met.
        assert_eq!(gaps(&world.audit("cis-5.0")), BTreeSet::new(), "{what}");
    }
}

#[test]
fn of_a_filter_that_comes_near_it_is_said_what_it_lacks_and_one_of_another_theme_does_not_come_near() {
    let mut world = World::new();
    let wrong = Normal::of("{ $.eventName = StopLogging || $.eventName = Sleep }");
    world.of_theme("cis-4.5").normal = Arc::new(wrong);
    world.filters().retain(|filter| filter.name != "cis-4.6-filter");
    let report = world.audit("cis-1.4");
    let told = |theme: &str| finding(&report, theme, &member_id(1)).clone();
    let near = told("cis-4.5");
    assert_eq!(near.reason, "PatternDiffers");
    assert!(
        near.message.contains("lacks $.eventName = CreateTrail")
            && near.message.contains("has $.eventName = Sleep"),
        "{}",
        near.message
    );
    // That of sign-ins without MFA is about sign-ins too.
    assert_eq!(told("cis-4.6").reason, "NoMetricFilter");
}

#[test]
fn one_good_trail_filter_alarm_or_topic_among_bad_ones_is_enough() {
    let mut world = World::new();
    world.trails(&member_id(1), |trails| {
        let mut stopped = trails[0].clone();
        stopped.logging = Some(Ok(false));
        trails.insert(0, stopped);
    });
    let theme = themes::by_id("cis-4.4").unwrap();
    let mut bad = filter(theme, theme.pattern());
    bad.alarms = Seen::There(Vec::new());
    world.filters().insert(0, bad);
    let Seen::There(alarms) = &mut world.of_theme("cis-4.5").alarms else { panic!() };
    let mut quiet = alarms[0].clone();
    quiet.alarm.actions_enabled = false;
    alarms.insert(0, quiet);
    world.alarm_of("cis-4.6").alarm_actions.insert(0, "arn:aws:sns:us-east-1:222222222222:gone".to_owned());
    assert_eq!(gaps(&world.audit("cis-1.4")), BTreeSet::new());
}

#[test]
fn what_could_not_be_seen_outweighs_what_is_known_to_be_missing_and_is_never_met() {
    let mut world = World::new();
    let theme = themes::by_id("cis-4.4").unwrap();
    let mut unseen = filter(theme, theme.pattern());
    unseen.alarms = Seen::Unseen(Unseen::new("denied", "grant it"));
    world.of_theme("cis-4.4").alarms = Seen::There(Vec::new());
    world.filters().push(unseen);
    assert_eq!(finding(&world.audit("cis-1.4"), "cis-4.4", &member_id(1)).status, Status::Unknown);
}

#[test]
fn an_alarm_goes_off_at_one_event_or_is_no_alarm() {
    let heard = |change: fn(&mut MetricAlarm), default: Option<f64>| {
        let mut world = World::new();
        change(world.alarm_of("cis-4.4"));
        world.of_theme("cis-4.4").filter.default_value = default;
        finding(&world.audit("cwl-010"), "cis-4.4", &member_id(1)).status == Status::Met
    };
    assert!(heard(|_| (), Some(0.0)));
    assert!(heard(|a| "Average".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| "Average".clone_into(&mut a.statistic), Some(0.0)));
    assert!(heard(|a| "SampleCount".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| "p99".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| a.statistic.clear(), None));
    assert!(!heard(|a| "GreaterThanThreshold".clone_into(&mut a.comparison), None));
    assert!(!heard(|a| "LessThanThreshold".clone_into(&mut a.comparison), None));
    assert!(!heard(|a| a.datapoints = 2, None));
    assert!(heard(|a| a.threshold = 0.5, None));
}
