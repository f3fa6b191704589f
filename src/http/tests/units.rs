//! Organizational units as people know them.

use super::*;
use crate::http::fixture::HOSTILE;

fn named(server: &Server) {
    server.snapshot.send_modify(|snapshot| {
        let names = [("r-ab12", "Root"), ("ou-ab12-prod0001", "Workloads"), ("ou-ab12-pay00001", HOSTILE)];
        let names = names.map(|(id, name)| (id.parse().unwrap(), name.to_owned()));
        Snapshot::edited(snapshot).units = Arc::new(names.into());
    });
}

#[tokio::test]
async fn the_tree_the_list_the_filter_and_the_account_name_units_with_their_ids() {
    let server = Server::new(&loopback());
    let bare = server.get("/accounts").await.text;
    assert!(
        bare.contains("<span class=\"id\">ou-ab12-prod0001</span>"),
        "without a name the id stands alone"
    );
    named(&server);
    let text = server.get("/accounts?ou=ou-ab12-prod0001").await.text;
    assert!(
        text.contains(
            "<span class=\"unit\">Workloads <span class=\"id muted\">ou-ab12-prod0001</span></span>"
        ),
        "{text}"
    );
    assert!(text.contains("unit: Workloads ou-ab12-prod0001"), "{text}");
    assert!(
        text.contains(
            "href=\"/accounts?ou=ou-ab12-prod0001\">Workloads</a> <span class=\"id\">ou-ab12-prod0001</span>"
        ),
        "{text}"
    );
    let account = server.get("/accounts/333333333333").await.text;
    assert!(account.contains("Root / Workloads"), "{account}");
    let overview = server.get("/").await.text;
    assert!(overview.contains("Workloads"), "{overview}");
    for page in ["/", "/accounts", "/accounts?ou=ou-ab12-pay00001"] {
        assert!(!server.get(page).await.text.contains(HOSTILE), "{page}");
    }
}
