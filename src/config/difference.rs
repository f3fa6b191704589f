//! What differs between two configurations, key by key, as it may be shown. Pure.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::{Loaded, Setting};

/// One key that has another value in one configuration than in the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The key, in lists by the name of the item: `reconcile.mode`, `alert[iam-changes].severity`.
    pub path: String,
    /// What it was; none where it was not set.
    pub before: Option<Shown>,
    /// What it is; none where it is no longer set.
    pub after: Option<Shown>,
    /// Whether what differs is a secret, and what is shown of it may be the same.
    pub secret: bool,
}

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The value; a secret is not shown.
    pub value: Value,
    /// `default`, `file`, or the name of the variable.
    pub source: String,
}

/// The keys that a running daemon cannot take over, and those below them: who it is, what it listens on, where its
/// history is, with what it enters accounts.
const NEED_RESTART: [&str; 14] = [
    "installation",
    "organization.id",
    "central.account_id",
    "central.region",
    "central.role_arn",
    "member.via_role_arn",
    "member.external_id",
    "member.external_id_file",
    "member.source_identity",
    "member.session_duration",
    "http.bind",
    "http.tls_cert",
    "http.tls_key",
    "history",
];

impl Difference {
    /// Whether only a new start takes this over.
    pub fn needs_restart(&self) -> bool {
        let below = |key: &str| self.path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.path == "log.format" || NEED_RESTART.iter().any(|key| self.path == *key || below(key))
    }

    /// The same as a problem of a configuration that a running daemon is to take over.
    pub fn as_problem(&self) -> Problem {
        Problem {
            code: "E-needs-restart",
            path: self.path.clone(),
            found: text(self.after.as_ref(), self.secret),
            expected: format!("as the daemon was started: {}", text(self.before.as_ref(), false)),
            hint: "restart orgwatch to take this over, or put it back and reload the rest".to_owned(),
        }
    }
}

/// A value in one line: as JSON writes it, `not set`, or told apart from another secret.
pub fn text(shown: Option<&Shown>, other_secret: bool) -> String {
    match shown {
        None => "not set".to_owned(),
        Some(shown) if other_secret => format!("{}, with other content", shown.value),
        Some(shown) => shown.value.to_string(),
    }
}

/// What is different in `after`, in the order of the keys.
pub fn between(before: &Loaded, after: &Loaded) -> Vec<Difference> {
    let (old, new) = (named(before), named(after));
    let (old_secrets, new_secrets) = (secrets(before), secrets(after));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |path: &String| {
        let (was, is) = (old.get(path), new.get(path));
        let other_value = was.map(|setting| &setting.value) != is.map(|setting| &setting.value);
        // Where one of them is not there, it is told by the values.
        let other_secret = was.is_some() && is.is_some() && old_secrets.get(path) != new_secrets.get(path);
        (other_value || other_secret).then(|| Difference {
            path: path.clone(),
            before: was.map(shown),
            after: is.map(shown),
            secret: other_secret && !other_value,
        })
    };
    paths.into_iter().filter_map(differs).collect()
}

fn shown(setting: &Setting) -> Shown {
    Shown { value: setting.value.clone(), source: setting.source.clone() }
}

/// The values by their keys, items of lists by their names: an item that comes before others changes none of them.
fn named(loaded: &Loaded) -> BTreeMap<String, Setting> {
    let names = Names::of(loaded);
    // A table without keys, or a list of tables without any, is no value beside those that another configuration has.
    let lists_of_tables = ["watch", "alert", "http.token", "reconcile.override"];
    let is_empty = |setting: &Setting| match &setting.value {
        Value::Object(table) => table.is_empty(),
        Value::Array(list) => list.is_empty() && lists_of_tables.contains(&setting.path.as_str()),
        _ => false,
    };
    let values = loaded.effective.iter().filter(|setting| !is_empty(setting));
    values.map(|setting| (names.apply(&setting.path), setting.clone())).collect()
}

/// The names of the items of lists, by the keys that begin with them.
struct Names(Vec<(String, String)>);

impl Names {
    fn of(loaded: &Loaded) -> Self {
        let name = |setting: &Setting| {
            let item = setting.path.strip_suffix(".name")?;
            let list = ["watch[", "alert[", "http.token["].into_iter().find(|list| item.starts_with(list))?;
            Some((item.to_owned(), format!("{list}{}]", setting.value.as_str()?)))
        };
        Self(loaded.effective.iter().filter_map(name).collect())
    }

    fn apply(&self, path: &str) -> String {
        let named =
            self.0.iter().find_map(|(item, name)| Some(format!("{name}{}", path.strip_prefix(item)?)));
        named.unwrap_or_else(|| path.to_owned())
    }
}

/// What must not be shown, by the key that it comes from. For comparing only.
fn secrets(loaded: &Loaded) -> BTreeMap<String, String> {
    let settings = &loaded.settings;
    let mut found = BTreeMap::new();
    if let Some(id) = &settings.member.external_id {
        for key in ["member.external_id", "member.external_id_file"] {
            found.insert(key.to_owned(), id.expose_secret().to_owned());
        }
    }
    for token in &settings.http.tokens {
        let key = format!("http.token[{}].file", token.name);
        found.insert(key, token.secret.expose_secret().to_owned());
    }
    for alert in &settings.alerts {
        for (i, subscription) in alert.subscriptions.iter().enumerate() {
            // Its shown form holds a digest of what is hidden.
            let key = format!("alert[{}].subscriptions[{i}].endpoint_file", alert.name);
            found.insert(key, subscription.endpoint.shown().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const BASE: &str = "[central]\naccount_id = '222222222222'\n[[alert]]\nname = 'a'\n";

    fn loaded(text: &str) -> Loaded {
        parse(&format!("{BASE}{text}"), []).unwrap_or_else(|error| panic!("{error}"))
    }

    fn told(before: &Loaded, after: &Loaded) -> Vec<String> {
        let line = |d: &Difference| {
            let source = |shown: &Option<Shown>| shown.as_ref().map_or("nowhere", |s| &s.source).to_owned();
            format!(
                "{}: {} ({}) -> {} ({})",
                d.path,
                text(d.before.as_ref(), false),
                source(&d.before),
                text(d.after.as_ref(), d.secret),
                source(&d.after)
            )
        };
        between(before, after).iter().map(line).collect()
    }

    #[test]
    fn the_same_configuration_differs_in_nothing() {
        assert_eq!(told(&loaded(""), &loaded("")), Vec::<String>::new());
    }

    #[test]
    fn each_key_is_told_with_both_values_and_where_they_come_from() {
        let after =
            loaded("severity = 'high'\n[reconcile]\nmode = 'enforce'\nadopt = ['topic:orgwatch-a']\n");
        assert_eq!(
            told(&loaded(""), &after),
            [
                "alert[a].severity: not set (nowhere) -> \"high\" (file)",
                "reconcile.adopt: [] (default) -> [\"topic:orgwatch-a\"] (file)",
                "reconcile.mode: \"observe\" (default) -> \"enforce\" (file)",
            ]
        );
        assert_eq!(between(&after, &loaded("")).len(), 3);
    }

    #[test]
    fn a_first_tag_watch_or_override_is_told_by_its_keys_alone() {
        let after = loaded(
            "[tags]\nteam = 'security'\n[[watch]]\nname = 'w'\npreset = 'iam-any'\n\
             [[reconcile.override]]\naccount = '333333333333'\nmode = 'observe'\n",
        );
        let differences = between(&loaded(""), &after);
        let paths: Vec<&str> = differences.iter().map(|d| d.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "reconcile.override[0].account",
                "reconcile.override[0].mode",
                "tags.team",
                "watch[w].name",
                "watch[w].preset",
            ]
        );
    }

    #[test]
    fn an_item_that_comes_first_changes_none_of_the_others() {
        let first = "[central]\naccount_id = '222222222222'\n[[alert]]\nname = 'b'\n[[alert]]\nname = 'a'\n";
        let after = parse(first, []).unwrap();
        assert_eq!(told(&loaded(""), &after), ["alert[b].name: not set (nowhere) -> \"b\" (file)"]);
    }

    #[test]
    fn another_secret_is_told_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let text = format!("[[http.token]]\nname = 't'\nrole = 'reader'\nfile = '{}'\n", path.display());
        let with = |token: &str| {
            std::fs::write(&path, token).unwrap();
            loaded(&text)
        };
        let (before, after) = (with("planted-secret-0001"), with("planted-secret-0002"));
        let differences = between(&before, &after);
        assert_eq!(differences.len(), 1);
        assert_eq!((differences[0].path.as_str(), differences[0].secret), ("http.token[t].file", true));
        assert!(told(&before, &after)[0].contains("with other content"));
        let id = |secret: &str| loaded(&format!("[member]\nexternal_id = '{secret}'\n"));
        let (before, after) = (id("planted-secret-1"), id("planted-secret-2"));
        let all = format!("{:?}{:?}", differences, between(&before, &after));
        assert!(all.contains("member.external_id") && !all.contains("planted-secret"), "{all}");
        assert!(between(&before, &after)[0].needs_restart());
    }

    #[test]
    fn what_a_running_daemon_cannot_take_over_is_told_as_a_problem() {
        let after = loaded("[history]\npath = 'off'\n[http]\nbind = '127.0.0.1:9'\nhosts = ['a.example']\n");
        let differences = between(&loaded(""), &after);
        let needs: Vec<(&str, bool)> =
            differences.iter().map(|d| (d.path.as_str(), d.needs_restart())).collect();
        assert_eq!(needs, [("history.path", true), ("http.bind", true), ("http.hosts", false)]);
        let problem = differences[1].as_problem();
        assert_eq!((problem.code, problem.path.as_str()), ("E-needs-restart", "http.bind"));
        assert!(problem.found.contains("127.0.0.1:9") && problem.expected.contains("127.0.0.1:8080"));
    }

    #[test]
    fn every_key_that_needs_a_restart_is_a_key_of_the_reference() {
        let reference = loaded("");
        for key in NEED_RESTART.into_iter().chain(["log.format"]) {
            let is = |s: &Setting| s.path == key || s.path.starts_with(&format!("{key}."));
            assert!(reference.effective.iter().any(is), "{key}");
        }
    }
}
