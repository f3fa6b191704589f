//! Accounts for a terminal, from the values that the interface answers with.

use serde_json::Value;

use super::phrase::{count, spoken};
use super::style::{Page, Style, Tone, clean};
use crate::hops;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn each<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[key].as_array().into_iter().flatten()
}

fn tone(state: &str) -> Tone {
    match state {
        "in_sync" | "proven" | "configured" | "works" => Tone::Good,
        "pending" | "orphan" | "uncovered" | "not_watched" => Tone::Warn,
        "excluded" | "inactive" | "" => Tone::Faint,
        _ => Tone::Bad,
    }
}

/// The accounts of `GET /api/v1/accounts`, a line each.
pub fn list(answer: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let rows: Vec<Vec<(Tone, String)>> = each(answer, "items")
        .map(|account| {
            let (verdict, coverage) = (text(account, "verdict"), text(account, "coverage"));
            vec![
                (Tone::Plain, text(account, "id").to_owned()),
                (Tone::Plain, clean(text(account, "name"))),
                (tone(verdict), spoken(verdict)),
                (tone(coverage), coverage.to_owned()),
                (Tone::Plain, text(account, "coverage_reason").to_owned()),
                (Tone::Faint, unit(text(account, "path")).to_owned()),
            ]
        })
        .collect();
    if rows.is_empty() {
        page.line(0, Tone::Plain, "No account is like that.");
        return page.finish();
    }
    let counted = rows.len();
    page.table(&["account", "name", "verdict", "coverage", "reason", "unit"], rows);
    page.gap().line(0, Tone::Faint, format_args!("{}.", count(counted, "account")));
    page.finish()
}

/// The unit that an account is in.
fn unit(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// One account of `GET /api/v1/accounts/{id}`: how it stands, what is there and what is planned.
pub fn one(account: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(0, Tone::Strong, format_args!("{} {}", text(account, "id"), text(account, "name")));
    let (verdict, coverage) = (text(account, "verdict"), text(account, "coverage"));
    page.line(2, tone(verdict), format_args!("verdict   {}", spoken(verdict)));
    if !coverage.is_empty() {
        let reason = text(account, "coverage_reason");
        let since = text(account, "coverage_since");
        page.line(2, tone(coverage), format_args!("coverage  {coverage}: {reason}, since {since}"));
        page.prose(12, Tone::Plain, text(account, "coverage_message"));
    }
    page.line(2, Tone::Plain, format_args!("place     {}", text(account, "path")));
    page.line(2, Tone::Plain, format_args!("state     {}", text(account, "state")));
    page.line(
        2,
        Tone::Plain,
        format_args!("read      {}", account["observed_at"].as_str().unwrap_or("never")),
    );
    page.heading("Resources");
    for error in each(account, "errors") {
        page.prose(2, Tone::Bad, format!("{}: {}", text(error, "region"), text(error, "error")));
    }
    for resource in each(account, "resources") {
        let verdict = text(resource, "verdict");
        let what = format!(
            "{} {} in {}: {}",
            text(resource, "kind"),
            text(resource, "name"),
            text(resource, "region"),
            spoken(verdict)
        );
        page.line(2, tone(verdict), what);
        for change in each(resource, "changes") {
            let line = format!("{}: {} -> {}", text(change, "path"), change["observed"], change["desired"]);
            page.prose(6, Tone::Plain, line);
        }
        if let Some(error) = resource["error"].as_str() {
            page.prose(6, Tone::Bad, error);
        }
        for note in each(resource, "notes") {
            page.prose(6, Tone::Plain, text(note, "message"));
        }
    }
    if each(account, "resources").next().is_none() {
        page.line(2, Tone::Faint, "none was read");
    }
    let mut plan = each(account, "plan").peekable();
    if plan.peek().is_some() {
        page.heading("Planned");
    }
    for change in plan {
        let what =
            format!("{} {}: {}", text(change, "action"), text(change, "resource"), text(change, "reason"));
        page.prose(2, Tone::Plain, what);
        if let Some(hold) = change["hold"].as_object() {
            let message = hold.get("message").and_then(Value::as_str).unwrap_or_default();
            page.prose(6, Tone::Warn, format!("held: {}", message));
        }
    }
    put_diagnosis(&mut page, account);
    page.finish()
}

/// The path of an account's alerts, hop by hop, and at the end what is broken and the command that mends it.
pub fn doctor(account: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let (id, name) = (text(account, "id"), text(account, "name"));
    page.line(0, Tone::Strong, format_args!("The path of an alert from {name} ({id}) to people"));
    page.gap();
    for hop in each(account, "hops") {
        let state = text(hop, "state");
        let names: Vec<&str> = each(hop, "names").filter_map(Value::as_str).collect();
        let names = if names.is_empty() { String::new() } else { format!("  {}", names.join(", ")) };
        let line = format!("{:15}  {:11}{}", hops::title(text(hop, "hop")), spoken(state), names);
        page.line(2, tone(state), line.trim_end().to_owned());
        // Of what works there is nothing to be said.
        if state != "works" {
            page.prose(19, Tone::Plain, text(hop, "message"));
        }
    }
    put_diagnosis(&mut page, account);
    page.finish()
}

fn put_diagnosis(page: &mut Page, account: &Value) {
    let diagnosis = &account["diagnosis"];
    let tone = if diagnosis["hop"].is_null() { Tone::Good } else { Tone::Bad };
    page.gap().prose(0, tone, text(diagnosis, "sentence"));
    if let Some(command) = diagnosis["command"].as_str() {
        page.line(0, Tone::Plain, "This mends it:");
        page.line(2, Tone::Strong, command);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::http::{account_json, accounts_json, fixture};
    use crate::model::view::Snapshot;

    fn snapshot() -> Snapshot {
        fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap())
    }

    fn shown(id: &str, render: fn(&Value, Style) -> String) -> String {
        let account = account_json(&snapshot(), &id.parse().unwrap()).unwrap();
        render(&account, Style { colour: false, width: Some(100) })
    }

    #[test]
    fn the_doctor_walks_the_path_and_ends_in_what_mends_it() {
        assert_snapshot!(shown("333333333333", doctor), @r"
        The path of an alert from payments-prod (333333333333) to people

          CloudTrail       not watched
                           whether a trail logs here is not looked at
          Sender rule      broken       orgwatch-iam-changes
                           orgwatch-iam-changes differs in state,
                             pattern.detail.eventName[0].anything-but.prefix[3], targets.central.role_arn
          Forwarding role  works        orgwatch-forwarder
          Event bus        broken       orgwatch
                           orgwatch differs in
                             policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID
          Alert rule       works        orgwatch-iam-changes
          Topic            works        orgwatch-iam-changes
          People           works

        An IAM change in account 333333333333 ends at the sender rule, which is broken:
          orgwatch-iam-changes differs in state, pattern.detail.eventName[0].anything-but.prefix[3],
          targets.central.role_arn.
        This mends it:
          orgwatch release changedaccountslimit-333333333333
        ");
    }

    #[test]
    fn an_account_is_shown_with_what_differs_and_what_is_planned() {
        assert_snapshot!(shown("333333333333", one), @r#"
        333333333333 payments-prod
          verdict   drifted
          coverage  broken: SenderRuleDisabled, since 2026-11-20T09:55:00Z
                    the sender rule is disabled, so nothing is forwarded; release the hold or enable it
          place     o-a1b2c3d4e5/r-ab12/ou-ab12-prod0001/ou-ab12-pay00001/
          state     ACTIVE
          read      2026-11-20T11:59:19Z

        Resources
          forwarding_role orgwatch-forwarder in cn-north-1: in sync
          sender_rule orgwatch-iam-changes in cn-north-1: drifted
              state: "DISABLED" -> "ENABLED"
              pattern.detail.eventName[0].anything-but.prefix[3]: null -> "Generate"
              targets.central.role_arn: "" -> "arn:aws-cn:iam::333333333333:role/orgwatch-forwarder"

        Planned
          update sender_rule orgwatch-iam-changes: differs from what is desired
              held: more than 10% of the accounts would be rewritten within 1h; `orgwatch release` lets it
                go on

        An IAM change in account 333333333333 ends at the sender rule, which is broken:
          orgwatch-iam-changes differs in state, pattern.detail.eventName[0].anything-but.prefix[3],
          targets.central.role_arn.
        This mends it:
          orgwatch release changedaccountslimit-333333333333
        "#);
    }

    #[test]
    fn accounts_are_a_line_each_in_the_order_that_is_asked_for() {
        let list =
            accounts_json(&snapshot(), &[("sort", "-coverage".to_owned()), ("ou", "r-ab12".to_owned())]);
        assert_snapshot!(super::list(&list.unwrap(), Style::PLAIN), @r#"
        account       name                           verdict   coverage    reason              unit
        666666666666  legacy-mainframe               excluded  uncovered   Excluded            ou-ab12-prod0001
        555555555555  sandbox-data                   unknown   unknown     RoleMissing         ou-ab12-sand0001
        333333333333  payments-prod                  drifted   broken      SenderRuleDisabled  ou-ab12-pay00001
        444444444444  <script>alert("x")</script>&'  foreign   broken      NameTaken           ou-ab12-prod0001
        012345678901  new-team                       pending   pending     NewAccount          ou-ab12-sand0001
        111111111111  management                     in sync   configured  InSync              r-ab12
        222222222222  Security                       in sync   configured  InSync              ou-ab12-core0001
        777777777777  old-project                    inactive                                  ou-ab12-sand0001

        8 accounts.
        "#);
        let none = accounts_json(&snapshot(), &[("q", "nobody".to_owned())]).unwrap();
        assert_eq!(super::list(&none, Style::PLAIN), "No account is like that.\n");
        assert!(accounts_json(&snapshot(), &[("verdict", "fine".to_owned())]).is_err());
    }

    #[test]
    fn nothing_that_a_name_says_reaches_a_terminal_as_a_command_to_it() {
        let mut account = account_json(&snapshot(), &"333333333333".parse().unwrap()).unwrap();
        account["name"] = "\u{1b}[2Jx".into();
        account["hops"][1]["message"] = "\u{1b}]0;x\u{7}".into();
        account["diagnosis"]["command"] = "\u{1b}[31m".into();
        for text in [one(&account, Style::PLAIN), doctor(&account, Style::PLAIN)] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
        }
    }
}
