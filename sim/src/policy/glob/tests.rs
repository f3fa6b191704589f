use super::*;

const FULL: Reading = Reading { wildcards: true, variables: true };

fn matches(pattern: &str, text: &str) -> bool {
    let context = Context::from([
        ("aws:username".to_owned(), vec!["anna".to_owned()]),
        ("aws:star".to_owned(), vec!["a*".to_owned()]),
        ("aws:many".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
    ]);
    Glob::compile(pattern, FULL).matches(text, &context)
}

#[test]
fn a_star_stands_for_any_text_and_a_question_mark_for_one_character() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "ac", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("a*b*c", "aXbYbZc", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("?", "é", true),
        ("?", "€", true),
        ("??", "€", false),
        ("*??", "€", false),
        ("abc", "ABC", false),
        ("**", "x", true),
        ("*a", "ba", true),
        ("*a", "ab", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn a_variable_stands_for_its_value_taken_literally() {
    for (pattern, text, expected) in [
        ("home/${aws:username}/*", "home/anna/x", true),
        ("home/${aws:UserName}/*", "home/anna/x", true),
        ("home/${aws:username}/*", "home/otto/x", false),
        ("${aws:star}", "a*", true),
        ("${aws:star}", "ab", false),
        ("${aws:absent}", "", false),
        ("${aws:absent, 'nobody'}", "nobody", true),
        ("${aws:many}", "a", false),
        ("${*}x", "*x", true),
        ("${*}x", "ax", false),
        ("${$}{?}", "${x}", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn the_old_version_knows_no_variables() {
    let old = Reading { wildcards: true, variables: false };
    let context = Context::from([("aws:username".to_owned(), vec!["anna".to_owned()])]);
    assert!(Glob::compile("${aws:username}", old).matches("${aws:username}", &context));
    assert!(!Glob::compile("${aws:username}", old).matches("anna", &context));
}

#[test]
fn a_wildcard_of_an_arn_stays_in_its_part() {
    let context = Context::from([("aws:principalaccount".to_owned(), vec!["111111111111".to_owned()])]);
    for (pattern, arn, expected) in [
        ("arn:aws:iam::*:role/x", "arn:aws:iam::111111111111:role/x", true),
        ("arn:aws:iam:*:role/x", "arn:aws:iam::111111111111:role/x", false),
        ("arn:*:role/x", "arn:aws:iam::111111111111:role/x", false),
        ("arn:aws:events:*:*:rule/*", "arn:aws:events:us-east-1:111111111111:rule/a/b", true),
        ("arn:aws:logs:*:*:log-group:*", "arn:aws:logs:r:1:log-group:a:b", true),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/x", "arn:aws:iam::111111111111:role/x", true),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/x", "arn:aws:iam::222222222222:role/x", false),
        ("*", "arn:aws:iam::111111111111:role/x", true),
        ("arn:aws:iam::111111111111:role/x", "not an arn", false),
    ] {
        assert_eq!(ArnGlob::compile(pattern, FULL).matches(arn, &context), expected, "{pattern} on {arn}");
    }
}

#[test]
fn a_pattern_of_many_stars_is_not_slow() {
    let pattern = "*a".repeat(200);
    let text = "a".repeat(199) + &"b".repeat(5_000);
    assert!(!matches(&pattern, &text));
}
