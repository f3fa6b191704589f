//! Reading calls of KMS.

use super::{Cloud, Session, send};
use crate::model::error::CloudError;

/// A key as DescribeKey tells of it.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// `Enabled`, `Disabled`, `PendingDeletion` and so on.
    pub(crate) state: String,
    /// `SYMMETRIC_DEFAULT`, or another kind that encrypts nothing of what is kept.
    pub(crate) spec: String,
}

impl Cloud {
    /// A key of the session's account.
    pub async fn describe_key(&self, session: &Session, arn: &str) -> Result<KeyRow, CloudError> {
        let request = self.kms.describe_key().key_id(arn);
        let answer = send!(self, session, aws_sdk_kms, "kms", "DescribeKey", request)?;
        let told = answer.key_metadata;
        let state =
            told.as_ref().and_then(|key| key.key_state.as_ref()).map(|state| state.as_str().to_owned());
        let spec = told.as_ref().and_then(|key| key.key_spec.as_ref()).map(|spec| spec.as_str().to_owned());
        Ok(KeyRow { state: state.unwrap_or_default(), spec: spec.unwrap_or_default() })
    }

    /// The one policy of a key; KMS tells it to the key's own account alone.
    pub async fn key_policy(&self, session: &Session, arn: &str) -> Result<String, CloudError> {
        let request = self.kms.get_key_policy().key_id(arn).policy_name("default");
        let answer = send!(self, session, aws_sdk_kms, "kms", "GetKeyPolicy", request)?;
        Ok(answer.policy.unwrap_or_default())
    }
}
