//! What may be the name of what.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::quoted;
use super::reader::{Place, Table};
use crate::model::ids::Installation;

/// Names that orgwatch needs for resources of its own, or may need.
const RESERVED: [&str; 12] = [
    "guard",
    "guard-central",
    "guard-central-own",
    "wake",
    "canary",
    "heartbeat",
    "tamper",
    "health",
    "dead-letters",
    "inbox",
    "member",
    "forwarder",
];

/// What AWS takes for the name of a rule.
pub(crate) const LONGEST_RULE_NAME: usize = 64;

/// AWS takes 50 tags on a resource; the rest is left for ours.
const MOST_TAGS: usize = 40;

/// Whether `name` has the characters that IAM takes for a name, and no more than `longest`.
pub(super) fn is_iam_name(name: &str, longest: usize) -> bool {
    (1..=longest).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

/// Whether `text` may be the name of an IAM role or policy behind its path.
pub(super) fn is_iam_path_and_name(text: &str, longest: usize) -> bool {
    let text = text.strip_prefix('/').unwrap_or(text);
    match text.rsplit_once('/') {
        None => is_iam_name(text, longest),
        Some((path, name)) => {
            is_iam_name(name, longest)
                && path.len() <= 510
                && path.split('/').all(|part| is_iam_name(part, 510))
        }
    }
}

/// The name of a watch or an alert at `name`, checked, and reported if it is in `seen` already.
pub(super) fn read(
    t: &mut Table<'_>,
    installation: Option<&Installation>,
    seen: &mut BTreeSet<String>,
) -> Option<String> {
    let name: String = t.value("name")?;
    let place = t.place("name");
    check(&name, installation, &place)?;
    if !seen.insert(name.clone()) {
        return place.report.add(
            "E-duplicate-name",
            &place.path,
            quoted(&name),
            "a name that no other of the list has",
            "rename or remove one of them",
        );
    }
    Some(name)
}

/// Nothing, after a report, if `name` cannot be that of a watch or an alert.
fn check(name: &str, installation: Option<&Installation>, place: &Place<'_>) -> Option<()> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let well_formed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && edge(name.chars().next())
        && edge(name.chars().next_back());
    if !well_formed {
        return place.report.add(
            "E-bad-name",
            &place.path,
            quoted(name),
            "lower-case letters, digits and, between them, \"-\"",
            "such as \"iam-changes\"",
        );
    }
    let whole = installation.map_or(0, |installation| installation.as_str().len()) + 1 + name.len();
    if whole > LONGEST_RULE_NAME {
        return place.report.add(
            "E-bad-name",
            &place.path,
            format!("a name of {whole} characters together with the installation and a \"-\""),
            format!("at most {LONGEST_RULE_NAME}, which is what AWS takes for the name of a rule"),
            "shorten the name",
        );
    }
    let last = name.rsplit_once('-').map(|(_, last)| last);
    if RESERVED.contains(&name)
        || last.is_some_and(|last| last == "hidden" || last.bytes().all(|b| b.is_ascii_digit()))
    {
        return place.report.add(
            "E-reserved-name",
            &place.path,
            quoted(name),
            format!("none of {}, and no name that ends in -hidden or in - and digits", RESERVED.join(", ")),
            "orgwatch names resources of its own so; choose another",
        );
    }
    Some(())
}

/// Nothing, after a report, if AWS would refuse one of `tags` or if it is ours to set.
pub(super) fn check_tags(tags: &BTreeMap<String, String>, place: &Place<'_>) -> Option<()> {
    let text = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
    let mut fine = Some(());
    if tags.len() > MOST_TAGS {
        fine = place.bad(
            format!("{} tags", tags.len()),
            format!("at most {MOST_TAGS}, so that ours fit beside them"),
            "",
        );
    }
    for (key, value) in tags {
        let reserved = key.starts_with("aws:") || key.starts_with("orgwatch:");
        let valid = (1..=128).contains(&key.chars().count())
            && value.chars().count() <= 256
            && text(key)
            && text(value);
        if reserved || !valid {
            fine = place.bad(
                format!("{} = {}", quoted(key), quoted(value)),
                "a key of 1 to 128 and a value of up to 256 letters, digits, spaces or characters of _.:/=+-@",
                "keys that begin with aws: or orgwatch: are set by AWS and by orgwatch alone",
            );
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Report;

    fn code(name: &str) -> Option<&'static str> {
        let report = Report::default();
        let place = Place { path: "watch[0].name".to_owned(), report: &report };
        let fine = check(name, Some(&"orgwatch".parse().unwrap()), &place).is_some();
        let code = report.into_errors_and_warnings().0.first().map(|problem| problem.code);
        assert_eq!(fine, code.is_none());
        code
    }

    #[test]
    fn names_are_small_letters_digits_and_inner_dashes() {
        for good in ["iam-changes", "a", "a-b2c", "cis4"] {
            assert_eq!(code(good), None, "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "ä", "a b"] {
            assert_eq!(code(bad), Some("E-bad-name"), "{bad}");
        }
    }

    #[test]
    fn a_name_fits_behind_the_installation_into_the_name_of_a_rule() {
        assert_eq!(code(&"a".repeat(55)), None);
        assert_eq!(code(&"a".repeat(56)), Some("E-bad-name"));
    }

    #[test]
    fn names_of_our_own_resources_are_reserved() {
        for reserved in RESERVED.into_iter().chain(["iam-hidden", "iam-2", "cis-44"]) {
            assert_eq!(code(reserved), Some("E-reserved-name"), "{reserved}");
        }
        assert_eq!(code("iam-2a"), None);
        assert_eq!(code("guards"), None);
    }

    #[test]
    fn tags_that_aws_or_orgwatch_sets_are_refused() {
        let fine = |key: &str, value: &str| {
            let report = Report::default();
            let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            check_tags(&tags, &Place { path: "tags".to_owned(), report: &report }).is_some()
        };
        assert!(fine("cost centre", "security/42"));
        assert!(!fine("orgwatch:managed-by", "me"));
        assert!(!fine("aws:x", "y"));
        assert!(!fine("", "y"));
        assert!(!fine("a", &"y".repeat(257)));
        assert!(!fine("a", "<y>"));
    }

    #[test]
    fn a_path_before_an_iam_name_has_no_empty_part() {
        for good in ["a", "/a", "team/a", "/team/b/a"] {
            assert!(is_iam_path_and_name(good, 64), "{good}");
        }
        for bad in ["", "/", "a/", "a//b", "//a", "a:b", &"a".repeat(65)] {
            assert!(!is_iam_path_and_name(bad, 64), "{bad}");
        }
    }
}
