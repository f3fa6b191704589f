//! Whether a metric filter with an alarm brings a theme to people: trail, log group, filter, alarm, topic, subscription.

mod alarm;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{Evidence, Filter, Group, Seen, Trails, Unseen};
use super::half::Half;
use super::report::{FilterFacts, MetricAlarmFacts, TrailFacts};
use super::standards::Standard;
use super::themes::{self, Theme};
use crate::model::ids::AccountId;
use crate::presets;
use crate::trail::{Logged, Reading, Wanted};

/// How far on the way from a trail to people something was found; of several ways the one that leads furthest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Trail,
    MultiRegion,
    Logging,
    Events,
    LogGroup,
    Filter,
    Alarm,
    Topic,
    People,
}

pub(super) type AlarmHalf = Half<Step, MetricAlarmFacts>;

/// What one control is asked of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) standard: &'a Standard,
    pub(super) theme: &'a Theme,
}

/// What is known of log groups that many accounts share, for one question.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<String, AlarmHalf>);

/// Whether an account with these trails meets the control by a metric filter and an alarm.
pub(super) fn of_account(
    question: Question<'_>,
    evidence: &Evidence,
    groups: &mut Groups,
    account: &AccountId,
    trails: &Trails,
) -> AlarmHalf {
    let readings = match trails {
        Ok(readings) => readings,
        Err(Unseen { message, advice }) => {
            let half = Half::unknown(Step::Trail, "TrailsUnreadable", format!("its trails: {message}"));
            return half.advised(advice);
        }
    };
    let none = || {
        Half::unmet(Step::Trail, "NoTrail", "no trail logs in the account")
            .advised("make an organization trail, multi-Region, with all management events and a log group")
    };
    let ways = readings.iter().map(|reading| of_trail(question, evidence, groups, account, reading));
    ways.reduce(Half::better).unwrap_or_else(none)
}

fn of_trail(
    question: Question<'_>,
    evidence: &Evidence,
    groups: &mut Groups,
    account: &AccountId,
    reading: &Reading,
) -> AlarmHalf {
    let trail = &reading.trail;
    let arn = &trail.arn;
    let events = events(question.theme, reading);
    let facts = MetricAlarmFacts {
        trail: Some(TrailFacts {
            arn: arn.clone(),
            multi_region: trail.multi_region,
            organization: trail.organization,
            logging: reading.logging.as_ref().and_then(|logging| logging.as_ref().ok().copied()),
            management_events: events
                .as_ref()
                .ok()
                .and_then(|events| events.as_ref().map(|_| true).or(Some(false))),
        }),
        log_group: trail.log_group.clone(),
        ..MetricAlarmFacts::default()
    };
    let with = |half: AlarmHalf| Half { facts: Some(Arc::new(facts.clone())), ..half };
    if !trail.multi_region {
        let message = format!("trail {arn} logs in {} alone", trail.home);
        let advice =
            format!("make it multi-Region: aws cloudtrail update-trail --name {arn} --is-multi-region-trail");
        return with(Half::unmet(Step::MultiRegion, "NoMultiRegionTrail", message).advised(advice));
    }
    if matches!(reading.logging, Some(Ok(false))) {
        let message = format!("trail {arn} is stopped");
        let advice = format!("start it: aws cloudtrail start-logging --name {arn}");
        return with(Half::unmet(Step::Logging, "TrailStopped", message).advised(advice));
    }
    if let Ok(None) = &events {
        let message = format!("trail {arn} does not log all management events that read and write");
        return with(Half::unmet(Step::Events, "TrailLacksEvents", message).advised(
            "correct its event selectors: management events, reading and writing, without exclusions",
        ));
    }
    let Some(group) = &trail.log_group else {
        let message = format!("trail {arn} has no log group");
        let advice = "give it one: aws cloudtrail update-trail with --cloud-watch-logs-log-group-arn and \
                      --cloud-watch-logs-role-arn";
        return with(Half::unmet(Step::LogGroup, "NoLogGroup", message).advised(advice));
    };
    let unread = |what: &str, unseen: &Unseen| {
        let message = format!("{what} of trail {arn} could not be read: {}", unseen.message);
        with(Half::unknown(Step::Events, "TrailUnreadable", message).advised(&unseen.advice))
    };
    match &reading.logging {
        Some(Ok(_)) => {}
        Some(Err(error)) => return unread("the status", &Unseen::of(error)),
        None => return unread("the status", &not_asked()),
    }
    if let Err(unseen) = &events {
        return unread("the event selectors", unseen);
    }
    let half = match groups.0.get(group) {
        Some(known) => known.clone(),
        None => {
            let half = of_group(question, evidence, group);
            groups.0.insert(group.clone(), half.clone());
            half
        }
    };
    let mut facts = facts;
    if let Some(of_group) = &half.facts {
        facts = MetricAlarmFacts { trail: facts.trail, ..MetricAlarmFacts::clone(of_group) };
    }
    let mut half = Half { facts: Some(Arc::new(facts)), ..half };
    if !question.standard.member.is_empty() && trail.owner().is_some_and(|owner| owner != *account) {
        half.remarks.push(question.standard.member.clone());
    }
    half
}

fn not_asked() -> Unseen {
    Unseen::new("nobody asked for it yet", "ask again in a few minutes")
}

/// Whether a trail logs all management events of a theme, reading ones too: the trail's selectors do, or do not, or could not
/// be read.
fn events(theme: &Theme, reading: &Reading) -> Result<Option<()>, Unseen> {
    let selectors = match &reading.selectors {
        Some(Ok(selectors)) => selectors,
        Some(Err(error)) => return Err(Unseen::of(error)),
        None => return Err(not_asked()),
    };
    let mut undecided = false;
    for source in sources(theme) {
        for reads in [false, true] {
            match selectors.logs(&Wanted { source: &source, reads }) {
                Logged::All => {}
                Logged::None(_) | Logged::Some(_) => return Ok(None),
                Logged::Undecided => undecided = true,
            }
        }
    }
    if undecided {
        return Err(Unseen::new(
            "whether its several selectors log all of these events together cannot be told",
            "give the trail one selector of all management events",
        ));
    }
    Ok(Some(()))
}

/// The event sources of a theme; of one for every service that of IAM stands for all.
fn sources(theme: &Theme) -> BTreeSet<String> {
    let pattern = presets::by_name(&theme.id).map(presets::Preset::pattern);
    let named = pattern.iter().flat_map(|pattern| pattern.sources());
    let mut sources: BTreeSet<String> =
        named.filter_map(|source| Some(format!("{}.amazonaws.com", source.strip_prefix("aws.")?))).collect();
    if sources.is_empty() {
        sources.insert("iam.amazonaws.com".to_owned());
    }
    sources
}

fn of_group(question: Question<'_>, evidence: &Evidence, arn: &str) -> AlarmHalf {
    let facts = MetricAlarmFacts { log_group: Some(arn.to_owned()), ..MetricAlarmFacts::default() };
    let with = |facts: MetricAlarmFacts, half: AlarmHalf| Half { facts: Some(Arc::new(facts)), ..half };
    let group = match evidence.groups.get(arn) {
        Some(Seen::There(group)) => group,
        Some(Seen::Missing) => {
            let message = format!("log group {arn} is not there, though the trail names it");
            let advice = "make it again, or give the trail another one";
            return with(facts, Half::unmet(Step::LogGroup, "LogGroupMissing", message).advised(advice));
        }
        Some(Seen::Unseen(unseen)) => {
            let message = format!("the filters of log group {arn} could not be read: {}", unseen.message);
            return with(
                facts,
                Half::unknown(Step::LogGroup, "LogGroupUnreadable", message).advised(&unseen.advice),
            );
        }
        None => {
            let message = format!("log group {arn} was not looked at yet");
            return with(
                facts,
                Half::unknown(Step::LogGroup, "NotRead", message).advised(not_asked().advice),
            );
        }
    };
    let facts = MetricAlarmFacts { observed_at: Some(group.observed_at), ..facts };
    let prescribed = group.filters.iter().filter_map(|filter| {
        let remark = question.theme.prescribes(&question.standard.id, &filter.normal)?;
        Some((filter, remark))
    });
    let none = || with(facts.clone(), no_filter(question, group, arn));
    prescribed
        .map(|(filter, remark)| {
            let mut facts = facts.clone();
            facts.filter = Some(FilterFacts {
                name: filter.name.clone(),
                pattern: Arc::clone(&filter.filter.pattern),
                metric: metric(filter),
            });
            let mut half = alarm::of_filter(evidence, filter, facts);
            half.remarks.extend((!remark.is_empty()).then(|| format!("filter {}: {remark}", filter.name)));
            half
        })
        .reduce(Half::better)
        .unwrap_or_else(none)
}

fn metric(filter: &Filter) -> String {
    format!("{} {}", filter.filter.namespace, filter.filter.metric)
}

/// What to say where no filter has a prescribed pattern: what comes nearest, if anything comes near.
fn no_filter(question: Question<'_>, group: &Group, arn: &str) -> AlarmHalf {
    let Question { standard, theme } = question;
    let own = theme.pattern_of(&standard.id);
    let wanted = own.map(|pattern| pattern.text.as_str()).unwrap_or_default();
    let advice = format!("a filter of exactly this pattern is prescribed: {wanted}");
    let asked = own.map(|pattern| pattern.text.normal().pieces()).unwrap_or_default();
    let near = |filter: &&Filter| filter.normal.pieces().intersection(&asked).count();
    // A filter of another theme is not a wrong one of this; and what has little in common is not meant for it either.
    let of_another =
        |filter: &&Filter| themes::all().iter().any(|other| other != theme && other.knows(&filter.normal));
    let close = |filter: &&Filter| {
        let (near, own) = (near(filter), filter.normal.pieces().len());
        near > 0 && (2 * near >= asked.len() || 2 * near >= own)
    };
    let candidates = group.filters.iter().filter(|filter| !of_another(filter)).filter(close);
    let Some(nearest) = candidates.max_by_key(near) else {
        let message = format!("log group {arn} has no metric filter for: {}", theme.title);
        return Half::unmet(Step::Filter, "NoMetricFilter", message).advised(advice);
    };
    let has = nearest.normal.pieces();
    let list = |pieces: Vec<&String>| {
        let more = pieces.len().saturating_sub(3);
        let mut told: Vec<String> = pieces.into_iter().take(3).cloned().collect();
        told.extend((more > 0).then(|| format!("{more} more")));
        told.join(", ")
    };
    let (lacks, adds) = (list(asked.difference(&has).collect()), list(has.difference(&asked).collect()));
    let how = match (lacks.is_empty(), adds.is_empty()) {
        (false, false) => format!("lacks {lacks} and has {adds}"),
        (false, true) => format!("lacks {lacks}"),
        (true, false) => format!("has {adds} besides"),
        (true, true) => "joins its terms otherwise".to_owned(),
    };
    let message = format!(
        "metric filter {} of log group {arn} does not have the prescribed pattern: it {how}",
        nearest.name
    );
    Half::unmet(Step::Filter, "PatternDiffers", message).advised(advice)
}
