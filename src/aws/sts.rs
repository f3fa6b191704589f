//! Calls of STS: who we are, and whom we may become.

use std::time::SystemTime;

use aws_credential_types::Credentials;

use super::{Cloud, Session, send};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, RoleArn};
use crate::preflight::Caller;

/// What an AssumeRole asks for.
#[derive(Debug)]
pub struct AssumeRole<'a> {
    pub(crate) role: &'a RoleArn,
    pub(crate) session_name: &'a str,
    pub(crate) external_id: Option<&'a secrecy::SecretString>,
    pub(crate) source_identity: Option<&'a str>,
    pub(crate) seconds: i32,
    /// The session policy: what the session may do at most, whatever the role may.
    pub(crate) policy: Option<String>,
}

impl Cloud {
    /// The account that a session's credentials belong to. Needs no permission.
    pub async fn caller_account(&self, session: &Session) -> Result<AccountId, CloudError> {
        Ok(self.caller(session).await?.account)
    }

    /// Who a session's credentials belong to. Needs no permission.
    pub async fn caller(&self, session: &Session) -> Result<Caller, CloudError> {
        let answer =
            send!(self, session, aws_sdk_sts, "sts", "GetCallerIdentity", self.sts.get_caller_identity())?;
        let account = answer.account.unwrap_or_default().parse();
        let account = account.map_err(|e: crate::model::ids::IdError| {
            unusable("GetCallerIdentity", session, &e.to_string())
        })?;
        Ok(Caller { account, arn: answer.arn.unwrap_or_default() })
    }

    /// Credentials of a role, with the moment at which they end.
    pub async fn assume_role(
        &self,
        session: &Session,
        ask: &AssumeRole<'_>,
    ) -> Result<(Credentials, SystemTime), CloudError> {
        use secrecy::ExposeSecret;
        let request = self
            .sts
            .assume_role()
            .role_arn(ask.role.to_string())
            .role_session_name(ask.session_name)
            .duration_seconds(ask.seconds)
            .set_external_id(ask.external_id.map(|id| id.expose_secret().to_owned()))
            .set_source_identity(ask.source_identity.map(ToOwned::to_owned))
            .set_policy(ask.policy.clone());
        let answer =
            send!(self, session, aws_sdk_sts, "sts", "AssumeRole", request).map_err(|mut error| {
                // The call went out with somebody else's credentials; it is about this account.
                error.account = Some(ask.role.account().clone());
                if error.class == ErrorClass::Denied {
                    error.hint = format!("role {}: {}", ask.role, error.hint);
                }
                error
            })?;
        let Some(given) = answer.credentials else {
            return Err(unusable("AssumeRole", session, "an answer without credentials"));
        };
        let ends = SystemTime::try_from(given.expiration)
            .map_err(|e| unusable("AssumeRole", session, &e.to_string()))?;
        let credentials = Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(ends),
            "orgwatch",
        );
        Ok((credentials, ends))
    }
}

fn unusable(operation: &'static str, session: &Session, message: &str) -> CloudError {
    CloudError {
        class: ErrorClass::Invalid,
        service: "sts",
        operation,
        account: Some(session.account.clone()),
        region: Some(session.region.clone()),
        code: "UnusableAnswer".to_owned(),
        message: message.to_owned(),
        request_id: None,
        hint: "check AWS_ENDPOINT_URL: this is no answer that AWS gives".to_owned(),
    }
}
