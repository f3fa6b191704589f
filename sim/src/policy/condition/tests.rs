use super::*;

fn holds(block: &str, keys: &[(&str, &[&str])]) -> bool {
    let block: Map<String, Value> = serde_json::from_str(block).unwrap();
    let context: Context = keys
        .iter()
        .map(|(key, values)| ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
        .collect();
    parse(&block, true).unwrap().iter().all(|condition| condition.holds(&context))
}

#[test]
fn operators_mean_what_aws_says() {
    let arn: &[&str] = &["arn:aws:iam::111111111111:role/team/ops"];
    let rows: &[(&str, &[&str], bool)] = &[
        (r#"{"StringEquals":{"K":"a"}}"#, &["a"], true),
        (r#"{"StringEquals":{"K":"a"}}"#, &["A"], false),
        (r#"{"StringEquals":{"K":["a","b"]}}"#, &["b"], true),
        (r#"{"StringEquals":{"K":"a*"}}"#, &["ab"], false),
        (r#"{"StringEquals":{"K":"a"}}"#, &[], false),
        (r#"{"StringNotEquals":{"K":"a"}}"#, &["a"], false),
        (r#"{"StringNotEquals":{"K":["a","b"]}}"#, &["b"], false),
        (r#"{"StringNotEquals":{"K":["a","b"]}}"#, &["c"], true),
        (r#"{"StringNotEquals":{"K":"a"}}"#, &[], true),
        (r#"{"StringNotEquals":{"K":"a"}}"#, &["a", "b"], false),
        (r#"{"StringEqualsIfExists":{"K":"a"}}"#, &[], true),
        (r#"{"StringEqualsIfExists":{"K":"a"}}"#, &["b"], false),
        (r#"{"StringEqualsIgnoreCase":{"K":"Ab"}}"#, &["aB"], true),
        (r#"{"StringNotEqualsIgnoreCase":{"K":"Ab"}}"#, &["aB"], false),
        (r#"{"StringLike":{"K":"arn:*:role/*"}}"#, arn, true),
        (r#"{"StringNotLike":{"K":"arn:*:role/*"}}"#, arn, false),
        (r#"{"StringNotLike":{"K":"x*"}}"#, &[], true),
        (r#"{"ArnLike":{"K":"arn:*:role/*"}}"#, arn, false),
        (r#"{"ArnLike":{"K":"arn:aws:iam::*:role/*"}}"#, arn, true),
        (r#"{"ArnEquals":{"K":"arn:aws:iam::*:role/team/?ps"}}"#, arn, true),
        (r#"{"ArnLike":{"K":"arn:aws:iam::*:role/*"}}"#, &[], false),
        (r#"{"ArnNotLike":{"K":"arn:aws:iam::*:role/*"}}"#, arn, false),
        (r#"{"ArnNotLike":{"K":["arn:aws:iam::*:role/x","arn:aws:iam::*:role/team/*"]}}"#, arn, false),
        (r#"{"ArnNotEquals":{"K":"arn:aws:iam::*:role/x"}}"#, arn, true),
        (r#"{"ArnNotLike":{"K":"arn:aws:iam::*:role/*"}}"#, &[], true),
        (r#"{"Bool":{"K":"true"}}"#, &["true"], true),
        (r#"{"Bool":{"K":true}}"#, &["True"], true),
        (r#"{"Bool":{"K":"false"}}"#, &["true"], false),
        (r#"{"Bool":{"K":"false"}}"#, &[], false),
        (r#"{"BoolIfExists":{"K":"true"}}"#, &[], true),
        (r#"{"Null":{"K":"true"}}"#, &[], true),
        (r#"{"Null":{"K":"true"}}"#, &["x"], false),
        (r#"{"Null":{"K":false}}"#, &["x"], true),
        (r#"{"Null":{"K":"false"}}"#, &[], false),
        (r#"{"NumericLessThan":{"K":"10"}}"#, &["9.5"], true),
        (r#"{"NumericLessThan":{"K":10}}"#, &["10"], false),
        (r#"{"NumericLessThanEquals":{"K":10}}"#, &["10"], true),
        (r#"{"NumericGreaterThan":{"K":"10"}}"#, &["9"], false),
        (r#"{"NumericEquals":{"K":"10"}}"#, &["10.0"], true),
        (r#"{"NumericEquals":{"K":"10"}}"#, &["ten"], false),
        (r#"{"NumericNotEquals":{"K":"10"}}"#, &["10"], false),
        (r#"{"NumericNotEquals":{"K":"10"}}"#, &[], true),
        (r#"{"DateLessThan":{"K":"2026-11-20T12:00:00Z"}}"#, &["2026-11-20T11:59:59Z"], true),
        (r#"{"DateGreaterThan":{"K":"2026-11-20"}}"#, &["2026-11-19T23:59:59Z"], false),
        (r#"{"DateGreaterThanEquals":{"K":"0"}}"#, &["1970-01-01T00:00:00Z"], true),
        (r#"{"IpAddress":{"K":"10.0.0.0/8"}}"#, &["10.255.0.1"], true),
        (r#"{"IpAddress":{"K":"10.0.0.0/8"}}"#, &["11.0.0.1"], false),
        (r#"{"IpAddress":{"K":"0.0.0.0/0"}}"#, &["11.0.0.1"], true),
        (r#"{"NotIpAddress":{"K":["10.0.0.0/8","2001:db8::/32"]}}"#, &["2001:db8::1"], false),
        (r#"{"NotIpAddress":{"K":"10.0.0.0/8"}}"#, &[], true),
        (r#"{"ForAllValues:StringEquals":{"K":["a","b"]}}"#, &["a", "b", "a"], true),
        (r#"{"ForAllValues:StringEquals":{"K":["a","b"]}}"#, &["a", "c"], false),
        (r#"{"ForAllValues:StringEquals":{"K":"a"}}"#, &[], true),
        (r#"{"ForAllValues:StringEquals":{"K":"a"}}"#, &[""], true),
        (r#"{"ForAllValues:StringNotEquals":{"K":["a","b"]}}"#, &["c", "a"], false),
        (r#"{"ForAllValues:StringNotEquals":{"K":["a","b"]}}"#, &["c", "d"], true),
        (r#"{"ForAnyValue:StringEquals":{"K":["a","b"]}}"#, &["c", "b"], true),
        (r#"{"ForAnyValue:StringEquals":{"K":["a","b"]}}"#, &["c"], false),
        (r#"{"ForAnyValue:StringEquals":{"K":"a"}}"#, &[], false),
        (r#"{"ForAnyValue:StringNotEquals":{"K":["a","b"]}}"#, &["a", "c"], true),
        (r#"{"ForAnyValue:StringNotEquals":{"K":["a","b"]}}"#, &["a", "b"], false),
        (r#"{"ForAnyValue:StringNotEquals":{"K":"a"}}"#, &[], false),
        (r#"{"ForAnyValue:StringLikeIfExists":{"K":"a*"}}"#, &[], true),
        (r#"{"ForAnyValue:ArnLike":{"K":"arn:aws:sns:*:*:t"}}"#, &["x", "arn:aws:sns:r:1:t"], true),
        (r#"{"StringEquals":{"K":"a","aws:Other":"b"}}"#, &["a"], false),
    ];
    for (block, values, expected) in rows {
        let keys: &[(&str, &[&str])] = if values.is_empty() { &[] } else { &[("k", values)] };
        assert_eq!(holds(block, keys), *expected, "{block} on {values:?}");
    }
}

#[test]
fn keys_are_compared_whatever_their_case() {
    assert!(holds(r#"{"StringEquals":{"AWS:PrincipalOrgID":"o-1"}}"#, &[("aws:principalorgid", &["o-1"])]));
}

#[test]
fn a_variable_is_compared_with_the_request() {
    let block = r#"{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}"#;
    let one: &[&str] = &["1"];
    assert!(holds(block, &[("aws:resourceaccount", one), ("aws:principalaccount", one)]));
    assert!(!holds(block, &[("aws:resourceaccount", one), ("aws:principalaccount", &["2"])]));
    assert!(!holds(block, &[("aws:resourceaccount", one)]));
}

#[test]
fn operators_and_values_that_aws_does_not_know_are_malformed() {
    for block in [
        r#"{"StringEqualz":{"k":"a"}}"#,
        r#"{"ForSomeValues:StringEquals":{"k":"a"}}"#,
        r#"{"NullIfExists":{"k":"true"}}"#,
        r#"{"NumericEquals":{"k":"ten"}}"#,
        r#"{"IpAddress":{"k":"10.0.0.0/33"}}"#,
        r#"{"Bool":{"k":"yes"}}"#,
        r#"{"StringEquals":"a"}"#,
        r#"{"StringEquals":{"k":{"a":1}}}"#,
    ] {
        let block: Map<String, Value> = serde_json::from_str(block).unwrap();
        assert!(parse(&block, true).is_err(), "{block:?}");
    }
}
