//! The rows: pattern, event, whether it matches, and where that is said.
//!
//! `guide`: the EventBridge user guide on event patterns and comparison operators. `engine`: the README or the compiler
//! of `aws/event-ruler`. `recorded`: recordings of the live service that LocalStack publishes with its tests.

use super::matches;

struct Row(&'static str, &'static str, bool, &'static str);

#[test]
fn patterns_match_as_aws_says() {
    let rows = [
        // Exact values.
        Row(r#"{"a":["x"]}"#, r#"{"a":"x"}"#, true, "guide: a value in the list equals the field"),
        Row(
            r#"{"a":["x"]}"#,
            r#"{"a":"X"}"#,
            false,
            "guide: characters are compared one by one, without case folding",
        ),
        Row(r#"{"a":["x","y"]}"#, r#"{"a":"y"}"#, true, "guide: any listed value is enough"),
        Row(r#"{"a":["x"]}"#, r#"{"A":"x"}"#, false, "recorded: names of fields have a case"),
        Row(
            r#"{"a":["x"],"b":["y"]}"#,
            r#"{"a":"x","b":"z"}"#,
            false,
            "guide: all fields of the pattern must match",
        ),
        Row(
            r#"{"a":["x"],"b":["y"]}"#,
            r#"{"a":"x"}"#,
            false,
            "guide: a field of the pattern must be in the event",
        ),
        Row(
            r#"{"a":["x"]}"#,
            r#"{"a":"x","b":"y"}"#,
            true,
            "guide: fields that the pattern does not name are ignored",
        ),
        Row(r#"{"a":["Add*"]}"#, r#"{"a":"AddUser"}"#, false, "guide: a star in a plain text is a star"),
        Row(
            r#"{"account":["*"]}"#,
            r#"{"account":"111122223333"}"#,
            false,
            "guide: a star for the account matches nothing",
        ),
        Row(r#"{"a":[""]}"#, r#"{"a":""}"#, true, "guide: an empty text matches an empty text"),
        Row(r#"{"a":[""]}"#, r#"{"a":null}"#, false, "guide: an empty text is not null"),
        Row(r#"{"a":[null]}"#, r#"{"a":null}"#, true, "guide: null matches null"),
        Row(r#"{"a":[null]}"#, r#"{"a":"null"}"#, false, "guide: literals are compared unquoted"),
        Row(r#"{"a":[null]}"#, r#"{}"#, false, "guide: a field with null is there, an absent one is not"),
        Row(r#"{"a":[null]}"#, r#"{"a":[]}"#, false, "recorded: an empty list has no null"),
        Row(r#"{"a":[true]}"#, r#"{"a":true}"#, true, "guide: true is a literal"),
        Row(r#"{"a":[true]}"#, r#"{"a":"true"}"#, false, "guide: the text is not the literal"),
        Row(r#"{"a":[true]}"#, r#"{"a":1}"#, false, "guide: literals are compared by type"),
        Row(r#"{"a":[false]}"#, r#"{"a":true}"#, false, "recorded: booleans"),
        Row(r#"{"a":["\u0061\"b"]}"#, r#"{"a":"a\"b"}"#, true, "JSON: escapes are read in both"),
        // Numbers.
        Row(r#"{"a":[300]}"#, r#"{"a":300}"#, true, "guide: numbers"),
        Row(r#"{"a":[300]}"#, r#"{"a":300.0}"#, true, "recorded: by value, although the guide says by form"),
        Row(r#"{"a":[3.0e2]}"#, r#"{"a":300}"#, true, "engine: a number is compared by value too"),
        Row(r#"{"a":[300]}"#, r#"{"a":"300"}"#, false, "guide: a text is no number"),
        Row(r#"{"a":["300"]}"#, r#"{"a":300}"#, false, "guide: a number is no text"),
        Row(
            r#"{"a":[9007199254740993]}"#,
            r#"{"a":9007199254740993}"#,
            true,
            "engine: too exact for a double: by form",
        ),
        Row(
            r#"{"a":[9007199254740993]}"#,
            r#"{"a":9007199254740992}"#,
            false,
            "engine: too exact for a double: by form",
        ),
        // Nesting, arrays.
        Row(
            r#"{"a":{"b":["x"]}}"#,
            r#"{"a":{"b":"x"}}"#,
            true,
            "guide: fields lie in the event as in the pattern",
        ),
        Row(
            r#"{"a":{"b":["x"]}}"#,
            r#"{"b":"x"}"#,
            false,
            "guide: fields lie in the event as in the pattern",
        ),
        Row(r#"{"a":["x"]}"#, r#"{"a":{"b":"x"}}"#, false, "guide: an object is no value"),
        Row(
            r#"{"a.b":["x"]}"#,
            r#"{"a":{"b":"x"}}"#,
            true,
            "recorded: a dot in a key of the pattern joins keys",
        ),
        Row(
            r#"{"a":{"b":["x"]}}"#,
            r#"{"a.b":"x"}"#,
            true,
            "recorded: a dot in a key of the event joins keys",
        ),
        Row(r#"{"a":["x"]}"#, r#"{"a":["w","x"]}"#, true, "guide: a list matches when an element does"),
        Row(r#"{"a":["x"]}"#, r#"{"a":[["w"],["x"]]}"#, true, "engine: lists in lists are flattened"),
        Row(r#"{"a":["x"]}"#, r#"{"a":[]}"#, false, "guide: no element matches"),
        Row(r#"{"l":{"a":[1]}}"#, r#"{"l":[{"a":0},{"a":1}]}"#, true, "recorded: objects in a list"),
        Row(r#"{"l":{"a":[1],"b":[2]}}"#, r#"{"l":[{"a":1,"b":2}]}"#, true, "engine: fields of one element"),
        Row(r#"{"l":{"a":[1],"b":[2]}}"#, r#"{"l":[{"a":1},{"b":2}]}"#, false, "engine: not of two elements"),
        Row(
            r#"{"l":{"a":[1]},"m":{"b":[2]}}"#,
            r#"{"l":[{"a":0},{"a":1}],"m":[{"b":2}]}"#,
            true,
            "engine: of two lists",
        ),
        Row(
            r#"{"l":{"m":{"a":[1],"b":[2]}}}"#,
            r#"{"l":[{"m":[{"a":1}]},{"m":[{"b":2}]}]}"#,
            false,
            "engine: inner lists",
        ),
        Row(
            r#"{"l":{"a":[1],"m":{"b":[2]}}}"#,
            r#"{"l":[{"a":0,"m":[{"b":2}]},{"a":1,"m":[{"b":3},{"b":2}]}]}"#,
            true,
            "engine: inner lists",
        ),
        // prefix, suffix, equals-ignore-case.
        Row(r#"{"a":[{"prefix":"Add"}]}"#, r#"{"a":"AddUser"}"#, true, "guide: prefix"),
        Row(r#"{"a":[{"prefix":"Add"}]}"#, r#"{"a":"add"}"#, false, "guide: prefix"),
        Row(r#"{"a":[{"prefix":""}]}"#, r#"{"a":"x"}"#, true, "recorded: an empty prefix matches each text"),
        Row(r#"{"a":[{"prefix":""}]}"#, r#"{"a":1}"#, false, "engine: a prefix is of a text"),
        Row(
            r#"{"a":[{"prefix":{"equals-ignore-case":"aDD"}}]}"#,
            r#"{"a":"AddUser"}"#,
            true,
            "guide: prefix without case",
        ),
        Row(r#"{"a":[{"suffix":".png"}]}"#, r#"{"a":"x.png"}"#, true, "guide: suffix"),
        Row(r#"{"a":[{"suffix":".png"}]}"#, r#"{"a":"x.PNG"}"#, false, "guide: suffix"),
        Row(r#"{"a":[{"suffix":""}]}"#, r#"{"a":""}"#, true, "recorded: an empty suffix matches each text"),
        Row(
            r#"{"a":[{"suffix":{"equals-ignore-case":".png"}}]}"#,
            r#"{"a":"x.PNG"}"#,
            true,
            "guide: suffix without case",
        ),
        Row(r#"{"a":[{"equals-ignore-case":"ROOT"}]}"#, r#"{"a":"rooT"}"#, true, "guide: equals-ignore-case"),
        Row(
            r#"{"a":[{"equals-ignore-case":"ROOT"}]}"#,
            r#"{"a":"roots"}"#,
            false,
            "guide: equals-ignore-case",
        ),
        Row(
            r#"{"a":[{"exactly":"10.0.0.1"}]}"#,
            r#"{"a":"10.0.0.01"}"#,
            false,
            "engine: exactly takes no address",
        ),
        // wildcard.
        Row(r#"{"a":[{"wildcard":"Put*Policy"}]}"#, r#"{"a":"PutRolePolicy"}"#, true, "guide: wildcard"),
        Row(r#"{"a":[{"wildcard":"Put*Policy"}]}"#, r#"{"a":"PutRolePolicyX"}"#, false, "guide: wildcard"),
        Row(r#"{"a":[{"wildcard":"a\\*b"}]}"#, r#"{"a":"a*b"}"#, true, "guide: an escaped star is a star"),
        Row(r#"{"a":[{"wildcard":"a\\*b"}]}"#, r#"{"a":"axb"}"#, false, "guide: an escaped star is a star"),
        Row(r#"{"a":[{"wildcard":"a?"}]}"#, r#"{"a":"ab"}"#, false, "engine: the star is the only wildcard"),
        Row(r#"{"a":[{"wildcard":"*"}]}"#, r#"{"a":1}"#, false, "engine: a wildcard is of a text"),
        Row(
            r#"{"a":[{"wildcard":""}]}"#,
            r#"{"a":"x"}"#,
            false,
            "recorded: an empty wildcard is an empty text",
        ),
        // anything-but.
        Row(r#"{"a":[{"anything-but":"x"}]}"#, r#"{"a":"y"}"#, true, "guide: anything-but"),
        Row(r#"{"a":[{"anything-but":"x"}]}"#, r#"{"a":"x"}"#, false, "guide: anything-but"),
        Row(r#"{"a":[{"anything-but":"x"}]}"#, r#"{}"#, false, "recorded: an absent field does not match"),
        Row(r#"{"a":[{"anything-but":"x"}]}"#, r#"{"a":null}"#, true, "recorded: null is something else"),
        Row(r#"{"a":[{"anything-but":"x"}]}"#, r#"{"a":1}"#, true, "engine: a number is something else"),
        Row(
            r#"{"a":[{"anything-but":"x"}]}"#,
            r#"{"a":["x","y"]}"#,
            true,
            "engine: an element that is something else",
        ),
        Row(
            r#"{"a":[{"anything-but":["x","y"]}]}"#,
            r#"{"a":"y"}"#,
            false,
            "guide: anything-but with a list",
        ),
        Row(r#"{"a":[{"anything-but":123}]}"#, r#"{"a":123.0}"#, false, "engine: numbers by value"),
        Row(
            r#"{"a":[{"anything-but":123}]}"#,
            r#"{"a":"123"}"#,
            true,
            "engine: a text is something else than a number",
        ),
        Row(
            r#"{"a":[{"anything-but":[100,200]}]}"#,
            r#"{"a":300}"#,
            true,
            "guide: anything-but with numbers",
        ),
        Row(
            r#"{"a":[{"anything-but":{"prefix":"in"}}]}"#,
            r#"{"a":"init"}"#,
            false,
            "guide: anything-but a prefix",
        ),
        Row(
            r#"{"a":[{"anything-but":{"prefix":"in"}}]}"#,
            r#"{"a":12}"#,
            true,
            "recorded: a number has no prefix",
        ),
        Row(
            r#"{"a":[{"anything-but":{"prefix":["in","un"]}}]}"#,
            r#"{"a":"undo"}"#,
            false,
            "guide: prefixes in a list",
        ),
        Row(
            r#"{"a":[{"anything-but":{"suffix":".txt"}}]}"#,
            r#"{"a":"x.txt"}"#,
            false,
            "guide: anything-but a suffix",
        ),
        Row(
            r#"{"a":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}"#,
            r#"{"a":"x.md"}"#,
            true,
            "guide: suffixes in a list",
        ),
        Row(
            r#"{"a":[{"anything-but":{"equals-ignore-case":["X","y"]}}]}"#,
            r#"{"a":"Y"}"#,
            false,
            "guide: without case",
        ),
        Row(
            r#"{"a":[{"anything-but":{"equals-ignore-case":"X"}}]}"#,
            r#"{"a":null}"#,
            true,
            "recorded: null is something else",
        ),
        Row(
            r#"{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#,
            r#"{"a":"/usr/lib/x"}"#,
            false,
            "guide: anything-but a wildcard",
        ),
        Row(
            r#"{"a":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}"#,
            r#"{"a":"/etc/x"}"#,
            true,
            "guide: wildcards in a list",
        ),
        Row(
            r#"{"a":["x",{"anything-but":"x"}]}"#,
            r#"{"a":"x"}"#,
            true,
            "guide: operators in a list are alternatives",
        ),
        // numeric.
        Row(r#"{"a":[{"numeric":[">",0,"<=",5]}]}"#, r#"{"a":5}"#, true, "guide: a range"),
        Row(r#"{"a":[{"numeric":[">",0,"<=",5]}]}"#, r#"{"a":0}"#, false, "guide: a range"),
        Row(r#"{"a":[{"numeric":[">=",0,"<",5]}]}"#, r#"{"a":5}"#, false, "guide: a range"),
        Row(r#"{"a":[{"numeric":["=",3.018e2]}]}"#, r#"{"a":301.8}"#, true, "guide: equality by value"),
        Row(r#"{"a":[{"numeric":[">",100]}]}"#, r#"{"a":"300"}"#, false, "recorded: a text is no number"),
        Row(r#"{"a":[{"numeric":["<",10]}]}"#, r#"{"a":-1e300}"#, true, "engine: the whole range of doubles"),
        // cidr and addresses.
        Row(
            r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#,
            r#"{"a":"10.0.0.255"}"#,
            true,
            "guide: a block of addresses",
        ),
        Row(r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"a":"10.0.1.0"}"#, false, "guide: a block of addresses"),
        Row(r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"a":"ec2.amazonaws.com"}"#, false, "engine: no address"),
        Row(r#"{"a":[{"cidr":"2001:db8::/56"}]}"#, r#"{"a":"2001:db8::ff"}"#, true, "recorded: IPv6"),
        Row(
            r#"{"a":["2001:db8::1"]}"#,
            r#"{"a":"2001:DB8:0::1"}"#,
            true,
            "engine: a plain address is compared as one",
        ),
        // exists.
        Row(r#"{"a":[{"exists":true}]}"#, r#"{"a":null}"#, true, "guide: null is there"),
        Row(r#"{"a":[{"exists":true}]}"#, r#"{}"#, false, "guide: exists"),
        Row(r#"{"a":[{"exists":false}]}"#, r#"{"b":1}"#, true, "guide: exists false"),
        Row(r#"{"a":[{"exists":false}]}"#, r#"{"a":1}"#, false, "guide: exists false"),
        Row(
            r#"{"a":[{"exists":true}]}"#,
            r#"{"a":{"b":1}}"#,
            false,
            "guide: exists is of leaves, not of objects",
        ),
        Row(
            r#"{"a":[{"exists":false}]}"#,
            r#"{"a":{"b":1}}"#,
            true,
            "guide: exists is of leaves, not of objects",
        ),
        Row(r#"{"a":[{"exists":true}]}"#, r#"{"a":[]}"#, false, "recorded: an empty list has no leaf"),
        Row(r#"{"a":[{"exists":false},"x"]}"#, r#"{"a":"x"}"#, true, "recorded: absent or that value"),
        Row(
            r#"{"l":{"a":[1],"b":[{"exists":false}]}}"#,
            r#"{"l":[{"a":0,"b":2},{"a":1}]}"#,
            true,
            "engine: absent from the same element",
        ),
        Row(
            r#"{"l":{"a":[1],"b":[{"exists":false}]}}"#,
            r#"{"l":[{"a":0},{"a":1,"b":2}]}"#,
            false,
            "engine: absent from the same element",
        ),
        // $or.
        Row(r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"b":2}"#, true, "guide: $or"),
        Row(r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"a":2,"b":1}"#, false, "guide: $or"),
        Row(
            r#"{"c":[3],"$or":[{"a":[1]},{"b":[2]}]}"#,
            r#"{"b":2}"#,
            false,
            "guide: fields beside $or must match too",
        ),
        Row(
            r#"{"d":{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}]}]}}"#,
            r#"{"d":{"c":3}}"#,
            true,
            "engine: $or inside $or",
        ),
        // The silent mistakes.
        Row(
            r#"{"a":["x"],"$or":[{"a":["y"]},{"b":[2]}]}"#,
            r#"{"a":"y"}"#,
            true,
            "engine: the field in $or overwrites the one before",
        ),
        Row(
            r#"{"a":["x"],"$or":[{"a":["y"]},{"b":[2]}]}"#,
            r#"{"a":"x"}"#,
            false,
            "engine: the field in $or overwrites the one before",
        ),
        Row(
            r#"{"$or":[{"a":["y"]},{"b":[2]}],"a":["x"]}"#,
            r#"{"a":"x"}"#,
            true,
            "engine: a field behind $or overwrites the one in it",
        ),
        Row(
            r#"{"a":["x"],"a":["y"]}"#,
            r#"{"a":"x"}"#,
            false,
            "engine: of a key written twice the last list is left",
        ),
        Row(
            r#"{"a":["x"],"a":["y"]}"#,
            r#"{"a":"y"}"#,
            true,
            "engine: of a key written twice the last list is left",
        ),
        Row(
            r#"{"d":{"a":[1]},"d":{"b":[2]}}"#,
            r#"{"d":{"b":2}}"#,
            false,
            "engine: objects under one key are joined",
        ),
        Row(
            r#"{"$or":[{"a":[1]},{"b":[2]}],"$or":[{"c":[3]},{"d":[4]}]}"#,
            r#"{"d":4}"#,
            false,
            "engine: two $or are both required",
        ),
        Row(
            r#"{"$or":[{"numeric":["=",1]},{"prefix":"x"}]}"#,
            r#"{"a":1}"#,
            false,
            "engine: operators in $or make it a field",
        ),
        Row(
            r#"{"$or":[{"numeric":["=",1]},{"prefix":"x"}]}"#,
            r#"{"$or":"xyz"}"#,
            true,
            "engine: operators in $or make it a field",
        ),
        Row(r#"{"$or":{"a":[1]}}"#, r#"{"$or":{"a":1}}"#, true, "engine: $or with an object is a field"),
        Row(r#"{"$or":["a","b"]}"#, r#"{"$or":"b"}"#, true, "engine: $or with values is a field"),
        Row(
            r#"{"a":["x"]} trailing"#,
            r#"{"a":"x"}"#,
            true,
            "engine: what stands behind the object is not read",
        ),
    ];
    assert!(rows.len() >= 80);
    for Row(pattern, event, expected, source) in rows {
        let event = serde_json::from_str(event).unwrap();
        assert_eq!(matches(pattern, &event), expected, "{pattern} on {event}: {source}");
    }
}
