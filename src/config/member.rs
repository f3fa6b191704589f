//! `[member]`: how we enter member accounts and what we keep there.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::names::{is_iam_name, is_iam_path_and_name};
use super::problem::quoted;
use super::reader::{ANY, Durations, Table, read, words};
use super::secret_file;
use crate::model::ids::RoleArn;

/// `[member]`: how we enter member accounts and what we keep there.
#[derive(Clone, Debug)]
pub struct MemberSettings {
    /// The role that we assume in each member, with its path if it has one.
    pub role_name: String,
    /// A role that is assumed before it.
    pub via_role_arn: Option<RoleArn>,
    /// The external id that the member role asks for.
    pub external_id: Option<SecretString>,
    /// The source identity of our sessions.
    pub source_identity: Option<String>,
    /// How long a session lasts.
    pub session_duration: Duration,
    /// Whether the forwarding role is ours to write.
    pub forwarding_role: ForwardingRole,
    /// The role that members' rules send with.
    pub forwarding_role_name: String,
    /// The policy in each member that bounds what the forwarding role may do.
    pub permissions_boundary: Option<String>,
    /// How long a new account may take to become ready.
    pub grace_period: Duration,
}

words! {
    /// Who keeps the forwarding role.
    ForwardingRole {
        /// We create and repair it.
        Managed = "managed",
        /// Somebody else does; we verify it and never write it.
        Existing = "existing",
    }
}

/// AWS ends chained sessions after an hour and refuses to begin a longer one.
const SESSION: Durations = Durations {
    from: Duration::from_secs(15 * 60),
    to: Duration::from_secs(60 * 60),
    expected: "a duration from 15m to 1h",
};

pub(super) fn read(mut t: Table<'_>) -> Option<MemberSettings> {
    let hint = "the name alone, not an ARN";
    read!(t, MemberSettings {
        role_name = t.checked(
            "role_name",
            "the name of an IAM role, which may have a path such as team/orgwatch-member",
            hint,
            |name: &String| quoted(name),
            |name| is_iam_path_and_name(name, 64),
        ),
        via_role_arn,
        external_id = external_id(&mut t),
        source_identity = t.checked(
            "source_identity",
            "2 to 64 letters, digits or characters of _+=,.@-",
            "leave it out for none; it needs sts:SetSourceIdentity in the member role's trust",
            |name: &Option<String>| quoted(name.as_deref().unwrap_or_default()),
            |name| name.as_ref().is_none_or(|name| name.len() >= 2 && is_iam_name(name, 64)),
        ),
        session_duration = t.duration("session_duration", &SESSION),
        forwarding_role,
        forwarding_role_name = t.checked(
            "forwarding_role_name",
            "the name of an IAM role",
            hint,
            |name: &String| quoted(name),
            |name| is_iam_name(name, 64),
        ),
        permissions_boundary = t.checked(
            "permissions_boundary",
            "the name of an IAM policy",
            hint,
            |name: &Option<String>| quoted(name.as_deref().unwrap_or_default()),
            |name| name.as_ref().is_none_or(|name| is_iam_path_and_name(name, 128)),
        ),
        grace_period = t.duration("grace_period", &ANY),
    })
}

fn external_id(t: &mut Table<'_>) -> Option<Option<SecretString>> {
    let id = secret_file::text_or_file(t, "external_id", "external_id_file")?;
    let valid = |id: &str| {
        (2..=1224).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte))
    };
    if id.as_ref().is_none_or(|id| valid(id.expose_secret())) {
        return Some(id);
    }
    t.place("external_id").bad(
        "another text, not shown because it is a secret",
        "2 to 1224 letters, digits or characters of _+=,.@:/-",
        "write the value that the trust policy of the member role has for sts:ExternalId",
    )
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{codes, settings};
    use secrecy::ExposeSecret;

    #[test]
    fn a_role_name_may_have_a_path_but_is_no_arn() {
        assert_eq!(
            settings("[member]\nrole_name = 'team/a/orgwatch-member'").member.role_name,
            "team/a/orgwatch-member"
        );
        for bad in ["arn:aws:iam::333333333333:role/x", "", "a b", "a//b", "team/"] {
            assert_eq!(
                codes(&format!("[member]\nrole_name = '{bad}'")),
                ["E-bad-value member.role_name"],
                "{bad}"
            );
        }
    }

    #[test]
    fn a_chained_session_lasts_fifteen_minutes_to_one_hour() {
        for (duration, ok) in [("15m", true), ("1h", true), ("14m 59s", false), ("61m", false)] {
            let found = codes(&format!("[member]\nsession_duration = '{duration}'"));
            assert_eq!(found.is_empty(), ok, "{duration}: {found:?}");
        }
    }

    #[test]
    fn an_external_id_is_read_and_shown_nowhere() {
        let member = settings("[member]\nexternal_id = 's3cret/x:y'").member;
        assert_eq!(member.external_id.as_ref().unwrap().expose_secret(), "s3cret/x:y");
        assert!(!format!("{member:?}").contains("s3cret"));

        let error = crate::config::parse(
            "[central]\naccount_id='222222222222'\n[member]\nexternal_id = 's3cret with spaces'",
            [],
        );
        assert!(!error.unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn a_managed_forwarding_role_stays_within_the_prefix_that_the_member_role_may_write() {
        assert_eq!(
            codes("[member]\nforwarding_role_name = 'sender'"),
            ["E-forwarding-role-name member.forwarding_role_name"]
        );
        assert!(codes("[member]\nforwarding_role_name = 'orgwatch-forwarder-x'").is_empty());
        assert!(codes("[member]\nforwarding_role_name = 'sender'\nforwarding_role = 'existing'").is_empty());
    }
}
