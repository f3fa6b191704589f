//! The simulated AWS, in a process of its own.

use jiff::SignedDuration;
use orgwatch_sim::clock::Clock;
use orgwatch_sim::seed::{self, Plan, TrailLogs};
use orgwatch_sim::service::sts;
use orgwatch_sim::{Simulator, serve};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the stage of the safety tests, where a panic is a failed test"
)]
#[path = "../../../tests/safety/stage/kit.rs"]
mod kit;

/// The organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// How many accounts it has.
    pub(crate) accounts: usize,
    /// Whether its trail has a log group, in the central account.
    pub(crate) log_group: bool,
}

/// Where it is, who is who, and the credentials of the product's task role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) url: String,
    pub(crate) partition: String,
    pub(crate) organization: String,
    pub(crate) management: String,
    pub(crate) central: String,
    /// All accounts, those two included.
    pub(crate) accounts: Vec<String>,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
}

/// Serves until standard input ends.
pub(crate) async fn run(ask: Ask) -> anyhow::Result<()> {
    let trail_logs = if ask.log_group { TrailLogs::Central } else { TrailLogs::Nowhere };
    let plan = Plan { accounts: ask.accounts, ou_depth: 3, seed: 1, trail_logs, ..Plan::default() };
    let (mut world, seeded) = seed::build(&plan, Clock::real());
    let partition = world.partition.name.to_owned();
    let accounts: Vec<String> = world.organization.members.keys().cloned().collect();
    let (management, central) = (seeded.management_account_id, seeded.central_account_id);
    let kit = kit::Kit {
        partition: partition.clone(),
        central_account: central.clone(),
        central_region: world.partition.iam_region.to_owned(),
        organization_id: seeded.organization_id.clone(),
    };
    let members: Vec<String> = accounts.iter().filter(|id| **id != management).cloned().collect();
    kit.install(&mut world, &management, &members);
    world.journal.set_limit(0);
    let day = SignedDuration::from_hours(24);
    let task = sts::issue(&mut world, &central, "orgwatch-task", "bench", Vec::new(), day)
        .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    super::print(&Ready {
        url: format!("http://{}", listener.local_addr()?),
        partition,
        organization: seeded.organization_id,
        management,
        central,
        accounts,
        access_key_id: task.access_key_id,
        secret_access_key: task.secret_access_key,
        session_token: task.session_token,
    })?;
    let stop = async {
        let mut bytes = Vec::new();
        // Whatever ends it, whoever started us is gone.
        drop(tokio::io::stdin().read_to_end(&mut bytes).await);
    };
    serve(Simulator::new(world), listener, stop).await?;
    Ok(())
}
