//! `health`: whether the daemon on this machine serves, for supervisors that can only run a program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;

use super::{Invocation, complain, say};
use crate::cli::exit::Outcome;
use crate::cli::look::HealthArgs;

/// The daemon answers from memory; the supervisor asks again soon.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) async fn run(invocation: &Invocation, arguments: &HealthArgs) -> anyhow::Result<Outcome> {
    let address = match &arguments.url {
        Some(url) => url.clone(),
        None => match invocation.settings()? {
            Ok(loaded) => Url::parse(&format!("http://{}", reached_at(loaded.settings.http.bind)))?,
            Err(outcome) => return Ok(outcome),
        },
    };
    let address = address.join("/healthz")?;
    // On this machine: no proxy of the environment is on the way.
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    match client.get(address.clone()).send().await.and_then(reqwest::Response::error_for_status) {
        Ok(_) => {
            say("ok\n")?;
            Ok(Outcome::Done)
        }
        Err(error) => {
            complain(&format!("error: {address}: {}\n", super::daemon::cause(&error)))?;
            Ok(Outcome::Error)
        }
    }
}

/// Where somebody on the same machine reaches what listens at `bind`.
fn reached_at(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (bind, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:9090", "[::1]:9090"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("10.1.2.3:8080", "10.1.2.3:8080"),
        ] {
            assert_eq!(reached_at(bind.parse().unwrap()), asked.parse().unwrap(), "{bind}");
        }
    }
}
