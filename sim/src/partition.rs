//! The partitions of AWS and their Regions.

/// A partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name in ARNs.
    pub name: &'static str,
    /// What ends its hosts' names.
    pub dns_suffix: &'static str,
    /// Where IAM's events appear, and its global services' calls are signed for.
    pub iam_region: &'static str,
    /// Where Organizations is asked.
    pub organizations_region: &'static str,
    /// Its Regions that are enabled in an account from the beginning; the first is the IAM Region.
    pub regions: &'static [&'static str],
    /// Its Regions that an account must enable first.
    pub opt_in_regions: &'static [&'static str],
}

/// All partitions that are simulated.
pub const PARTITIONS: [Partition; 4] = [
    Partition {
        name: "aws",
        dns_suffix: "amazonaws.com",
        iam_region: "us-east-1",
        organizations_region: "us-east-1",
        regions: &[
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "ca-central-1",
            "sa-east-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
        ],
        opt_in_regions: &["af-south-1", "eu-south-1", "me-south-1"],
    },
    Partition {
        name: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        iam_region: "us-gov-west-1",
        organizations_region: "us-gov-west-1",
        regions: &["us-gov-west-1", "us-gov-east-1"],
        opt_in_regions: &[],
    },
    Partition {
        name: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        iam_region: "cn-north-1",
        organizations_region: "cn-northwest-1",
        regions: &["cn-north-1", "cn-northwest-1"],
        opt_in_regions: &[],
    },
    Partition {
        name: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        iam_region: "eusc-de-east-1",
        organizations_region: "eusc-de-east-1",
        regions: &["eusc-de-east-1"],
        opt_in_regions: &[],
    },
];

/// The partition of that name.
pub fn by_name(name: &str) -> Option<Partition> {
    PARTITIONS.into_iter().find(|partition| partition.name == name)
}
