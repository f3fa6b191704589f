//! Proves that the guard hears each family of calls, with calls that change nothing: what is in place is written again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::Controller;
use crate::inbox::{Message, parse};
use crate::kinds::KINDS;
use crate::model::call::Call;
use crate::model::error::CloudError;
use crate::model::plan::{Action, Change, Stage};
use crate::model::resource::{ResourceId, Verdict};
use crate::model::target::Side;
use crate::world::{Target, World};

/// How long an event may take. AWS promises nothing; seconds are usual.
const PATIENCE: Duration = Duration::from_secs(120);
const WAIT: i32 = 10;

/// Why the guard could not be put to the proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// There is no guard.
    #[error("nothing is guarded: `guard.enabled` is false")]
    NoGuard,
    /// What is not in place cannot be written again without changing it.
    #[error("{0} is not in sync, so that writing it again would change it; `orgwatch apply` first")]
    NotInSync(String),
    /// A call failed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// One family of calls, and whether the guard told of one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// `<service>:<operation>`.
    pub call: String,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// After how many seconds its event arrived; none: it did not.
    pub seconds: Option<f64>,
    /// Why it was not made, where it was not.
    pub error: Option<String>,
}

/// The calls that write what is there already, one of each family.
fn harmless(world: &World, target: &Target) -> Vec<(ResourceId, Call)> {
    let tags = world.owner_tags();
    let mut calls = Vec::new();
    let mut add = |kind, name: String, call| calls.push((ResourceId { kind, name }, call));
    match target.key.side {
        Side::Member => {
            let name = world.named(crate::guard::MEMBER);
            for kind in KINDS.iter().filter(|kind| kind.name() == "sender_rule") {
                if let Some(desired) = kind.desired(world, target).get(&name) {
                    for call in kind.mend(world, target, &name, desired, None) {
                        add("sender_rule", name.clone(), call);
                    }
                }
            }
            let arn = world.arn("events", target.region(), target.account(), &format!("rule/{name}"));
            add("sender_rule", name, Call::TagEvents { arn, tags: tags.clone() });
            if target.writes_role && target.roles_here {
                add("forwarding_role", world.guard_role(), Call::TagRole { role: world.guard_role(), tags });
            }
        }
        Side::Audit => {}
        Side::Central => {
            add(
                "event_bus",
                world.bus().to_owned(),
                Call::TagEvents { arn: world.bus_arn(), tags: tags.clone() },
            );
            if let Some(topic) = world.guard.iter().find_map(|guard| guard.alert.topic.as_ref()) {
                let arn = world.arn("sns", &world.central_region, &world.central, &topic.name);
                add("topic", topic.name.clone(), Call::TagTopic { arn, tags: tags.clone() });
            }
            add("queue", world.inbox_queue(), Call::TagQueue { name: world.inbox_queue(), tags });
        }
    }
    calls
}

impl Controller {
    /// Makes one harmless call of each family in the central account, which is a member too, and waits for their events
    /// in the inbox. Everything must have been looked at. A daemon that reads the same inbox may take them first.
    pub async fn prove_guard(&self) -> Result<Vec<Proof>, ProveError> {
        let world =
            self.fleet().world.clone().filter(|world| world.guard.is_some()).ok_or(ProveError::NoGuard)?;
        let targets: Vec<_> = {
            let fleet = self.fleet();
            let here = |t: &&std::sync::Arc<Target>| {
                *t.account() == world.central && *t.region() == world.central_region
            };
            fleet.targets.values().filter(here).cloned().collect()
        };
        let mut proofs = Vec::new();
        for target in &targets {
            let views = self.views(std::slice::from_ref(&target.key));
            let in_sync = |view: &std::sync::Arc<crate::model::view::TargetView>| {
                view.error.is_none() && view.resources.iter().all(|r| r.verdict == Verdict::InSync)
            };
            if !views.iter().all(in_sync) || views.is_empty() {
                return Err(ProveError::NotInSync(target.key.to_string()));
            }
            let changes: Vec<Change> = harmless(&world, target)
                .into_iter()
                .map(|(resource, call)| Change {
                    resource,
                    action: Action::Update,
                    stage: Stage::Switch,
                    reason: "writes what is there, to see whether the guard tells of it".to_owned(),
                    fields: [].into(),
                    calls: vec![call],
                    hold: None,
                })
                .collect();
            let due: Vec<&Change> = changes.iter().collect();
            let session = self.broker.write(&world, target, &due).await?;
            for call in changes.iter().flat_map(|change| &change.calls) {
                let outcome = self.cloud.execute(&session, call, &self.configured().endpoints).await;
                proofs.push(Proof {
                    call: format!("{}:{}", call.service(), call.operation()),
                    request_id: outcome.as_ref().ok().cloned().flatten(),
                    seconds: None,
                    error: outcome.err().map(|error| error.to_string()),
                });
            }
        }
        self.wait_for(&world, &mut proofs).await?;
        Ok(proofs)
    }

    /// Waits for the events of the calls; messages of others are left to whom they are for.
    async fn wait_for(&self, world: &World, proofs: &mut [Proof]) -> Result<(), CloudError> {
        let began = Instant::now();
        let session = self.broker.inbox(world).await?;
        let url = self.cloud.queue_url(&session, &world.inbox_queue()).await?;
        let mut open: BTreeMap<String, usize> =
            proofs.iter().enumerate().filter_map(|(n, proof)| Some((proof.request_id.clone()?, n))).collect();
        while !open.is_empty() && began.elapsed() < PATIENCE {
            let mut ours = Vec::new();
            for message in self.cloud.receive(&session, &url, WAIT).await? {
                let Message::Wake(tampering) = parse(&message.body) else { continue };
                let Some(id) = tampering.request_id else { continue };
                if let Some(proof) = open.remove(&id).and_then(|n| proofs.get_mut(n)) {
                    proof.seconds = Some(began.elapsed().as_secs_f64());
                    ours.push(message.handle);
                }
            }
            if !ours.is_empty() {
                self.cloud.delete_messages(&session, &url, ours).await?;
            }
        }
        Ok(())
    }
}
