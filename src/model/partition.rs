//! Where things are in each AWS partition. The only file that names a partition's Regions and hosts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::Region;

/// An AWS partition: a set of Regions with its own ARNs, endpoints and IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Partition {
    /// The commercial partition.
    #[serde(rename = "aws")]
    Aws,
    /// China.
    #[serde(rename = "aws-cn")]
    China,
    /// GovCloud (US).
    #[serde(rename = "aws-us-gov")]
    GovCloud,
    /// European Sovereign Cloud.
    #[serde(rename = "aws-eusc")]
    Sovereign,
}

/// The facts about one partition.
struct Facts {
    partition: Partition,
    name: &'static str,
    /// Prefixes of the partition's Region codes.
    region_prefixes: &'static [&'static str],
    /// The one Region whose default bus sees IAM's events (AWS's troubleshooting guide; for China
    /// proven in practice, for GovCloud and the Sovereign Cloud inferred from the IAM endpoint).
    iam_events: &'static str,
    /// The Region of the Organizations endpoint. In China it is not the Region of IAM's events.
    organizations: &'static str,
    /// The Region whose STS can never be deactivated in an account.
    sts: &'static str,
    console_host: &'static str,
}

const TABLE: [Facts; 4] = [
    Facts {
        partition: Partition::Aws,
        name: "aws",
        region_prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
        iam_events: "us-east-1",
        organizations: "us-east-1",
        sts: "us-east-1",
        console_host: "console.aws.amazon.com",
    },
    Facts {
        partition: Partition::China,
        name: "aws-cn",
        region_prefixes: &["cn-"],
        iam_events: "cn-north-1",
        organizations: "cn-northwest-1",
        sts: "cn-north-1",
        console_host: "console.amazonaws.cn",
    },
    Facts {
        partition: Partition::GovCloud,
        name: "aws-us-gov",
        region_prefixes: &["us-gov-"],
        iam_events: "us-gov-west-1",
        organizations: "us-gov-west-1",
        sts: "us-gov-west-1",
        console_host: "console.amazonaws-us-gov.com",
    },
    Facts {
        partition: Partition::Sovereign,
        name: "aws-eusc",
        region_prefixes: &["eusc-"],
        iam_events: "eusc-de-east-1",
        organizations: "eusc-de-east-1",
        sts: "eusc-de-east-1",
        console_host: "console.amazonaws.eu",
    },
];

impl Partition {
    /// The partition with this name in ARNs.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|f| f.name == name).map(|f| f.partition)
    }

    /// The partition that `region` belongs to; the longest matching prefix decides, as `us-gov-`
    /// also begins with `us-`.
    pub fn of_region(region: &Region) -> Option<Self> {
        TABLE
            .iter()
            .flat_map(|f| f.region_prefixes.iter().map(move |p| (*p, f.partition)))
            .filter(|(prefix, _)| region.as_str().starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, partition)| partition)
    }

    /// The partition's name in ARNs.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The one Region whose default bus sees IAM's events.
    pub fn iam_events_region(self) -> Region {
        region(self.facts().iam_events)
    }

    /// The Region of the Organizations endpoint.
    pub fn organizations_region(self) -> Region {
        region(self.facts().organizations)
    }

    /// The Region whose STS endpoint works for every account of the partition.
    pub fn sts_region(self) -> Region {
        region(self.facts().sts)
    }

    /// The host of the AWS console.
    pub fn console_host(self) -> &'static str {
        self.facts().console_host
    }

    /// Where a person looks at an event in CloudTrail's event history, signed in to the account that it happened in.
    pub fn event_link(self, region: &str, event_id: &str) -> String {
        format!(
            "https://{region}.{}/cloudtrailv2/home?region={region}#/events/{event_id}",
            self.console_host()
        )
    }

    /// Where a person looks at an account, signed in to the management account.
    pub fn account_link(self, account: &str) -> String {
        format!("https://{}/organizations/v2/home/accounts/{account}", self.console_host())
    }

    fn facts(self) -> &'static Facts {
        // The table has one row for each variant, in the order of the variants; a test holds it to that.
        &TABLE[self as usize]
    }
}

#[expect(clippy::expect_used, reason = "the table's Regions are constants that a test parses")]
fn region(code: &str) -> Region {
    code.parse().expect("the table holds Region codes")
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_its_variant_and_its_regions_are_its_own() {
        for facts in &TABLE {
            assert_eq!(facts.partition.name(), facts.name);
            for code in [facts.iam_events, facts.organizations, facts.sts] {
                assert_eq!(Partition::of_region(&region(code)), Some(facts.partition), "{code}");
            }
        }
    }

    #[test]
    fn govcloud_is_not_taken_for_the_commercial_partition() {
        assert_eq!(Partition::of_region(&region("us-gov-east-1")), Some(Partition::GovCloud));
        assert_eq!(Partition::of_region(&region("us-east-2")), Some(Partition::Aws));
    }

    #[test]
    fn in_china_iam_events_and_organizations_are_in_two_regions() {
        assert_eq!(Partition::China.iam_events_region().as_str(), "cn-north-1");
        assert_eq!(Partition::China.organizations_region().as_str(), "cn-northwest-1");
    }
}
