//! The codes of findings. They are part of the interface: programs and documents know findings by them.

use std::fmt;

use serde::{Serialize, Serializer};

/// The kind of a finding, in the order in which findings are told: what stands in the way of others comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "docs/preflight.md explains each code, and a test holds it to that")]
pub enum Code {
    UnreachableHost,
    ClockSkew,
    NoCredentials,
    CredentialsRefused,
    CentralRoleRefuses,
    WrongAccount,
    NoOrganization,
    OrganizationRoleRefuses,
    OrganizationUnreadable,
    WrongOrganization,
    ListingDoubtful,
    NotTheTaskRole,
    ViaRoleRefuses,
    MemberRoleRefuses,
    AlarmsRoleRefuses,
    DeniedByScp,
    MissingPermission,
    RegionDisabled,
    BoundaryMissing,
    BoundaryAllowsMore,
    ForwardingRole,
    DeliveryRole,
    NoTrail,
    TrailStopped,
    TrailElsewhere,
    TrailWithoutGlobalEvents,
    TrailWithoutManagementEvents,
    TrailExcludesEvents,
    TrailUnclear,
    RuleQuota,
    BusQuota,
    NameTaken,
    NewerVersion,
    KeyRefuses,
    SubscriptionLost,
    SubscriptionSuspended,
    Unreadable,
    KeyNotVerified,
    SubscriptionPending,
    NewAccount,
    ManagementUncovered,
}

impl Code {
    /// Every code, in order.
    pub const ALL: [Self; 41] = [
        Self::UnreachableHost,
        Self::ClockSkew,
        Self::NoCredentials,
        Self::CredentialsRefused,
        Self::CentralRoleRefuses,
        Self::WrongAccount,
        Self::NoOrganization,
        Self::OrganizationRoleRefuses,
        Self::OrganizationUnreadable,
        Self::WrongOrganization,
        Self::ListingDoubtful,
        Self::NotTheTaskRole,
        Self::ViaRoleRefuses,
        Self::MemberRoleRefuses,
        Self::AlarmsRoleRefuses,
        Self::DeniedByScp,
        Self::MissingPermission,
        Self::RegionDisabled,
        Self::BoundaryMissing,
        Self::BoundaryAllowsMore,
        Self::ForwardingRole,
        Self::DeliveryRole,
        Self::NoTrail,
        Self::TrailStopped,
        Self::TrailElsewhere,
        Self::TrailWithoutGlobalEvents,
        Self::TrailWithoutManagementEvents,
        Self::TrailExcludesEvents,
        Self::TrailUnclear,
        Self::RuleQuota,
        Self::BusQuota,
        Self::NameTaken,
        Self::NewerVersion,
        Self::KeyRefuses,
        Self::SubscriptionLost,
        Self::SubscriptionSuspended,
        Self::Unreadable,
        Self::KeyNotVerified,
        Self::SubscriptionPending,
        Self::NewAccount,
        Self::ManagementUncovered,
    ];

    /// The code as it is printed.
    pub fn text(self) -> &'static str {
        match self {
            Self::UnreachableHost => "P-unreachable-host",
            Self::ClockSkew => "P-clock-skew",
            Self::NoCredentials => "P-no-credentials",
            Self::CredentialsRefused => "P-credentials-refused",
            Self::CentralRoleRefuses => "P-central-role-refuses",
            Self::WrongAccount => "P-wrong-account",
            Self::NoOrganization => "P-no-organization",
            Self::OrganizationRoleRefuses => "P-organization-role-refuses",
            Self::OrganizationUnreadable => "P-organization-unreadable",
            Self::WrongOrganization => "P-wrong-organization",
            Self::ListingDoubtful => "P-listing-doubtful",
            Self::NotTheTaskRole => "P-not-the-task-role",
            Self::ViaRoleRefuses => "P-via-role-refuses",
            Self::MemberRoleRefuses => "P-member-role-refuses",
            Self::AlarmsRoleRefuses => "P-alarms-role-refuses",
            Self::DeniedByScp => "P-denied-by-scp",
            Self::MissingPermission => "P-missing-permission",
            Self::RegionDisabled => "P-region-disabled",
            Self::BoundaryMissing => "P-boundary-missing",
            Self::BoundaryAllowsMore => "P-boundary-allows-more",
            Self::ForwardingRole => "P-forwarding-role",
            Self::DeliveryRole => "P-delivery-role",
            Self::NoTrail => "P-no-trail",
            Self::TrailStopped => "P-trail-stopped",
            Self::TrailElsewhere => "P-trail-elsewhere",
            Self::TrailWithoutGlobalEvents => "P-trail-without-global-events",
            Self::TrailWithoutManagementEvents => "P-trail-without-management-events",
            Self::TrailExcludesEvents => "P-trail-excludes-events",
            Self::TrailUnclear => "P-trail-unclear",
            Self::RuleQuota => "P-rule-quota",
            Self::BusQuota => "P-bus-quota",
            Self::NameTaken => "P-name-taken",
            Self::NewerVersion => "P-newer-version",
            Self::KeyRefuses => "P-key-refuses",
            Self::SubscriptionLost => "P-subscription-lost",
            Self::SubscriptionSuspended => "P-subscription-suspended",
            Self::Unreadable => "P-unreadable",
            Self::KeyNotVerified => "P-key-not-verified",
            Self::SubscriptionPending => "P-subscription-pending",
            Self::NewAccount => "P-new-account",
            Self::ManagementUncovered => "P-management-uncovered",
        }
    }

    /// Whether nothing is missing, and somebody should know all the same.
    pub fn is_notice(self) -> bool {
        matches!(
            self,
            Self::KeyNotVerified | Self::SubscriptionPending | Self::NewAccount | Self::ManagementUncovered
        )
    }

    /// Whether nothing else can be looked at as long as this is so.
    pub fn stops_everything(self) -> bool {
        matches!(
            self,
            Self::NoCredentials
                | Self::CredentialsRefused
                | Self::CentralRoleRefuses
                | Self::WrongAccount
                | Self::NoOrganization
                | Self::OrganizationRoleRefuses
                | Self::OrganizationUnreadable
                | Self::WrongOrganization
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}
