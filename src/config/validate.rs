//! What must hold between sections. Each check runs over the sections that could be read.

use std::collections::BTreeSet;

use super::problem::Report;
use super::problem::quoted;
use super::{
    Alert, CanarySettings, CentralSettings, ComplianceSettings, Format, ForwardingRole, GuardSettings,
    MemberSettings, NotifySettings, OrganizationSettings, Watch, WatchRegions, guard, notify, partition,
};
use crate::compile;
use crate::model::ids::{AccountId, Installation, Region};
use crate::model::partition::Partition;
use crate::pattern::{MAX_CHARACTERS, MAX_WILDCARD_RULES};
use crate::presets::{self, Regions};

/// The sections that could be read.
pub(super) struct Sections<'a> {
    pub(super) installation: Option<&'a Installation>,
    pub(super) organization: Option<&'a OrganizationSettings>,
    pub(super) member: Option<&'a MemberSettings>,
    pub(super) central: Option<&'a CentralSettings>,
    pub(super) watches: &'a [Option<Watch>],
    pub(super) alerts: &'a [Option<Alert>],
    pub(super) guard: Option<&'a GuardSettings>,
    pub(super) canary: Option<&'a CanarySettings>,
    pub(super) notify: Option<&'a NotifySettings>,
    pub(super) compliance: Option<&'a ComplianceSettings>,
    pub(super) environment_region: Option<&'a Region>,
}

pub(super) fn across(sections: &Sections<'_>, report: &Report) {
    sections.advise(report);
    sections.forwarding_role(report);
    sections.partitions(report);
    sections.regions(report);
    sections.wildcards(report);
    sections.topics(report);
    sections.keys(report);
    sections.guard(report);
    sections.canary(report);
    sections.notify(report);
    sections.compliance(report);
}

impl<'a> Sections<'a> {
    /// The readable watches with their paths.
    fn watches(&self) -> impl Iterator<Item = (String, &'a Watch)> + Clone {
        self.watches
            .iter()
            .enumerate()
            .filter_map(|(i, watch)| Some((format!("watch[{i}]"), watch.as_ref()?)))
    }

    /// A sender rule takes canaries by a part of its own pattern, for which there must be room.
    fn canary(&self, report: &Report) {
        let on = self.canary.is_some_and(|canary| canary.interval.is_some());
        let Some(installation) = self.installation.filter(|_| on) else { return };
        for (path, watch) in self.watches() {
            let rule = format!("{installation}-{}", watch.name);
            let length = compile::sender(watch.pattern.value(), &rule, true).to_string().chars().count();
            if length > MAX_CHARACTERS {
                report.add::<()>(
                    "E-pattern-too-long",
                    &format!("{path}.pattern"),
                    format!("{length} characters with the part that takes canaries"),
                    format!("at most {MAX_CHARACTERS}"),
                    "shorten the pattern, or set `canary.interval` to \"off\"",
                );
            }
        }
    }

    fn partition(&self) -> Partition {
        partition::of(self.central, self.organization, self.member, self.environment_region)
    }

    fn advise(&self, report: &Report) {
        if self.organization.is_some_and(|organization| organization.id.is_none()) {
            report.add::<()>(
                "W-no-organization-id",
                "organization.id",
                "nothing",
                "the id of the organization",
                "with it, credentials of another organization are refused before any write",
            );
        }
        if self.member.is_some_and(|member| {
            member.forwarding_role == ForwardingRole::Managed && member.permissions_boundary.is_none()
        }) {
            report.add::<()>(
                "W-no-boundary",
                "member.permissions_boundary",
                "nothing",
                "the name of the policy that bounds the forwarding role",
                "without it, whoever holds the member role can make itself an administrator",
            );
        }
        if self.alerts.is_empty() {
            report.add::<()>(
                "W-no-alert",
                "alert",
                "nothing",
                "an [[alert]] with subscriptions",
                "events reach the central bus and nobody is told of them",
            );
        }
    }

    fn forwarding_role(&self, report: &Report) {
        let (Some(installation), Some(member)) = (self.installation, self.member) else { return };
        let prefix = format!("{installation}-forwarder");
        if member.forwarding_role == ForwardingRole::Managed
            && !member.forwarding_role_name.starts_with(&prefix)
        {
            report.add::<()>(
                "E-forwarding-role-name",
                "member.forwarding_role_name",
                format!("{:?}", member.forwarding_role_name),
                format!("a name that begins with {prefix}, the only roles that the member role may write"),
                "or set forwarding_role = \"existing\" for a role that somebody else keeps",
            );
        }
    }

    fn partitions(&self, report: &Report) {
        let evidence = partition::evidence(self.central, self.organization, self.member);
        let watched = self.watches().flat_map(|(path, watch)| {
            watch.regions.named().map(move |region| (format!("{path}.regions"), Partition::of_region(region)))
        });
        let mut first = None;
        for (path, partition) in evidence.into_iter().chain(watched) {
            let Some(partition) = partition else {
                report.add::<()>(
                    "E-unknown-region",
                    &path,
                    "a Region of no partition that orgwatch knows",
                    "a Region of AWS",
                    "check the spelling of the Region",
                );
                continue;
            };
            let (first_path, first) = first.get_or_insert_with(|| (path.clone(), partition));
            if partition != *first {
                report.add::<()>(
                    "E-partitions",
                    &path,
                    format!("partition {partition}"),
                    format!("partition {first}, as {first_path} says"),
                    "run one orgwatch for each partition; nothing crosses from one to another",
                );
            }
        }
    }

    fn regions(&self, report: &Report) {
        let Some(organization) = self.organization else { return };
        let everywhere = organization.regions.is_empty();
        let outside = |region: &Region| !everywhere && !organization.regions.contains(region);
        let refuse = |path: &str, region: &Region| {
            report.add::<()>(
                "E-region-not-allowed",
                path,
                format!("{region}, which organization.regions does not have"),
                "a Region where we may work",
                "add the Region to organization.regions",
            );
        };
        let iam_events = self.partition().iam_events_region();
        if let Some(central) = self.central {
            let region = central.region.as_ref().unwrap_or(&iam_events);
            if outside(region) {
                refuse("central.region", region);
            }
        }
        for (path, watch) in self.watches() {
            let path = format!("{path}.regions");
            watch.regions.named().filter(|region| outside(region)).for_each(|region| refuse(&path, region));
            // What the preset says, and for a pattern what its sources tell.
            let needs = match watch.preset.as_deref().and_then(presets::by_name) {
                Some(preset) => preset.regions,
                None if watch.pattern.sources() == BTreeSet::from(["aws.iam"]) => Regions::IamEvents,
                None if watch.pattern.sources() == BTreeSet::from(["aws.organizations"]) => {
                    Regions::Organizations
                }
                None => Regions::Every,
            };
            let named: BTreeSet<&Region> = watch.regions.named().collect();
            let Some(only) = needs.one(self.partition()) else {
                if watch.regions == WatchRegions::Needed && !watch.everywhere() {
                    report.add::<()>(
                        "W-one-region",
                        &path,
                        format!("a pattern of services of every Region, heard in {iam_events} alone"),
                        "[\"all\"], or the Regions by name",
                        "events of other Regions appear there, and no rule hears them",
                    );
                }
                continue;
            };
            if watch.regions == WatchRegions::All {
                report.add::<()>(
                    "W-every-region",
                    &path,
                    format!("every Region for events that appear in {only} alone"),
                    "no `regions`",
                    "the other rules cost calls and never match",
                );
            } else if named.is_empty() && outside(&only) {
                refuse(&path, &only);
            } else if !named.is_empty() && !named.contains(&only) {
                report.add::<()>(
                    "E-silent-region",
                    &path,
                    "none of the Regions where its events appear",
                    only.to_string(),
                    "leave `regions` out; these events appear in one Region, whatever the caller's",
                );
            }
        }
    }

    /// A bus takes 30 rules with wildcards, which AWS does not raise; each watch is a rule on every member's default bus.
    fn wildcards(&self, report: &Report) {
        let uses = |watch: &Watch| watch.pattern.matcher().is_ok_and(|matcher| matcher.uses_wildcards());
        let count = self.watches().filter(|(_, watch)| uses(watch)).count();
        if count > MAX_WILDCARD_RULES {
            report.add::<()>(
                "E-wildcard-rules",
                "watch",
                format!("{count} watches with wildcards"),
                format!("at most {MAX_WILDCARD_RULES}, the rules with wildcards that a bus takes"),
                "use prefix, suffix or exact names where they say the same",
            );
        }
    }

    /// Tampering is told by the built-in alert or by one that is there; and the built-in one to somebody.
    fn guard(&self, report: &Report) {
        let Some(guard) = self.guard.filter(|guard| guard.enabled) else { return };
        let named = |alert: &Alert| alert.name == guard.alert;
        let built_in = guard.alert == guard::BUILT_IN;
        if !built_in && !self.alerts.iter().any(|alert| alert.as_ref().is_none_or(named)) {
            report.add::<()>(
                "E-unknown-alert",
                "guard.alert",
                quoted(&guard.alert),
                format!("\"{}\" or the name of an [[alert]]", guard::BUILT_IN),
                "",
            );
        }
        let anybody = |alert: &Alert| alert.topic.is_none() && !alert.subscriptions.is_empty();
        let elsewhere = |alert: &Alert| alert.topic.is_some();
        if built_in
            && self.alerts.iter().flatten().any(elsewhere)
            && !self.alerts.iter().any(|alert| alert.as_ref().is_none_or(anybody))
        {
            report.add::<()>(
                "W-tamper-tells-nobody",
                "guard.alert",
                quoted(&guard.alert),
                "an alert with subscriptions, whose people are told of tampering as well",
                "subscribe people to an alert, or name an alert in guard.alert",
            );
        }
    }

    /// Orgwatch's own health is told by the built-in alert or by one that is there.
    fn notify(&self, report: &Report) {
        let Some(alert) = self.notify.and_then(|notify| notify.alert.as_ref()) else { return };
        let named = |known: &Alert| known.name == *alert;
        if alert != notify::BUILT_IN && !self.alerts.iter().any(|known| known.as_ref().is_none_or(named)) {
            report.add::<()>(
                "E-unknown-alert",
                "notify.alert",
                quoted(alert),
                format!("\"{}\", the name of an [[alert]], or \"off\"", notify::BUILT_IN),
                "",
            );
        }
    }

    /// The alarms for auditors tell somebody, and stand where they can.
    fn compliance(&self, report: &Report) {
        let Some(compliance) = self.compliance else { return };
        let asked = compliance.metric_alarms.as_ref().is_some_and(|themes| !themes.0.is_empty());
        let named = |name: &String| {
            self.alerts.iter().any(|alert| alert.as_ref().is_none_or(|alert| alert.name == *name))
        };
        if asked && self.alerts.is_empty() {
            report.add::<()>(
                "E-no-alert",
                "compliance.metric_alarms",
                "alarms, and no [[alert]]",
                "an [[alert]] with subscriptions, whose people the alarms tell",
                "",
            );
        }
        if let Some(name) = compliance.alert.as_ref().filter(|name| !named(name)) {
            report.add::<()>(
                "E-unknown-alert",
                "compliance.alert",
                quoted(name),
                "the name of an [[alert]], or \"off\" for the one that `notify.alert` names, or the first",
                "",
            );
        }
        if let Some(role) = compliance.role_arn.as_ref().filter(|role| role.partition() != self.partition()) {
            report.add::<()>(
                "E-partitions",
                "compliance.role_arn",
                format!("partition {}", role.partition()),
                format!("partition {}, as the rest of the configuration", self.partition()),
                "run one orgwatch for each partition; nothing crosses from one to another",
            );
        }
        let (Some(group), Some(central)) = (&compliance.log_group_arn, self.central) else { return };
        let region = central.region.clone().unwrap_or_else(|| self.partition().iam_events_region());
        if group.region != region {
            report.add::<()>(
                "E-other-region",
                "compliance.log_group_arn",
                format!("a log group in {}", group.region),
                format!("one in {region}, where the topics of the alerts are"),
                "an alarm tells topics of its own Region alone; set central.region to that of the log group",
            );
        }
        let place = "compliance.role_arn";
        match &compliance.role_arn {
            Some(role) if *role.account() != group.account => report.add(
                "E-other-account",
                place,
                format!("a role of account {}", role.account()),
                format!("a role of {}, which the log group is in", group.account),
                "correct the one that is wrong",
            ),
            None if group.account != central.account_id => report.add(
                "E-missing-key",
                place,
                "nothing",
                format!("a role of account {}, which the log group is in", group.account),
                "deploy/cloudformation/alarms-role.yaml makes one",
            ),
            _ => Some(()),
        };
    }

    /// What is encrypted with a key uses it in its own Region, and an alias may come to mean another key.
    fn keys(&self, report: &Report) {
        let Some(central) = self.central else { return };
        let partition = self.partition();
        let region = central.region.clone().unwrap_or_else(|| partition.iam_events_region());
        let of_alerts = self.alerts.iter().enumerate().filter_map(|(i, alert)| {
            Some((format!("alert[{i}].kms_key_arn"), alert.as_ref()?.kms_key_arn.as_ref()?))
        });
        let of_central = central.kms_key_arn.as_ref().map(|key| ("central.kms_key_arn".to_owned(), key));
        for (path, key) in of_central.into_iter().chain(of_alerts) {
            let id = key.resource.strip_prefix("key/").filter(|id| !id.contains(['/', ':']));
            let fits = key.service == "kms"
                && key.partition == partition
                && key.region == region.as_str()
                && key.account.parse::<AccountId>().is_ok()
                && id.is_some();
            if !fits {
                report.add::<()>(
                    "E-not-a-key",
                    &path,
                    key.to_string(),
                    format!("the ARN of a key in {region}: arn:{partition}:kms:{region}:<account>:key/<id>"),
                    "a key serves its own Region alone; of an alias write the key that it stands for",
                );
            }
        }
    }

    fn topics(&self, report: &Report) {
        let Some(central) = self.central else { return };
        let partition = self.partition();
        let region = central.region.clone().unwrap_or_else(|| partition.iam_events_region());
        for (i, alert) in self.alerts.iter().enumerate() {
            let Some(topic) = alert.as_ref().and_then(|alert| alert.topic.as_ref()) else { continue };
            let sharing =
                self.alerts.iter().take(i).flatten().filter(|other| other.topic.as_ref() == Some(topic));
            let chat = |format: Format| format == Format::Chat;
            if let Some(format) = alert.as_ref().map(|alert| alert.format)
                && let Some(other) = sharing.into_iter().find(|other| chat(other.format) != chat(format))
            {
                report.add::<()>(
                    "E-chat-shares-topic",
                    &format!("alert[{i}].topic"),
                    format!(
                        "the formats \"{format}\" and \"{}\" of alert {:?} on one topic",
                        other.format, other.name
                    ),
                    "a topic of its own for what the chat service reads",
                    "the chat service drops what is not written for it, and people would get JSON",
                );
            }
            let ours = topic.service == "sns"
                && topic.partition == partition
                && topic.region == region.as_str()
                && topic.account == central.account_id.as_str()
                && !topic.resource.contains(':');
            if !ours {
                report.add::<()>(
                    "E-not-our-topic",
                    &format!("alert[{i}].topic"),
                    topic.to_string(),
                    format!("the ARN of a topic in {region} of the central account {}", central.account_id),
                    "a rule delivers to topics beside it; subscribe a queue for what is elsewhere",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
