//! `[[alert.suppress]]`: noise that has an owner and an end.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use super::problem::quoted;
use super::reader::{Place, Read, Table, read};
use crate::model::ids::{AccountId, Arn};

/// `[[alert.suppress]]`: events of a principal that an alert does not deliver, for a time.
#[derive(Clone, Debug)]
pub struct Suppress {
    /// Whose events.
    pub principal: Principal,
    /// Where they happen; empty: in the principal's own account, or everywhere if that is any.
    pub accounts: BTreeSet<AccountId>,
    /// Only these; empty: all.
    pub event_names: BTreeSet<String>,
    /// Why.
    pub reason: String,
    /// Who is asked about it.
    pub owner: String,
    /// The last day, in UTC.
    pub expires: Date,
}

/// How long before its end a suppression is told to end soon.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 14);

/// How a suppression stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressState {
    /// It hides.
    Active,
    /// It hides, for 14 more days at most.
    EndsSoon,
    /// It hides nothing any more.
    Ended,
}

impl SuppressState {
    /// The state as in JSON and metric labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EndsSoon => "ends_soon",
            Self::Ended => "ended",
        }
    }

    /// The state for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EndsSoon => "ends soon",
            Self::Ended => "ended",
        }
    }

    /// Every state, in the order in which they come.
    pub const ALL: [Self; 3] = [Self::Active, Self::EndsSoon, Self::Ended];
}

/// A role or a user by its ARN, in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    arn: String,
    /// None: any.
    account: Option<AccountId>,
    role: bool,
    name: String,
}

impl Principal {
    /// The ARN as it was written.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account; none: any.
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// Whether it is a role; else it is a user.
    pub fn is_role(&self) -> bool {
        self.role
    }

    /// Its name without the path.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Suppress {
    /// The moment at which it ends: that after its last day.
    pub fn ends(&self) -> Timestamp {
        let next = self.expires.checked_add(1.day()).unwrap_or(self.expires);
        next.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }

    /// Whether it still hides anything.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.ends()
    }

    /// How it stands.
    pub fn state(&self, now: Timestamp) -> SuppressState {
        if !self.is_active(now) {
            SuppressState::Ended
        } else if self.ends().duration_since(now) <= SOON {
            SuppressState::EndsSoon
        } else {
            SuppressState::Active
        }
    }

    /// The accounts in which it hides; none: all.
    pub fn where_it_counts(&self) -> Option<BTreeSet<AccountId>> {
        if self.accounts.is_empty() {
            self.principal.account.clone().map(|own| BTreeSet::from([own]))
        } else {
            Some(self.accounts.clone())
        }
    }
}

impl Read for Date {
    fn read(value: toml::Value, place: &Place<'_>) -> Option<Self> {
        let text = match value {
            toml::Value::Datetime(date) => date.to_string(),
            other => place.text(other, "a day in quotes")?,
        };
        text.parse().ok().filter(|_| text.len() == 10).or_else(|| {
            place.bad(
                quoted(&text),
                "a day such as \"2027-03-31\"",
                "the suppression ends with that day, in UTC",
            )
        })
    }
}

pub(super) fn read(mut t: Table<'_>) -> Option<Suppress> {
    let any_account: Option<bool> = t.value("any_account");
    read!(t, Suppress {
        principal = principal(&mut t, any_account == Some(true)),
        accounts,
        event_names = event_names(&mut t),
        reason = said(&mut t, "reason", "why people need not hear of it"),
        owner = said(&mut t, "owner", "who is asked about it: a team or an address"),
        expires,
    })
}

fn principal(t: &mut Table<'_>, any_account: bool) -> Option<Principal> {
    let text: String = t.value("principal_arn")?;
    let place = t.place("principal_arn");
    let expected = "the ARN of a role or a user, in whose name * stands for any characters";
    // An ARN with a star for its account is none to the type that knows ARNs.
    let stand_in = text.replacen("::*:", "::000000000000:", 1);
    let Ok(arn) = stand_in.parse::<Arn>() else { return place.bad(quoted(&text), expected, "") };
    let any = stand_in != text;
    let (kind, path) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
    let name = path.rsplit('/').next().unwrap_or_default();
    let fits = arn.service == "iam"
        && ["role", "user"].contains(&kind)
        && name.chars().any(|c| c != '*')
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/*_+=,.@-".contains(c))
        && !path.contains("**");
    if !fits {
        let hint = if arn.resource.starts_with("assumed-role") || arn.service == "sts" {
            "name the role itself; its sessions are known by it"
        } else {
            "a name that is all star would hide everybody"
        };
        return place.bad(quoted(&text), expected, hint);
    }
    if any && !any_account {
        return place.report.add(
            "E-any-account",
            &place.path,
            quoted(&text),
            "the account written out",
            "whoever may make a role of that name in any account would be hidden; any_account = true accepts that",
        );
    }
    let account = if any { None } else { Some(arn.account.parse().ok()?) };
    Some(Principal { account, role: kind == "role", name: name.to_owned(), arn: text.clone() })
}

fn event_names(t: &mut Table<'_>) -> Option<BTreeSet<String>> {
    t.checked(
        "event_names",
        "names of operations as CloudTrail records them, such as [\"TagRole\"]",
        "a star is no part of a name; leave `event_names` out for every event",
        |names: &BTreeSet<String>| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "),
        |names| names.iter().all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric())),
    )
}

/// A text that must be there and say something.
fn said(t: &mut Table<'_>, key: &'static str, expected: &str) -> Option<String> {
    t.checked(
        key,
        expected,
        "noise without it stays for ever",
        |text: &String| quoted(text),
        |text| !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(char::is_control),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};

    const WHOLE: &str = "principal_arn = 'arn:aws:iam::333333333333:role/ci/deploy-*'\nreason = 'pipeline'\n\
                         owner = 'platform'\nexpires = '2027-03-31'\n";

    fn config(suppress: &str) -> String {
        format!("[[alert]]\nname = 'x'\n[[alert.suppress]]\n{suppress}")
    }

    fn one(suppress: &str) -> Suppress {
        settings(&config(suppress)).alerts.remove(0).suppress.remove(0)
    }

    #[test]
    fn a_suppression_ends_with_its_last_day_in_utc() {
        let suppress = one(WHOLE);
        assert!(suppress.is_active("2027-03-31T23:59:59Z".parse().unwrap()));
        assert!(!suppress.is_active("2027-04-01T00:00:00Z".parse().unwrap()));
        assert_eq!((suppress.principal.name(), suppress.principal.is_role()), ("deploy-*", true));
    }

    #[test]
    fn it_counts_in_the_principals_own_account_unless_others_are_named() {
        let own = one(WHOLE).where_it_counts().unwrap();
        assert_eq!(own, BTreeSet::from(["333333333333".parse().unwrap()]));
        let named = one(&format!("accounts = ['444444444444']\n{WHOLE}")).where_it_counts().unwrap();
        assert_eq!(named, BTreeSet::from(["444444444444".parse().unwrap()]));
        let any = WHOLE.replace("::333333333333:", "::*:");
        assert_eq!(one(&format!("any_account = true\n{any}")).where_it_counts(), None);
        assert_eq!(codes(&config(&any)), ["E-any-account alert[0].suppress[0].principal_arn"]);
    }

    #[test]
    fn without_owner_reason_and_end_it_is_refused() {
        for key in ["reason", "owner", "expires", "principal_arn"] {
            let without: String =
                WHOLE.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
            assert_eq!(codes(&config(&without)), [format!("E-missing-key alert[0].suppress[0].{key}")]);
        }
        assert_eq!(
            codes(&config(&WHOLE.replace("'platform'", "' '"))),
            ["E-bad-value alert[0].suppress[0].owner"]
        );
        assert_eq!(
            codes(&config(&WHOLE.replace("2027-03-31", "31.03.2027"))),
            ["E-bad-value alert[0].suppress[0].expires"]
        );
    }

    #[test]
    fn what_would_hide_everybody_or_nobody_is_no_principal() {
        for arn in [
            "arn:aws:iam::333333333333:role/*",
            "arn:aws:iam::333333333333:root",
            "arn:aws:sts::333333333333:assumed-role/deploy/x",
            "arn:aws:iam::333333333333:role/a?",
            "arn:aws:s3:::bucket",
            "deploy",
        ] {
            let text = WHOLE.replace("arn:aws:iam::333333333333:role/ci/deploy-*", arn);
            assert_eq!(codes(&config(&text)), ["E-bad-value alert[0].suppress[0].principal_arn"], "{arn}");
        }
        assert_eq!(
            codes(&config(&format!("event_names = ['Tag*']\n{WHOLE}"))),
            ["E-bad-value alert[0].suppress[0].event_names"]
        );
    }
}
