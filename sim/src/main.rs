//! The simulator as a program.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use orgwatch_sim::clock::Clock;
use orgwatch_sim::fault::{Distribution, QuotaChange, Span};
use orgwatch_sim::partition::{self, Partition};
use orgwatch_sim::seed::{self, Plan, Seeded, TrailLogs};
use orgwatch_sim::world::World;
use orgwatch_sim::{Simulator, serve};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Simulates an AWS Organization on loopback. Prints one line of JSON that tells where, then serves until it is told
/// to stop.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Options {
    /// Loopback address and port to listen on; port 0: any that is free
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// Accounts in total, management and central account included
    #[arg(long, default_value_t = 10, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(2..=100_000))]
    accounts: usize,
    /// How deep organizational units nest
    #[arg(long, default_value_t = 2, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=5))]
    ou_depth: usize,
    /// How long every answer takes, e.g. 20ms
    #[arg(long, default_value = "0ms", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// aws, aws-us-gov, aws-cn or aws-eusc
    #[arg(long, default_value = "aws", value_parser = known_partition)]
    partition: Partition,
    /// Enforce AWS's request quotas
    #[arg(long)]
    quotas: bool,
    /// Calls that the journal keeps; 0: calls are only counted
    #[arg(long, default_value_t = 100_000)]
    journal_limit: usize,
    /// Put an administrator role of this name into every account, which trusts the central account
    #[arg(long, value_name = "NAME")]
    member_role: Option<String>,
    /// Leave out the organization trail
    #[arg(long)]
    no_trail: bool,
    /// In which account the trail has its log group: nowhere, management, central or member
    #[arg(long, default_value = "nowhere", value_parser = known_holder)]
    trail_logs: TrailLogs,
    /// Threads that serve; default: as many as there are processors
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    threads: Option<usize>,
    /// Stop as well when standard input ends
    #[arg(long)]
    exit_with_stdin: bool,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "an address and a port are needed, such as 127.0.0.1:4010".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("only loopback addresses are served, because anybody who reaches the simulator is its administrator"
        .to_owned())
}

fn known_holder(name: &str) -> Result<TrailLogs, String> {
    match name {
        "nowhere" => Ok(TrailLogs::Nowhere),
        "management" => Ok(TrailLogs::Management),
        "central" => Ok(TrailLogs::Central),
        "member" => Ok(TrailLogs::Member),
        _ => Err("nowhere, management, central or member".to_owned()),
    }
}

fn known_partition(name: &str) -> Result<Partition, String> {
    partition::by_name(name).ok_or_else(|| {
        let names: Vec<_> = partition::PARTITIONS.iter().map(|partition| partition.name).collect();
        format!("the partitions are {}", names.join(", "))
    })
}

/// The line that is printed. Readers rely on the order.
#[derive(Debug, Serialize)]
struct Ready {
    url: String,
    organization_id: String,
    management_account_id: String,
    central_account_id: String,
    accounts: usize,
    seed: u64,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, the exit status must do.
            drop(writeln!(io::stderr(), "orgwatch-sim: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = options.threads {
        runtime.worker_threads(threads);
    }
    runtime.enable_all().build()?.block_on(start(options))
}

async fn start(options: Options) -> io::Result<()> {
    // Signals are heard before the line is printed: whoever reads it may stop the simulator at once.
    let (mut interrupted, mut terminated) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(options.listen).await?;
    let (world, seeded) = world(&options).map_err(io::Error::other)?;
    let ready = Ready {
        url: format!("http://{}", listener.local_addr()?),
        organization_id: seeded.organization_id,
        management_account_id: seeded.management_account_id,
        central_account_id: seeded.central_account_id,
        accounts: world.organization.members.len(),
        seed: options.seed,
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&ready)?)?;
    stdout.flush()?;
    drop(stdout);
    let ended = options.exit_with_stdin.then(end_of_stdin);
    let stop = async move {
        let ended = async {
            match ended {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = ended => {}
        }
    };
    serve(Simulator::new(world), listener, stop).await
}

fn world(options: &Options) -> Result<(World, Seeded), String> {
    let plan = Plan {
        partition: options.partition,
        accounts: options.accounts,
        ou_depth: options.ou_depth,
        seed: options.seed,
        trail: !options.no_trail,
        trail_logs: options.trail_logs,
        ..Plan::default()
    };
    let (mut world, seeded) = seed::build(&plan, Clock::real());
    world.central = Some(seeded.central_account_id.clone());
    world.journal.set_limit(options.journal_limit);
    if !options.latency.is_zero() {
        world.faults.set_latency(Some(Distribution::Fixed(Span(options.latency))))?;
    }
    world.faults.quotas.change(QuotaChange { quotas: Some(options.quotas), ..QuotaChange::default() })?;
    if let Some(role) = &options.member_role {
        let accounts = world.organization.members.keys().cloned();
        let all: BTreeSet<String> = accounts
            .chain([seeded.management_account_id.clone(), seeded.central_account_id.clone()])
            .collect();
        for account in all {
            seed::simple_member_role(&mut world, &account, role, &seeded.central_account_id);
        }
    }
    Ok((world, seeded))
}

/// Done when standard input ends. A thread of its own waits for it, which does not keep the program from ending.
fn end_of_stdin() -> oneshot::Receiver<()> {
    let (ended, wait) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while matches!(io::stdin().read(&mut bytes), Ok(1..)) {}
        drop(ended);
    });
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_served() {
        assert!(
            loopback("127.0.0.1:0").is_ok()
                && loopback("[::1]:80").is_ok()
                && loopback("127.9.9.9:1").is_ok()
        );
        for refused in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "localhost", "127.0.0.1"] {
            assert!(loopback(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_options_stand_in_the_world() {
        let given = [
            "orgwatch-sim",
            "--accounts=4",
            "--latency=20ms",
            "--quotas",
            "--journal-limit=7",
            "--partition=aws-cn",
            "--member-role=runner",
        ];
        let (world, seeded) = world(&Options::parse_from(given)).unwrap();
        assert_eq!(world.partition.name, "aws-cn");
        assert_eq!(world.organization.members.len(), 4);
        assert_eq!(world.journal.limit(), 7);
        assert_eq!(world.faults.latency(), Some(Distribution::Fixed(Span::from_millis(20))));
        assert_eq!(world.central, Some(seeded.central_account_id));
        for account in world.organization.members.keys() {
            assert!(world.accounts[account].iam.current().roles.contains_key("runner"), "{account}");
        }
    }

    #[test]
    fn the_line_begins_with_where_to_go() {
        let ready = Ready {
            url: "u".to_owned(),
            organization_id: "o".to_owned(),
            management_account_id: "m".to_owned(),
            central_account_id: "c".to_owned(),
            accounts: 2,
            seed: 1,
        };
        let line = r#"{"url":"u","organization_id":"o","management_account_id":"m","central_account_id":"c","accounts":2,"seed":1}"#;
        assert_eq!(serde_json::to_string(&ready).unwrap(), line);
    }
}
