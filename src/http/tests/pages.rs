use super::*;
use crate::http::fixture::HOSTILE;

async fn page(server: &Server, path: &str) -> String {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
    answer.text
}

#[tokio::test]
async fn the_page_answers_first_whether_everybody_is_covered() {
    let text = page(&Server::new(&loopback()), "/").await;
    for part in [
        "2<small> of 7</small>",
        "2 of 7 covered",
        "accounts are covered",
        "The listing of the organization is doubted",
        "nothing departs until 3 agree",
        "SenderRuleDisabled",
        "ChangedAccountsLimit",
        "targets.central.role_arn",
        "<em>not there</em>",
        "SubscriptionPending",
        "http-equiv=\"refresh\" content=\"10\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(
        text.find("Not covered") < text.find("Drift")
            && text.find("id=\"drift\"") < text.find("id=\"accounts\"")
    );
}

#[tokio::test]
async fn a_hostile_name_reaches_no_page_as_it_is() {
    let server = Server::new(&loopback());
    for path in ["/", "/accounts/444444444444", "/?q=%3Cscript%3E%22%27%3E", "/?q=%3Cscript&sort=-name"] {
        let text = page(&server, path).await;
        assert!(!text.contains(HOSTILE) && !text.contains("<script"), "{path}");
        assert!(text.contains("&#60;script") || text.contains("&lt;script"), "{path}");
    }
    let refused = server.get("/?verdict=%3Cscript%3E").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(!refused.text.contains("<script"), "{}", refused.text);
}

#[tokio::test]
async fn a_page_needs_no_script_and_no_style_of_its_own() {
    let server = Server::new(&loopback());
    for path in ["/", "/accounts/333333333333", "/accounts/999999999999"] {
        let text = server.get(path).await.text;
        for forbidden in ["<script", "<style", " style=\"", "javascript:", " onclick"] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
        for landmark in ["<html lang=\"en\">", "<header", "<main id=\"main\"", "<footer", "<h1"] {
            assert!(text.contains(landmark), "{path}: {landmark}");
        }
    }
}

#[tokio::test]
async fn where_all_is_well_the_page_says_so() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Arc::make_mut(snapshot);
        snapshot.accounts.retain(|_, account| account.coverage.is_covered());
        snapshot.central.targets.clear();
        snapshot.holds.clear();
        snapshot.discovery.doubtful = None;
    });
    let text = page(&server, "/").await;
    assert!(text.contains("Every account is covered") && text.contains("Nothing to do"));
    assert!(text.contains("Every resource that was read is as desired"));
    assert!(!text.contains("banner") && !text.contains("Held changes</h2>"));
    server.snapshot.send_modify(|snapshot| Arc::make_mut(snapshot).accounts.clear());
    assert!(page(&server, "/").await.contains("No account has been listed yet"));
}

#[tokio::test]
async fn the_wrong_place_and_a_failed_listing_are_said_on_top() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Arc::make_mut(snapshot);
        snapshot.discovery.error = Some("organizations:ListAccounts: AccessDenied".to_owned());
        snapshot.wrong_place = Some(crate::model::plan::Hold {
            reason: "WrongOrganization",
            message: "these credentials are of another organization".to_owned(),
            waits: false,
        });
    });
    let text = page(&server, "/").await;
    let top = text.find("id=\"coverage\"").unwrap();
    for part in ["Every change is held: WrongOrganization", "organizations:ListAccounts: AccessDenied"] {
        assert!(text.find(part).unwrap() < top, "{part}");
    }
}

#[tokio::test]
async fn the_accounts_of_the_page_are_narrowed_like_those_of_the_api() {
    let server = Server::new(&loopback());
    let listed =
        |text: &str| text[text.find("id=\"accounts\"").unwrap()..].matches("<th scope=\"row\">").count();
    assert_eq!(listed(&page(&server, "/").await), 8);
    assert_eq!(listed(&page(&server, "/?coverage=broken").await), 2);
    assert_eq!(listed(&page(&server, "/?q=pay&verdict=&ou=").await), 1);
    let none = page(&server, "/?q=nobody").await;
    assert_eq!(listed(&none), 0);
    assert!(none.contains("No account is like that"));
    assert!(!page(&server, "/?refresh=off").await.contains("http-equiv"));
}

#[tokio::test]
async fn a_large_organization_is_cut_with_a_way_to_the_rest() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let accounts = &mut Arc::make_mut(snapshot).accounts;
        let one = accounts[&"333333333333".parse().unwrap()].clone();
        for n in 0..600_u64 {
            let mut copy = (*one).clone();
            copy.id = format!("{:012}", 800_000_000_000 + n).parse().unwrap();
            accounts.insert(copy.id.clone(), Arc::new(copy));
        }
    });
    let text = page(&server, "/").await;
    assert!(text.contains("The first 500 of 608"));
    assert!(text.contains("The first 100 of 605"), "what is not covered");
    assert!(text.contains("The first 100 of 603"), "drift");
}

#[tokio::test]
async fn an_account_has_a_page_and_an_unknown_one_a_page_that_says_so() {
    let server = Server::new(&loopback());
    let text = page(&server, "/accounts/333333333333").await;
    for part in
        ["payments-prod", "ENABLED", "DISABLED", "events:PutRule", "Planned", "Held changes", "Synced"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert!(page(&server, "/accounts/555555555555").await.contains("sts:AssumeRole"));
    assert!(page(&server, "/accounts/777777777777").await.contains("SUSPENDED"));
    for (path, status) in [("/accounts/999999999999", 404), ("/accounts/x", 400), ("/?color=red", 400)] {
        let answer = server.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text.starts_with("<!doctype html>"), "{path}");
    }
}
