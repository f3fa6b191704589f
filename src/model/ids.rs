//! Text that AWS or a user supplies, parsed once into types that cannot hold anything else.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::partition::Partition;

/// Why a text is not the identifier that it should be, with what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {expected}", beginning(.found))]
pub struct IdError {
    /// The text as it was found; the message shows its beginning, as it may be of any length.
    pub found: String,
    /// What it should have been, as a noun phrase.
    pub expected: &'static str,
}

/// Enough of a text to recognize it by; the longest valid identifier is a role's ARN with its path, which mistakes rarely are.
fn beginning(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Declares a newtype over text that is checked on the way in and shown as it is. Copies share the text: every account
/// has its id in many places.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text.into())) } else { Err(IdError { found: text, expected: $expected }) }
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_id!(
    /// A twelve-digit AWS account id. Text, not a number: leading zeros are real.
    AccountId,
    "an account id of exactly 12 digits, in quotes",
    |t| t.len() == 12 && t.bytes().all(|b| b.is_ascii_digit())
);

text_id!(
    /// An AWS Region code such as `eu-central-1`.
    Region,
    "a Region code such as eu-central-1",
    |t| {
        let parts: Vec<&str> = t.split('-').collect();
        parts.len() >= 3
            && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
            && parts.last().is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    }
);

text_id!(
    /// The id of an organization, `o-` and 10 to 32 lower-case letters or digits.
    OrganizationId,
    "an organization id such as o-a1b2c3d4e5",
    |t| t.strip_prefix("o-").is_some_and(|r| (10..=32).contains(&r.len()) && lower_alnum(r))
);

text_id!(
    /// The id of an organizational unit (`ou-ab12-cdefgh34`) or of a root (`r-ab12`).
    OuId,
    "an organizational unit id such as ou-ab12-cdefgh34, or a root id such as r-ab12",
    |t| {
        if let Some(root) = t.strip_prefix("r-") {
            return (4..=32).contains(&root.len()) && lower_alnum(root);
        }
        t.strip_prefix("ou-").and_then(|r| r.split_once('-')).is_some_and(|(root, unit)| {
            (4..=32).contains(&root.len()) && lower_alnum(root) && (8..=32).contains(&unit.len()) && lower_alnum(unit)
        })
    }
);

text_id!(
    /// The name of an installation: prefix of every name that it creates and value of its ownership tag.
    ///
    /// Without a `-`, so that the names of two installations can never collide.
    Installation,
    "1 to 20 lower-case letters or digits, beginning with a letter",
    |t| (1..=20).contains(&t.len()) && t.starts_with(|c: char| c.is_ascii_lowercase()) && lower_alnum(t)
);

fn lower_alnum(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// An Amazon Resource Name, split into its six parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    /// The partition: `aws`, `aws-cn` and so on.
    pub partition: Partition,
    /// The service's name in ARNs: `events`, `iam`.
    pub service: String,
    /// The Region, empty where the service is global.
    pub region: String,
    /// The account, empty where the resource belongs to none.
    pub account: String,
    /// Everything after the fifth colon.
    pub resource: String,
}

impl FromStr for Arn {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            found: text.to_owned(),
            expected: "an ARN: arn:<partition>:<service>:<region>:<account>:<resource>",
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = parts[..] else { return Err(error()) };
        let partition = Partition::by_name(partition).ok_or_else(error)?;
        if arn != "arn" || service.is_empty() || resource.is_empty() {
            return Err(error());
        }
        Ok(Self {
            partition,
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl TryFrom<String> for Arn {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The ARN of an IAM role, whose account and name are known to be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    partition: Partition,
    account: AccountId,
    /// Path and name without the leading slash: `team/orgwatch-member`.
    path_and_name: String,
}

impl RoleArn {
    /// The role `path_and_name` (a leading slash is dropped) in `account`.
    pub fn new(partition: Partition, account: AccountId, path_and_name: &str) -> Self {
        Self { partition, account, path_and_name: path_and_name.trim_start_matches('/').to_owned() }
    }

    /// The account that the role lives in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The partition that the role lives in.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The role's name without its path.
    pub fn name(&self) -> &str {
        self.path_and_name.rsplit('/').next().unwrap_or(&self.path_and_name)
    }
}

impl FromStr for RoleArn {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            found: text.to_owned(),
            expected: "the ARN of an IAM role: arn:<partition>:iam::<account>:role/<name>",
        };
        let arn: Arn = text.parse().map_err(|_| error())?;
        let account = arn.account.parse().map_err(|_| error())?;
        let name = arn.resource.strip_prefix("role/").filter(|n| !n.is_empty() && !n.ends_with('/'));
        match (arn.service.as_str(), arn.region.as_str(), name) {
            ("iam", "", Some(name)) => Ok(Self::new(arn.partition, account, name)),
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:iam::{}:role/{}", self.partition, self.account, self.path_and_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_keeps_its_leading_zeros() {
        let id: AccountId = "012345678901".parse().unwrap();
        assert_eq!(id.to_string(), "012345678901");
        assert!("12345678901".parse::<AccountId>().is_err());
        assert!("12345678901a".parse::<AccountId>().is_err());
    }

    #[test]
    fn a_long_text_that_is_no_id_is_told_by_its_beginning() {
        let told = |text: &str| text.parse::<OuId>().unwrap_err().to_string();
        assert!(told("ou-ab12").starts_with("`ou-ab12` is not "), "{}", told("ou-ab12"));
        let long = told(&"ü".repeat(5000));
        assert!(long.starts_with(&format!("`{}…` is not ", "ü".repeat(200))), "{long}");
    }

    #[test]
    fn an_installation_has_no_dash_so_two_can_never_collide() {
        assert!("orgwatch".parse::<Installation>().is_ok());
        for bad in ["", "org-watch", "Org", "1org", "aaaaaaaaaaaaaaaaaaaaa"] {
            assert!(bad.parse::<Installation>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_role_arn_knows_its_account_and_its_name_without_path() {
        let arn: RoleArn = "arn:aws-cn:iam::012345678901:role/team/a/orgwatch-member".parse().unwrap();
        assert_eq!(arn.account().as_str(), "012345678901");
        assert_eq!(arn.name(), "orgwatch-member");
        assert_eq!(arn.to_string(), "arn:aws-cn:iam::012345678901:role/team/a/orgwatch-member");
        for bad in [
            "orgwatch-member",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::012345678901:user/x",
            "arn:moon:iam::012345678901:role/x",
        ] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ou_and_root_ids_are_told_from_other_text() {
        for good in ["r-ab12", "ou-ab12-cdefgh34"] {
            assert!(good.parse::<OuId>().is_ok(), "{good}");
        }
        for bad in ["ou-ab12", "o-a1b2c3d4e5", "OU-ab12-cdefgh34", "r-"] {
            assert!(bad.parse::<OuId>().is_err(), "{bad}");
        }
    }
}
