//! The policies that AWS itself manages, as far as they are known here.

use crate::partition::Partition;

/// Paths and names of AWS-managed policies that exist in every partition.
const NAMES: [&str; 22] = [
    "AdministratorAccess",
    "AWSAccountManagementFullAccess",
    "AWSAccountManagementReadOnlyAccess",
    "AWSCloudTrail_FullAccess",
    "AWSCloudTrail_ReadOnlyAccess",
    "AWSOrganizationsFullAccess",
    "AWSOrganizationsReadOnlyAccess",
    "AmazonEventBridgeFullAccess",
    "AmazonEventBridgeReadOnlyAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSNSReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonSQSReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "job-function/SupportUser",
    "job-function/ViewOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
];

/// The name behind the path, if the ARN is of a policy that AWS manages.
pub(super) fn name_of(partition: Partition, arn: &str) -> Option<&str> {
    let below = arn.strip_prefix("arn:")?.strip_prefix(partition.name)?.strip_prefix(":iam::aws:policy/")?;
    NAMES.contains(&below).then(|| below.rsplit('/').next().unwrap_or(below))
}

/// The path in the ARN of a policy that AWS manages.
pub(super) fn path_of(arn: &str) -> String {
    let below = arn.split_once(":policy").map_or("/", |(_, below)| below);
    below.rfind('/').and_then(|end| below.get(..=end)).unwrap_or("/").to_owned()
}

/// What the policy says, if it is one that AWS manages: everything, reads of everything, or what nobody asks for here.
pub(crate) fn managed_by_aws(partition: Partition, arn: &str) -> Option<&'static str> {
    Some(match name_of(partition, arn)? {
        "AdministratorAccess" => EVERYTHING,
        "ReadOnlyAccess" | "SecurityAudit" | "ViewOnlyAccess" => READS,
        _ => NOTHING,
    })
}

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

const READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*:Get*","*:List*","*:Describe*"],"Resource":"*"}]}"#;

const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"none:null","Resource":"*"}]}"#;
