//! Who asks, and whether the organization and its accounts let us in.

use super::hosts::Reach;
use super::{AccountSeen, Code, Finding, Mend, Observed, Stacks, Trouble};
use crate::model::error::{CloudError, ErrorClass};

/// Asks for credentials of a role.
const ASSUME: &str = "AssumeRole";

pub(super) fn judge(observed: &Observed<'_>, reach: &Reach) -> Vec<Finding> {
    // A clock that is off makes every signature wrong, which is told already.
    let off = |error: &CloudError| is_about_time(error) && super::hosts::skew(&observed.knocks).is_some();
    let mut findings = Vec::new();
    if let Some(Err(error)) = &observed.caller {
        if !reach.explains(error) && !off(error) {
            findings.push(of_call(observed, error));
        }
        return findings;
    }
    if let (Some(Ok(caller)), None) = (&observed.caller, &observed.central_role)
        && caller.account != observed.world.central
    {
        let found = format!(
            "these credentials are of account {}, {}; `central.account_id` is {}",
            caller.account, caller.arn, observed.world.central
        );
        findings.push(Finding::new(Code::WrongAccount, found, credentials(observed)));
        return findings;
    }
    match &observed.organization {
        Some(Ok(())) => {}
        None => return findings,
        Some(Err(Trouble::Call(error))) if reach.explains(error) || off(error) => return findings,
        Some(Err(Trouble::Call(error))) => {
            findings.push(of_call(observed, error));
            return findings;
        }
        Some(Err(Trouble::WrongPlace(message))) => {
            let mend = Mend::say("use other credentials, or correct the configuration");
            findings.push(Finding::new(Code::WrongOrganization, message, mend));
            return findings;
        }
    }
    if let Some(doubt) = &observed.doubt {
        let mend = Mend::say(
            "set `organization.reader_role_arn` to a role that may list all accounts: a caller without the right may get a \
             short list instead of an error",
        );
        findings.push(Finding::new(
            Code::ListingDoubtful,
            format!("the list of accounts is doubtful: {doubt}"),
            mend,
        ));
    }
    if let Some(management) = &observed.without_role {
        let found = format!(
            "the management account {management} is not covered: `organization.management_role_arn` is not set"
        );
        findings.push(
            Finding::new(Code::ManagementUncovered, found, Stacks(observed.world).organization())
                .of(management),
        );
    }
    findings.extend(members(observed, reach));
    findings
}

/// Why the credentials, or a call about the organization, did not do.
fn of_call(observed: &Observed<'_>, error: &CloudError) -> Finding {
    let found = said(error);
    let assumed = || error.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let of =
        |role: &Option<String>| role.as_ref().is_some_and(|arn| arn.contains(&format!(":{}:", assumed())));
    let (code, mend) = match error.class {
        ErrorClass::Credentials if error.code == "NoCredentials" => {
            (Code::NoCredentials, credentials(observed))
        }
        ErrorClass::Credentials => (Code::CredentialsRefused, credentials(observed)),
        _ if error.operation == ASSUME && of(&observed.reader_role) => {
            (Code::OrganizationRoleRefuses, Stacks(observed.world).organization())
        }
        _ if error.operation == ASSUME && of(&observed.central_role) => {
            (Code::CentralRoleRefuses, Stacks(observed.world).task())
        }
        _ if error.code.starts_with("AWSOrganizationsNotInUse") => (
            Code::NoOrganization,
            Mend::say("use an account that is a member of an organization, or make one with all features")
                .command("aws organizations create-organization --feature-set ALL"),
        ),
        ErrorClass::Denied | ErrorClass::DeniedByScp if error.service == "organizations" => {
            let mend = Stacks(observed.world).organization();
            let text = format!("set `organization.reader_role_arn`, and {}", mend.text);
            (Code::OrganizationUnreadable, Mend { text, ..mend })
        }
        _ => (Code::Unreadable, Mend::say(hint(error))),
    };
    Finding::new(code, found, mend)
}

fn credentials(observed: &Observed<'_>) -> Mend {
    Mend::say(format!(
        "run it with credentials of role {} in account {}: an environment, a profile, or the role of a container or machine",
        observed.world.central_role, observed.world.central
    ))
    .command("aws sts get-caller-identity")
}

/// Whether a refusal is about when a request was signed.
pub(super) fn is_about_time(error: &CloudError) -> bool {
    let codes = ["SignatureDoesNotMatch", "InvalidSignature", "RequestExpired", "RequestTimeTooSkewed"];
    codes.iter().any(|code| error.code.starts_with(code))
}

/// Accounts whose role does not let us in.
fn members(observed: &Observed<'_>, reach: &Reach) -> Vec<Finding> {
    let stacks = Stacks(observed.world);
    let refusals = observed.accounts.iter().filter_map(|account| Some((account, refusal(account)?)));
    let refusals: Vec<(&AccountSeen, &CloudError)> =
        refusals.filter(|(_, error)| !reach.explains(error)).collect();
    let denied = |error: &CloudError| error.class == ErrorClass::Denied;
    let tried = observed.accounts.iter().filter(|account| !account.views.is_empty()).count();
    // Trust policies name the task role: whoever else asks is refused everywhere.
    if let (Some(Ok(caller)), None) = (&observed.caller, &observed.central_role)
        && caller.role() != Some(observed.world.central_role.as_str())
        && tried > 0
        && refusals.iter().filter(|(_, error)| denied(error)).count() == tried
    {
        let found = format!(
            "all {tried} accounts refuse {}, and their roles trust role {}",
            caller.arn, observed.world.central_role
        );
        return vec![Finding::new(Code::NotTheTaskRole, found, credentials(observed))];
    }
    let refused = |(account, error): (&AccountSeen, &CloudError)| {
        let elsewhere = error.account.as_ref().is_some_and(|of| *of != account.id);
        let finding = match error.class {
            ErrorClass::Denied if elsewhere => {
                let mend = Mend::say(
                    "let `member.via_role_arn` trust the role that orgwatch runs with, or correct it",
                );
                return Finding::new(Code::ViaRoleRefuses, said(error), mend);
            }
            ErrorClass::Denied if account.is_new => {
                let mend = Mend::say("wait for `member.grace_period`, and look again");
                Finding::new(Code::NewAccount, "the account is new, and its role is not there yet", mend)
            }
            ErrorClass::Denied if account.is_management => {
                Finding::new(Code::MemberRoleRefuses, said(error), stacks.organization())
            }
            ErrorClass::Denied => Finding::new(
                Code::MemberRoleRefuses,
                said(error),
                stacks.bring_members(account.root.as_deref()),
            ),
            ErrorClass::DeniedByScp => scp(error),
            _ => Finding::new(Code::Unreadable, said(error), Mend::say(hint(error))),
        };
        finding.of(&account.id)
    };
    refusals.into_iter().map(refused).collect()
}

/// Why nothing could be seen of an account at all.
pub(super) fn refusal(account: &AccountSeen) -> Option<&CloudError> {
    account.views.iter().find_map(|view| view.error.as_deref())
}

/// A call that a service control policy denies. AWS names the resource too, which differs from call to call.
pub(super) fn scp(error: &CloudError) -> Finding {
    let found = format!("{}:{} is denied by a service control policy", error.service, error.operation);
    let mend = Mend::say(
        "exempt orgwatch's roles from the service control policy, or list the Regions that it allows in \
         `organization.regions`; deploy/scp has the exemption's form",
    )
    .template("deploy/scp/protect-orgwatch.json");
    Finding::new(Code::DeniedByScp, found, mend)
}

/// What AWS said, without what differs from call to call.
pub(super) fn said(error: &CloudError) -> String {
    let told = if error.message.is_empty() { String::new() } else { format!(": {}", error.message) };
    format!("{}:{} is answered with {}{told}", error.service, error.operation, error.code)
}

pub(super) fn hint(error: &CloudError) -> String {
    if error.hint.is_empty() { "look again; if it stays, report it".to_owned() } else { error.hint.clone() }
}
