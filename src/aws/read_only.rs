//! The second lock on read-only sessions: what is no reading call is not sent.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::ConfigBag;

/// Refuses every operation that is not a reading one, before it is even put together.
///
/// AWS enforces the session policy; this holds as well where there is none: with credentials that the program
/// was started with.
#[derive(Debug)]
pub(crate) struct ReadOnly;

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{operation} is no reading call, and a read-only session sends no other")]
pub(crate) struct NotSent {
    operation: String,
}

fn reads(operation: &str) -> bool {
    ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb)) || operation == "AssumeRole"
}

impl Intercept for ReadOnly {
    fn name(&self) -> &'static str {
        "ReadOnly"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("an unnamed operation", Metadata::name);
        if reads(operation) { Ok(()) } else { Err(NotSent { operation: operation.to_owned() }.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_verbs_read() {
        for read in ["GetRole", "ListRules", "DescribeEventBus", "AssumeRole"] {
            assert!(reads(read), "{read}");
        }
        for write in ["PutRule", "CreateRole", "TagResource", "Subscribe", "AssumeRoleWithSAML"] {
            assert!(!reads(write), "{write}");
        }
    }
}
