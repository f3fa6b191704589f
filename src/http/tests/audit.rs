//! Audits over HTTP.

use super::*;

#[tokio::test]
async fn an_audit_says_of_each_control_how_many_accounts_meet_it_and_by_what() {
    let report = Server::new(&loopback()).json("/api/v1/audit?standard=cis-1.4").await;
    assert_eq!(report["standard"]["id"], "cis-1.4");
    assert_eq!(report["standard"]["demands"], "filter_and_alarm");
    assert_eq!(report["controls"].as_array().unwrap().len(), 15);
    let control = &report["controls"][3];
    assert_eq!((&control["control"], &control["theme"]), (&json!("4.4"), &json!("cis-4.4")));
    let met =
        control["findings"].as_array().unwrap().iter().find(|finding| finding["status"] == "met").unwrap();
    assert_eq!(met["by"], "metric_alarm");
    assert_eq!(met["evidence"]["metric_alarm"]["topic"]["confirmed"], 1);
    assert_eq!(met["evidence"]["metric_alarm"]["trail"]["multi_region"], true);
    assert!(report["left_out"].as_array().unwrap().iter().any(|left| left["id"] == "666666666666"));
}

#[tokio::test]
async fn an_audit_is_of_the_newest_benchmark_unless_it_is_asked_for_another_one() {
    let server = Server::new(&loopback());
    assert_eq!(server.json("/api/v1/audit").await["standard"]["id"], "cis-6.0");
    let (status, detail) = server.get("/api/v1/audit?standard=cis-2.0").await.problem();
    assert_eq!(status, 400);
    assert!(detail.contains("cis-1.4") && detail.contains("cwl-010"), "{detail}");
}

#[tokio::test]
async fn an_audit_can_be_narrowed_to_an_account_and_a_status() {
    let server = Server::new(&loopback());
    let one = server.json("/api/v1/audit?standard=cis-1.4&account=111111111111&status=unmet").await;
    assert_eq!(one["accounts"].as_object().unwrap().len(), 1);
    for control in one["controls"].as_array().unwrap() {
        for finding in control["findings"].as_array().unwrap() {
            assert_eq!(
                (&finding["status"], &finding["accounts"]),
                (&json!("unmet"), &json!(["111111111111"]))
            );
        }
    }
    assert_eq!(server.get("/api/v1/audit?account=123456789012").await.problem().0, 404);
    assert_eq!(server.get("/api/v1/audit?account=me").await.problem().0, 400);
    assert_eq!(server.get("/api/v1/audit?status=fine").await.problem().0, 400);
}
