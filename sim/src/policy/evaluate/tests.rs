use super::*;

const OWN: &str = "111111111111";
const OTHER: &str = "222222222222";
const BUS: &str = "arn:aws:events:us-east-1:222222222222:event-bus/central";
const ROLE: &str = "arn:aws:iam::111111111111:role/team/ops";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/ops/anna";
const USER: &str = "arn:aws:iam::111111111111:user/otto";

const ROLE_SESSION: Requester<'static> =
    Requester::Session { arn: SESSION, role_arn: ROLE, role_id: "AROAOPS", account: OWN };
const OTTO: Requester<'static> = Requester::User { arn: USER, unique_id: "AIDAOTTO", account: OWN };
const EVENTS: Requester<'static> = Requester::Service("events.amazonaws.com");

/// One combination: each layer in short hand. `+` allows, `-` denies, `0` speaks of something else, empty: absent.
/// Levels of control policies are separated by blanks. The resource's policy is `+` or `-` and whom it names, several
/// separated by blanks.
struct Row {
    why: &'static str,
    requester: Requester<'static>,
    owner: &'static str,
    within: Within,
    identity: &'static str,
    boundary: &'static str,
    session: &'static str,
    control: &'static str,
    resource: &'static str,
    expected: Decision,
}

fn plain(sign: char) -> Policy {
    let (effect, action) = match sign {
        '+' => ("Allow", "events:*"),
        '-' => ("Deny", "events:*"),
        _ => ("Allow", "s3:*"),
    };
    Policy::parse(&format!(r#"{{"Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#))
        .unwrap()
}

fn layer(signs: &str) -> Vec<Policy> {
    signs.chars().map(plain).collect()
}

fn resource(text: &str) -> Option<Policy> {
    if text.is_empty() {
        return None;
    }
    let statements: Vec<String> = text
        .split(' ')
        .map(|part| {
            let (sign, whom) = part.split_at(1);
            let effect = if sign == "-" { "Deny" } else { "Allow" };
            let principal = match whom {
                "anyone" => r#""Principal":"*""#.to_owned(),
                "account" => format!(r#""Principal":{{"AWS":"{OWN}"}}"#),
                "root" => format!(r#""Principal":{{"AWS":"arn:aws:iam::{OWN}:root"}}"#),
                "other" => format!(r#""Principal":{{"AWS":"{OTHER}"}}"#),
                "role" => format!(r#""Principal":{{"AWS":"{ROLE}"}}"#),
                "session" => format!(r#""Principal":{{"AWS":"{SESSION}"}}"#),
                "user" => format!(r#""Principal":{{"AWS":"{USER}"}}"#),
                "events" => r#""Principal":{"Service":"events.amazonaws.com"}"#.to_owned(),
                "sns" => r#""Principal":{"Service":"sns.amazonaws.com"}"#.to_owned(),
                "!role" => format!(r#""NotPrincipal":{{"AWS":"{ROLE}"}}"#),
                "!user" => format!(r#""NotPrincipal":{{"AWS":"{USER}"}}"#),
                "!owner" => format!(r#""NotPrincipal":{{"AWS":["{USER}","{OWN}"]}}"#),
                "!all" => format!(r#""NotPrincipal":{{"AWS":["{ROLE}","{SESSION}","{OWN}"]}}"#),
                other => panic!("{other}"),
            };
            format!(r#"{{"Effect":"{effect}",{principal},"Action":"events:PutEvents","Resource":"*"}}"#)
        })
        .collect();
    Some(Policy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap())
}

fn decide(row: &Row) -> Decision {
    let (identity, boundary, session) = (layer(row.identity), layer(row.boundary), layer(row.session));
    let control: Vec<Vec<Policy>> = row.control.split_whitespace().map(layer).collect();
    let resource = resource(row.resource);
    let policies = Policies {
        identity: identity.iter().collect(),
        boundary: boundary.first(),
        session: session.iter().collect(),
        control: control.iter().map(|level| level.iter().collect()).collect(),
        resource: resource.as_ref(),
        within: row.within,
    };
    let context = Context::new();
    let request = Request {
        requester: row.requester,
        action: "events:PutEvents",
        resource: BUS,
        owner: row.owner,
        context: &context,
    };
    evaluate(&policies, &request)
}

#[test]
fn the_layers_intersect_as_aws_says() {
    use Decision::{Allowed, Denied, NotAllowed};
    use Layer::{Boundary, Control, Identity, Resource, Session};

    let row = |why, identity, boundary, session, control, resource, expected| Row {
        why,
        requester: ROLE_SESSION,
        owner: OWN,
        within: Within::Either,
        identity,
        boundary,
        session,
        control,
        resource,
        expected,
    };
    let across = |why, identity, boundary, session, control, resource, expected| Row {
        owner: OTHER,
        ..row(why, identity, boundary, session, control, resource, expected)
    };
    let trust = |why, identity, boundary, session, control, resource, expected| Row {
        within: Within::ResourceFirst,
        ..row(why, identity, boundary, session, control, resource, expected)
    };
    let both = |why, identity, resource, expected| Row {
        within: Within::Both,
        ..row(why, identity, "", "", "", resource, expected)
    };
    let user = |why, identity, boundary, resource, expected| Row {
        requester: OTTO,
        ..row(why, identity, boundary, "", "", resource, expected)
    };
    let service = |why, owner, resource, expected| Row {
        requester: EVENTS,
        owner,
        ..row(why, "", "", "", "", resource, expected)
    };

    let rows = [
        // The requester's own policies.
        row("nothing allows", "", "", "", "", "", NotAllowed(Identity)),
        row("something else is allowed", "0", "", "", "", "", NotAllowed(Identity)),
        row("its own policy allows", "+", "", "", "", "", Allowed),
        row("one of several allows", "0+", "", "", "", "", Allowed),
        row("a deny beats an allow", "+-", "", "", "", "", Denied(Identity)),
        row("whatever the order", "-+", "", "", "", "", Denied(Identity)),
        // Boundary.
        row("boundary and policy agree", "+", "+", "", "", "", Allowed),
        row("the boundary allows something else", "+", "0", "", "", "", NotAllowed(Boundary)),
        row("the boundary denies", "+", "-", "", "", "", Denied(Boundary)),
        row("a boundary gives nothing", "", "+", "", "", "", NotAllowed(Identity)),
        // Session policies.
        row("session and policy agree", "+", "", "+", "", "", Allowed),
        row("the session allows something else", "+", "", "0", "", "", NotAllowed(Session)),
        row("one of the session policies is enough", "+", "", "0+", "", "", Allowed),
        row("a session policy denies", "+", "", "+-", "", "", Denied(Session)),
        row("a session policy gives nothing", "", "", "+", "", "", NotAllowed(Identity)),
        row("session and boundary must both allow", "+", "+", "0", "", "", NotAllowed(Session)),
        row("the three agree", "+", "+", "+", "", "", Allowed),
        // Service control policies.
        row("each level allows", "+", "", "", "+ + +", "", Allowed),
        row("the root does not", "+", "", "", "0 + +", "", NotAllowed(Control)),
        row("a unit does not", "+", "", "", "+ 0 +", "", NotAllowed(Control)),
        row("the account does not", "+", "", "", "+ + 0", "", NotAllowed(Control)),
        row("one of a level is enough", "+", "", "", "0+ +", "", Allowed),
        row("a unit denies", "+", "", "", "+ +- +", "", Denied(Control)),
        row("control policies give nothing", "", "", "", "+ +", "", NotAllowed(Identity)),
        row("a deny below beats the gap above", "+-", "", "", "0", "", Denied(Identity)),
        row("control policies come before the rest", "-", "-", "-", "-", "", Denied(Control)),
        // The resource's policy, in the same account.
        row("the role is named, it needs nothing of its own", "", "", "", "", "+role", Allowed),
        row("everybody is named", "", "", "", "", "+anyone", Allowed),
        row(
            "the account is named, and leaves it to itself",
            "",
            "",
            "",
            "",
            "+account",
            NotAllowed(Identity),
        ),
        row("the root's ARN means the account", "", "", "", "", "+root", NotAllowed(Identity)),
        row("the account is named and its policy allows", "+", "", "", "", "+account", Allowed),
        row("somebody else is named, its own policy is enough", "+", "", "", "", "+other", Allowed),
        row("somebody else is named", "", "", "", "", "+other", NotAllowed(Identity)),
        row("the resource denies the role", "+", "", "", "", "-role", Denied(Resource)),
        row("the resource denies its account", "+", "", "", "", "+role -account", Denied(Resource)),
        row("the resource denies another", "+", "", "", "", "-other", Allowed),
        row("a boundary limits what the role is given", "", "0", "", "", "+role", NotAllowed(Boundary)),
        row("a session policy limits what the role is given", "", "", "0", "", "+role", NotAllowed(Session)),
        row("and what everybody is given", "", "", "0", "", "+anyone", NotAllowed(Session)),
        row("but not what the session itself is given", "", "0", "0", "", "+session", Allowed),
        row("the closest name counts", "", "0", "0", "", "+role +session +account", Allowed),
        row("a denying boundary does limit the session", "", "-", "", "", "+session", Denied(Boundary)),
        row("control policies limit the session too", "", "", "", "0", "+session", NotAllowed(Control)),
        row("its own deny beats what it is given", "-", "", "", "", "+session", Denied(Identity)),
        row("a deny to all but the role hits its sessions", "+", "", "", "", "-!role", Denied(Resource)),
        row("unless session, role and account are spared", "+", "", "", "", "-!all", Allowed),
        row("all but the role are named", "", "", "", "", "+!role", NotAllowed(Identity)),
        row("all but a user are named", "", "", "", "", "+!user", Allowed),
        // Across accounts.
        across("both sides allow", "+", "", "", "", "+role", Allowed),
        across("naming the account is enough", "+", "", "", "", "+account", Allowed),
        across("naming everybody is enough", "+", "", "", "", "+anyone", Allowed),
        across("the resource does not", "+", "", "", "", "", NotAllowed(Resource)),
        across("the resource names another", "+", "", "", "", "+other", NotAllowed(Resource)),
        across("its own policy does not", "", "", "", "", "+role", NotAllowed(Identity)),
        across("nor for the very session", "", "", "", "", "+session", NotAllowed(Identity)),
        across("its boundary does not", "+", "0", "", "", "+session", NotAllowed(Boundary)),
        across("its session policy does not", "+", "", "0", "", "+role", NotAllowed(Session)),
        across("its organization does not", "+", "", "", "+ 0", "+role", NotAllowed(Control)),
        across("the resource denies", "+", "", "", "", "+account -role", Denied(Resource)),
        // Trust policies.
        trust("the trust names the role, nothing else is needed", "", "", "", "", "+role", Allowed),
        trust("the trust names nobody of it", "+", "", "", "", "+other", NotAllowed(Resource)),
        trust("the trust leaves it to the account", "", "", "", "", "+root", NotAllowed(Identity)),
        trust("and the account lets it", "+", "", "", "", "+root", Allowed),
        trust("a boundary limits a trust in the role", "", "0", "", "", "+role", NotAllowed(Boundary)),
        Row {
            owner: OTHER,
            ..trust(
                "across accounts a trust in the role is not enough",
                "",
                "",
                "",
                "",
                "+role",
                NotAllowed(Identity),
            )
        },
        // What needs both sides in any case.
        both("both allow", "+", "+role", Allowed),
        both("only the resource allows", "", "+role", NotAllowed(Identity)),
        both("only the requester's allows", "+", "", NotAllowed(Resource)),
        // Users.
        user("its own policy allows", "+", "", "", Allowed),
        user("it is named itself", "", "", "+user", Allowed),
        user("a boundary does not limit what the user itself is given", "", "0", "+user", Allowed),
        user("a boundary limits its own policy", "+", "0", "", NotAllowed(Boundary)),
        user("the role is somebody else", "", "", "+role", NotAllowed(Identity)),
        user("a deny to all but the user hits it through its account", "+", "", "-!user", Denied(Resource)),
        user("unless the account is spared as well", "+", "", "-!owner", Allowed),
        // Services.
        service("the resource admits it", OTHER, "+events", Allowed),
        service("the account does not matter", OWN, "+events", Allowed),
        service("everybody is also a service", OWN, "+anyone", Allowed),
        service("another service is admitted", OWN, "+sns", NotAllowed(Resource)),
        service("an account is no service", OWN, "+account", NotAllowed(Resource)),
        service("a resource without a policy admits none", OWN, "", NotAllowed(Resource)),
        service("it is denied", OWN, "+anyone -events", Denied(Resource)),
    ];
    assert!(rows.len() >= 40);
    for row in &rows {
        assert_eq!(decide(row), row.expected, "{}", row.why);
    }
}

#[test]
fn a_statement_is_heard_only_for_its_action_resource_and_condition() {
    let context = Context::from([("aws:principalorgid".to_owned(), vec!["o-1".to_owned()])]);
    let rows = [
        (r#""Action":"events:PutEvents","Resource":"*""#, true),
        (r#""Action":"EVENTS:putevents","Resource":"*""#, true),
        (r#""Action":["s3:*","events:Put*"],"Resource":"*""#, true),
        (r#""Action":"events:Put?vents","Resource":"*""#, true),
        (r#""Action":"events:PutRule","Resource":"*""#, false),
        (r#""Action":"*","Resource":"*""#, true),
        (r#""NotAction":"events:PutRule","Resource":"*""#, true),
        (r#""NotAction":"events:*","Resource":"*""#, false),
        (r#""Action":"*","Resource":"arn:aws:events:*:222222222222:event-bus/*""#, true),
        (r#""Action":"*","Resource":"arn:aws:events:*:333333333333:event-bus/*""#, false),
        (r#""Action":"*","NotResource":"arn:aws:events:*:333333333333:event-bus/*""#, true),
        (r#""Action":"*","NotResource":"arn:aws:events:*:*:event-bus/central""#, false),
        (r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, true),
        (r#""Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-2"}}"#, false),
    ];
    for (elements, expected) in rows {
        let policy = Policy::parse(&format!(r#"{{"Statement":{{"Effect":"Allow",{elements}}}}}"#)).unwrap();
        let policies = Policies { identity: vec![&policy], ..Policies::default() };
        let request = Request {
            requester: OTTO,
            action: "events:PutEvents",
            resource: BUS,
            owner: OWN,
            context: &context,
        };
        assert_eq!(evaluate(&policies, &request).allowed(), expected, "{elements}");
    }
}

#[test]
fn a_refusal_is_worded_as_aws_does() {
    let say = |decision: Decision| decision.message(SESSION, "events:PutRule", "arn:x");
    let refusal = format!("User: {SESSION} is not authorized to perform: events:PutRule on resource: arn:x");
    for (decision, end) in [
        (
            Decision::NotAllowed(Layer::Identity),
            "because no identity-based policy allows the events:PutRule action",
        ),
        (
            Decision::NotAllowed(Layer::Boundary),
            "because no permissions boundary allows the events:PutRule action",
        ),
        (Decision::Denied(Layer::Control), "with an explicit deny in a service control policy"),
        (Decision::Denied(Layer::Identity), "with an explicit deny in an identity-based policy"),
        (Decision::Denied(Layer::Session), "with an explicit deny in a session policy"),
    ] {
        assert_eq!(say(decision), format!("{refusal} {end}"));
    }
}

/// Not a benchmark, but it fails when a decision needs milliseconds.
#[test]
fn a_decision_takes_microseconds() {
    let statements: Vec<String> = (0..20)
        .map(|n| {
            format!(
                r#"{{"Effect":"Allow","Action":["events:Put{n}*","iam:Get*"],"Resource":"arn:aws:events:*:*:rule/x{n}*","Condition":{{"ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::*:role/x*"}}}}}}"#
            )
        })
        .collect();
    let policy = Policy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap();
    let everything = Policy::allowing(&["*"]);
    let context = Context::from([("aws:principalarn".to_owned(), vec![ROLE.to_owned()])]);
    let policies = Policies {
        identity: vec![&policy, &everything],
        control: vec![vec![&everything]; 5],
        ..Policies::default()
    };
    let request = Request {
        requester: ROLE_SESSION,
        action: "events:PutRule",
        resource: BUS,
        owner: OWN,
        context: &context,
    };
    let start = std::time::Instant::now();
    for _ in 0..2_000 {
        assert!(evaluate(&policies, &request).allowed());
    }
    // 20 µs in a release build; a debug build on a busy machine gets fifty times that.
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}
