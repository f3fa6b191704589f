//! Reading trails.

use serde_json::{Map, Value, json};

use super::find;
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::service::organizations::epoch;
use crate::trail::Trail;
use crate::world::World;

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudtrail:DescribeTrails", "*", Context::new())?;
    let names: Vec<&str> = call.list("trailNameList").iter().filter_map(Value::as_str).collect();
    let with_shadows = call.flag("includeShadowTrails").unwrap_or(true);
    let mut wanted = Vec::new();
    for name in &names {
        // AWS: a name finds only what has its home here and belongs to the account; an ARN finds more.
        if name.starts_with("arn:") {
            wanted.push(find::arn(world, call, name)?);
        } else {
            find::check_name(name)?;
        }
    }
    let shown = find::all(world, call).filter(|trail| {
        if names.is_empty() {
            trail.home_region == call.region || (with_shadows && trail.is_in(&call.region))
        } else {
            wanted.contains(&trail.arn)
                || (trail.owner == call.caller.account
                    && trail.home_region == call.region
                    && names.contains(&trail.name.as_str()))
        }
    });
    Ok(json!({ "trailList": shown.map(show).collect::<Value>() }))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let trail = readable(world, call, call.required("Name")?)?;
    Ok(json!({ "Trail": show(trail) }))
}

pub(super) fn status(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let trail = readable(world, call, call.required("Name")?)?;
    let mut status = Map::new();
    status.insert("IsLogging".to_owned(), trail.logging.into());
    for (name, spelled, at) in [
        ("StartLoggingTime", "TimeLoggingStarted", trail.started_at),
        ("StopLoggingTime", "TimeLoggingStopped", trail.stopped_at),
    ] {
        if let Some(at) = at {
            status.insert(name.to_owned(), epoch(at));
        }
        let text = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        status.insert(spelled.to_owned(), text.unwrap_or_default().into());
    }
    Ok(Value::Object(status))
}

pub(super) fn selectors(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let trail = readable(world, call, call.required("TrailName")?)?;
    let account = call.caller.account.as_str();
    if trail.owner != account
        && world.organization.hides_selectors
        && !find::acts_for_organization(world, account)
    {
        let message = "You do not have access to the event selectors of the organization trail.";
        return Err(Refusal::bad("AccessDeniedException", message));
    }
    let (name, selectors) = trail.selectors.show();
    let mut answer = json!({ "TrailARN": trail.arn });
    answer[name] = selectors;
    Ok(answer)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudtrail:ListTrails", "*", Context::new())?;
    // AWS: trails of all Regions, wherever the call is made.
    let trails: Value = find::all(world, call)
        .map(|trail| json!({ "TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.home_region }))
        .collect();
    Ok(json!({ "Trails": trails }))
}

pub(super) fn tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let mut shown = Vec::new();
    for id in call.list("ResourceIdList").iter().filter_map(Value::as_str) {
        let trail = readable(world, call, id)?;
        let tags: Value =
            trail.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        shown.push(json!({ "ResourceId": trail.arn, "TagsList": tags }));
    }
    Ok(json!({ "ResourceTagList": shown }))
}

fn readable<'a>(world: &'a World, call: &Call, name: &str) -> Result<&'a Trail, Refusal> {
    let arn = find::arn(world, call, name)?;
    let action = format!("cloudtrail:{}", call.operation);
    world.authorize(call, &action, &arn, Context::new())?;
    find::visible(world, call, &arn)
}

/// A trail as AWS answers it.
fn show(trail: &Trail) -> Value {
    let mut shown = written(trail);
    shown["HomeRegion"] = trail.home_region.as_str().into();
    shown["HasCustomEventSelectors"] = trail.custom_selectors.into();
    shown["HasInsightSelectors"] = false.into();
    shown
}

/// A trail as a write answers it.
pub(super) fn written(trail: &Trail) -> Value {
    let mut shown = json!({
        "Name": trail.name,
        "TrailARN": trail.arn,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": trail.global_events,
        "IsMultiRegionTrail": trail.multi_region,
        "IsOrganizationTrail": trail.organization,
        "LogFileValidationEnabled": false,
    });
    for (name, value) in &trail.settings {
        shown[name.as_str()] = value.clone();
    }
    shown
}
