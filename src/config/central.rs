//! `[central]`: the account that receives every event.

use std::time::Duration;

use super::reader::{Table, read, words};
use crate::model::ids::{AccountId, Arn, Region, RoleArn};

/// `[central]`: the account that receives every event.
#[derive(Clone, Debug)]
pub struct CentralSettings {
    /// The account.
    pub account_id: AccountId,
    /// The Region of the bus; none: where IAM's events appear.
    pub region: Option<Region>,
    /// The role that we assume there; none: our own credentials belong there.
    pub role_arn: Option<RoleArn>,
    /// Who may send to the bus.
    pub senders: Senders,
    /// The customer's key of the bus and what stands beside it; none: AWS's own.
    pub kms_key_arn: Option<Arn>,
    /// How long its archive keeps events; none: there is no archive.
    pub archive_retention: Option<Duration>,
}

words! {
    /// Who may send to the central bus.
    Senders {
        /// Only the forwarding roles of the organization's accounts.
        ForwardingRoles = "forwarding-roles",
        /// Every principal of the organization.
        Organization = "organization",
    }
}

pub(super) fn read(mut t: Table<'_>) -> Option<CentralSettings> {
    let role = t.place("role_arn");
    let central = read!(t, CentralSettings {
        account_id = account_id(&mut t),
        region,
        role_arn,
        senders,
        kms_key_arn,
        archive_retention = archive_retention(&mut t),
    })?;
    match &central.role_arn {
        Some(arn) if *arn.account() != central.account_id => role.report.add(
            "E-other-account",
            &role.path,
            format!("a role of account {}", arn.account()),
            format!("a role of central.account_id, which is {}", central.account_id),
            "correct the one that is wrong",
        ),
        _ => Some(central),
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many days, as AWS counts the retention of an archive.
pub fn days(retention: Duration) -> i32 {
    i32::try_from(retention.as_secs() / DAY.as_secs()).unwrap_or(i32::MAX)
}

fn archive_retention(t: &mut Table<'_>) -> Option<Option<Duration>> {
    t.checked(
        "archive_retention",
        "whole days, such as \"90d\", or \"off\" for no archive",
        "AWS keeps events by the day",
        |kept: &Option<Duration>| {
            kept.map_or_else(String::new, |kept| humantime::format_duration(kept).to_string())
        },
        |kept| {
            kept.is_none_or(|kept| {
                kept >= DAY && kept.as_secs() % DAY.as_secs() == 0 && kept.as_secs() / DAY.as_secs() <= 36_500
            })
        },
    )
}

fn account_id(t: &mut Table<'_>) -> Option<AccountId> {
    let id: Option<AccountId> = t.value("account_id")?;
    let place = t.place("account_id");
    id.or_else(|| {
        place.report.add(
            "E-missing-key",
            &place.path,
            "nothing",
            "the id of the account that receives every event, 12 digits in quotes",
            "set it in [central] of the file or as ORGWATCH__CENTRAL__ACCOUNT_ID",
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    fn code(central: &str) -> String {
        let error = parse(&format!("[central]\n{central}\n[[alert]]\nname = 'a'"), []).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{error}");
        format!("{} {}", error.problems[0].code, error.problems[0].path)
    }

    #[test]
    fn the_central_account_must_be_named() {
        assert_eq!(code(""), "E-missing-key central.account_id");
        assert_eq!(code("account_id = ''"), "E-missing-key central.account_id");
    }

    #[test]
    fn an_account_id_without_quotes_is_refused_with_the_reason() {
        let error = parse("[central]\naccount_id = 222222222222", []).unwrap_err();
        assert_eq!(error.problems[0].code, "E-wrong-type");
        assert!(error.problems[0].hint.contains("leading zeros"), "{error}");
    }

    #[test]
    fn an_account_id_of_another_length_is_refused() {
        assert_eq!(code("account_id = '22222222222'"), "E-bad-value central.account_id");
    }

    #[test]
    fn the_role_must_be_one_of_the_central_account() {
        assert_eq!(
            code("account_id = '222222222222'\nrole_arn = 'arn:aws:iam::333333333333:role/orgwatch'"),
            "E-other-account central.role_arn"
        );
    }
}
