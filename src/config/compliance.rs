//! `[compliance]`: metric filters and alarms that auditors ask for.

use toml::Value;

use super::problem::{did_you_mean, quoted};
use super::reader::{Place, Read, Table, read};
use crate::compliance::place::LogGroup;
use crate::compliance::{Theme, themes};
use crate::model::ids::RoleArn;

/// Stands for every theme.
const ALL: &str = "cis-4";

/// `[compliance]`: metric filters and alarms that auditors ask for.
#[derive(Clone, Debug)]
pub struct ComplianceSettings {
    /// For which themes there are a metric filter and an alarm; none: nobody looks at the log group.
    pub metric_alarms: Option<Themes>,
    /// The log group that they are for; none: that of the organization's trail.
    pub log_group_arn: Option<LogGroup>,
    /// The role that we assume in the account of the log group, where that is not the central one.
    pub role_arn: Option<RoleArn>,
    /// The alert whose topic the alarms tell; none: the one that `notify.alert` names, or else the first.
    pub alert: Option<String>,
}

/// The themes that are asked for, each once, in the order of the benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes(pub Vec<&'static Theme>);

impl Read for Themes {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let names: Vec<String> = Vec::read(value, place)?;
        let mut readable = true;
        let mut asked = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match themes::by_id(name) {
                Some(theme) => asked.push(theme),
                None if name == ALL => asked.extend(themes::all()),
                None => {
                    let known = themes::all().iter().map(|theme| theme.id.as_str()).chain([ALL, "cwl-010"]);
                    let place = place.element(index);
                    place.bad::<()>(
                        quoted(name),
                        "\"cis-4.1\" to \"cis-4.15\", or \"cis-4\" for all of them",
                        did_you_mean(name, known, ""),
                    );
                    readable = false;
                }
            }
        }
        let all = themes::all().iter().filter(|theme| asked.contains(theme));
        readable.then(|| Self(all.collect()))
    }
}

impl Read for LogGroup {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        const EXPECTED: &str =
            "the ARN of a log group: arn:<partition>:logs:<region>:<account>:log-group:<name>";
        let text = place.text(value, EXPECTED)?;
        Self::parse(&text)
            .or_else(|| place.bad(quoted(&text), EXPECTED, "the console of CloudWatch shows it"))
    }
}

pub(super) fn read(mut t: Table<'_>) -> Option<ComplianceSettings> {
    read!(t, ComplianceSettings { metric_alarms, log_group_arn, role_arn, alert })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};

    fn asked(list: &str) -> Vec<String> {
        let settings = settings(&format!("[compliance]\nmetric_alarms = {list}\n[[alert]]\nname = 'a'"));
        let themes = settings.compliance.metric_alarms.map(|themes| themes.0).unwrap_or_default();
        themes.iter().map(|theme| theme.id.clone()).collect()
    }

    #[test]
    fn themes_are_asked_for_by_their_numbers_in_any_order_and_each_once() {
        assert_eq!(asked("['cis-4.10', 'cis-4.4', 'cwl-010']"), ["cis-4.4", "cis-4.10"]);
        assert_eq!(asked("['cis-4.1', 'cis-4']").len(), 15);
        assert_eq!(asked("'off'"), [""; 0]);
    }

    #[test]
    fn no_theme_and_nobody_looking_are_not_the_same() {
        let of =
            |list: &str| settings(&format!("[compliance]\nmetric_alarms = {list}")).compliance.metric_alarms;
        assert_eq!(of("[]"), Some(Themes(Vec::new())));
        assert_eq!(of("'off'"), None);
        assert_eq!(settings("").compliance.metric_alarms, None);
    }

    #[test]
    fn what_is_no_theme_or_log_group_is_refused() {
        let with = |text: &str| codes(&format!("[compliance]\n{text}\n[[alert]]\nname = 'a'"));
        assert_eq!(
            with("metric_alarms = ['cis-4.4', 'cis-4.16', 'CIS-4.4']"),
            ["E-bad-value compliance.metric_alarms[1]", "E-bad-value compliance.metric_alarms[2]"]
        );
        assert_eq!(with("log_group_arn = 'trail'"), ["E-bad-value compliance.log_group_arn"]);
    }
}
