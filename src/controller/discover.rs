//! Looks at the organization and resolves what must hold and where.

use super::fleet::Fleet;
use super::{Configured, Controller};
use crate::aws::organization::TagCache;
use crate::compile::CannotCombine;
use crate::compliance::place::Place;
use crate::config::Settings;
use crate::desired;
use crate::inventory::Account;
use crate::model::error::CloudError;
use crate::model::plan::Hold;
use crate::model::target::TargetKey;
use crate::world::{Target, World};

/// Other credentials or another organization than configured: nothing is written.
pub(super) const WRONG_ORGANIZATION: &str = "WrongOrganization";

/// Why the organization could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A call failed.
    #[error("the organization cannot be read: {0}")]
    Cloud(#[from] CloudError),
    /// We are somewhere else than the configuration says.
    #[error("{}", .0.message)]
    WrongPlace(Hold),
    /// The configuration asks for what a pattern cannot say.
    #[error(transparent)]
    Configuration(#[from] CannotCombine),
}

impl Controller {
    /// Looks once; answers the targets that are new or changed.
    pub async fn discover(&self) -> Result<Vec<TargetKey>, DiscoverError> {
        let looked = self.look().await;
        let place = if looked.is_ok() { self.log_group().await } else { None };
        let now = self.clock.now();
        let mut fleet = self.fleet();
        let (organization, listing) = match looked {
            Ok(found) => found,
            Err(error) => {
                fleet.discovery.error = Some(error.to_string());
                if let DiscoverError::WrongPlace(hold) = &error {
                    fleet.wrong_place = Some(hold.clone());
                }
                // What ends by itself ends although nobody can be listed.
                self.aim(&mut fleet)?;
                self.metrics.discovery(false, now);
                self.changed.notify_one();
                return Err(error);
            }
        };
        let settings = &self.settings();
        fleet.wrong_place = None;
        fleet.inventory.take(listing, &desired::filter(settings), &settings.central.account_id, now);
        fleet.revision += 1;
        for (account, _) in fleet.inventory.departed().iter().filter(|(_, at)| **at == now) {
            tracing::info!(
                account.id = %account,
                "Account {account} left the organization and gets no further call; what is left there is its owner's to \
                 remove: rules {prefix}* on its default bus, and role {role}",
                prefix = format_args!("{}-", settings.installation),
                role = settings.member.forwarding_role_name,
            );
        }
        fleet.discovery.last_success_at = Some(now);
        fleet.discovery.error = None;
        fleet.discovery.doubtful = fleet.inventory.doubt().map(ToOwned::to_owned);
        fleet.discovery.accounts = fleet.inventory.known().len();
        fleet.organization = Some(organization);
        fleet.learn_place(place);
        let changed = self.aim(&mut fleet)?;
        drop(fleet);
        self.metrics.discovery(true, now);
        self.changed.notify_one();
        Ok(changed)
    }

    /// Derives the targets anew where a pass told of other Regions; answers those that are new or changed. Asks nobody.
    pub(super) fn aim_again(&self) -> Vec<TargetKey> {
        let mut fleet = self.fleet();
        if !fleet.moved {
            return Vec::new();
        }
        let changed = self.aim(&mut fleet).unwrap_or_else(|error| {
            // It was said of the same settings before, or nothing was discovered.
            tracing::error!(%error, "The targets could not be derived anew");
            Vec::new()
        });
        drop(fleet);
        self.changed.notify_one();
        changed
    }

    /// Derives what must hold, and where, from what is known of the organization, its accounts and their Regions.
    fn aim(&self, fleet: &mut Fleet) -> Result<Vec<TargetKey>, CannotCombine> {
        let Some((organization, _)) = &fleet.organization else { return Ok(Vec::new()) };
        let settings = self.settings();
        let world = desired::world(&settings, organization, self.clock.now())?;
        Ok(self.aim_at(fleet, &settings, world))
    }

    /// The same where it is known what must hold.
    pub(super) fn aim_at(&self, fleet: &mut Fleet, settings: &Settings, world: World) -> Vec<TargetKey> {
        fleet.moved = false;
        let Some((_, management)) = fleet.organization.clone() else { return Vec::new() };
        let enforce_all = self.enforce_all();
        let known = fleet.inventory.known();
        fleet.regions.retain(|account| known.contains_key(account));
        if let Some(trails) = &mut fleet.trails {
            trails.retain(|account| known.contains_key(account));
        }
        let mut targets = desired::targets(settings, &world, known, &management, enforce_all, &fleet.regions);
        desired::audit(&mut targets, settings, &world, known, &management, enforce_all, fleet.place.as_ref());
        if fleet.rules.teardown {
            targets = self.teardown_targets(&fleet.inventory, &world, &management, &fleet.regions, targets);
        }
        fleet.leave_behind(&targets);
        let known = fleet.inventory.known();
        let left = desired::left(settings, &world, known, &management, enforce_all, &fleet.regions);
        for (key, target) in left {
            let leaving = fleet.rules.teardown;
            targets.entry(key).or_insert(Target { leaving, ..target });
        }
        fleet.set(world, targets)
    }

    /// Where the metric filters of the organization belong; none where the settings ask for none.
    async fn log_group(&self) -> Option<Place> {
        let settings = &self.settings();
        settings.compliance.metric_alarms.as_ref()?;
        if let Some(group) = &settings.compliance.log_group_arn {
            return Some(Place::At(group.clone()));
        }
        let region = settings.central_region();
        let read = match self.broker.central(settings.central.role_arn.as_ref(), &region).await {
            Ok(session) => self.cloud.trails(&session).await,
            Err(error) => Err(error),
        };
        Some(match read {
            Ok(trails) => Place::of_trails(&trails),
            Err(error) => {
                tracing::warn!(%error, "The log group of the organization's trail could not be found out");
                Place::Unread(error)
            }
        })
    }

    async fn look(&self) -> Result<(super::Organization, Vec<Account>), DiscoverError> {
        let Configured { settings, reader, .. } = &*self.configured();
        self.check_account().await?;
        let region = settings.partition().organizations_region();
        let session =
            self.broker.organization(settings.organization.reader_role_arn.as_ref(), &region).await?;
        let (id, management) = reader.describe(&session).await?;
        if let Some(wanted) = settings.organization.id.as_ref().filter(|wanted| **wanted != id) {
            return Err(DiscoverError::WrongPlace(Hold {
                reason: WRONG_ORGANIZATION,
                message: format!(
                    "these credentials belong to organization {id}, and `organization.id` is {wanted}; nothing is written. \
                     Use credentials of {wanted}, or correct the configuration"
                ),
                waits: false,
            }));
        }
        let mut listing = reader.list(&session).await?;
        if desired::filter(settings).needs_tags() {
            let now = self.clock.now();
            let oldest = now
                - jiff::SignedDuration::try_from(settings.organization.tag_refresh_interval)
                    .unwrap_or_default();
            let mut tags = self.tags.lock().await;
            TagCache::fill(&mut tags, reader, &session, &mut listing, oldest, now).await?;
        }
        Ok(((id, management), listing))
    }

    /// Once in a process: whether the central credentials are those of the central account.
    async fn check_account(&self) -> Result<(), DiscoverError> {
        if self.account_checked.get().is_some() {
            return Ok(());
        }
        let settings = &self.settings();
        let session = self
            .broker
            .central(settings.central.role_arn.as_ref(), &settings.partition().sts_region())
            .await?;
        let account = self.cloud.caller_account(&session).await?;
        if account != settings.central.account_id {
            return Err(DiscoverError::WrongPlace(Hold {
                reason: WRONG_ORGANIZATION,
                message: format!(
                    "these credentials belong to account {account}, and `central.account_id` is {}; nothing is written. \
                     Use credentials of the central account, or set `central.role_arn`",
                    settings.central.account_id
                ),
                waits: false,
            }));
        }
        // Another task may have been as quick; both saw the same.
        let _already = self.account_checked.set(());
        Ok(())
    }
}
