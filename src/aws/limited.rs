//! The second lock on sessions that may not write: what their access does not allow is not sent.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::ConfigBag;

use super::Access;

/// Refuses every operation that the access does not allow, before it is even put together.
///
/// AWS enforces the session policy; this holds as well where there is none: with credentials that the program
/// was started with.
#[derive(Debug)]
pub(crate) struct Limited(pub(crate) Access);

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{operation} is none of the calls of a session with the access {access:?}, and it sends no other")]
pub(crate) struct NotSent {
    operation: String,
    access: Access,
}

impl Intercept for Limited {
    fn name(&self) -> &'static str {
        "Limited"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("an unnamed operation", Metadata::name);
        if self.0.allows(operation) {
            return Ok(());
        }
        Err(NotSent { operation: operation.to_owned(), access: self.0 }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_verbs_read() {
        for read in ["GetRole", "ListRules", "DescribeEventBus", "AssumeRole"] {
            assert!(Access::Read.allows(read), "{read}");
        }
        for write in
            ["PutRule", "CreateRole", "TagResource", "Subscribe", "AssumeRoleWithSAML", "ReceiveMessage"]
        {
            assert!(!Access::Read.allows(write), "{write}");
        }
    }

    #[test]
    fn the_session_of_the_inbox_reads_its_queue_and_nothing_else() {
        for fine in ["GetQueueUrl", "ReceiveMessage", "DeleteMessageBatch"] {
            assert!(Access::Inbox.allows(fine), "{fine}");
        }
        for other in ["GetRole", "SendMessage", "PurgeQueue", "DeleteQueue", "AssumeRole", "PutRule"] {
            assert!(!Access::Inbox.allows(other), "{other}");
        }
    }

    #[test]
    fn the_session_that_sends_sends_events_and_nothing_else() {
        assert!(Access::Send.allows("PutEvents"));
        for other in ["PutRule", "PutTargets", "Publish", "SendMessage", "GetRole", "AssumeRole"] {
            assert!(!Access::Send.allows(other), "{other}");
        }
        assert!(!Access::Read.allows("PutEvents"));
    }

    #[test]
    fn the_sessions_of_dead_letters_read_them_and_only_one_of_them_delivers_and_removes() {
        for fine in ["GetQueueUrl", "ReceiveMessage", "ChangeMessageVisibilityBatch"] {
            assert!(Access::Letters.allows(fine) && Access::Delivery.allows(fine), "{fine}");
        }
        for more in ["Publish", "DeleteMessage"] {
            assert!(!Access::Letters.allows(more) && Access::Delivery.allows(more), "{more}");
        }
        for other in ["GetRole", "SendMessage", "PurgeQueue", "DeleteQueue", "AssumeRole", "PutRule"] {
            assert!(!Access::Letters.allows(other) && !Access::Delivery.allows(other), "{other}");
        }
    }
}
