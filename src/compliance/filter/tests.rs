use proptest::prelude::*;

use super::*;

fn same(one: &str, other: &str) {
    assert!(Normal::of(one).is_understood(), "{one}");
    assert_eq!(Normal::of(one), Normal::of(other), "{one} | {other}");
}

fn differ(one: &str, other: &str) {
    assert_ne!(Normal::of(one), Normal::of(other), "{one} | {other}");
}

#[test]
fn spaces_order_and_needless_brackets_and_quotes_change_nothing() {
    same("{($.eventName=A)||($.eventName=B)}", "{ ($.eventName = B) || ($.eventName = A) }");
    same("{ $.eventName = A }", "{(($.eventName=\"A\"))}");
    same("{ $.a = X && $.b != \"Y\" }", "{ ($.b != Y) && ($.a = X) }");
    same("{ ($.a = X) || (($.a = Y) || ($.a = Z)) }", "{ $.a = Z || $.a = Y || $.a = X }");
    same("{ $.a NOT EXISTS }", "{ ( $.a  not  exists ) }");
    same("{ $.a = X || $.b = Y && $.c = Z }", "{ ($.b = Y && $.c = Z) || $.a = X }");
    same("{ $.a = \"Failed authentication\" }", "{ ($.a=\"Failed authentication\") }");
}

#[test]
fn whatever_counts_other_events_is_another_pattern() {
    differ("{ $.a = X || $.a = Y }", "{ $.a = X && $.a = Y }");
    differ("{ $.a = X || $.a = Y }", "{ $.a = X }");
    differ("{ $.a = X }", "{ $.a != X }");
    differ("{ $.a = X }", "{ $.b = X }");
    differ("{ $.a = X }", "{ $.a = x }");
    differ("{ $.a EXISTS }", "{ $.a NOT EXISTS }");
    differ("{ ($.a = X || $.b = Y) && $.c = Z }", "{ $.a = X || $.b = Y && $.c = Z }");
    differ("{ $.a = \"*X\" }", "{ $.a = \"X*\" }");
}

#[test]
fn what_is_not_understood_is_compared_by_its_text() {
    for odd in [
        "",
        "ERROR",
        "[ip, user]",
        "{ $.a = }",
        "{ ($.a = X }",
        "{ $.a = X) }",
        "{ $.a | X }",
        "{ a = X }",
        "{}",
    ] {
        assert!(!Normal::of(odd).is_understood(), "{odd}");
        assert_eq!(Normal::of(odd), Normal::of(&format!("  {odd}\n")), "{odd}");
    }
    differ("ERROR", "error");
    assert!(!Normal::of(&format!("{{{}$.a = X{}}}", "(".repeat(1000), ")".repeat(1000))).is_understood());
}

#[test]
fn a_pattern_tells_what_it_asks_piece_by_piece() {
    let normal =
        Normal::of("{ ($.eventSource = x.y) && (($.eventName = \"A\") || $.eventName=B) && $.c NOT EXISTS }");
    let pieces: Vec<String> = normal.pieces().into_iter().collect();
    assert_eq!(pieces, ["$.c NOT EXISTS", "$.eventName = A", "$.eventName = B", "$.eventSource = x.y"]);
    assert_eq!(normal.event_names(), BTreeSet::from(["A".to_owned(), "B".to_owned()]));
    assert!(Normal::of("ERROR").pieces().is_empty());
}

/// An expression of the grammar, and the same one with brackets around everything and every list turned round.
fn expression() -> impl Strategy<Value = (String, String)> {
    let leaf = ("[a-c]", "(=|!=)", "[A-C]{1,2}").prop_map(|(selector, operator, value)| {
        (format!("($.{selector} {operator} {value})"), format!("(($.{selector}{operator}\"{value}\"))"))
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 2..4), prop::bool::ANY).prop_map(|(parts, and)| {
            let by = if and { "&&" } else { "||" };
            let (one, mut other): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            other.reverse();
            (format!("({})", one.join(&format!(" {by} "))), format!("({})", other.join(by)))
        })
    })
}

proptest! {
    #[test]
    fn the_same_expression_written_otherwise_has_the_same_normal_form((one, other) in expression()) {
        let (one, other) = (Normal::of(&format!("{{ {one} }}")), Normal::of(&format!("{{{other}}}")));
        prop_assert!(one.is_understood());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn no_text_is_too_odd_to_read(text in "[{}()$.a=!<>&| \"EXISTS*]{0,60}") {
        let _ = Normal::of(&text);
    }
}
