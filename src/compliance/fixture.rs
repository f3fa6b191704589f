//! What an audit is judged by where everything that the benchmark names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{Account, Alarm, Evidence, Filter, Group, Seen, Subscriptions, Watched};
use super::filter::Normal;
use super::{NAMESPACE, Theme, installed, themes};
use crate::config::Settings;
use crate::model::alarm::MetricAlarm;
use crate::model::ids::AccountId;
use crate::model::metric_filter::MetricFilter;
use crate::trail::{Basic, Reading, Selectors, Trail};
use crate::world::fixture::{at, region};

/// The log group of the organization's trail.
pub(crate) const GROUP: &str = "arn:aws:logs:us-east-1:111111111111:log-group:organization";
/// The topic of every alarm.
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:222222222222:orgwatch-iam-changes";
/// The organization's trail.
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization";

/// A trail of the organization that logs everything.
pub(crate) fn reading() -> Reading {
    let everything = Basic { reads: true, writes: true, management: true, excluded: BTreeSet::new() };
    Reading {
        trail: Trail {
            arn: TRAIL.to_owned(),
            home: "us-east-1".to_owned(),
            multi_region: true,
            organization: true,
            global_events: true,
            log_group: Some(GROUP.to_owned()),
        },
        logging: Some(Ok(true)),
        selectors: Some(Ok(Selectors::Basic(vec![everything]))),
    }
}

/// The alarm that a theme should have.
pub(crate) fn alarm(theme: &Theme) -> Alarm {
    Alarm {
        name: theme.alarm_name.clone(),
        arn: format!("arn:aws:cloudwatch:us-east-1:111111111111:alarm:{}", theme.alarm_name),
        alarm: MetricAlarm {
            description: String::new(),
            namespace: NAMESPACE.to_owned(),
            metric: theme.metric_name.clone(),
            dimensions: BTreeMap::new(),
            statistic: "Sum".to_owned(),
            period_seconds: 300,
            periods: 1,
            datapoints: 1,
            threshold: 1.0,
            comparison: "GreaterThanOrEqualToThreshold".to_owned(),
            missing: "notBreaching".to_owned(),
            actions_enabled: true,
            alarm_actions: vec![TOPIC.to_owned()],
            ok_actions: Vec::new(),
            no_data_actions: Vec::new(),
            other: None,
        },
    }
}

/// A filter of a pattern for a theme, with its alarm.
pub(crate) fn filter(theme: &Theme, pattern: &str) -> Filter {
    Filter {
        name: format!("{}-filter", theme.id),
        filter: MetricFilter { pattern: pattern.into(), ..installed::filter(theme) },
        normal: Arc::new(Normal::of(pattern)),
        alarms: Seen::There(vec![alarm(theme)]),
    }
}

/// All watches in the one Region of these accounts, one trail for all, and a filter with an alarm for each theme.
pub(crate) fn evidence(ids: &[AccountId], settings: &Settings) -> Evidence {
    let here = BTreeSet::from([region()]);
    let watched = Arc::new(Watched {
        watches: settings.watches.iter().map(|watch| (watch.name.clone(), here.clone())).collect(),
        enabled: Some(here),
    });
    let account = Account { trails: Ok(Arc::new(vec![reading()])), watched };
    let group = Group {
        filters: themes::all().iter().map(|theme| filter(theme, theme.pattern())).collect(),
        observed_at: at(0),
    };
    let subscriptions = Seen::There(Subscriptions { confirmed: 1, pending: 0 });
    Evidence {
        partition: settings.partition(),
        regions_limited: false,
        accounts: ids.iter().map(|id| (id.clone(), account.clone())).collect(),
        groups: BTreeMap::from([(GROUP.to_owned(), Seen::There(group))]),
        topics: BTreeMap::from([(TOPIC.to_owned(), subscriptions)]),
        observed_at: at(0),
    }
}
