use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::corpus::{Sample, samples};

fn of_design() -> Vec<String> {
    let ours = [
        "iam-changes",
        "iam-changes-blog",
        "iam-any",
        "iam-auth",
        "iam-user-deletion",
        "iam-privilege-paths",
        "identity-center-changes",
    ];
    ours.into_iter().map(str::to_owned).chain((1..=15).map(|n| format!("cis-4.{n}"))).collect()
}

#[test]
fn every_preset_is_there_and_says_what_it_is() {
    let names: Vec<&str> = all().iter().map(|preset| preset.name.as_str()).collect();
    assert_eq!(names, of_design());
    for preset in all() {
        for text in [&preset.title, &preset.description, &preset.source] {
            assert!(
                text.chars().next().is_some_and(|c| !c.is_whitespace()) && !text.ends_with('.'),
                "{text}"
            );
        }
        assert_eq!(by_name(&preset.name), Some(preset));
    }
}

#[test]
fn the_document_shows_every_preset_as_it_is() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/presets.md")).unwrap();
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |preset: &Preset| {
        let default = if preset.name == all()[0].name { " (default)" } else { "" };
        let Preset { name, description, source, regions, .. } = preset;
        format!("| `{name}`{default} | {description} | {source} | {} |", regions.told())
    };
    assert_eq!(shown, all().iter().map(row).collect::<Vec<_>>());
}

#[test]
fn every_preset_matches_the_events_of_the_corpus_that_it_should_and_no_others() {
    let matchers: BTreeMap<&str, _> =
        all().iter().map(|preset| (preset.name.as_str(), preset.pattern().matcher().unwrap())).collect();
    let samples = samples();
    assert!(samples.len() >= 120, "{}", samples.len());
    for Sample { name, group, presets, event } in &samples {
        let matched: BTreeSet<String> = matchers
            .iter()
            .filter(|(_, matcher)| matcher.matches(event))
            .map(|(preset, _)| (*preset).to_owned())
            .collect();
        assert_eq!(&matched, presets, "{group}: {name}");
    }
    for preset in matchers.keys() {
        let matched = samples.iter().filter(|sample| sample.presets.contains(*preset)).count();
        assert!(matched > 0 && matched < samples.len(), "{preset} is held against nothing");
    }
}

#[test]
fn the_corpus_holds_what_it_says_that_it_holds() {
    let samples = samples();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names.len(), samples.len(), "two events of one name");
    let ids: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.event["id"].as_str()).collect();
    assert_eq!(ids.len(), samples.len(), "two events of one id");
    let has = |wanted: fn(&Value) -> bool| samples.iter().any(|sample| wanted(&sample.event["detail"]));
    for kind in ["Root", "IAMUser", "AssumedRole", "IdentityCenterUser", "AWSService", "WebIdentityUser"] {
        assert!(
            samples.iter().any(|sample| sample.event["detail"]["userIdentity"]["type"] == kind),
            "{kind}"
        );
    }
    assert!(has(|detail| detail["errorCode"].is_string()) && has(|detail| detail["errorCode"].is_null()));
    assert!(has(|detail| detail["readOnly"] == true) && has(|detail| detail["readOnly"] == false));
    for Sample { name, event, .. } in &samples {
        for field in ["version", "id", "detail-type", "source", "account", "time", "region"] {
            assert!(event[field].as_str().is_some_and(|text| !text.is_empty()), "{name}: {field}");
        }
        if event["detail-type"].as_str().is_some_and(|kind| kind.ends_with("via CloudTrail"))
            && event["source"].as_str().is_some_and(|source| source.starts_with("aws."))
        {
            let detail = &event["detail"];
            for field in
                ["eventVersion", "eventSource", "eventName", "eventID", "eventType", "sourceIPAddress"]
            {
                assert!(detail[field].is_string(), "{name}: {field}");
            }
            assert_eq!(detail["awsRegion"], event["region"], "{name}");
            assert_eq!(detail["recipientAccountId"], event["account"], "{name}");
            let service = detail["eventSource"].as_str().and_then(|host| host.split('.').next()).unwrap();
            assert_eq!(event["source"], format!("aws.{service}"), "{name}");
        }
    }
}

#[test]
fn the_privilege_paths_hold_all_of_cis_4_4() {
    let names = |preset: &str| -> BTreeSet<String> {
        let pattern = by_name(preset).unwrap().pattern();
        let names = pattern.value()["detail"]["eventName"].as_array().unwrap();
        names.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names("cis-4.4").len(), 16);
    assert!(names("cis-4.4").is_subset(&names("iam-privilege-paths")));
}

#[test]
fn every_preset_passes_the_pattern_check_and_spends_no_wildcard() {
    for preset in all() {
        assert_eq!(preset.pattern().findings(), [], "{}", preset.name);
        assert!(!preset.pattern().matcher().unwrap().uses_wildcards(), "{}", preset.name);
    }
}

/// Other services have operations of the same names, and anybody can send events with a source of his own.
#[test]
fn every_preset_pins_its_source_and_where_it_names_operations_also_the_service() {
    for preset in all() {
        let pattern = preset.pattern();
        let detail = &pattern.value()["detail"];
        let exact = !pattern.sources().is_empty();
        if exact && detail["eventName"].is_array() {
            let hosts: BTreeSet<String> =
                pattern.sources().iter().map(|s| s.replacen("aws.", "", 1) + ".amazonaws.com").collect();
            let named: BTreeSet<String> = detail["eventSource"]
                .as_array()
                .unwrap()
                .iter()
                .map(|host| host.as_str().unwrap().to_owned())
                .collect();
            assert_eq!(named, hosts, "{}", preset.name);
        }
    }
}

#[test]
fn what_one_region_sees_is_known_for_every_partition() {
    for preset in all() {
        let one = preset.regions.one(Partition::China).map(|region| region.to_string());
        let expected = match preset.name.as_str() {
            "cis-4.15" => Some("cn-northwest-1"),
            name if name.starts_with("iam-") || name == "cis-4.4" => Some("cn-north-1"),
            _ => None,
        };
        assert_eq!(one.as_deref(), expected, "{}", preset.name);
    }
}

#[test]
fn the_preset_of_all_calls_says_when_it_sees_reads() {
    assert!(by_name("iam-any").unwrap().description.contains("read_events = true"));
    let denied = by_name("cis-4.1").unwrap();
    assert!(denied.reads && denied.floods.is_some());
}
