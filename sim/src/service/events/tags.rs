//! Tags of buses and rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

use super::{Arn, Place, check, place, rules};

/// The most tags that a resource bears.
const MOST_TAGS: usize = 50;

/// The tags of a call.
///
/// # Errors
/// `ValidationException` for tags that no resource can bear.
pub(super) fn given(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in call.list("Tags") {
        let part = |name: &str| tag.get(name).and_then(Value::as_str);
        let (Some(key), Some(value)) = (part("Key"), part("Value")) else {
            return Err(check::invalid(
                "Value at 'tags' failed to satisfy constraint: Member must not be null",
            ));
        };
        check::length("Tags.Key", key, 1, 128)?;
        check::length("Tags.Value", value, 0, 256)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(check::invalid("aws: prefixed tag key names are not allowed for external use."));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MOST_TAGS {
        return Err(check::over_quota());
    }
    Ok(tags)
}

/// The keys that a call's tags give to the policies that decide about it.
pub(super) fn of_request(tags: &BTreeMap<String, String>) -> Context {
    let mut context = Context::new();
    if tags.is_empty() {
        return context;
    }
    for (key, value) in tags {
        context.insert(format!("aws:requesttag/{}", key.to_lowercase()), vec![value.clone()]);
    }
    context.insert("aws:tagkeys".to_owned(), tags.keys().cloned().collect());
    context
}

/// Adds the keys that a resource's tags give.
pub(super) fn of_resource(context: &mut Context, tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        context.insert(format!("aws:resourcetag/{}", key.to_lowercase()), vec![value.clone()]);
    }
}

/// A resource that bears tags.
struct Tagged {
    place: Place,
    /// `None`: the bus itself.
    rule: Option<String>,
    arn: String,
}

impl Tagged {
    fn asked(world: &World, call: &Call) -> Result<Self, Refusal> {
        let text = call.required("ResourceARN")?;
        let not_an_arn = || {
            check::invalid(
                "Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.",
            )
        };
        let arn = Arn::parse(text).ok_or_else(not_an_arn)?;
        let (bus, rule) = match (arn.bus(), arn.rule()) {
            (Some(bus), _) => (bus, None),
            (None, Some((bus, rule))) => (bus, Some(rule.to_owned())),
            (None, None) => return Err(not_an_arn()),
        };
        if arn.account != call.caller.account {
            return Err(place::refused(world, call, text));
        }
        let place =
            Place { account: arn.account.to_owned(), region: arn.region.to_owned(), bus: bus.to_owned() };
        if arn.region != call.region {
            return Err(place.missing());
        }
        Ok(Self { place, rule, arn: text.to_owned() })
    }

    /// The keys that it and the call give to the policies.
    fn context(&self, world: &World, mut context: Context) -> Context {
        match &self.rule {
            Some(name) => rules::of_rule(&mut context, &self.place, self.place.rule(world, name)),
            None => {
                if let Some(bus) = self.place.events(world).bus(&self.place.bus) {
                    of_resource(&mut context, &bus.tags);
                }
            }
        }
        context
    }

    fn tags<'w>(&self, world: &'w World) -> Result<&'w BTreeMap<String, String>, Refusal> {
        let bus = self.place.bus(world)?;
        let Some(name) = &self.rule else { return Ok(&bus.tags) };
        let rule = bus.rules.get(name).ok_or_else(|| self.place.missing_rule(name))?;
        rules::refuse_managed(rule)?;
        Ok(&rule.tags)
    }

    fn set(&self, world: &mut World, tags: BTreeMap<String, String>) -> Result<(), Refusal> {
        let bus = self.place.change(world)?;
        match &self.rule {
            None => bus.tags = tags,
            Some(name) => {
                let rule = bus.rules.get_mut(name).ok_or_else(|| self.place.missing_rule(name))?;
                Arc::make_mut(rule).tags = tags;
            }
        }
        Ok(())
    }
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let tagged = Tagged::asked(world, call)?;
    let given = given(call)?;
    let context = tagged.context(world, of_request(&given));
    world.authorize(call, "events:TagResource", &tagged.arn, context)?;
    let mut tags = tagged.tags(world)?.clone();
    tags.extend(given);
    if tags.len() > MOST_TAGS {
        return Err(check::over_quota());
    }
    tagged.set(world, tags)?;
    Ok(Value::Null)
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let tagged = Tagged::asked(world, call)?;
    let keys: Vec<String> =
        call.list("TagKeys").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let context = Context::from([("aws:tagkeys".to_owned(), keys.clone())]);
    let context = tagged.context(world, context);
    world.authorize(call, "events:UntagResource", &tagged.arn, context)?;
    let mut tags = tagged.tags(world)?.clone();
    tags.retain(|key, _| !keys.contains(key));
    tagged.set(world, tags)?;
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let tagged = Tagged::asked(world, call)?;
    let context = tagged.context(world, Context::new());
    world.authorize(call, "events:ListTagsForResource", &tagged.arn, context)?;
    let events = place::read(world, call);
    let bus = events.bus(&tagged.place.bus).ok_or_else(|| tagged.place.missing())?;
    let tags = match &tagged.rule {
        None => &bus.tags,
        Some(name) => &bus.rules.get(name).ok_or_else(|| tagged.place.missing_rule(name))?.tags,
    };
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "Tags": tags }))
}
