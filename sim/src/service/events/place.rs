//! Where a bus is, and how calls name it.

use std::sync::LazyLock;

use crate::call::{Call, Refusal, Service};
use crate::world::World;

use super::state::{Bus, Events, Rule};
use super::{Arn, DEFAULT_BUS};

/// Which bus: its account, Region and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account that owns it.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// Its name.
    pub bus: String,
}

/// What a Region holds that was never written to.
static UNTOUCHED: LazyLock<Events> = LazyLock::new(Events::default);

impl Place {
    /// The bus that the ARN names; `None` when it names no bus.
    pub fn of(arn: &Arn<'_>) -> Option<Self> {
        let bus = arn.bus()?.to_owned();
        Some(Self { account: arn.account.to_owned(), region: arn.region.to_owned(), bus })
    }

    /// The bus's ARN.
    pub fn arn(&self, world: &World) -> String {
        let Self { account, region, bus } = self;
        format!("arn:{}:events:{region}:{account}:event-bus/{bus}", world.partition.name)
    }

    /// The ARN of a rule of the bus.
    ///
    /// AWS: `rule/NAME` on the default bus, `rule/BUS/NAME` on another.
    pub fn rule_arn(&self, world: &World, rule: &str) -> String {
        let Self { account, region, bus } = self;
        let partition = world.partition.name;
        if bus == DEFAULT_BUS {
            format!("arn:{partition}:events:{region}:{account}:rule/{rule}")
        } else {
            format!("arn:{partition}:events:{region}:{account}:rule/{bus}/{rule}")
        }
    }

    /// The caller's own bus that a call names, by name or ARN, in `field`; the default bus when it names none.
    ///
    /// # Errors
    /// `ValidationException` for what is no bus name, `AccessDeniedException` for the bus of another account: rules are
    /// written by the account that owns the bus.
    pub(super) fn asked(world: &World, call: &Call, field: &str) -> Result<Self, Refusal> {
        let place = Self::named(call, field, call.text(field))?;
        if place.account != call.caller.account {
            return Err(refused(world, call, &place.arn(world)));
        }
        if place.region != call.region {
            return Err(place.missing());
        }
        Ok(place)
    }

    /// The bus of that name or ARN, in whatever account; the default bus for no name.
    pub(super) fn named(call: &Call, field: &str, name: Option<&str>) -> Result<Self, Refusal> {
        let name = name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_BUS);
        if name.starts_with("arn:") {
            let place = Arn::parse(name).as_ref().and_then(Self::of);
            return place.ok_or_else(|| {
                let message =
                    format!("Parameter {field} is not valid. Reason: Provided Arn is not in correct format.");
                Refusal::invalid(Service::Events, message)
            });
        }
        super::check::bus_name(field, name)?;
        Ok(Self { account: call.caller.account.clone(), region: call.region.clone(), bus: name.to_owned() })
    }

    /// What AWS says when the bus is not there.
    pub(super) fn missing(&self) -> Refusal {
        Refusal::bad("ResourceNotFoundException", format!("Event bus {} does not exist.", self.bus))
    }

    /// What AWS says when the rule is not there.
    pub(super) fn missing_rule(&self, rule: &str) -> Refusal {
        let message = format!("Rule {rule} does not exist on EventBus {}.", self.bus);
        Refusal::bad("ResourceNotFoundException", message)
    }

    /// What is written about EventBridge in the place's account and Region, seen or not.
    pub(super) fn events<'w>(&self, world: &'w World) -> &'w Events {
        current(world, &self.account, &self.region)
    }

    /// The bus as it is written, seen or not.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(super) fn bus<'w>(&self, world: &'w World) -> Result<&'w Bus, Refusal> {
        self.events(world).bus(&self.bus).ok_or_else(|| self.missing())
    }

    /// The rule as it is written, seen or not.
    pub(super) fn rule<'w>(&self, world: &'w World, rule: &str) -> Option<&'w Rule> {
        self.events(world).bus(&self.bus)?.rules.get(rule).map(AsRef::as_ref)
    }

    /// Changes the bus, which must be there.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(super) fn change<'w>(&self, world: &'w mut World) -> Result<&'w mut Bus, Refusal> {
        // A refused change must not leave a past behind it.
        self.bus(world)?;
        write(world, &self.account, &self.region).bus_mut(&self.bus).ok_or_else(|| self.missing())
    }
}

/// What is written in that account and Region, seen or not.
pub(super) fn current<'w>(world: &'w World, account: &str, region: &str) -> &'w Events {
    let regional = world.accounts.get(account).and_then(|account| account.regions.get(region));
    regional.map_or(&*UNTOUCHED, |regional| regional.events.current())
}

/// The same as somebody sees it who is `lag` behind.
pub(crate) fn seen<'w>(
    world: &'w World,
    account: &str,
    region: &str,
    lag: jiff::SignedDuration,
) -> &'w Events {
    let regional = world.accounts.get(account).and_then(|account| account.regions.get(region));
    regional.map_or(&*UNTOUCHED, |regional| regional.events.seen(world.now(), lag))
}

/// The same as a reading call of the caller happens to see it.
pub(super) fn read<'w>(world: &'w mut World, call: &Call) -> &'w Events {
    let lag = world.read_lag();
    seen(world, &call.caller.account, &call.region, lag)
}

/// The same, to be changed.
pub(super) fn write<'w>(world: &'w mut World, account: &str, region: &str) -> &'w mut Events {
    let (now, lag) = (world.now(), world.lags.longest());
    world.regional(account, region).events.write(now, lag)
}

/// The refusal of an operation on what belongs to another account and is not open to the caller.
pub(super) fn refused(world: &World, call: &Call, resource: &str) -> Refusal {
    let operation = &call.operation;
    let message = format!(
        "User: {} is not authorized to perform: events:{operation} on resource: {resource} because no \
         resource-based policy allows the events:{operation} action",
        call.caller.arn(world.partition.name)
    );
    let (status, code) = Service::Events.denial();
    Refusal::new(status, code, message)
}
