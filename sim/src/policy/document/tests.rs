use super::super::principal::{Naming, Requester};
use super::*;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/team/ops"},"Action":"sts:AssumeRole"}}"#;

fn statement(elements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#)
}

#[test]
fn each_kind_demands_and_forbids_what_aws_does() {
    use PolicyKind::{Identity, Resource, ServiceControl, Trust};
    let read = r#""Effect":"Allow","Action":"s3:Get*","Resource":"*""#;
    let anyone = r#""Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*""#;
    let trust = r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#;
    let control = "The provided policy document does not meet the requirements of the specified policy type.";
    let rows: &[(PolicyKind, String, Option<&str>)] = &[
        (Identity, statement(read), None),
        (ServiceControl, statement(read), None),
        (Resource, statement(anyone), None),
        (Trust, TRUST.to_owned(), None),
        (Trust, statement(trust), None),
        (Identity, statement(anyone), Some("Policy document should not specify a principal.")),
        (ServiceControl, statement(anyone), Some(control)),
        (ServiceControl, "{".to_owned(), Some(control)),
        (Resource, statement(read), Some("Missing required field Principal")),
        (Trust, statement(r#""Effect":"Allow","Action":"sts:AssumeRole""#), Some("Missing required field Principal")),
        (Trust, statement(&format!(r#"{trust},"Resource":"*""#)), Some("Has prohibited field Resource")),
        (Trust, statement(&format!(r#"{trust},"NotResource":"*""#)), Some("Has prohibited field NotResource")),
        (
            Trust,
            statement(r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject""#),
            Some("AssumeRole policy may only specify STS AssumeRole actions."),
        ),
        (
            Trust,
            statement(r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole""#),
            Some("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\"."),
        ),
        (Trust, statement(r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole""#), None),
        (Identity, "not json".to_owned(), Some("This policy contains invalid Json")),
        (Identity, "[]".to_owned(), Some(SYNTAX)),
        (Identity, r#"{"Version":"2012-10-17"}"#.to_owned(), Some(SYNTAX)),
        (Identity, r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), Some(SYNTAX)),
        (Identity, format!(r#"{{"Version":"2020-01-01","Statement":{{{read}}}}}"#), Some(SYNTAX)),
        (Identity, format!(r#"{{"Statement":{{{read}}}}}"#), None),
        (Identity, format!(r#"{{"Version":"2012-10-17","Statment":{{{read}}}}}"#), Some(SYNTAX)),
        (Identity, statement(&format!(r#"{read},"Ressource":"*""#)), Some(SYNTAX)),
        (Identity, statement(&format!(r#"{read},"NotAction":"*""#)), Some(SYNTAX)),
        (Identity, statement(&format!(r#"{read},"Condition":{{"Strange":{{"a":"b"}}}}"#)), Some("Invalid Condition type : Strange.")),
        (Identity, statement(r#""Effect":"Perhaps","Action":"*","Resource":"*""#), Some(SYNTAX)),
        (Identity, statement(r#""Effect":"Allow","Resource":"*""#), Some("Policy statement must contain actions.")),
        (Identity, statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), Some("Policy statement must contain actions.")),
        (Identity, statement(r#""Effect":"Allow","Action":"*""#), Some("Policy statement must contain resources.")),
        (Identity, statement(r#""Action":"*","Resource":"*""#), Some("Missing required field Effect cannot be empty!")),
        (
            Identity,
            statement(r#""Effect":"Allow","Action":"PutRule","Resource":"*""#),
            Some("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        ),
        (
            Identity,
            statement(r#""Effect":"Allow","Action":"*","Resource":"bucket""#),
            Some("Resource bucket must be in ARN format or \"*\"."),
        ),
        (Identity, statement(r#""Sid":"a b","Effect":"Allow","Action":"*","Resource":"*""#), Some("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")),
        (
            Resource,
            r#"{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#.to_owned(),
            Some("Statement IDs (SID) in a single policy must be unique."),
        ),
        (Resource, statement(r#""Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"arn:aws:sns:r:111111111111:t""#), None),
    ];
    for (kind, text, error) in rows {
        assert_eq!(Policy::parse_as(*kind, text).err().as_deref(), *error, "{kind:?} {text}");
    }
}

#[test]
fn a_document_of_unknown_kind_is_taken_as_it_comes() {
    assert!(Policy::parse(TRUST).is_ok());
    assert!(Policy::parse(&statement(r#""Effect":"Allow","Action":"*","Resource":"*""#)).is_ok());
    assert!(Policy::parse("{}").is_err());
}

#[test]
fn principals_are_told_apart_and_made_up_ones_refused() {
    let parse = |principal: &str| {
        Policy::parse(&statement(&format!(
            r#""Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole""#
        )))
        .map(|policy| policy.principals().cloned().collect::<Vec<_>>())
    };
    let account = || Principal::Account("111111111111".to_owned());
    let rows = [
        (r#""*""#, Some(vec![Principal::Anyone])),
        (r#"{"AWS":"*"}"#, Some(vec![Principal::Anyone])),
        (r#"{"AWS":["111111111111","arn:aws:iam::111111111111:root"]}"#, Some(vec![account(), account()])),
        (r#"{"AWS":"arn:aws-cn:iam::111111111111:root"}"#, Some(vec![account()])),
        (
            r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/ops/anna"}"#,
            Some(vec![Principal::Session("arn:aws:sts::111111111111:assumed-role/ops/anna".to_owned())]),
        ),
        (
            r#"{"AWS":"AROAABCDEFGHIJKLMNOPQ"}"#,
            Some(vec![Principal::Bound {
                arn: String::new(),
                unique_id: "AROAABCDEFGHIJKLMNOPQ".to_owned(),
            }]),
        ),
        (
            r#"{"Service":"events.amazonaws.com"}"#,
            Some(vec![Principal::Service("events.amazonaws.com".to_owned())]),
        ),
        (
            r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
            Some(vec![Principal::Federated("cognito-identity.amazonaws.com".to_owned())]),
        ),
        (r#"{"AWS":"arn:aws:iam::111111111111:role/*"}"#, None),
        (r#"{"AWS":"arn:aws:iam::*:root"}"#, None),
        (r#"{"AWS":"1111"}"#, None),
        (r#"{"AWS":"arn:aws:iam::111111111111:group/g"}"#, None),
        (r#"{"AWS":"arn:aws:s3:::bucket"}"#, None),
        (r#"{"Service":"events"}"#, None),
        (r#"{"Servant":"events.amazonaws.com"}"#, None),
        ("{}", None),
        (r#""111111111111""#, None),
    ];
    for (text, expected) in rows {
        assert_eq!(parse(text).ok(), expected, "{text}");
    }
    assert_eq!(
        parse(r#"{"AWS":"1111"}"#).unwrap_err(),
        "Invalid principal in policy: \"AWS\":\"1111\"",
        "AWS names the principal"
    );
}

#[test]
fn a_named_role_is_bound_to_its_unique_id() {
    let mut policy = Policy::parse_as(PolicyKind::Trust, TRUST).unwrap();
    let arn = "arn:aws:iam::111111111111:role/team/ops";
    policy.bind_roles(|asked| (asked == arn).then(|| "AROA1".to_owned())).unwrap();
    let bound = Principal::Bound { arn: arn.to_owned(), unique_id: "AROA1".to_owned() };
    assert_eq!(policy.principals().collect::<Vec<_>>(), [&bound]);
    let requester =
        |role_id| Requester::Session { arn: "s", role_arn: arn, role_id, account: "111111111111" };
    assert_eq!(bound.names(&requester("AROA1")), Some(Naming::Role));
    assert_eq!(bound.names(&requester("AROA2")), None, "made anew, it is another role");
}

#[test]
fn a_trust_in_a_role_that_does_not_exist_is_malformed_and_binds_nothing() {
    let text = statement(
        r#""Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:role/here","arn:aws:iam::111111111111:role/gone"]},"Action":"sts:AssumeRole""#,
    );
    let mut policy = Policy::parse_as(PolicyKind::Trust, &text).unwrap();
    let before = policy.clone();
    let error = policy.bind_roles(|arn| arn.ends_with("here").then(|| "AROA1".to_owned())).unwrap_err();
    assert_eq!(error, "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/gone\"");
    assert_eq!(policy, before);
}
