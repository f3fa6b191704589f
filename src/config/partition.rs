//! Which partition a configuration is about.

use super::{CentralSettings, MemberSettings, OrganizationSettings};
use crate::model::ids::{Region, RoleArn};
use crate::model::partition::Partition;

/// What the configuration says about its partition, the weightiest first; no partition for a Region of none
/// that is known.
pub(super) fn evidence(
    central: Option<&CentralSettings>,
    organization: Option<&OrganizationSettings>,
    member: Option<&MemberSettings>,
) -> Vec<(String, Option<Partition>)> {
    let roles: [(&str, Option<&RoleArn>); 4] = [
        ("central.role_arn", central.and_then(|c| c.role_arn.as_ref())),
        ("organization.reader_role_arn", organization.and_then(|o| o.reader_role_arn.as_ref())),
        ("organization.management_role_arn", organization.and_then(|o| o.management_role_arn.as_ref())),
        ("member.via_role_arn", member.and_then(|m| m.via_role_arn.as_ref())),
    ];
    let regions = |path: &str, region| (path.to_owned(), Partition::of_region(region));
    central
        .and_then(|c| c.region.as_ref())
        .map(|region| regions("central.region", region))
        .into_iter()
        .chain(roles.into_iter().filter_map(|(path, arn)| Some((path.to_owned(), Some(arn?.partition())))))
        .chain(
            organization
                .iter()
                .flat_map(|o| &o.regions)
                .map(|region| regions("organization.regions", region)),
        )
        .collect()
}

/// The partition by the weightiest evidence, else by the environment's Region, else the commercial one.
pub(super) fn of(
    central: Option<&CentralSettings>,
    organization: Option<&OrganizationSettings>,
    member: Option<&MemberSettings>,
    environment_region: Option<&Region>,
) -> Partition {
    evidence(central, organization, member)
        .into_iter()
        .find_map(|(_, partition)| partition)
        .or_else(|| environment_region.and_then(Partition::of_region))
        .unwrap_or(Partition::Aws)
}

#[cfg(test)]
mod tests {
    use crate::config::tests::settings_in;
    use crate::model::partition::Partition;

    #[test]
    fn the_partition_comes_from_the_weightiest_of_what_is_said() {
        let china = [("AWS_REGION".to_owned(), "cn-northwest-1".to_owned())];
        for (text, partition) in [
            ("", Partition::China),
            ("[organization]\nregions = ['us-gov-west-1']", Partition::GovCloud),
            ("[member]\nvia_role_arn = 'arn:aws-us-gov:iam::111111111111:role/r'", Partition::GovCloud),
            ("[central]\nregion = 'eu-central-1'", Partition::Aws),
        ] {
            assert_eq!(settings_in(text, china.clone()).partition(), partition, "{text}");
        }
        assert_eq!(settings_in("", []).partition(), Partition::Aws);
        assert_eq!(
            settings_in("", [("AWS_DEFAULT_REGION".to_owned(), "cn-north-1".to_owned())]).partition(),
            Partition::China
        );
    }

    #[test]
    fn the_central_region_is_where_iam_events_appear_unless_it_is_named() {
        let china = [("AWS_REGION".to_owned(), "cn-northwest-1".to_owned())];
        assert_eq!(settings_in("", china).central_region().as_str(), "cn-north-1");
        assert_eq!(
            settings_in("[central]\nregion = 'eu-central-1'", []).central_region().as_str(),
            "eu-central-1"
        );
    }
}
