//! What is refused, and how; the first rows are recordings of the live service, some shortened.

use super::reason;

#[test]
fn malformed_patterns_are_refused_in_the_words_of_aws() {
    for (pattern, expected, column) in [
        // Recorded.
        (r#"["not", "a", "dict"]"#, "Filter is not an object", 2),
        (r#"{"int": 42}"#, r#""int" must be an object or an array"#, 11),
        (r#"{"string": "my-value"}"#, r#""string" must be an object or an array"#, 13),
        (r#"{"resources": []}"#, "Empty arrays are not allowed", 17),
        (r#"{"my_key": [{"EXISTS": true}]}"#, "Unrecognized match type EXISTS", 28),
        (r#"{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}"#, "Unrecognized match type NUMERIC", 36),
        (r#"{"a": [{"numeric": [">", 0, ">", 0]}]}"#, "Bad numeric range operator: >", 32),
        (r#"{"a": [{"numeric": [">", 0, "<"]}]}"#, "Value of < must be numeric", 33),
        (r#"{"a": [{"numeric": 10}]}"#, "Value of numeric must be an array.", 22),
        (r#"{"a": [{"suffix": [".png"]}]}"#, "suffix match pattern must be a string", 20),
        (r#"{"a": [{"wildcard": 123}]}"#, "wildcard match pattern must be a string", 24),
        (r#"{"a": [{"wildcard": "x**"}]}"#, "Consecutive wildcard characters at pos 2", 26),
        (
            r#"{"a": [{"equals-ignore-case": ["x"]}]}"#,
            "equals-ignore-case match pattern must be a string",
            32,
        ),
        (r#"{"a": [{"anything-but": {"prefix": ""}}]}"#, "Null prefix/suffix not allowed", 38),
        (
            r#"{"a": [{"anything-but": null}]}"#,
            "Value of anything-but must be an array or single string/number value.",
            29,
        ),
        // Of the compiler.
        ("{}", "Empty objects are not allowed", 3),
        (r#"{"a": {}}"#, "Empty objects are not allowed", 9),
        (r#"{"a": [["x"]]}"#, "Match value must be String, number, true, false, or null", 9),
        (r#"{"a": [{}]}"#, "Match expression name not found", 10),
        (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key allowed in match expression", 35),
        (r#"{"a": [{"prefix": {"wildcard": "x"}}]}"#, "Unsupported prefix pattern: wildcard", 33),
        (r#"{"a": [{"wildcard": "\\x"}]}"#, "Invalid escape character at pos 1", 26),
        (r#"{"a": [{"exists": "true"}]}"#, "exists match pattern must be either true or false.", 20),
        (r#"{"a": [{"numeric": ["~", 1]}]}"#, "Unrecognized numeric range operator: ~", 27),
        (r#"{"a": [{"numeric": ["=", 1, 2]}]}"#, "Too many elements in numeric expression", 30),
        (r#"{"a": [{"numeric": [">", 5, "<", 5]}]}"#, "Bottom must be less than top", 36),
        (r#"{"a": [{"anything-but": {"numeric": 1}}]}"#, "Unsupported anything-but pattern: numeric", 38),
        (
            r#"{"a": [{"anything-but": []}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
            27,
        ),
        (
            r#"{"a": [{"anything-but": ["x", 1]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
            33,
        ),
        (r#"{"$or": [{"a": ["x"]}]}"#, "There must have at least 2 Objects in $or relationship.", 23),
        // JSON.
        (
            "this is no JSON",
            "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            5,
        ),
        (
            "{'bad': 'quotation'}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            2,
        ),
    ] {
        let place = format!("\n at [Source: (String)\"{pattern}\"; line: 1, column: {column}]");
        assert_eq!(reason(pattern), format!("Event pattern is not valid. Reason: {expected}{place}"));
    }
}

#[test]
fn other_malformed_patterns_are_refused_too() {
    for (pattern, expected) in [
        ("", "Unexpected end-of-input"),
        (r#"{"a":["x"]"#, "expected close marker for Object"),
        (r#"{"a":["x""#, "expected close marker for Array"),
        (r#"{"a":["x]"#, "closing quote"),
        (r#"{"a":["x" "y"]}"#, "was expecting comma to separate Array entries"),
        (r#"{"a":["x",]}"#, "Unexpected character"),
        (r#"{"a" ["x"]}"#, "was expecting a colon"),
        (r#"{"a":[01]}"#, "Invalid numeric value"),
        ("{\"a\":[\"x\ny\"]}", "Illegal unquoted character"),
        (r#"{"a":["\x"]}"#, "Unrecognized character escape"),
        (r#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a":[{"numeric":["=",1e999]}]}"#, "Cannot compare number : 1e999"),
        (r#"{"a":[{"anything-but":9007199254740993}]}"#, "Cannot compare number : 9007199254740993"),
        (r#"{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#, "Rule is too complex"),
        (r#"{"$or":[{"a":[1]},{"prefix":["x"]}]}"#, "prefix is Ruler reserved fieldName"),
        (r#"{"$or":[{"a":[1]},"x"]}"#, "Only JSON object is allowed in array of $or"),
    ] {
        assert!(reason(pattern).contains(expected), "{pattern}: {}", reason(pattern));
    }
}
