//! The layers of the configuration: built-in defaults, then the file, then the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use config::{Config, File, FileFormat};
use toml::{Table, Value};

use super::problem::{Problem, Report, did_you_mean};
use crate::model::ids::Installation;

/// The built-in defaults: every key outside lists, at its default or off value.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Where the file is looked for when none is named.
pub(super) const PLACES: [&str; 2] = ["config/orgwatch.toml", "/etc/orgwatch/orgwatch.toml"];

const PREFIX: &str = "ORGWATCH__";

/// The path and text of the named file, or else of the first at `places`, if there is one; nothing after a
/// problem with it.
pub(super) fn find(
    named: Option<&Path>,
    places: &[&Path],
    report: &Report,
) -> Option<Option<(PathBuf, String)>> {
    let places = if named.is_some() { named.as_slice() } else { places };
    for path in places {
        match fs::read_to_string(path) {
            Ok(text) => return Some(Some((path.to_path_buf(), text))),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let found = match error.kind() {
                    io::ErrorKind::InvalidData => "bytes that are no UTF-8 text".to_owned(),
                    _ => error.to_string(),
                };
                return report.add(
                    "E-unreadable-file",
                    &path.display().to_string(),
                    found,
                    "a readable TOML file",
                    "name another file with --config, or mend this one",
                );
            }
        }
    }
    Some(None)
}

/// The problem of a configuration that has no file and does not suffice without.
pub(super) fn no_file() -> Problem {
    Problem {
        code: "E-no-file",
        path: "the configuration".to_owned(),
        found: format!("neither {} nor {}", PLACES[0], PLACES[1]),
        expected: "a configuration file, or all that is needed in the environment".to_owned(),
        hint: "name the file with --config, or begin with a copy of config/example.toml".to_owned(),
    }
}

/// The file's tables, or nothing after a problem with line and column.
pub(super) fn parse(text: &str, path: &Path, report: &Report) -> Option<Table> {
    let error = match text.parse::<Table>() {
        Ok(table) => return Some(table),
        Err(error) => error,
    };
    // Not the error's own text: it quotes the line, which may hold a secret.
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    report.add(
        "E-not-toml",
        &format!("{}, line {line}, column {column}", path.display()),
        error.message(),
        "TOML",
        "mend the file at that place; texts, durations and account ids stand in quotes",
    )
}

/// What the variables of the environment set, by the path of the key.
pub(super) struct Variables {
    values: BTreeMap<String, Value>,
    /// The name of the variable, by the path of the key.
    pub(super) names: BTreeMap<String, String>,
    /// Variables with our prefix that are no key, and whether the key is a list or a table.
    strangers: Vec<(String, bool)>,
}

impl Variables {
    /// The variables that begin with our prefix, each brought to the type of the key's default. An account
    /// id is text by its default, so it keeps its leading zeros.
    pub(super) fn new(environment: &[(String, String)]) -> Self {
        let known = variables(&defaults());
        let mut variables = Self { values: BTreeMap::new(), names: BTreeMap::new(), strangers: Vec::new() };
        for (name, text) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            match known.get(name) {
                Some((_, Value::Array(_) | Value::Table(_))) => {
                    variables.strangers.push((name.clone(), true))
                }
                None => variables.strangers.push((name.clone(), false)),
                Some((path, default)) => {
                    let value = match default {
                        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
                        Value::Integer(_) => text.parse().ok().map(Value::Integer),
                        _ => None,
                    };
                    variables
                        .values
                        .insert(path.clone(), value.unwrap_or_else(|| Value::String(text.clone())));
                    variables.names.insert(path.clone(), name.clone());
                }
            }
        }
        variables
    }

    /// Reports the variables with our prefix that set nothing.
    pub(super) fn report_strangers(&self, report: &Report) {
        let known = variables(&defaults());
        let settable = || {
            known.iter().filter(|(_, (_, v))| !v.is_array() && !v.is_table()).map(|(name, _)| name.as_str())
        };
        for (name, is_list_or_table) in &self.strangers {
            let path = format!("environment {}", name.escape_debug());
            if *is_list_or_table {
                report.add::<()>(
                    "E-not-in-environment",
                    &path,
                    "a variable",
                    "lists and tables in the configuration file",
                    "set the key in the file and unset the variable",
                );
            } else {
                report.add::<()>(
                    "E-unknown-variable",
                    &path,
                    "a variable that is no key",
                    "ORGWATCH__SECTION__KEY, after a key of the reference",
                    did_you_mean(name, settable(), "unset it, or see config/example.toml for the keys"),
                );
            }
        }
    }
}

/// The effective configuration: defaults, overlaid by `file`, overlaid by `variables`.
pub(super) fn merge(mut file: Table, variables: &Variables, report: &Report) -> Option<Table> {
    let defaults = defaults();
    let sections: Vec<&str> = defaults.keys().map(String::as_str).collect();
    // The layering takes a key at the top for a path, in which `[9999999999]` asks for a list of that length.
    file.retain(|key, _| {
        let known = defaults.contains_key(key);
        if !known {
            unknown_key(report, key, "", &sections);
        }
        known
    });
    let installation = [variables.values.get("installation"), file.get("installation")];
    let installation =
        installation.into_iter().flatten().next().and_then(|value| value.as_str()?.parse().ok());
    let layered = variables.values.iter().try_fold(
        Config::builder()
            .add_source(File::from_str(&named_after(installation.as_ref()), FileFormat::Toml))
            .add_source(File::from_str(&file.to_string(), FileFormat::Toml)),
        |layers, (path, value)| match value {
            Value::Boolean(value) => layers.set_override(path, *value),
            Value::Integer(value) => layers.set_override(path, *value),
            value => layers.set_override(path, value.as_str()),
        },
    );
    match layered.and_then(|layers| layers.build()?.try_deserialize::<Table>()) {
        Ok(table) => Some(table),
        // Not the error's own text: it quotes values, which may be secrets.
        Err(_) => report.add(
            "E-not-toml",
            "the configuration",
            "values that cannot be merged",
            "TOML",
            "mend the file",
        ),
    }
}

/// Reports a key that nobody reads; not its value, which may be a secret.
pub(super) fn unknown_key(report: &Report, key: &str, table: &str, known: &[&str]) {
    let shown = key.escape_debug();
    let (path, of) = match table {
        "" => (shown.to_string(), String::new()),
        table => (format!("{table}.{shown}"), format!(" of {table}")),
    };
    report.add::<()>(
        "E-unknown-key",
        &path,
        "an unknown key",
        format!("a key{of}: {}", known.join(", ")),
        did_you_mean(key, known.iter().copied(), "remove it, or see config/example.toml for the keys"),
    );
}

#[expect(clippy::expect_used, reason = "the text is a constant that a test parses")]
pub(super) fn defaults() -> Table {
    DEFAULTS.parse().expect("the built-in defaults are TOML")
}

/// The defaults with the names of our roles and boundary after the installation, so that a second
/// installation needs no other key.
fn named_after(installation: Option<&Installation>) -> String {
    let Some(installation) = installation else { return DEFAULTS.to_owned() };
    ["member", "forwarder", "boundary"].iter().fold(DEFAULTS.to_owned(), |text, name| {
        text.replace(&format!("\"orgwatch-{name}\""), &format!("\"{installation}-{name}\""))
    })
}

/// Every key of the defaults by the variable that sets it: its path and its default.
fn variables(defaults: &Table) -> BTreeMap<String, (String, Value)> {
    fn walk(table: &Table, path: &str, found: &mut BTreeMap<String, (String, Value)>) {
        for (key, value) in table {
            let path = format!("{path}{key}");
            let variable = format!("{PREFIX}{}", path.replace('.', "__").to_uppercase());
            found.insert(variable, (path.clone(), value.clone()));
            if let Value::Table(inner) = value {
                walk(inner, &format!("{path}."), found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(defaults, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_the_type_of_the_keys_default_and_an_account_id_keeps_its_zero() {
        let environment = [
            ("ORGWATCH__CENTRAL__ACCOUNT_ID", "012345678901"),
            ("ORGWATCH__RECONCILE__PRUNE", "true"),
            ("ORGWATCH__RECONCILE__LIMITS__DELETIONS", "3"),
            ("ORGWATCH_URL", "not ours"),
        ];
        let variables = Variables::new(&environment.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(variables.values["central.account_id"], Value::String("012345678901".to_owned()));
        assert_eq!(variables.values["reconcile.prune"], Value::Boolean(true));
        assert_eq!(variables.values["reconcile.limits.deletions"], Value::Integer(3));
        assert_eq!((variables.values.len(), variables.strangers.len()), (3, 0));
    }

    #[test]
    fn the_environment_overlays_the_file_and_the_file_the_defaults() {
        let file: Table = "[log]\nlevel = 'debug'\nformat = 'json'".parse().unwrap();
        let variables = Variables::new(&[("ORGWATCH__LOG__LEVEL".to_owned(), "trace".to_owned())]);
        let merged = merge(file, &variables, &Report::default()).unwrap();
        assert_eq!(merged["log"]["level"].as_str(), Some("trace"));
        assert_eq!(merged["log"]["format"].as_str(), Some("json"));
        assert_eq!(merged["reconcile"]["concurrency"].as_integer(), Some(64));
    }

    #[test]
    fn a_key_with_dots_or_brackets_is_text_and_no_path() {
        let report = Report::default();
        let file: Table =
            "'watch[99999999999]' = 1\n'log.level' = 'off'\n[tags]\n'a.b[7]' = 'c'".parse().unwrap();
        let merged = merge(file, &Variables::new(&[]), &report).unwrap();
        assert_eq!(merged["tags"]["a.b[7]"].as_str(), Some("c"));
        assert_eq!(merged["log"]["level"].as_str(), Some("info"));
        assert_eq!(report.into_errors_and_warnings().0.len(), 2);
    }

    #[test]
    fn a_second_installation_has_role_names_of_its_own() {
        let file: Table = "installation = 'acme'".parse().unwrap();
        let merged = merge(file, &Variables::new(&[]), &Report::default()).unwrap();
        assert_eq!(merged["member"]["role_name"].as_str(), Some("acme-member"));
        assert_eq!(merged["member"]["forwarding_role_name"].as_str(), Some("acme-forwarder"));
        assert_eq!(merged["member"]["permissions_boundary"].as_str(), Some("acme-boundary"));
    }
}
