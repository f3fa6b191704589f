//! What EventBridge and SNS tell CloudWatch of their deliveries.

use super::outbox::Deliveries;
use crate::service::cloudwatch;
use crate::service::events::Arn;
use crate::world::World;

/// Counts in the account of the rule. AWS: what is zero is not sent.
pub(super) fn of_rule(world: &mut World, rule_arn: &str, counted: Deliveries) {
    let Some(arn) = Arn::parse(rule_arn) else { return };
    let Some(name) = arn.resource.strip_prefix("rule/") else { return };
    // AWS: rules of the default bus have the rule's name alone.
    let (bus, rule) = name.split_once('/').map_or((None, name), |(bus, rule)| (Some(bus), rule));
    let mut dimensions = vec![("RuleName", rule)];
    dimensions.extend(bus.map(|bus| ("EventBusName", bus)));
    for (metric, value) in [
        ("TriggeredRules", counted.matched),
        ("Invocations", counted.invocations),
        ("FailedInvocations", counted.failed),
        ("InvocationsSentToDlq", counted.sent_to_dlq),
        ("InvocationsFailedToBeSentToDlq", counted.failed_to_be_sent_to_dlq),
    ] {
        if value > 0 {
            let (account, region) = (&arn.account, &arn.region);
            #[expect(clippy::cast_precision_loss, reason = "one event is one")]
            cloudwatch::count(world, account, region, ("AWS/Events", metric), &dimensions, value as f64);
        }
    }
}
