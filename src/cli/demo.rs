//! The arguments of `demo`, and what stands for them in a binary without it.

#[cfg(not(feature = "demo"))]
use std::ffi::OsString;

use clap::Args;

/// The arguments of `demo`.
#[cfg(feature = "demo")]
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// How many accounts the organization has at first, the management and the central one included.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(6..=1000))]
    pub accounts: u32,

    /// Where all chance comes from; by default a new one each time, which is printed.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Loopback address and port of the page; by default 127.0.0.1:8080, or any free port if that is taken.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub bind: Option<std::net::SocketAddr>,

    /// The time between two things that happen.
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = pace)]
    pub pace: std::time::Duration,

    /// End after this time; by default at Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub lasts: Option<std::time::Duration>,
}

/// Whatever was asked of a demo that is not here.
#[cfg(not(feature = "demo"))]
#[derive(Clone, Debug, Args)]
pub struct NoDemoArgs {
    /// Anything.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub anything: Vec<OsString>,
}

#[cfg(feature = "demo")]
fn loopback(text: &str) -> Result<std::net::SocketAddr, &'static str> {
    let address: std::net::SocketAddr =
        text.parse().map_err(|_| "an address and a port are needed, such as 127.0.0.1:8080")?;
    if address.ip().is_loopback() { Ok(address) } else { Err("the demo is served on loopback only") }
}

#[cfg(feature = "demo")]
fn pace(text: &str) -> Result<std::time::Duration, String> {
    let pace = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if pace >= std::time::Duration::from_millis(100) {
        return Ok(pace);
    }
    Err("at least 100ms are needed for anything to be seen".to_owned())
}
