//! Which watches and alerts of the configuration are for a theme.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::standards::Standard;
use super::themes::Theme;
use crate::config::{Settings, Watch};
use crate::pattern::algebra::Events;
use crate::presets::{self, Preset};

/// A watch that forwards every event of a theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watching {
    /// Its name.
    pub(super) watch: String,
    /// Whether the theme is about calls that only read too, which it leaves out.
    pub(super) lacks_reads: bool,
    /// The alerts that deliver all of it, each with whether something of it is suppressed.
    pub(super) alerts: BTreeMap<String, bool>,
}

/// The watches that forward every event of a theme, in the order of the settings.
pub(super) fn of(settings: &Settings, standard: &Standard, theme: &Theme) -> Vec<Watching> {
    let Some(preset) = presets::by_name(&theme.id) else { return Vec::new() };
    // What the algebra cannot read, nothing is known to be within.
    let Ok(wanted) = Events::of(&events(standard, theme, preset)) else { return Vec::new() };
    let holds = |pattern: &Value| Events::of(pattern).is_ok_and(|events| wanted.is_within(&events));
    let watching = |watch: &Watch| Watching {
        watch: watch.name.clone(),
        lacks_reads: preset.reads && !watch.read_events,
        alerts: settings
            .alerts
            .iter()
            .filter(|alert| alert.watches.contains(&watch.name))
            .filter(|alert| alert.pattern.as_ref().is_none_or(|pattern| holds(pattern.value())))
            .map(|alert| (alert.name.clone(), !alert.suppress.is_empty()))
            .collect(),
    };
    settings.watches.iter().filter(|watch| holds(watch.pattern.value())).map(watching).collect()
}

/// The events that a standard asks for: those of the preset, which may wait for more; of those that it names, the ones that
/// the standard names.
fn events(standard: &Standard, theme: &Theme, preset: &Preset) -> Value {
    let mut pattern = preset.pattern().value().clone();
    let own = theme.pattern_of(&standard.id);
    let names = own.map(|own| own.text.normal().event_names()).unwrap_or_default();
    let given = pattern.pointer_mut("/detail/eventName");
    if let Some(given) = given.filter(|given| {
        !names.is_empty()
            && names.iter().all(|name| given.as_array().is_some_and(|all| all.contains(&json!(name))))
    }) {
        *given = json!(names);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::{standards, themes};

    fn settings(text: &str) -> Settings {
        crate::config::parse(&format!("[central]\naccount_id='222222222222'\n{text}"), []).unwrap().settings
    }

    fn found(settings: &Settings, standard: &str, theme: &str) -> Vec<Watching> {
        of(settings, standards::by_id(standard).unwrap(), themes::by_id(theme).unwrap())
    }

    fn names(settings: &Settings, standard: &str, theme: &str) -> Vec<String> {
        found(settings, standard, theme).into_iter().map(|watching| watching.watch).collect()
    }

    #[test]
    fn the_default_watch_is_for_policy_changes_and_for_nothing_else_of_the_benchmark() {
        let settings = settings("[[alert]]\nname='people'\n");
        let themes: Vec<&str> = themes::all()
            .iter()
            .map(|theme| theme.id.as_str())
            .filter(|theme| !found(&settings, "cis-6.0", theme).is_empty())
            .collect();
        assert_eq!(themes, ["cis-4.4"]);
        assert_eq!(
            found(&settings, "cis-1.4", "cis-4.4"),
            [Watching {
                watch: "iam-changes".to_owned(),
                lacks_reads: false,
                alerts: BTreeMap::from([("people".to_owned(), false)])
            }]
        );
    }

    #[test]
    fn each_preset_of_the_benchmark_is_for_its_own_theme() {
        for theme in themes::all() {
            let settings =
                settings(&format!("[[watch]]\nname='w'\npreset='{}'\nread_events=true\n", theme.id));
            for standard in standards::all().iter().filter(|s| s.controls().any(|(_, of)| of.id == theme.id))
            {
                let watching = found(&settings, &standard.id, &theme.id);
                assert_eq!(watching.len(), 1, "{} {}", standard.id, theme.id);
                assert!(!watching[0].lacks_reads);
            }
        }
    }

    #[test]
    fn a_watch_of_the_events_that_the_standard_names_is_enough_and_one_of_fewer_is_not() {
        let own = |names: &str| {
            settings(&format!(
                "[[watch]]\nname='w'\nregions=['all']\npattern='''{{\"source\":[\"aws.cloudtrail\"],\
                 \"detail\":{{\"eventSource\":[\"cloudtrail.amazonaws.com\"],\"eventName\":[{names}]}}}}'''\n"
            ))
        };
        let five = r#""CreateTrail","UpdateTrail","DeleteTrail","StartLogging","StopLogging""#;
        assert_eq!(names(&own(five), "cis-5.0", "cis-4.5"), ["w"]);
        assert!(names(&own(r#""StopLogging""#), "cis-5.0", "cis-4.5").is_empty());
    }

    #[test]
    fn an_alert_that_asks_for_less_does_not_deliver_and_one_that_suppresses_is_told() {
        let settings = settings(
            "[[alert]]\nname='narrow'\npattern='{\"detail\":{\"eventName\":[\"PutRolePolicy\"]}}'\n\
             [[alert]]\nname='quiet'\n[[alert.suppress]]\n\
             principal_arn='arn:aws:iam::333333333333:role/deploy'\nreason='r'\nowner='o'\nexpires='2027-03-31'\n",
        );
        let watching = found(&settings, "cis-1.4", "cis-4.4");
        assert_eq!(watching[0].alerts, BTreeMap::from([("quiet".to_owned(), true)]));
    }

    #[test]
    fn denied_reads_are_asked_for_where_the_theme_has_them() {
        let settings = settings("[[watch]]\nname='w'\npreset='cis-4.1'\n");
        assert!(found(&settings, "cis-6.0", "cis-4.1")[0].lacks_reads);
    }
}
