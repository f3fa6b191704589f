//! What the rules of an alert are called.

use super::Rule;

/// What the name of a rule ends in that counts what its alert does not deliver. No alert's own name does.
const HIDDEN: &str = "-hidden";

/// What the first rule of an alert is called that counts what it does not deliver.
pub fn hidden_name(alert: &str) -> String {
    format!("{alert}{HIDDEN}")
}

/// The rules of a list by name: the first one's, then with a number from 2 on.
pub fn rule_names<'a>(name: &str, rules: &'a [Rule]) -> impl Iterator<Item = (String, &'a Rule)> + use<'a> {
    let name = name.to_owned();
    rules.iter().enumerate().map(move |(i, rule)| match i {
        0 => (name.clone(), rule),
        i => (format!("{name}-{}", i + 1), rule),
    })
}

/// The alert that a rule of these names belongs to: `x` for `x-2`, `x-hidden` and `x-hidden-2`.
pub fn family(name: &str) -> &str {
    let name = unnumbered(name);
    name.strip_suffix(HIDDEN).unwrap_or(name)
}

/// Whether a rule of this name counts what its alert does not deliver.
pub fn is_hidden(name: &str) -> bool {
    unnumbered(name).ends_with(HIDDEN)
}

fn unnumbered(name: &str) -> &str {
    let is_number = |tail: &str| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit_once('-').filter(|(_, tail)| is_number(tail)).map_or(name, |(first, _)| first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_tells_by_its_name_whose_it_is_and_whether_it_counts() {
        let rule = Rule { pattern: serde_json::Value::Null, enabled: true };
        let three = vec![rule; 3];
        let names = |name: &str| rule_names(name, &three).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("x"), ["x", "x-2", "x-3"]);
        assert_eq!(names(&hidden_name("x")), ["x-hidden", "x-hidden-2", "x-hidden-3"]);
        for name in names("x").iter().chain(&names(&hidden_name("x"))) {
            assert_eq!((family(name), is_hidden(name)), ("x", name.contains("hidden")), "{name}");
        }
    }
}
