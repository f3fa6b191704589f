//! `[log]`: what is written, and how.

use tracing_subscriber::EnvFilter;

use super::problem::quoted;
use super::reader::{Table, read, words};

/// `[log]`: what is written, and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// How lines are written.
    pub format: LogFormat,
    /// What is written: a level, or directives such as `info,orgwatch=debug`.
    pub level: String,
}

words! {
    /// How log lines are written.
    LogFormat {
        /// Text on a terminal, else JSON.
        Auto = "auto",
        /// Text.
        Text = "text",
        /// JSON.
        Json = "json",
    }
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

pub(super) fn read(mut t: Table<'_>) -> Option<LogSettings> {
    read!(t, LogSettings {
        format,
        level = t.checked(
            "level",
            "a level (error, warn, info, debug, trace, off) or directives such as \"info,orgwatch=debug\"",
            "",
            |level: &String| quoted(level),
            |level| {
                // A single word that is no level would be taken for the name of a module and silence everything else.
                let is_directives = level.contains(['=', ',']);
                (is_directives || LEVELS.contains(&level.as_str())) && EnvFilter::try_new(level).is_ok()
            },
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{codes, settings};

    #[test]
    fn a_level_is_a_word_or_directives_and_a_misspelt_one_is_no_module() {
        for good in ["info", "off", "info,orgwatch=debug", "warn,aws_config=error"] {
            assert_eq!(settings(&format!("[log]\nlevel = '{good}'")).log.level, good);
        }
        for bad in ["inffo", "", "orgwatch=loud", "a=b=c"] {
            assert_eq!(codes(&format!("[log]\nlevel = '{bad}'")), ["E-bad-value log.level"], "{bad}");
        }
    }
}
