//! What `check --aws` looks at besides what every pass does: hosts, credentials, boundaries, Regions, quotas. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Controller, DiscoverError};
use crate::desired;
use crate::judge::MISSING;
use crate::kinds::DEFAULT_BUS;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, OuId};
use crate::model::target::Side;
use crate::model::view::{Standing, TargetView};
use crate::preflight::{
    self, AccountSeen, Boundary, Caller, Closer, Finding, Knock, Observed, Service, Trouble, missing_rules,
};
use crate::world::{Target, World};

/// Everything that a preflight gathers, step by step.
#[derive(Debug, Default)]
pub struct Looked {
    /// The hosts.
    pub knocks: Vec<Knock>,
    /// Who asks; none where nobody could ask.
    pub caller: Option<Result<Caller, CloudError>>,
    /// How listing the organization went; none where it could only fail.
    pub organization: Option<Result<(), Trouble>>,
    closer: BTreeMap<AccountId, Closer>,
    buses: Option<Result<usize, CloudError>>,
}

impl Controller {
    /// Knocks at every host that an installation needs, and asks who we are.
    pub async fn knock(&self) -> Result<Looked, DiscoverError> {
        let world = self.expected()?;
        let settings = &self.settings();
        let named = settings.watches.iter().flat_map(|watch| watch.regions.named());
        let everywhere = settings.watches.iter().any(crate::config::Watch::everywhere);
        let allowed = settings.organization.regions.iter().filter(|_| everywhere);
        let regions: BTreeSet<_> =
            named.chain(allowed).cloned().chain([world.partition.iam_events_region()]).collect();
        let hosts = preflight::hosts(&world, settings.trail.required, &regions);
        let knocks = hosts.iter().map(|(service, region)| self.cloud.knock(*service, region, &self.clock));
        let knocks: Vec<Knock> =
            futures::stream::iter(knocks).buffered(settings.reconcile.concurrency).collect().await;
        let silent = |knock: &Knock| knock.service == Service::Sts && knock.answer.is_err();
        let caller = if knocks.iter().any(silent) {
            None
        } else {
            Some(self.cloud.caller(&self.broker.ambient()).await)
        };
        Ok(Looked { knocks, caller, ..Looked::default() })
    }

    /// Lists the organization, if there is somebody to ask. Whether it was listed.
    pub async fn list_for(&self, looked: &mut Looked) -> Result<bool, DiscoverError> {
        let silent = |knock: &Knock| knock.service == Service::Organizations && knock.answer.is_err();
        if !matches!(looked.caller, Some(Ok(_))) || looked.knocks.iter().any(silent) {
            return Ok(false);
        }
        looked.organization = Some(match self.discover().await {
            Ok(_) => Ok(()),
            Err(DiscoverError::Cloud(error)) => Err(Trouble::Call(error)),
            Err(DiscoverError::WrongPlace(hold)) => Err(Trouble::WrongPlace(hold.message)),
            Err(error @ DiscoverError::Configuration(_)) => return Err(error),
        });
        Ok(matches!(looked.organization, Some(Ok(()))))
    }

    /// Looks at what passes do not need, in each account that they could look into. Tells each account.
    pub async fn look_closer(
        &self,
        looked: &mut Looked,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&AccountId) + Send),
    ) {
        let Ok(world) = self.expected() else { return };
        looked.buses = self.count_buses().await;
        let homes = self.homes();
        let all = homes.into_iter().map(|home| {
            let world = Arc::clone(&world);
            async move {
                let account = home.account().clone();
                let closer = self.closer(&world, &home).await;
                (account, closer)
            }
        });
        let mut all = futures::stream::iter(all).buffer_unordered(self.settings().reconcile.concurrency);
        loop {
            let next = tokio::select! {
                next = all.next() => next,
                () = stop.cancelled() => None,
            };
            let Some((account, closer)) = next else { return };
            tell(&account);
            looked.closer.insert(account, closer);
        }
    }

    /// How many accounts [`Self::look_closer`] looks into.
    pub fn closer_looks(&self) -> usize {
        self.homes().len()
    }

    /// What all of that comes to.
    pub fn findings(&self, looked: &Looked) -> Result<Vec<Finding>, DiscoverError> {
        let world = self.expected()?;
        let settings = &self.settings();
        let role = |role: &Option<crate::model::ids::RoleArn>| role.as_ref().map(ToString::to_string);
        let snapshot = self.snapshot();
        let (management, doubt) = {
            let fleet = self.fleet();
            (
                fleet.organization.as_ref().map(|(_, id)| id.clone()),
                fleet.inventory.doubt().map(ToOwned::to_owned),
            )
        };
        let active = snapshot.accounts.values().filter(|account| account.standing == Standing::Active);
        let accounts: Vec<AccountSeen> = active
            .map(|account| {
                let fleet = self.fleet();
                let known = fleet.inventory.known().get(&account.id);
                let now = self.clock.now();
                AccountSeen {
                    root: known.and_then(|known| known.account.units().first()).map(OuId::to_string),
                    is_management: management.as_ref() == Some(&account.id),
                    is_new: known.is_some_and(|known| fleet.in_grace_since(known.wanted_since, now)),
                    views: account.targets.clone(),
                    trail: fleet.trail_of(&account.id, now),
                    closer: looked.closer.get(&account.id).cloned().unwrap_or_default(),
                    id: account.id.clone(),
                }
            })
            .collect();
        let without_role = management.filter(|id| {
            settings.organization.management_role_arn.is_none() && accounts.iter().any(|one| one.id == *id)
        });
        Ok(preflight::judge(&Observed {
            world: &world,
            central_role: role(&settings.central.role_arn),
            reader_role: role(&settings.organization.reader_role_arn),
            via_role: role(&settings.member.via_role_arn),
            knocks: looked.knocks.clone(),
            caller: looked.caller.clone(),
            organization: looked.organization.clone(),
            doubt,
            without_role,
            central: snapshot.central.all().cloned().collect(),
            buses: looked.buses.clone(),
            accounts,
        }))
    }

    /// What must hold, as far as it is known yet.
    fn expected(&self) -> Result<Arc<World>, DiscoverError> {
        let known = self.fleet().world.clone();
        match known {
            Some(world) => Ok(world),
            None => Ok(Arc::new(desired::offline(&self.settings(), self.clock.now())?)),
        }
    }

    /// The targets with which accounts keep their roles, of those that could be looked into.
    fn homes(&self) -> Vec<Arc<Target>> {
        let fleet = self.fleet();
        let seen = |target: &&Arc<Target>| {
            let view = fleet.states.get(&target.key).and_then(|state| state.view.as_ref());
            view.is_some_and(|view| view.error.is_none())
        };
        let homes =
            fleet.targets.values().filter(|t| t.key.side == Side::Member && t.roles_here && t.watched);
        homes.filter(seen).cloned().collect()
    }

    /// How many buses there are where ours is missing.
    async fn count_buses(&self) -> Option<Result<usize, CloudError>> {
        let snapshot = self.snapshot();
        let is_missing = |view: &Arc<TargetView>| {
            let mut resources = view.resources.iter();
            resources.any(|resource| resource.id.kind == "event_bus" && resource.reason == Some(MISSING))
        };
        let view = snapshot.central.targets.iter().find(|view| is_missing(view))?;
        let target = self.fleet().targets.get(&view.target).cloned()?;
        Some(match self.broker.read(&target).await {
            Ok(session) => self.cloud.count_buses(&session).await,
            Err(error) => Err(error),
        })
    }

    async fn closer(&self, world: &World, home: &Target) -> Closer {
        let account = home.account();
        let session = match self.broker.read(home).await {
            Ok(session) => session,
            // A pass got in a moment ago, so this is worth telling.
            Err(error) => return Closer { boundary: Some(Err(error)), ..Closer::default() },
        };
        let keys = self.keys().into_iter().filter(|key| key.side == Side::Member && key.account == *account);
        let views = self.views(&keys.collect::<Vec<_>>());
        let events = world.partition.iam_events_region();
        let mut closer = Closer::default();
        if views.iter().any(|view| view.target.region != events) {
            closer.enabled = Some(self.cloud.enabled_regions(&session.in_region(&events)).await);
        }
        if let Some(arn) = world.boundary_arn(account).filter(|_| world.forwarder.managed) {
            closer.boundary = Some(match self.cloud.policy_document(&session, &arn).await {
                Ok(document) => Ok(preflight::boundary(&document, &world.bus_arn())),
                Err(error) if error.class == ErrorClass::NotFound => Ok(Boundary::Missing),
                Err(error) => Err(error),
            });
        }
        for view in &views {
            let region = &view.target.region;
            if missing_rules(&views, region) > 0 {
                let rules = self.cloud.list_rules(&session.in_region(region), DEFAULT_BUS, None).await;
                closer.rules.insert(region.clone(), rules.map(|rules| rules.len()));
            }
        }
        closer
    }
}
