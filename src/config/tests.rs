//! The configuration as a whole: layers, unknown keys, the example, and that nothing makes it panic.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../config/example.toml");

/// `text` with what every configuration needs, unless it has it.
fn complete(text: &str) -> String {
    if text.contains("[central]") {
        text.replacen("[central]", "[central]\naccount_id = '222222222222'", 1)
    } else {
        format!("{text}\n[central]\naccount_id = '222222222222'")
    }
}

/// The settings of a configuration of which `text` is the interesting part.
pub(super) fn settings(text: &str) -> Settings {
    settings_in(text, [])
}

pub(super) fn settings_in(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Settings {
    parse(&complete(text), environment).unwrap_or_else(|error| panic!("{text}\n{error}")).settings
}

/// Code and path of every error in a configuration of which `text` is the interesting part.
pub(super) fn codes(text: &str) -> Vec<String> {
    match parse(&complete(text), []) {
        Ok(_) => Vec::new(),
        Err(error) => {
            error.problems.iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect()
        }
    }
}

/// The same with the warnings of one that can be used, but for those that nearly every short one has.
pub(super) fn all_codes(text: &str) -> Vec<String> {
    match parse(&complete(text), []) {
        Ok(loaded) => loaded
            .warnings
            .iter()
            .filter(|problem| !["W-no-organization-id", "W-no-alert"].contains(&problem.code))
            .map(|problem| format!("{} {}", problem.code, problem.path))
            .collect(),
        Err(_) => codes(text),
    }
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn the_smallest_useful_file_is_enough() {
    let text = "[central]\naccount_id = \"222222222222\"\n\n[[alert]]\nname = \"iam-changes\"\n\
                subscriptions = [{ protocol = \"email\", endpoint = \"security@example.com\" }]\n";
    let loaded = parse(text, []).unwrap();
    assert_eq!(loaded.settings.reconcile.mode, Mode::Observe);
    assert_eq!(loaded.settings.member.role_name, "orgwatch-member");
    assert_eq!(loaded.settings.organization.poll_interval, Duration::from_secs(300));
    let warnings: Vec<&str> = loaded.warnings.iter().map(|problem| problem.code).collect();
    assert_eq!(warnings, ["W-no-organization-id"]);
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_known_one() {
    let error = parse(&complete("[reconcile]\nresync_intervall = '5m'\n"), []).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    let problem = &error.problems[0];
    assert_eq!((problem.code, problem.path.as_str()), ("E-unknown-key", "reconcile.resync_intervall"));
    assert_eq!(problem.hint, "did you mean `resync_interval`?");
    assert_eq!(codes("[reconsile]\nmode = 'observe'"), ["E-unknown-key reconsile"]);
    assert_eq!(codes("[[alert]]\nname = 'a'\nwatch = []"), ["E-unknown-key alert[0].watch"]);
}

#[test]
fn problems_of_all_sections_are_reported_at_once() {
    let text = r#"
        installation = "org-watch"
        [organization]
        id = "a1b2"
        poll_interval = 5
        include_ous = ["ou-ab12-cdefgh34", "x"]
        [member]
        external_id = "s3cret!"
        [central]
        account_id = 123456789012
        colour = "red"
        [[watch]]
        name = "guard"
        preset = "iam-change"
        [[alert]]
        name = "A"
        watches = ["nothing"]
        [reconcile]
        mode = "destroy"
        concurrency = 0
        [http]
        bind = "localhost:8080"
        [guard]
        enabled = 1
    "#;
    let error =
        parse(text, [variable("ORGWATCH__LOG__LEVEL", "loud"), variable("ORGWATCH__LOG__COLOUR", "1")])
            .unwrap_err();
    let found: Vec<String> = error.problems.iter().map(|p| format!("{} {}", p.code, p.path)).collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    E-unknown-variable environment ORGWATCH__LOG__COLOUR
    E-bad-value installation
    E-bad-value organization.id
    E-wrong-type organization.poll_interval
    E-bad-value organization.include_ous[1]
    E-bad-value member.external_id
    E-wrong-type central.account_id
    E-unknown-key central.colour
    E-unknown-preset watch[0].preset
    E-reserved-name watch[0].name
    E-bad-name alert[0].name
    E-unknown-watch alert[0].watches
    E-wrong-type guard.enabled
    E-bad-value reconcile.mode
    E-bad-value reconcile.concurrency
    E-bad-value http.bind
    E-bad-value environment ORGWATCH__LOG__LEVEL
    ");
    assert!(!error.to_string().contains("s3cret"));
}

#[test]
fn a_section_that_is_no_table_is_one_problem_and_hides_nothing_of_the_others() {
    assert_eq!(
        codes("organization = 5\nreconcile = 'x'\nwatch = 'x'\n[log]\nlevel = 'loud'"),
        [
            "E-wrong-type organization",
            "E-wrong-type watch",
            "E-wrong-type reconcile",
            "E-bad-value log.level"
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_is_reported_by_line_and_column_and_without_its_text() {
    let error = parse("[member]\nexternal_id = \"s3cret\n", []).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert_eq!(error.problems[0].code, "E-not-toml");
    assert!(error.problems[0].path.contains("line 2, column"), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(parse("[log]\nlevel = 'info'\n[log]", []).unwrap_err().problems[0].code, "E-not-toml");
}

#[test]
fn a_named_file_that_is_not_there_is_a_problem_of_its_own() {
    let error = load(Some(Path::new("/nonexistent/orgwatch.toml")), []).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert_eq!(
        (error.problems[0].code, error.problems[0].path.as_str()),
        ("E-unreadable-file", "/nonexistent/orgwatch.toml")
    );
}

#[test]
fn a_file_is_loaded_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orgwatch.toml");
    std::fs::write(&path, "[central]\naccount_id = '012345678901'").unwrap();
    let loaded = load(Some(&path), []).unwrap();
    assert_eq!(loaded.file.as_deref(), Some(path.as_path()));
    assert_eq!(loaded.settings.central.account_id.as_str(), "012345678901");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_eq!(load(Some(&path), []).unwrap_err().problems[0].code, "E-unreadable-file");
}

#[test]
fn without_a_named_file_the_first_that_is_there_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let [absent, first, second] =
        ["absent.toml", "first.toml", "second.toml"].map(|name| dir.path().join(name));
    std::fs::write(&first, "[central]\naccount_id = '111111111111'").unwrap();
    std::fs::write(&second, "[central]\naccount_id = '222222222222'").unwrap();
    let loaded = load_among(&[&absent, &first, &second], None, []).unwrap();
    assert_eq!(loaded.settings.central.account_id.as_str(), "111111111111");
    assert_eq!(loaded.file.as_deref(), Some(first.as_path()));
    let loaded = load_among(&[&first], Some(&second), []).unwrap();
    assert_eq!(loaded.file.as_deref(), Some(second.as_path()));
}

#[test]
fn without_a_file_the_environment_suffices_or_the_places_are_named() {
    let loaded = load_among(&[], None, [variable("ORGWATCH__CENTRAL__ACCOUNT_ID", "012345678901")]).unwrap();
    assert_eq!(loaded.settings.central.account_id.as_str(), "012345678901");
    assert_eq!(loaded.file, None);
    let error = load_among(&[], None, []).unwrap_err();
    let found: Vec<&str> = error.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["E-no-file", "E-missing-key"]);
    assert!(error.problems[0].found.contains("/etc/orgwatch/orgwatch.toml"));
}

#[test]
fn every_variable_with_the_prefix_must_be_a_key_that_is_no_list() {
    let error = parse(
        &complete(""),
        [
            variable("ORGWATCH__RECONCILE__MOD", "s3cret"),
            variable("ORGWATCH__ALERT", "s3cret"),
            variable("ORGWATCH__ORGANIZATION__REGIONS", "us-east-1"),
            variable("ORGWATCH__ALERT[7]__NAME", "x"),
            variable("ORGWATCH__", "x"),
            variable("ORGWATCH_URL", "http://127.0.0.1:8080"),
        ],
    )
    .unwrap_err();
    let found: Vec<String> = error.problems.iter().map(|p| format!("{} {}", p.code, p.path)).collect();
    assert_eq!(
        found,
        [
            "E-unknown-variable environment ORGWATCH__RECONCILE__MOD",
            "E-not-in-environment environment ORGWATCH__ALERT",
            "E-not-in-environment environment ORGWATCH__ORGANIZATION__REGIONS",
            "E-unknown-variable environment ORGWATCH__ALERT[7]__NAME",
            "E-unknown-variable environment ORGWATCH__",
        ]
    );
    assert_eq!(error.problems[0].hint, "did you mean `ORGWATCH__RECONCILE__MODE`?");
    assert!(!error.to_string().contains("s3cret"));
}

#[test]
fn a_bad_value_of_a_variable_is_reported_at_the_variable() {
    let error = parse(&complete(""), [variable("ORGWATCH__RECONCILE__CONCURRENCY", "many")]).unwrap_err();
    assert_eq!(error.problems[0].path, "environment ORGWATCH__RECONCILE__CONCURRENCY");
}

#[test]
fn what_is_off_or_empty_is_no_problem() {
    assert!(
        codes("[guard]\nenabled = false\n[canary]\ninterval = ''\n[central]\nkms_key_arn = ''").is_empty()
    );
    assert!(
        codes("[[alert]]\nname='a'\ndelivery='topic-policy'\nown_writes='show'\npattern=''\nsuppress=[]")
            .is_empty()
    );
}

#[test]
fn the_delivery_role_is_for_topics_of_ours() {
    let alert =
        "[[alert]]\nname='a'\ndelivery='role'\nsubscriptions=[{protocol='email',endpoint='a@b.example'}]\n";
    assert_eq!(codes(alert), Vec::<String>::new());
    let theirs = "[[alert]]\nname='a'\ndelivery='role'\ntopic='arn:aws:sns:us-east-1:222222222222:theirs'\n";
    assert_eq!(codes(theirs), ["E-not-our-topic alert[0].delivery"]);
    let more = "kms_key_arn='arn:aws:kms:us-east-1:222222222222:key/12345678-1234-1234-1234-123456789012'\n\
                subscriptions = [{ protocol = 'email', endpoint = 'a@example.com', filter = '{\"a\":[\"b\"]}' }]\n";
    let mut all = codes(&format!("{theirs}{more}"));
    all.sort();
    assert_eq!(
        all,
        [
            "E-filter-needs-json alert[0].subscriptions[0].filter",
            "E-not-our-topic alert[0].delivery",
            "E-not-our-topic alert[0].kms_key_arn",
            "E-not-our-topic alert[0].subscriptions",
        ]
    );
}

#[test]
fn health_is_told_by_an_alert_that_is_there_or_by_nobody() {
    let alert = "[[alert]]\nname='a'\nsubscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n";
    assert_eq!(codes(&format!("{alert}[notify]\nalert = 'b'")), ["E-unknown-alert notify.alert"]);
    for fine in ["a", "orgwatch-health", "off", ""] {
        assert!(codes(&format!("{alert}[notify]\nalert = '{fine}'")).is_empty(), "{fine}");
    }
}

#[test]
fn tampering_is_told_by_an_alert_that_is_there() {
    let alert = "[[alert]]\nname='a'\nsubscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n";
    assert_eq!(codes(&format!("{alert}[guard]\nalert = 'b'")), ["E-unknown-alert guard.alert"]);
    assert!(codes(&format!("{alert}[guard]\nalert = 'a'")).is_empty());
    assert!(codes(&format!("{alert}[guard]\nenabled = false\nalert = 'b'")).is_empty());
    let doubtful = |text: &str| all_codes(text).contains(&"W-tamper-tells-nobody guard.alert".to_owned());
    assert!(!doubtful(alert));
    assert!(!doubtful("[[alert]]\nname='a'"));
    let theirs = "arn:aws:sns:us-east-1:222222222222:theirs";
    assert!(doubtful(&format!("[[alert]]\nname='a'\ntopic = '{theirs}'")), "{theirs}");
}

#[test]
fn names_are_unique_within_their_list_and_may_recur_between_them() {
    assert_eq!(
        codes("[[watch]]\nname='a'\npreset='iam-any'\n[[watch]]\nname='a'\npreset='cis-4.4'"),
        ["E-duplicate-name watch[1].name"]
    );
    assert_eq!(codes("[[alert]]\nname='a'\n[[alert]]\nname='a'"), ["E-duplicate-name alert[1].name"]);
    assert!(codes("[[watch]]\nname='a'\npreset='iam-any'\n[[alert]]\nname='a'").is_empty());
}

/// The example with its commented keys in force.
fn uncommented_example() -> toml::Table {
    let is_key = |line: &str| {
        let key: String = line.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        line.starts_with('[') || (!key.is_empty() && line[key.len()..].starts_with(" = "))
    };
    let text: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_key(rest)).unwrap_or(line))
        .collect();
    text.join("\n").parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_is_valid_as_it_stands() {
    let loaded = parse(EXAMPLE, []).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.settings.central.account_id.as_str(), "222222222222");
    assert_eq!(loaded.settings.alerts.len(), 1);
}

#[test]
fn every_known_key_stands_in_the_example() {
    fn missing(known: &toml::Table, example: &toml::Table, path: &str) -> Vec<String> {
        let one = |(key, value): (&String, &toml::Value)| match (value, example.get(key)) {
            (_, None) => vec![format!("{path}{key}")],
            (toml::Value::Table(known), Some(toml::Value::Table(example))) => {
                missing(known, example, &format!("{path}{key}."))
            }
            _ => Vec::new(),
        };
        known.iter().flat_map(one).collect()
    }
    let example = uncommented_example();
    assert_eq!(missing(&layers::defaults(), &example, ""), Vec::<String>::new());

    // The keys of tables in lists have no defaults; the report of an unknown key names them all.
    let text = "watch=[{zzz=1}]\nalert=[{zzz=1,subscriptions=[{zzz=1}]}]\n[reconcile]\noverride=[{zzz=1}]\n[http]\ntoken=[{zzz=1}]";
    let error = parse(text, []).unwrap_err();
    let lists = [
        ("watch[0].zzz", &example["watch"]),
        ("alert[0].zzz", &example["alert"]),
        ("alert[0].subscriptions[0].zzz", &example["alert"][0]["subscriptions"]),
        ("reconcile.override[0].zzz", &example["reconcile"]["override"]),
        ("http.token[0].zzz", &example["http"]["token"]),
    ];
    for (path, list) in lists {
        let problem = error.problems.iter().find(|problem| problem.path == path).unwrap();
        let known = problem.expected.split_once(": ").unwrap().1.split(", ");
        let shown: BTreeSet<&str> = list
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|item| item.as_table().unwrap().keys())
            .map(String::as_str)
            .collect();
        assert_eq!(
            known.filter(|key| !shown.contains(key)).collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "{path}"
        );
    }
}

#[test]
fn the_example_gives_every_default_as_it_is() {
    let example: toml::Table = EXAMPLE.parse().unwrap();
    let defaults = layers::defaults();
    for (section, keys) in defaults.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
        let Some(shown) = example.get(section) else { continue };
        for (key, default) in keys.iter().filter(|(key, _)| *key != "account_id") {
            if let Some(shown) = shown.get(key) {
                assert_eq!(shown, default, "{section}.{key}");
            }
        }
    }
}

/// Texts that look like values of a configuration, right and wrong.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[ -~]{0,12}".prop_map(|text| format!(
            "{:?}",
            toml::Value::String(text).as_str().unwrap_or_default().replace('\\', "/")
        )),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        Just("nan".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("''".to_owned()),
        Just("'off'".to_owned()),
        Just("'5m'".to_owned()),
        Just("'99999999999999y'".to_owned()),
        Just("'012345678901'".to_owned()),
        Just("'us-east-1'".to_owned()),
        Just("'arn:aws:iam::111111111111:role/x'".to_owned()),
        Just("'iam-changes'".to_owned()),
        Just("'{\"source\":[\"aws.iam\"]}'".to_owned()),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

/// Keys of the reference, in the wrong place as often as not, and others.
fn key() -> impl Strategy<Value = String> {
    let mut known: Vec<String> = [
        "name",
        "preset",
        "pattern",
        "protocol",
        "endpoint",
        "subscriptions",
        "file",
        "role",
        "ou",
        "watches",
    ]
    .map(str::to_owned)
    .to_vec();
    for (key, value) in layers::defaults() {
        known.extend(value.as_table().into_iter().flat_map(toml::Table::keys).cloned());
        known.push(key);
    }
    prop_oneof![9 => prop::sample::select(known), 1 => "'[a-z.\\[\\]0-9]{0,8}'"]
}

#[test]
fn a_file_nested_deeper_than_any_configuration_is_refused_and_does_not_overflow() {
    let n = 100_000;
    for text in [
        format!("tags = {}", "[".repeat(n)),
        format!("tags = {}", "{ a = ".repeat(n)),
        format!("tags{} = 1", ".a".repeat(n)),
        format!("[tags{}]", ".a".repeat(n)),
    ] {
        assert!(parse(&complete(&text), []).is_err());
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _outcome = parse(&text, []);
    }

    #[test]
    fn no_configuration_makes_it_panic_and_what_is_refused_has_a_reason(
        entries in prop::collection::btree_map(key(), value(), 0..6),
        environment in prop::collection::vec(("ORGWATCH__[A-Z_\\[\\]0-9]{0,12}", "[ -~]{0,8}"), 0..2),
    ) {
        let text: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        prop_assume!(text.parse::<toml::Table>().is_ok());
        if let Err(error) = parse(&text, environment) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(error.problems.iter().all(|problem| !problem.is_warning()));
        }
    }
}
