//! One observation at a time: which finding it is, with its mend, and that nothing else is found.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::judge::{MISSING, NAME_TAKEN};
use crate::model::error::ErrorClass;
use crate::model::plan::Plan;
use crate::model::resource::{Note, Resource, ResourceId, Verdict};
use crate::model::target::{Side, TargetKey};
use crate::trail;
use crate::world::fixture::{self, CENTRAL, at, id, member_id};

const TASK: &str = "arn:aws:sts::222222222222:assumed-role/orgwatch-task/x";

fn caller(arn: &str) -> Result<Caller, CloudError> {
    let account = arn.split(':').nth(4).unwrap().parse().unwrap();
    Ok(Caller { account, arn: arn.to_owned() })
}

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn error(class: ErrorClass, operation: &'static str, code: &str) -> CloudError {
    CloudError { operation, code: code.to_owned(), ..fixture::error(class) }
}

fn view(side: Side, account: &AccountId, code: &str) -> TargetView {
    let target = TargetKey { side, account: account.clone(), region: region(code) };
    TargetView {
        plan: Plan { target: target.clone(), changes: Vec::new() },
        target,
        resources: Vec::new(),
        error: None,
        observed_at: at(0),
        last_change_at: None,
        observed_generation: 1,
    }
}

fn resource(kind: &'static str, name: &str, verdict: Verdict, reason: Option<&'static str>) -> Resource {
    let id = ResourceId { kind, name: name.to_owned() };
    Resource { id, verdict, reason, changes: [].into(), error: None, notes: Vec::new() }
}

/// An account in which nothing is missing.
fn sound(n: usize) -> AccountSeen {
    let id = member_id(n as u64);
    AccountSeen {
        root: Some("r-ab12".to_owned()),
        is_management: false,
        is_new: false,
        views: vec![Arc::new(view(Side::Member, &id, "us-east-1"))],
        trail: Some(Presence::Present("arn:aws:cloudtrail:us-east-1:1:trail/all".to_owned())),
        closer: Closer { boundary: Some(Ok(Boundary::Right)), ..Closer::default() },
        id,
    }
}

fn with_error(mut account: AccountSeen, error: CloudError) -> AccountSeen {
    Arc::make_mut(&mut account.views[0]).error =
        Some(Box::new(CloudError { account: Some(account.id.clone()), ..error }));
    account
}

fn with_resource(mut account: AccountSeen, resource: Resource) -> AccountSeen {
    Arc::make_mut(&mut account.views[0]).resources.push(resource);
    account
}

fn knock(service: Service, answer: Result<Option<i64>, &str>) -> Knock {
    Knock {
        service,
        region: region("us-east-1"),
        host: format!("{service}.us-east-1.example"),
        answer: answer.map(|off| off.map(SignedDuration::from_secs)).map_err(ToOwned::to_owned),
    }
}

/// Three sound accounts and a sound central one, changed by `spoil`: the codes that are found.
fn found(spoil: impl FnOnce(&mut Observed<'_>)) -> Vec<Finding> {
    let world = fixture::world(&fixture::settings(""));
    let mut observed = Observed {
        world: &world,
        central_role: None,
        reader_role: Some("arn:aws:iam::111111111111:role/orgwatch-organization-reader".to_owned()),
        via_role: None,
        knocks: vec![knock(Service::Sts, Ok(Some(2)))],
        caller: Some(caller(TASK)),
        organization: Some(Ok(())),
        doubt: None,
        without_role: None,
        central: vec![Arc::new(view(Side::Central, &id(CENTRAL), "us-east-1"))],
        buses: None,
        accounts: (1..4).map(sound).collect(),
    };
    spoil(&mut observed);
    judge(&observed)
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.text()).collect()
}

#[test]
fn where_nothing_is_missing_nothing_is_found() {
    assert_eq!(found(|_| ()), []);
}

/// Changes one thing, in the account if it is one of the account's.
type Spoil = fn(&mut Observed<'_>);

#[test]
fn each_fault_of_an_account_is_named_once_with_what_mends_it() {
    let table: &[(&str, &str, Spoil)] = &[
        ("P-member-role-refuses", "create-stack-instances", |o| {
            o.accounts[0] = with_error(sound(1), error(ErrorClass::Denied, "AssumeRole", "AccessDenied"));
        }),
        ("P-denied-by-scp", "exempt", |o| {
            o.accounts[0] =
                with_error(sound(1), error(ErrorClass::DeniedByScp, "AssumeRole", "AccessDenied"));
        }),
        ("P-unreadable", "hint", |o| {
            let mut throttled = error(ErrorClass::Throttled, "AssumeRole", "Throttling");
            "the hint".clone_into(&mut throttled.hint);
            o.accounts[0] = with_error(sound(1), throttled);
        }),
        ("P-new-account", "grace_period", |o| {
            o.accounts[0] = with_error(sound(1), error(ErrorClass::Denied, "AssumeRole", "AccessDenied"));
            o.accounts[0].is_new = true;
        }),
        ("P-missing-permission", "update-stack-set", |o| {
            let mut rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Unknown, Some("Denied"));
            rule.error = Some(Box::new(error(ErrorClass::Denied, "ListRules", "AccessDeniedException")));
            o.accounts[0] = with_resource(sound(1), rule);
        }),
        ("P-name-taken", "reconcile.adopt", |o| {
            let rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Foreign, Some(NAME_TAKEN));
            o.accounts[0] = with_resource(sound(1), rule);
        }),
        ("P-forwarding-role", "organization-reader.yaml", |o| {
            let role = resource("forwarding_role", "orgwatch-forwarder", Verdict::Drifted, Some(MISSING));
            o.accounts[0] = AccountSeen { is_management: true, ..with_resource(sound(1), role) };
        }),
        ("P-boundary-missing", "member-role.yaml", |o| {
            o.accounts[0].closer.boundary = Some(Ok(Boundary::Missing));
        }),
        ("P-boundary-allows-more", "member-role.yaml", |o| {
            o.accounts[0].closer.boundary = Some(Ok(Boundary::Other("it allows *".to_owned())));
        }),
        ("P-region-disabled", "enable-region --region-name af-south-1", |o| {
            let id = o.accounts[0].id.clone();
            let mut answered = view(Side::Member, &id, "af-south-1");
            let mut rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Unknown, None);
            rule.error =
                Some(Box::new(error(ErrorClass::Credentials, "ListRules", "UnrecognizedClientException")));
            answered.resources.push(rule);
            o.accounts[0].views.push(Arc::new(answered));
            o.accounts[0].closer.enabled = Some(Ok(BTreeSet::from([region("us-east-1")])));
        }),
        ("P-rule-quota", "list-service-quotas", |o| {
            let rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Drifted, Some(MISSING));
            o.accounts[0] = with_resource(sound(1), rule);
            let planned = crate::model::plan::Change {
                resource: ResourceId { kind: "sender_rule", name: "orgwatch-iam-changes".to_owned() },
                action: crate::model::plan::Action::Create,
                stage: crate::model::plan::Stage::Expand,
                reason: String::new(),
                fields: [].into(),
                calls: Vec::new(),
                hold: None,
            };
            Arc::make_mut(&mut o.accounts[0].views[0]).plan.changes.push(planned);
            o.accounts[0].closer.rules = BTreeMap::from([(region("us-east-1"), Ok(300))]);
        }),
        (
            "P-trail-stopped",
            "start-logging --name arn:aws:cloudtrail:eu-west-1:1:trail/t --region eu-west-1",
            |o| {
                let message = "arn:aws:cloudtrail:eu-west-1:1:trail/t is stopped; start it".to_owned();
                o.accounts[0].trail = Some(Presence::Missing(trail::TRAIL_STOPPED, message));
            },
        ),
        ("P-no-trail", "create-trail", |o| {
            o.accounts[0].trail =
                Some(Presence::Missing(trail::NO_TRAIL, "no trail logs; make one".to_owned()));
        }),
        ("P-trail-unclear", "get-event-selectors", |o| {
            o.accounts[0].trail = Some(Presence::Unknown(trail::UNREADABLE, "could not be read".to_owned()));
        }),
        ("P-newer-version", "upgrade", |o| {
            let rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::InSync, Some("NewerVersion"));
            o.accounts[0] = with_resource(sound(1), rule);
        }),
    ];
    for (code, mend, spoil) in table {
        let findings = found(spoil);
        assert_eq!(codes(&findings), [*code]);
        let one = &findings[0];
        let told = format!("{} {:?} {:?}", one.mend.text, one.mend.command, one.mend.template);
        assert!(told.contains(mend), "{code}: {mend} is not in {told}");
        assert_eq!(one.accounts.iter().collect::<Vec<_>>(), [&member_id(1)], "{code}");
    }
}

#[test]
fn each_fault_of_the_whole_is_named_once_with_what_mends_it() {
    let no_credentials = Err(error(ErrorClass::Credentials, "GetCallerIdentity", "NoCredentials"));
    let expired = Err(error(ErrorClass::Credentials, "GetCallerIdentity", "ExpiredToken"));
    let elsewhere = caller("arn:aws:sts::999999999999:assumed-role/orgwatch-task/x");
    for (code, mend, asked) in [
        ("P-no-credentials", "orgwatch-task", no_credentials),
        ("P-credentials-refused", "orgwatch-task", expired),
        ("P-wrong-account", "222222222222", elsewhere),
    ] {
        let findings = found(|o| o.caller = Some(asked));
        assert_eq!(codes(&findings)[0], code);
        assert!(findings[0].mend.text.contains(mend), "{:?}", findings[0]);
    }
    let refused =
        |operation, code: &str| Some(Err(Trouble::Call(error(ErrorClass::Denied, operation, code))));
    let of_reader = |mut trouble: Option<Result<(), Trouble>>| {
        if let Some(Err(Trouble::Call(error))) = &mut trouble {
            error.account = Some(id("111111111111"));
        }
        trouble
    };
    let organizations = |mut trouble: Option<Result<(), Trouble>>| {
        if let Some(Err(Trouble::Call(error))) = &mut trouble {
            error.service = "organizations";
        }
        trouble
    };
    for (code, trouble) in [
        ("P-organization-role-refuses", of_reader(refused("AssumeRole", "AccessDenied"))),
        ("P-organization-unreadable", organizations(refused("ListAccounts", "AccessDeniedException"))),
        (
            "P-no-organization",
            organizations(refused("DescribeOrganization", "AWSOrganizationsNotInUseException")),
        ),
        ("P-wrong-organization", Some(Err(Trouble::WrongPlace("another".to_owned())))),
    ] {
        let findings = found(|o| {
            o.organization = trouble;
            o.accounts.clear();
        });
        assert_eq!(codes(&findings), [code]);
        assert!(findings[0].code.stops_everything(), "{code}");
    }
    assert_eq!(codes(&found(|o| o.doubt = Some("it is empty".to_owned()))), ["P-listing-doubtful"]);
    assert_eq!(codes(&found(|o| o.without_role = Some(member_id(1)))), ["P-management-uncovered"]);
    assert_eq!(codes(&found(|o| o.buses = Some(Ok(100)))), ["P-bus-quota"]);
    assert_eq!(codes(&found(|o| o.buses = Some(Ok(99)))), Vec::<&str>::new());
}

#[test]
fn what_the_central_side_remarks_becomes_a_finding_or_a_notice() {
    for (code, notice, reason) in [
        ("P-key-refuses", false, "KeyRefuses"),
        ("P-key-not-verified", true, "KeyNotVerified"),
        ("P-subscription-pending", true, "SubscriptionPending"),
        ("P-subscription-suspended", false, "SuspendedByVolume"),
    ] {
        let findings = found(|o| {
            let mut topic = resource("topic", "orgwatch-iam-changes", Verdict::InSync, None);
            topic.notes = vec![Note::new(reason, "as it is"), Note::new("DeadLetters", "none of ours")];
            Arc::make_mut(&mut o.central[0]).resources.push(topic);
        });
        assert_eq!((codes(&findings), findings[0].notice), (vec![code], notice));
    }
}

#[test]
fn when_everybody_refuses_somebody_else_than_the_task_role_that_is_the_one_finding() {
    let stranger = caller("arn:aws:sts::222222222222:assumed-role/Admin/ann");
    let refuse = |o: &mut Observed<'_>| {
        let denied = || error(ErrorClass::Denied, "AssumeRole", "AccessDenied");
        o.accounts = (1..4).map(|n| with_error(sound(n), denied())).collect();
    };
    let findings = found(|o| {
        refuse(o);
        o.caller = Some(stranger.clone());
    });
    assert_eq!(codes(&findings), ["P-not-the-task-role"]);
    // The task role itself is refused by each account for a reason of the account's.
    assert_eq!(codes(&found(refuse)), ["P-member-role-refuses"]);
    // One that lets the stranger in shows that it is not the caller.
    let findings = found(|o| {
        refuse(o);
        o.accounts[2] = sound(3);
        o.caller = Some(stranger.clone());
    });
    assert_eq!(codes(&findings), ["P-member-role-refuses"]);
}

#[test]
fn the_same_fault_of_five_thousand_accounts_is_one_finding_that_names_none_in_its_text() {
    let findings = found(|o| {
        o.accounts = (1..=5000)
            .map(|n| {
                let mut refused = error(ErrorClass::Denied, "AssumeRole", "AccessDenied");
                refused.message =
                    format!("not authorized on arn:aws:iam::{}:role/orgwatch-member", member_id(n));
                with_error(sound(n as usize), refused)
            })
            .collect();
    });
    assert_eq!(codes(&findings), ["P-member-role-refuses"]);
    assert_eq!((findings[0].count, findings[0].accounts.len()), (5000, 5000));
    assert!(findings[0].found.contains("iam::<account>:role"), "{}", findings[0].found);
}

#[test]
fn what_all_accounts_say_of_one_of_them_is_one_finding_though_that_one_says_it_too() {
    let findings = found(|o| {
        let message = format!("arn:aws:cloudtrail:us-east-1:{}:trail/t is stopped; start it", member_id(1));
        for account in &mut o.accounts {
            account.trail = Some(Presence::Missing(trail::TRAIL_STOPPED, message.clone()));
        }
    });
    assert_eq!((codes(&findings), findings[0].count), (vec!["P-trail-stopped"], 3));
    assert!(findings[0].found.contains(member_id(1).as_str()), "{}", findings[0].found);
}

#[test]
fn hosts_that_do_not_answer_alike_are_one_finding_and_explain_what_fails_because_of_them() {
    let knocks = [
        knock(Service::Sqs, Err("connection refused")),
        knock(Service::Sns, Err("connection refused")),
        knock(Service::Events, Err("invalid peer certificate")),
        knock(Service::Sts, Ok(None)),
    ];
    let findings = found(|o| {
        o.knocks = knocks.to_vec();
        let mut queue = resource("queue", "orgwatch-inbox", Verdict::Unknown, Some("Unreachable"));
        queue.error = Some(Box::new(CloudError {
            service: "sqs",
            region: Some(region("us-east-1")),
            ..error(ErrorClass::Unreachable, "GetQueueUrl", "NoAnswer")
        }));
        Arc::make_mut(&mut o.central[0]).resources.push(queue);
    });
    assert_eq!(codes(&findings), ["P-unreachable-host", "P-unreachable-host"]);
    let told: Vec<&str> = findings.iter().map(|finding| finding.found.as_str()).collect();
    assert!(told[1].contains("sns.us-east-1.example, sqs.us-east-1.example: connection refused"), "{told:?}");
}

#[test]
fn a_clock_is_off_only_if_every_host_that_tells_the_time_says_so() {
    let skewed = |answers: &[i64]| {
        let knocks: Vec<Knock> = answers.iter().map(|off| knock(Service::Sts, Ok(Some(*off)))).collect();
        codes(&hosts::judge(&knocks))
    };
    assert_eq!(skewed(&[61, 90]), ["P-clock-skew"]);
    assert_eq!(skewed(&[-90]), ["P-clock-skew"]);
    assert_eq!(skewed(&[60]), Vec::<&str>::new());
    assert_eq!(skewed(&[3600, 1]), Vec::<&str>::new());
    assert_eq!(skewed(&[]), Vec::<&str>::new());
    // Every signature is wrong then, which needs no finding of its own.
    let refused = Err(error(ErrorClass::Credentials, "GetCallerIdentity", "SignatureDoesNotMatch"));
    let knocks = [knock(Service::Sts, Ok(Some(700)))];
    let findings = found(|o| {
        o.knocks = knocks.to_vec();
        o.caller = Some(refused);
        o.accounts.clear();
    });
    assert_eq!(codes(&findings), ["P-clock-skew"]);
}

#[test]
fn codes_are_told_apart_and_stand_in_the_order_in_which_they_are_told() {
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    assert!(Code::ALL.is_sorted());
}

#[test]
fn a_role_is_known_by_its_session_and_a_user_has_none() {
    assert_eq!(caller(TASK).unwrap().role(), Some("orgwatch-task"));
    assert_eq!(caller("arn:aws:iam::222222222222:user/ann").unwrap().role(), None);
}
