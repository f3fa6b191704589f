//! What becomes of events, for `match`.

use super::style::{Page, Style, Tone};
use crate::route::{Judged, Route};

/// Each event with its rules, one after the other, and where several are asked about, how they fare.
pub fn routes(routes: &[Route], style: Style) -> String {
    let mut page = Page::new(style);
    for route in routes {
        page.gap();
        one(&mut page, route);
    }
    if routes.len() > 1 {
        let reach = routes.iter().filter(|route| !topics(route).is_empty()).count();
        let text =
            format!("{} events: {reach} reach a topic, {} reach none.", routes.len(), routes.len() - reach);
        page.gap().line(0, Tone::Strong, text);
    }
    page.finish()
}

/// The rules that deliver the event.
fn topics(route: &Route) -> Vec<&Judged> {
    route.alerts.iter().filter(|rule| route.forwarded && rule.why_not.is_none()).collect()
}

fn one(page: &mut Page, route: &Route) {
    let head = &route.event;
    page.put(Tone::Strong, &head.name)
        .put(Tone::Plain, format!(" of {} in {}, {}", head.source, head.account, head.region));
    page.put(Tone::Plain, if head.time.is_empty() { String::new() } else { format!(", at {}", head.time) })
        .end();
    page.gap().line(2, Tone::Faint, format!("Forwarded from the default bus of {}?", head.account));
    for rule in &route.senders {
        match &rule.why_not {
            None => verdict(page, Tone::Good, "yes", &rule.rule, "it goes to the central bus"),
            Some(why) => verdict(page, Tone::Plain, "no", &rule.rule, &why.to_string()),
        }
    }
    for watch in &route.elsewhere {
        verdict(page, Tone::Plain, "no", &format!("watch {}", watch.watch), &watch.why);
    }
    page.gap().line(2, Tone::Faint, "Delivered from the central bus?");
    for rule in &route.alerts {
        let topics: Vec<&str> = rule.delivers.iter().map(|delivery| delivery.topic.as_str()).collect();
        match &rule.why_not {
            None if route.forwarded => {
                verdict(page, Tone::Good, "yes", &rule.rule, &format!("to {}", topics.join(", ")))
            }
            None => {
                verdict(page, Tone::Warn, "no", &rule.rule, "it would match, but nothing forwards the event")
            }
            Some(why) => verdict(page, Tone::Plain, "no", &rule.rule, &why.to_string()),
        }
    }
    if route.alerts.is_empty() {
        page.line(4, Tone::Warn, "no alert is configured");
    }
    for rule in topics(route) {
        for delivery in &rule.delivers {
            page.gap().line(2, Tone::Faint, format!("What {} gets", delivery.topic));
            match &delivery.text {
                Some(text) => text.lines().for_each(|line| {
                    page.line(4, Tone::Plain, line);
                }),
                None => {
                    page.line(
                        4,
                        Tone::Bad,
                        "nothing: with this event the template makes no JSON, and EventBridge drops it",
                    );
                }
            }
        }
    }
    for note in &route.notes {
        page.gap().prose(2, Tone::Warn, format!("note: {note}"));
    }
}

fn verdict(page: &mut Page, tone: Tone, answer: &str, who: &str, why: &str) {
    page.put(Tone::Plain, "    ")
        .put(tone, format!("{answer:<3}"))
        .put(Tone::Plain, "  ")
        .put(Tone::Strong, who)
        .end();
    page.prose(9, Tone::Plain, why);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::{ask, delete_user, settings};

    #[test]
    fn an_event_that_arrives_is_shown_with_what_its_reader_sees() {
        let settings = settings(
            "[[watch]]\nname='iam-changes'\npreset='iam-changes'\n[[watch]]\nname='trail'\npattern='{\"source\":[\"aws.cloudtrail\"]}'\nregions=['us-east-1']\n[[alert]]\nname='everything'\nwatches=['iam-changes']\nsubscriptions=[{protocol='email',endpoint='security@example.com'}]\n[[alert]]\nname='trail'\nwatches=['trail']\nformat='raw'\nsubscriptions=[{protocol='email',endpoint='security@example.com'}]\n",
        );
        let text = routes(&[ask(&settings, &delete_user())], Style { colour: false, width: Some(100) });
        for line in [
            "DeleteUser of aws.iam in 111122223333, us-east-1, at 2026-11-18T",
            "    yes  orgwatch-iam-changes",
            "    no   orgwatch-trail",
            "    yes  orgwatch-everything",
            "  What arn:aws:sns:us-east-1:222222222222:orgwatch-everything gets",
        ] {
            assert!(text.lines().any(|shown| shown.starts_with(line)), "{line} is not in\n{text}");
        }
        assert!(text.contains("`source` is \"aws.iam\"; asked for is \"aws.cloudtrail\""), "{text}");
    }

    #[test]
    fn several_events_end_with_how_they_fare() {
        let settings = settings("");
        let mut elsewhere = delete_user();
        elsewhere["region"] = serde_json::json!("eu-central-1");
        let text = routes(&[ask(&settings, &delete_user()), ask(&settings, &elsewhere)], Style::PLAIN);
        assert!(text.contains("watch iam-changes\n         it has no rule in eu-central-1"), "{text}");
        assert!(text.contains("it would match, but nothing forwards the event"), "{text}");
        assert!(text.ends_with("2 events: 1 reach a topic, 1 reach none.\n"), "{text}");
    }
}
