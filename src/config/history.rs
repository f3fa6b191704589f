//! `[history]`: where what happened is kept, and how long.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::reader::{Durations, Place, Read, Table, read};
use crate::history;

/// `[history]`: where what happened is kept, and how long.
#[derive(Clone, Debug)]
pub struct HistorySettings {
    /// Where.
    pub path: HistoryPath,
    /// How long.
    pub retention: Duration,
    /// Where the user's programs keep their state, by the environment.
    pub state_home: Option<PathBuf>,
}

/// Where the history is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryPath {
    /// Where such files belong: of the system, or on a terminal of the user.
    Usual,
    /// In memory.
    Off,
    /// In this file.
    File(PathBuf),
}

/// Where a daemon's history belongs.
const OF_SYSTEM: &str = "/var/lib/orgwatch/history.db";

impl HistorySettings {
    /// Where the history goes; a person at a terminal has no right to the system's directories, and needs none.
    pub fn place(&self, on_terminal: bool) -> history::Place {
        match (&self.path, &self.state_home) {
            (HistoryPath::Off, _) => history::Place::Memory,
            (HistoryPath::File(path), _) => history::Place::File(path.clone()),
            (HistoryPath::Usual, Some(home)) if on_terminal => {
                history::Place::File(home.join("orgwatch").join("history.db"))
            }
            (HistoryPath::Usual, _) => history::Place::File(PathBuf::from(OF_SYSTEM)),
        }
    }
}

impl Read for HistoryPath {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        Some(match place.text(value, "the path of a file in quotes, or \"off\"")?.as_str() {
            "" => Self::Usual,
            "off" => Self::Off,
            path => Self::File(PathBuf::from(path)),
        })
    }
}

pub(super) fn read(mut t: Table<'_>, environment: &[(String, String)]) -> Option<HistorySettings> {
    let of = |wanted: &str| {
        environment.iter().find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value)
    };
    let home = || of("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    read!(t, HistorySettings {
        path,
        retention = t.duration("retention", &RETENTION),
        state_home = Some(of("XDG_STATE_HOME").map(PathBuf::from).or_else(home)),
    })
}

/// Years of it are read by nobody, and less than an hour is none.
const RETENTION: Durations = Durations {
    from: Duration::from_secs(60 * 60),
    to: Duration::from_secs(10 * 366 * 24 * 60 * 60),
    expected: "a duration from \"1h\" to \"3660d\", such as \"400d\"",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};
    use crate::history::Place;

    #[test]
    fn nothing_is_the_usual_place_and_off_is_memory() {
        let place = |text: &str, on_terminal| settings(text).history.place(on_terminal);
        assert_eq!(place("", false), Place::File(PathBuf::from(OF_SYSTEM)));
        assert_eq!(place("[history]\npath = 'off'", true), Place::Memory);
        assert_eq!(place("[history]\npath = '/tmp/h.db'", true), Place::File(PathBuf::from("/tmp/h.db")));
        let mut of_user = settings("").history;
        of_user.state_home = Some(PathBuf::from("/home/me/.local/state"));
        assert_eq!(
            of_user.place(true),
            Place::File(PathBuf::from("/home/me/.local/state/orgwatch/history.db"))
        );
        assert_eq!(of_user.place(false), Place::File(PathBuf::from(OF_SYSTEM)));
    }

    #[test]
    fn a_retention_of_minutes_or_centuries_is_refused() {
        assert_eq!(settings("").history.retention, Duration::from_secs(400 * 24 * 60 * 60));
        for bad in ["5m", "100000d", "soon"] {
            let found = codes(&format!("[history]\nretention = '{bad}'"));
            assert_eq!(found, ["E-bad-value history.retention"], "{bad}");
        }
    }
}
