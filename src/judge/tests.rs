use std::time::Duration;

use serde_json::json;

use super::*;
use crate::kinds::Seen;
use crate::world::fixture::{self, at, kind};

const NOW: i64 = 1_000_000;
const RULE: &str = "orgwatch-iam-changes";

/// One judgement: what is desired, what was seen, and what is remembered.
struct Case {
    world: World,
    target: Target,
    kind: &'static dyn AnyKind,
    name: String,
    desired: Option<Value>,
    remembered: Remembered,
    in_grace: bool,
}

impl Case {
    fn new(kind_name: &str, text: &str) -> Self {
        let settings = fixture::settings(text);
        let world = fixture::world(&settings);
        let member = kind(kind_name).side() == crate::model::target::Side::Member;
        let target = if member { fixture::member(&settings) } else { fixture::central(&settings) };
        let (name, desired) = fixture::desired_one(kind_name, &world, &target);
        let remembered = Remembered::default();
        Self {
            world,
            target,
            kind: kind(kind_name),
            name,
            desired: Some(desired),
            remembered,
            in_grace: false,
        }
    }

    fn rule() -> Self {
        Self::new("sender_rule", "")
    }

    fn orphan(self) -> Self {
        Self { desired: None, ..self }
    }

    /// What is desired, with these fields otherwise.
    fn spec(&self, edits: &[(&str, Value)]) -> Value {
        let (_, mut spec) = fixture::desired_one(self.kind.name(), &self.world, &self.target);
        for (pointer, value) in edits {
            // A field that is not there is left out of a spec.
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        spec
    }

    fn judge(&self, sight: Sight<Value>) -> Option<Judged> {
        let id = ResourceId { kind: self.kind.name(), name: self.name.clone() };
        let memory = Memory::from_iter([(id, Box::new(self.remembered.clone()))]);
        let context = Context {
            world: &self.world,
            target: &self.target,
            memory: &memory,
            now: at(NOW),
            settle: Duration::from_secs(60),
            in_grace: self.in_grace,
        };
        let desired = self.desired.iter().map(|spec| (self.name.clone(), spec.clone())).collect();
        let mut judged = judge(&context, self.kind, &desired, &Sights::from([(self.name.clone(), sight)]));
        assert!(judged.len() < 2);
        judged.pop()
    }

    fn present(&self, mark: Mark, edits: &[(&str, Value)]) -> Option<Judged> {
        self.judge(Sight::Present(Seen { spec: self.spec(edits), mark, notes: Vec::new() }))
    }
}

fn verdict(judged: &Option<Judged>) -> (Verdict, Option<&'static str>, Vec<&'static str>) {
    let judged = judged.as_ref().unwrap();
    let calls = judged.proposal.iter().flat_map(|p| &p.calls).map(Call::operation).collect();
    (judged.resource.verdict, judged.resource.reason, calls)
}

fn disabled() -> [(&'static str, Value); 1] {
    [("/state", json!("DISABLED"))]
}

#[test]
fn what_could_not_be_seen_is_unknown_and_nothing_is_proposed_for_it() {
    for class in [ErrorClass::Throttled, ErrorClass::Denied, ErrorClass::Unreachable, ErrorClass::NotReady] {
        for case in [Case::rule(), Case::rule().orphan()] {
            let judged = case.judge(Sight::Unknown(fixture::error(class)));
            assert_eq!(verdict(&judged), (Verdict::Unknown, Some(class.reason()), vec![]));
            assert_eq!(judged.unwrap().resource.error.unwrap().class, class);
        }
    }
}

#[test]
fn what_was_not_even_asked_for_is_not_taken_for_absent() {
    let case = Case::rule();
    let context = Context {
        world: &case.world,
        target: &case.target,
        memory: &Memory::new(),
        now: at(NOW),
        settle: Duration::ZERO,
        in_grace: false,
    };
    let desired = BTreeMap::from([(case.name.clone(), case.desired.clone().unwrap())]);
    assert_eq!(judge(&context, case.kind, &desired, &Sights::new()), []);
}

#[test]
fn a_new_account_is_given_time_for_what_comes_with_time_alone() {
    let case = Case { in_grace: true, ..Case::rule() };
    for (class, expected) in [
        (ErrorClass::NotReady, Verdict::Pending),
        (ErrorClass::Denied, Verdict::Pending),
        (ErrorClass::RegionDisabled, Verdict::Pending),
        (ErrorClass::DeniedByScp, Verdict::Unknown),
        (ErrorClass::Throttled, Verdict::Unknown),
    ] {
        assert_eq!(verdict(&case.judge(Sight::Unknown(fixture::error(class)))).0, expected, "{class:?}");
    }
}

#[test]
fn what_is_absent_and_desired_is_made_and_what_is_neither_is_not_mentioned() {
    let judged = Case::rule().judge(Sight::Absent);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some(MISSING), vec!["PutRule", "PutTargets"]));
    let proposal = judged.unwrap().proposal.unwrap();
    assert_eq!((proposal.action, proposal.stage), (Action::Create, Stage::Expand));
    assert_eq!(proposal.reason, format!("sender_rule {RULE} is not there"));
    assert_eq!(Case::rule().orphan().judge(Sight::Absent), None);
}

#[test]
fn what_is_as_desired_is_in_sync_and_what_differs_has_drifted() {
    assert_eq!(verdict(&Case::rule().present(Mark::Ours, &[])), (Verdict::InSync, None, vec![]));
    let judged = Case::rule().present(Mark::Ours, &disabled());
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some("Drifted"), vec!["PutRule"]));
    let judged = judged.unwrap();
    assert_eq!(judged.resource.changes[0].path, "state");
    let proposal = judged.proposal.unwrap();
    // What is disabled delivers nothing, so that putting it right can break nothing.
    assert_eq!((proposal.action, proposal.stage), (Action::Update, Stage::Expand));
    let pattern = [("/pattern", json!({ "source": ["aws.s3"] }))];
    let proposal = Case::rule().present(Mark::Ours, &pattern).unwrap().proposal.unwrap();
    assert_eq!((proposal.action, proposal.stage), (Action::Update, Stage::Switch));
}

#[test]
fn a_first_installation_that_is_interrupted_never_counts_as_a_rewrite() {
    let judged = Case::rule().present(Mark::Ours, &[("/targets", json!({}))]);
    assert_eq!(judged.unwrap().proposal.unwrap().stage, Stage::Expand);
    let judged = Case::new("forwarding_role", "").present(Mark::Ours, &[("/policies", json!({}))]);
    assert_eq!(judged.unwrap().proposal.unwrap().stage, Stage::Expand);
}

#[test]
fn what_is_not_ours_and_stands_at_our_name_is_left_alone() {
    for edits in [vec![], disabled().to_vec()] {
        let judged = Case::rule().present(Mark::Foreign, &edits);
        assert_eq!(verdict(&judged), (Verdict::Foreign, Some(NAME_TAKEN), vec![]));
    }
}

#[test]
fn what_was_ours_stays_ours_when_its_mark_is_taken_away() {
    let mut case = Case::rule();
    case.remembered.ours = true;
    let judged = case.present(Mark::Foreign, &[("/description", json!("mine now"))]);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some(OWNERSHIP_REMOVED), vec!["PutRule", "TagResource"]));
    let paths: Vec<String> = judged.unwrap().resource.changes.iter().map(|c| c.path.clone()).collect();
    assert_eq!(paths, ["description", "tags.orgwatch:managed-by"]);
    // The tag alone is reason enough, and is named once where the spec has tags of its own.
    let mut case = Case::new("queue", "");
    case.remembered.ours = true;
    let judged = case.present(Mark::Foreign, &[("/tags", json!({}))]);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some(OWNERSHIP_REMOVED), vec!["TagQueue"]));
    assert_eq!(judged.unwrap().resource.changes.len(), 1);
}

#[test]
fn what_the_configuration_adopts_is_taken_over_and_nothing_else() {
    let adopting = |account: &str| {
        let adopt = format!("sender_rule:{account}/us-east-1/{RULE}");
        Case::new("sender_rule", &format!("[reconcile]\nadopt = ['{adopt}']\n"))
    };
    let theirs = [("/description", json!("theirs"))];
    let judged = adopting("300000000001").present(Mark::Foreign, &theirs);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some("Drifted"), vec!["PutRule", "TagResource"]));
    assert!(judged.unwrap().proposal.unwrap().reason.starts_with("adopted by configuration"));
    let judged = adopting("300000000002").present(Mark::Foreign, &theirs);
    assert_eq!(verdict(&judged), (Verdict::Foreign, Some(NAME_TAKEN), vec![]));
}

#[test]
fn what_a_newer_version_made_is_left_alone_desired_or_not() {
    let judged = Case::rule().present(Mark::Newer, &disabled());
    assert_eq!(verdict(&judged), (Verdict::InSync, Some(NEWER_VERSION), vec![]));
    assert_eq!(Case::rule().orphan().present(Mark::Newer, &[]), None);
}

#[test]
fn a_read_that_shows_the_state_before_our_write_is_late_and_any_other_is_drift() {
    let written = |seconds_ago, before| {
        let mut case = Case::rule();
        case.remembered.written = Some((at(NOW - seconds_ago), before));
        case
    };
    let before = Case::rule().spec(&disabled());
    let same = written(59, Some(before.clone())).present(Mark::Ours, &disabled());
    assert_eq!(verdict(&same), (Verdict::Pending, Some(SETTLING), vec![]));
    let other = written(59, Some(before.clone())).present(Mark::Ours, &[("/schedule", json!("rate(1 day)"))]);
    assert_eq!(verdict(&other).0, Verdict::Drifted);
    let later = written(60, Some(before.clone())).present(Mark::Ours, &disabled());
    assert_eq!(verdict(&later).0, Verdict::Drifted);
    // The same for what was made and is not seen yet, and for what was removed and is still seen.
    assert_eq!(verdict(&written(59, None).judge(Sight::Absent)).0, Verdict::Pending);
    assert_eq!(verdict(&written(60, None).judge(Sight::Absent)).0, Verdict::Drifted);
    assert_eq!(verdict(&written(59, Some(before)).judge(Sight::Absent)).0, Verdict::Drifted);
    let spec = Case::rule().spec(&[]);
    let gone = written(59, Some(spec.clone())).orphan().present(Mark::Ours, &[]);
    assert_eq!(verdict(&gone), (Verdict::Pending, Some(SETTLING), vec![]));
    assert_eq!(verdict(&written(60, Some(spec)).orphan().present(Mark::Ours, &[])).0, Verdict::Orphan);
}

#[test]
fn three_repairs_within_an_hour_are_a_contest_that_goes_on() {
    for (minutes_ago, reason) in
        [(vec![1, 2], "Drifted"), (vec![1, 2, 59], CONTESTED), (vec![1, 2, 60], "Drifted")]
    {
        let mut case = Case::rule();
        case.remembered.repairs = minutes_ago.iter().map(|m| at(NOW - m * 60)).collect();
        let judged = case.present(Mark::Ours, &disabled());
        assert_eq!(verdict(&judged), (Verdict::Drifted, Some(reason), vec!["PutRule"]), "{minutes_ago:?}");
    }
}

#[test]
fn what_is_ours_and_not_desired_is_an_orphan_and_what_is_not_ours_is_none_of_our_business() {
    let judged = Case::rule().orphan().present(Mark::Ours, &[]);
    assert_eq!(verdict(&judged), (Verdict::Orphan, None, vec!["RemoveTargets", "DeleteRule"]));
    let proposal = judged.unwrap().proposal.unwrap();
    assert_eq!((proposal.action, proposal.stage), (Action::Delete, Stage::Contract));
    assert_eq!(Case::rule().orphan().present(Mark::Foreign, &[]), None);
}

#[test]
fn a_strangers_rule_on_our_bus_is_reported_and_never_touched() {
    let judged = Case::new("alert_rule", "").orphan().present(Mark::Foreign, &[]);
    assert_eq!(verdict(&judged), (Verdict::Foreign, Some(STRANGER), vec![]));
}

#[test]
fn a_role_that_somebody_else_keeps_is_never_written_and_never_left_behind() {
    let case = Case::new("forwarding_role", "[member]\nforwarding_role = 'existing'\n");
    assert_eq!(verdict(&case.judge(Sight::Absent)), (Verdict::Drifted, Some(MISSING), vec![]));
    let judged = case.present(Mark::Ours, &[("/trust", json!({}))]);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some(NOT_OURS_TO_WRITE), vec![]));
    assert_eq!(case.orphan().present(Mark::Ours, &[]), None);
}

const LABEL: &str = "email a@example.com";

fn topic_without_subscription(asked: Asked) -> Option<Judged> {
    let mut case = Case::new("topic", "");
    case.remembered.ours = true;
    case.remembered.subscriptions.insert(LABEL.to_owned(), asked);
    case.present(Mark::Ours, &[("/subscriptions", json!({}))])
}

#[test]
fn a_lost_subscription_is_asked_for_once_a_day_and_after_a_second_loss_no_more() {
    let hour = 3600;
    let asked = |hours_ago: i64| Asked { asked_at: Some(at(NOW - hours_ago * hour)), ..Asked::default() };
    let subscribes = (Verdict::Drifted, Some("Drifted"), vec!["Subscribe"]);
    let refused = (Verdict::Drifted, Some(SUBSCRIPTION_LOST), vec![]);
    assert_eq!(verdict(&topic_without_subscription(Asked::default())), subscribes);
    assert_eq!(verdict(&topic_without_subscription(asked(23))), refused);
    assert_eq!(verdict(&topic_without_subscription(asked(24))), subscribes);
    // It was there, then it was not.
    let seen = |hours_ago| Asked { seen: true, ..asked(hours_ago) };
    assert_eq!(verdict(&topic_without_subscription(seen(1))), subscribes);
    let lost_before = |hours: i64| Asked { lost: vec![at(NOW - hours * hour)], ..seen(hours) };
    let again = topic_without_subscription(lost_before(71));
    assert_eq!(verdict(&again), refused);
    assert!(again.unwrap().resource.notes[0].message.contains("second time within three days"));
    assert_eq!(verdict(&topic_without_subscription(lost_before(72))), subscribes);
}

#[test]
fn a_subscription_that_nobody_asked_for_is_reported() {
    let mut case = Case::new("topic", "");
    case.remembered.ours = true;
    let there = json!({ LABEL: "subscribed", "sms +1": "arn:x" });
    let judged = case.present(Mark::Ours, &[("/subscriptions", there)]);
    assert_eq!(verdict(&judged), (Verdict::Drifted, Some(UNKNOWN_SUBSCRIPTION), vec![]));
}
