//! A configuration for the seeded organization.

use std::net::TcpListener;

use toml::Table;

use crate::emulator::Seed;

/// A configuration file for a seeded organization.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) text: String,
    /// Where its daemon listens.
    pub(crate) bind: String,
}

impl Config {
    /// One that covers every account of the seed, in mode enforce, with one alert by email.
    pub(crate) fn new(seed: &Seed) -> Self {
        let bind = free_port();
        let Seed { organization_id, management_account_id: management, central_account_id, .. } = seed;
        let text = format!(
            r#"
            [organization]
            id = "{organization_id}"
            reader_role_arn = "arn:aws:iam::{management}:role/OrganizationAccountAccessRole"
            management_role_arn = "arn:aws:iam::{management}:role/OrganizationAccountAccessRole"
            exclude_tags = {{ orgwatch = "off" }}

            [member]
            role_name = "OrganizationAccountAccessRole"

            [central]
            account_id = "{central_account_id}"

            [[alert]]
            name = "iam-changes"
            subscriptions = [{{ protocol = "email", endpoint = "security@example.com" }}]

            [guard]
            enabled = false

            [canary]
            interval = "off"

            [notify]
            alert = "off"

            # The emulator shows an organization's trail to the account that owns it alone.
            [trail]
            required = false

            [reconcile]
            mode = "enforce"

            [http]
            bind = "{bind}"

            [history]
            path = "off"
            "#
        );
        Self { text, bind }
    }

    /// With these lines of TOML laid over it: tables merge, everything else is replaced, lists too.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        let parse = |text: &str| text.parse::<Table>().expect("the test's lines are TOML");
        let mut merged = parse(&self.text);
        merge(&mut merged, parse(lines));
        self.text = merged.to_string();
        self
    }

    /// With this text in its place, however wrong.
    pub(crate) fn raw(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }
}

fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

/// Free a moment ago, which has to do: nobody else here binds ports by number.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("it is bound").to_string()
}
