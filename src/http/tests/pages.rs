use super::*;
use crate::http::fixture::HOSTILE;

const PAGES: [&str; 7] = [
    "/",
    "/accounts",
    "/accounts/333333333333",
    "/accounts/777777777777",
    "/central",
    "/drift",
    "/changes?what=all",
];

async fn page(server: &Server, path: &str) -> String {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
    answer.text
}

/// The part of a page that begins with this id.
fn part<'t>(text: &'t str, id: &str) -> &'t str {
    let begin = text.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no part {id} in {text}"));
    let rest = &text[begin..];
    let end = rest
        .find("data-live")
        .and_then(|first| rest[first + 9..].find("data-live").map(|end| first + 9 + end));
    &rest[..end.unwrap_or(rest.len())]
}

#[tokio::test]
async fn the_first_look_says_who_is_covered_what_is_wrong_and_what_waits() {
    let text = page(&Server::new(&loopback()), "/").await;
    assert!(text.contains("2 of 7 covered"), "{text}");
    for (id, parts) in [
        ("hero", &["2<small> of 7</small>", "accounts are covered", "/accounts?coverage=broken"][..]),
        ("wrong", &["SenderRuleDisabled", "NameTaken", "RoleMissing", "/accounts/333333333333"]),
        (
            "waiting",
            &["doubted", "nothing departs until 3 agree", "ChangedAccountsLimit", "SubscriptionPending"],
        ),
        ("units", &["ou-ab12-prod0001", "/accounts?ou=ou-ab12-prod0001"]),
        ("suppressed", &["17 events", "platform team", "Ends ", "CreateRole"]),
    ] {
        for wanted in parts {
            assert!(part(&text, id).contains(wanted), "{id}: {wanted} is not in {}", part(&text, id));
        }
    }
    assert!(text.find("id=\"hero\"") < text.find("id=\"wrong\""));
    assert!(text.find("id=\"wrong\"") < text.find("id=\"waiting\""));
}

#[tokio::test]
async fn a_hostile_name_reaches_no_page_as_it_is() {
    let server = Server::new(&loopback());
    for path in [
        "/",
        "/accounts",
        "/accounts/444444444444",
        "/accounts?q=%3Cscript%3E%22%27%3E",
        "/accounts?q=%3Cscript&sort=-name",
        "/accounts?reason=%3Cscript%3E",
        "/drift?q=%3Cscript%3E",
        "/changes?since=1h",
    ] {
        let text = page(&server, path).await;
        let ours = "<script src=\"/live.js\" defer></script>";
        assert!(!text.contains(HOSTILE) && !text.replace(ours, "").contains("<script"), "{path}");
        if path != "/changes?since=1h" {
            assert!(text.contains("&#60;script") || text.contains("&lt;script"), "{path}");
        }
    }
    for path in
        ["/accounts?verdict=%3Cscript%3E", "/drift?verdict=%3Cscript%3E", "/changes?since=%3Cscript%3E"]
    {
        let refused = server.get(path).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(!refused.text.contains("<script>"), "{path}: {}", refused.text);
    }
}

/// The policy of the pages lets a browser run one script of ours; nothing may stand in a page that it would refuse.
#[tokio::test]
async fn a_page_has_one_script_of_ours_and_nothing_that_its_policy_refuses() {
    let server = Server::new(&loopback());
    for path in PAGES.into_iter().chain(["/accounts/999999999999"]) {
        let answer = server.get(path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let text = answer.text;
        assert_eq!(text.matches("<script").count(), 1, "{path}");
        assert!(text.contains("<script src=\"/live.js\" defer></script>"), "{path}");
        for forbidden in ["<style", " style=\"", "javascript:", " onclick", "//cdn", "http://", "https://"] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
        for landmark in ["<html lang=\"en\">", "<header", "<main id=\"main\"", "<footer", "<h1"] {
            assert!(text.contains(landmark), "{path}: {landmark}");
        }
    }
    let script = server.get("/live.js").await;
    assert_eq!(script.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    for dangerous in ["innerHTML", "eval(", "insertAdjacentHTML", "document.write", "Function("] {
        assert!(!script.text.contains(dangerous), "{dangerous}");
    }
}

/// Parts that the script renews are found by their ids.
#[tokio::test]
async fn no_page_has_an_id_twice_and_each_part_that_is_renewed_has_one() {
    let server = Server::new(&loopback());
    for path in PAGES {
        let text = page(&server, path).await;
        let mut ids: Vec<&str> =
            text.match_indices(" id=\"").map(|(at, _)| text[at + 5..].split('"').next().unwrap()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{path}: {ids:?}");
        for (at, _) in text.match_indices(" data-live") {
            let tag = &text[text[..at].rfind('<').unwrap()..at];
            assert!(tag.contains(" id=\""), "{path}: {tag}");
        }
        for reference in text.match_indices("aria-labelledby=\"") {
            let id = text[reference.0 + 17..].split('"').next().unwrap();
            assert!(ids.binary_search(&id).is_ok(), "{path}: nothing is called {id}");
        }
    }
}

#[tokio::test]
async fn without_scripts_the_first_look_loads_itself_anew_until_told_otherwise() {
    let server = Server::new(&loopback());
    let text = page(&server, "/").await;
    assert!(text.contains("<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>"));
    assert!(text.contains("href=\"/?refresh=off\""));
    assert!(!page(&server, "/?refresh=off").await.contains("http-equiv"));
}

#[tokio::test]
async fn where_all_is_well_the_page_says_so() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Snapshot::edited(snapshot);
        snapshot.accounts.retain(|_, account| account.coverage.is_covered());
        snapshot.central.targets.clear();
        snapshot.holds.clear();
        snapshot.discovery.doubtful = None;
    });
    let text = page(&server, "/").await;
    assert!(text.contains("Every account is covered") && text.contains("Nothing to do"));
    assert!(part(&text, "waiting").contains("Nothing does: no hold"));
    assert!(!text.contains("class=\"banner"));
    assert!(page(&server, "/drift").await.contains("Every resource that was read is as desired"));
    server.snapshot.send_modify(|snapshot| Snapshot::edited(snapshot).accounts.clear());
    assert!(page(&server, "/").await.contains("No account has been listed yet"));
    assert!(page(&server, "/accounts").await.contains("No account has been listed yet"));
}

#[tokio::test]
async fn the_wrong_place_and_a_failed_listing_are_said_on_top() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Snapshot::edited(snapshot);
        snapshot.discovery.error = Some("organizations:ListAccounts: AccessDenied".to_owned());
        snapshot.wrong_place = Some(crate::model::plan::Hold {
            reason: "WrongOrganization",
            message: "these credentials are of another organization".to_owned(),
            waits: false,
        });
    });
    let text = page(&server, "/").await;
    let top = text.find("id=\"hero\"").unwrap();
    for part in ["Every change is held: WrongOrganization", "organizations:ListAccounts: AccessDenied"] {
        assert!(text.find(part).unwrap() < top, "{part}");
    }
}

#[tokio::test]
async fn the_accounts_of_the_page_are_narrowed_like_those_of_the_api() {
    let server = Server::new(&loopback());
    let listed = |text: &str| text[text.find("id=\"list\"").unwrap()..].matches("<th scope=\"row\">").count();
    for (query, count) in [
        ("", 8),
        ("?coverage=broken", 2),
        ("?coverage=broken&reason=NameTaken", 1),
        ("?ou=ou-ab12-prod0001", 3),
        ("?q=pay&verdict=&ou=", 1),
        ("?q=nobody", 0),
    ] {
        let text = page(&server, &format!("/accounts{query}")).await;
        assert_eq!(listed(&text), count, "{query}");
        let counted =
            server.json(&format!("/api/v1/accounts{}", query.replace("&verdict=&ou=", ""))).await["total"]
                .clone();
        assert_eq!(counted, count, "{query}");
    }
    let none = page(&server, "/accounts?q=nobody").await;
    assert!(none.contains("No account is like that") && none.contains("value=\"nobody\""));
    let chosen = page(&server, "/accounts?coverage=broken&ou=ou-ab12-prod0001").await;
    assert!(chosen.contains("<option value=\"broken\" selected>"), "the form shows what is asked for");
    assert!(chosen.contains("type=\"hidden\" name=\"ou\" value=\"ou-ab12-prod0001\""), "and keeps the rest");
}

#[tokio::test]
async fn the_tree_counts_each_account_in_every_unit_above_it() {
    let text = page(&Server::new(&loopback()), "/accounts").await;
    let units = part(&text, "units");
    let tally = |unit: &str| {
        let rest = &units[units.find(&format!("<span class=\"id\">{unit}</span>")).unwrap()..];
        let tally = &rest[rest.find("tally\">").unwrap() + 7..];
        let covered = tally.split('<').next().unwrap().to_owned();
        let total = &tally[tally.find('/').unwrap() + 1..];
        (covered, total.split('<').next().unwrap().to_owned())
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(tally("r-ab12"), pair("2", "7"), "the inactive one has no coverage");
    assert_eq!(tally("ou-ab12-prod0001"), pair("0", "3"));
    assert_eq!(tally("ou-ab12-pay00001"), pair("0", "1"));
    assert!(units.contains("covered, 2 broken, 1 uncovered"), "{units}");
}

#[tokio::test]
async fn a_large_organization_is_paged_and_its_first_look_stays_small() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let accounts = &mut Snapshot::edited(snapshot).accounts;
        let one = accounts[&"333333333333".parse().unwrap()].clone();
        for n in 0..10_000_u64 {
            let mut copy = (*one).clone();
            copy.id = format!("{:012}", 800_000_000_000 + n).parse().unwrap();
            copy.path = format!("o-a1b2c3d4e5/r-ab12/ou-ab12-prod{:04}/", n / 50);
            accounts.insert(copy.id.clone(), Arc::new(copy));
        }
    });
    let text = page(&server, "/").await;
    assert!(text.len() < 60_000, "{} bytes", text.len());
    assert!(part(&text, "wrong").contains("10001 accounts"), "{}", part(&text, "wrong"));
    let text = page(&server, "/accounts").await;
    assert!(text.contains("1 to 100 of 10008") && text.contains("rel=\"next\""), "{text}");
    let tree = part(&text, "units");
    assert!(tree.matches("<li").count() > 150 && text.len() < 200_000, "{} bytes", text.len());
    let next = text[..text.find("rel=\"next\"").unwrap()].rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = page(&server, &next).await;
    assert!(second.contains("101 to 200 of 10008") && second.contains("rel=\"first\""), "{next}");
    let drift = page(&server, "/drift").await;
    assert!(drift.contains("1 to 50 of 10003"), "{}", drift.len());
    assert!(page(&server, "/drift?page=201").await.contains("10001 to 10003 of 10003"));
}

#[tokio::test]
async fn an_account_has_a_page_and_an_unknown_one_a_page_that_says_so() {
    let server = Server::new(&loopback());
    let text = page(&server, "/accounts/333333333333").await;
    for part in [
        "payments-prod",
        "ENABLED",
        "DISABLED",
        "<em>not there</em>",
        "targets.central.role_arn",
        "events:PutRule",
        "Planned",
        "Held changes",
        "Synced",
        "The path of its alerts",
        "ends at the sender rule, which is broken",
        "orgwatch release changedaccountslimit-333333333333",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(page(&server, "/accounts/555555555555").await.contains("sts:AssumeRole"));
    assert!(page(&server, "/accounts/777777777777").await.contains("SUSPENDED"));
    for (path, status) in [
        ("/accounts/999999999999", 404),
        ("/accounts/x", 400),
        ("/?color=red", 400),
        ("/accounts?color=red", 400),
        ("/accounts/333333333333?color=red", 400),
        ("/central?color=red", 400),
        ("/drift?page=0", 400),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text.starts_with("<!doctype html>"), "{path}");
    }
}

#[tokio::test]
async fn the_log_tells_what_was_done_by_whom() {
    let server = Server::new(&loopback());
    server.history.operated("oncall", "release", Some("the-hold"), None).await;
    server.history.operated("oncall", "pause", Some("all"), Some(HOSTILE)).await;
    let text = page(&server, "/changes").await;
    assert!(text.contains("oncall: release the-hold") && text.contains("2 records"), "{text}");
    assert!(!text.contains(HOSTILE));
    assert!(page(&server, "/changes?what=write").await.contains("Nothing of that kind"));
    assert!(part(&page(&server, "/").await, "done").contains("oncall: pause all"));
}

#[tokio::test]
async fn a_hold_is_released_by_the_button_of_whoever_may() {
    let server = Server::new(&loopback());
    assert!(page(&server, "/").await.contains("action=\"/holds/changedaccountslimit-333333333333/release\""));
    let done = server.request("POST", "/holds/open/release").await;
    assert_eq!(
        (done.status, &done.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/#waiting".parse().unwrap())
    );
    let unknown = server.request("POST", "/holds/none/release").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.starts_with("<!doctype html>"));
    let elsewhere = [("host", "localhost:8080"), ("origin", "http://evil.example")];
    let foreign = server.send(request("POST", "/holds/open/release", &elsewhere)).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    let server = Server::new(&exposed());
    let reader = [("host", "orgwatch.example.com"), ("authorization", "Bearer reader-secret-0001")];
    let looked = server.send(request("GET", "/", &reader)).await;
    assert!(!looked.text.contains("/release\"") && looked.text.contains("orgwatch release changedaccounts"));
    assert_eq!(
        server.send(request("POST", "/holds/open/release", &reader)).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_page_that_is_had_already_is_not_sent_again_and_travels_compressed() {
    let server = Server::new(&loopback());
    // The ages of a page are told anew from time to time, so one of several tries falls into the same moment.
    let mut same = false;
    for _ in 0..5 {
        let first = server.get("/").await;
        let tag = first.headers[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        let headers = [("host", "localhost"), ("if-none-match", tag.as_str())];
        let second = server.send(request("GET", "/", &headers)).await;
        if second.status == StatusCode::NOT_MODIFIED {
            assert!(second.text.is_empty());
            same = true;
            break;
        }
    }
    assert!(same);
    let request = request("GET", "/accounts", &[("host", "localhost"), ("accept-encoding", "gzip")]);
    let response = server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
}
