//! What is wrong with a configuration, told so that the reader can mend it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::spelling::nearest;

/// One thing that is wrong, or doubtful, with the configuration. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The stable name of the problem: `E-` refuses the configuration, `W-` only warns.
    pub code: &'static str,
    /// The key (`reconcile.limits.window`, `alert[0].name`), the variable (`environment ORGWATCH__X`) or the file.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// What to do next.
    pub hint: String,
}

impl Problem {
    /// Whether the configuration can be used nevertheless.
    pub fn is_warning(&self) -> bool {
        self.code.starts_with("W-")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.code, self.path)?;
        for (label, text) in [("found", &self.found), ("expected", &self.expected), ("hint", &self.hint)] {
            if !text.is_empty() {
                write!(f, "\n  {label:<9} {text}")?;
            }
        }
        Ok(())
    }
}

/// A configuration that cannot be used, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct ConfigError {
    /// The problems, in the order of the reference; at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the configuration has a problem")?,
            n => write!(f, "the configuration has {n} problems")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n\n{problem}"))
    }
}

/// Where every reader puts its problems, so that none hides another.
#[derive(Default)]
pub(super) struct Report {
    problems: RefCell<Vec<Problem>>,
    /// The variables that gave a value, by the path of the key.
    variables: BTreeMap<String, String>,
}

impl Report {
    /// A report that names the variable instead of the key where a value came from the environment.
    pub(super) fn new(variables: BTreeMap<String, String>) -> Self {
        Self { problems: RefCell::default(), variables }
    }

    /// Records a problem and returns nothing, which is what could be read.
    pub(super) fn add<T>(
        &self,
        code: &'static str,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        let path = match self.variables.get(path) {
            Some(variable) => format!("environment {variable}"),
            None => path.to_owned(),
        };
        let problem =
            Problem { code, path, found: found.into(), expected: expected.into(), hint: hint.into() };
        self.problems.borrow_mut().push(problem);
        None
    }

    /// The errors and the warnings, each in the order in which they were recorded.
    pub(super) fn into_errors_and_warnings(self) -> (Vec<Problem>, Vec<Problem>) {
        self.problems.into_inner().into_iter().partition(|problem| !problem.is_warning())
    }
}

/// A text in quotes, without control characters and of bounded length.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{:?} and so on", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A hint at the nearest known name, or else `otherwise`.
pub(super) fn did_you_mean<'a>(
    text: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(text, known).map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &'static str) -> Problem {
        let text = str::to_owned;
        Problem {
            code,
            path: text("reconcile.mod"),
            found: text("an unknown key"),
            expected: text("mode"),
            hint: text("did you mean `mode`?"),
        }
    }

    #[test]
    fn an_error_is_a_finished_text_for_a_terminal() {
        let error = ConfigError { problems: vec![problem("E-unknown-key"), problem("E-other")] };
        insta::assert_snapshot!(error, @r"
        the configuration has 2 problems

        E-unknown-key  reconcile.mod
          found     an unknown key
          expected  mode
          hint      did you mean `mode`?

        E-other  reconcile.mod
          found     an unknown key
          expected  mode
          hint      did you mean `mode`?
        ");
    }

    #[test]
    fn an_error_is_also_json() {
        let json = serde_json::to_value(ConfigError { problems: vec![problem("E-unknown-key")] }).unwrap();
        assert_eq!(json["problems"][0]["code"], "E-unknown-key");
        assert_eq!(json["problems"][0]["path"], "reconcile.mod");
    }

    #[test]
    fn a_quoted_text_is_short_and_moves_no_cursor() {
        assert_eq!(quoted("a\u{1b}[2J\n"), r#""a\u{1b}[2J\n""#);
        assert!(quoted(&"ü".repeat(10_000)).len() < 300);
    }
}
