//! The reference: the SDK calls of a pass over an account in sync, and nothing is decided.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sdk_eventbridge::config::Region;
use orgwatch::aws::{load, session_policy};
use orgwatch::model::target::Side;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{Report, Simulator, Watch};

/// Whom the loop asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) simulator: Simulator,
    /// The accounts' ids, as a list in JSON.
    pub(crate) accounts: PathBuf,
    pub(crate) partition: String,
    pub(crate) region: String,
    pub(crate) concurrency: usize,
}

/// Clients that are built once, for all accounts.
struct Clients {
    events: aws_sdk_eventbridge::Client,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    partition: String,
    region: Region,
}

/// Sends a call with the credentials of an account.
macro_rules! send {
    ($clients:expr, $credentials:expr, $sdk:ident, $request:expr) => {
        $request
            .customize()
            .config_override(
                $sdk::Config::builder()
                    .region($clients.region.clone())
                    .credentials_provider($credentials.clone()),
            )
            .send()
            .await
    };
}

const ROLE: &str = "orgwatch-forwarder";

pub(crate) async fn run(ask: Ask) -> anyhow::Result<Report> {
    let accounts: Vec<String> = serde_json::from_slice(&std::fs::read(&ask.accounts)?)?;
    let config = load::load(&ask.region.parse()?, None).await?;
    let clients = Arc::new(Clients {
        events: aws_sdk_eventbridge::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        partition: ask.partition,
        region: Region::new(ask.region),
    });
    let mut watch = Watch::new(ask.simulator);
    let cold = accounts.into_iter().map(|account| {
        let clients = Arc::clone(&clients);
        async move {
            let credentials = clients.assume(&account).await?;
            send!(clients, credentials, aws_sdk_iam, clients.iam.list_roles().max_items(1000))?;
            clients.look(&credentials).await?;
            Ok(credentials)
        }
    });
    let sessions = watch.lap("cold", each(cold, ask.concurrency)).await?;
    let warm = sessions.into_iter().map(|credentials| {
        let clients = Arc::clone(&clients);
        async move { clients.look(&credentials).await }
    });
    watch.lap("warm", each(warm, ask.concurrency)).await?;
    watch.report()
}

/// Does all of it, so much at once, on all processors.
async fn each<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = anyhow::Result<T>> + Send + 'static>,
    concurrency: usize,
) -> anyhow::Result<Vec<T>> {
    let mut running = JoinSet::new();
    let mut done = Vec::new();
    for one in work {
        if running.len() >= concurrency
            && let Some(ended) = running.join_next().await
        {
            done.push(ended??);
        }
        running.spawn(one);
    }
    while let Some(ended) = running.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}

impl Clients {
    async fn assume(&self, account: &str) -> anyhow::Result<Credentials> {
        let answer = self
            .sts
            .assume_role()
            .role_arn(format!("arn:{}:iam::{account}:role/orgwatch-member", self.partition))
            .role_session_name("bare")
            .duration_seconds(3600)
            .policy(session_policy::reads(Side::Member))
            .send()
            .await?;
        let given = answer.credentials.context("an answer without credentials")?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "bare",
        ))
    }

    /// The role with its policies, and the rules with their targets, side by side as in a pass.
    async fn look(&self, credentials: &Credentials) -> anyhow::Result<()> {
        let role = async {
            send!(self, credentials, aws_sdk_iam, self.iam.get_role().role_name(ROLE))?;
            let names = send!(self, credentials, aws_sdk_iam, self.iam.list_role_policies().role_name(ROLE))?;
            for name in names.policy_names {
                let request = self.iam.get_role_policy().role_name(ROLE).policy_name(name);
                send!(self, credentials, aws_sdk_iam, request)?;
            }
            send!(self, credentials, aws_sdk_iam, self.iam.list_attached_role_policies().role_name(ROLE))?;
            anyhow::Ok(())
        };
        let rules = async {
            let request = self.events.list_rules().event_bus_name("default").name_prefix("orgwatch-");
            let rules = send!(self, credentials, aws_sdk_eventbridge, request)?;
            for rule in rules.rules.unwrap_or_default() {
                let request =
                    self.events.list_targets_by_rule().event_bus_name("default").set_rule(rule.name);
                send!(self, credentials, aws_sdk_eventbridge, request)?;
            }
            anyhow::Ok(())
        };
        futures::try_join!(role, rules)?;
        Ok(())
    }
}
