//! The watch patterns that ship with orgwatch, by name.
//!
//! Only exact names, prefixes and suffixes: wildcards are counted, and a member's default bus takes 30 rules
//! with one. Each pins `source`, and where it names operations also `eventSource`, because other services
//! have operations of the same names.

use serde::Serialize;

use crate::pattern::Pattern;

/// A watch pattern that ships with orgwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Preset {
    /// How a watch asks for it.
    pub name: &'static str,
    /// What it sees, for people who choose one.
    pub description: &'static str,
    /// Where its list of events comes from.
    pub origin: &'static str,
    #[serde(skip)]
    text: &'static str,
}

impl Preset {
    /// The pattern of the preset.
    #[expect(clippy::expect_used, reason = "the texts are constants that a test parses")]
    pub fn pattern(&self) -> Pattern {
        Pattern::parse(self.text).expect("a preset holds a pattern")
    }
}

/// All presets, the default one first.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this name.
pub fn by_name(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

const PRESETS: [Preset; 7] = [
    Preset {
        name: "iam-changes",
        description: "Every IAM operation that is not known to be a read, so that operations which AWS adds are in from their first day",
        origin: "orgwatch",
        text: r#"{
            "source": ["aws.iam"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": [{"anything-but": {"prefix": ["Get", "List", "Simulate", "Generate"]}}]
            }
        }"#,
    },
    Preset {
        name: "iam-changes-blog",
        description: "IAM operations that begin with one of 13 verbs of change; misses those with any other verb, such as Tag, Untag, Reset and Resync",
        origin: "AWS blog on monitoring IAM changes across an organization, changes only",
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": [
                    {"prefix": "Add"}, {"prefix": "Attach"}, {"prefix": "Change"}, {"prefix": "Create"},
                    {"prefix": "Deactivate"}, {"prefix": "Delete"}, {"prefix": "Detach"}, {"prefix": "Enable"},
                    {"prefix": "Put"}, {"prefix": "Remove"}, {"prefix": "Set"}, {"prefix": "Update"},
                    {"prefix": "Upload"}
                ]
            }
        }"#,
    },
    Preset {
        name: "iam-any",
        description: "Every IAM call that CloudTrail records; reads (Get, List and their like) match only where the watch has read_events = true, and are many",
        origin: "AWS blog on monitoring IAM changes across an organization, any operation",
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"]
        }"#,
    },
    Preset {
        name: "iam-auth",
        description: "IAM operations that change who may sign in and what they may do: inline policies put, and everything attached, detached, created, updated, uploaded, deleted, removed or set",
        origin: "AWS blog on monitoring IAM changes across an organization, authentication and authorization",
        // Put*Policy is the three names that it stands for: a prefix and a suffix of one field cannot both be asked for.
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": [
                    "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
                    {"prefix": "Attach"}, {"prefix": "Detach"}, {"prefix": "Create"}, {"prefix": "Update"},
                    {"prefix": "Upload"}, {"prefix": "Delete"}, {"prefix": "Remove"}, {"prefix": "Set"}
                ]
            }
        }"#,
    },
    Preset {
        name: "cis-4.4",
        description: "The 16 IAM policy changes of the benchmark, no more: see iam-privilege-paths for what they miss",
        origin: "CIS AWS Foundations Benchmark 4.4, Trend Micro CWL-010",
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": [
                    "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy",
                    "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
                    "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
                    "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy",
                    "AttachGroupPolicy", "DetachGroupPolicy"
                ]
            }
        }"#,
    },
    Preset {
        name: "iam-user-deletion",
        description: "Deletion of an IAM user",
        origin: "Guides that alert on DeleteUser",
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": ["DeleteUser"]
            }
        }"#,
    },
    Preset {
        name: "iam-privilege-paths",
        description: "The changes of cis-4.4 and the other ways to more rights: policy versions, trust, boundaries, groups, keys, passwords, MFA, identity providers, delegation",
        origin: "orgwatch, from CIS 4.4 and the list of IAM operations",
        text: r#"{
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["iam.amazonaws.com"],
                "eventName": [
                    "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy",
                    "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
                    "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
                    "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy",
                    "AttachGroupPolicy", "DetachGroupPolicy",
                    "SetDefaultPolicyVersion", "UpdateAssumeRolePolicy", "AddUserToGroup",
                    {"suffix": "PermissionsBoundary"},
                    "CreateAccessKey", "UpdateAccessKey", "CreateLoginProfile", "UpdateLoginProfile",
                    "CreateServiceSpecificCredential", "ResetServiceSpecificCredential",
                    "DeactivateMFADevice", "AddRoleToInstanceProfile",
                    "CreateSAMLProvider", "UpdateSAMLProvider",
                    "CreateOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider",
                    "UpdateOpenIDConnectProviderThumbprint",
                    "AcquireRole", "AcceptDelegationRequest", "AssociateDelegationRequest",
                    "CreateDelegationRequest", "UpdateDelegationRequest", "SendDelegationToken"
                ]
            }
        }"#,
    },
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Whether one of `alternatives` matches `text`; knows only the operators that presets may use.
    fn any_matches(alternatives: &Value, text: &str) -> bool {
        let texts = |operand: &Value| match operand {
            Value::Array(texts) => texts.iter().map(|t| t.as_str().unwrap().to_owned()).collect(),
            text => vec![text.as_str().unwrap().to_owned()],
        };
        alternatives.as_array().unwrap().iter().any(|alternative| match alternative {
            Value::String(exact) => exact == text,
            operator => {
                let (name, operand) = operator.as_object().unwrap().iter().next().unwrap();
                match name.as_str() {
                    "prefix" => texts(operand).iter().any(|prefix| text.starts_with(prefix)),
                    "suffix" => texts(operand).iter().any(|suffix| text.ends_with(suffix)),
                    "anything-but" => {
                        assert_eq!(operand.as_object().unwrap().len(), 1);
                        !texts(&operand["prefix"]).iter().any(|prefix| text.starts_with(prefix))
                    }
                    other => panic!("a preset uses the operator {other}"),
                }
            }
        })
    }

    fn matches(pattern: &Value, event: &Value) -> bool {
        pattern.as_object().unwrap().iter().all(|(field, wanted)| match wanted {
            Value::Object(_) => matches(wanted, &event[field]),
            _ => event[field].as_str().is_some_and(|text| any_matches(wanted, text)),
        })
    }

    fn sees(preset: &str, event_source: &str, event_name: &str) -> bool {
        let service = event_source.split('.').next().unwrap();
        let event = json!({
            "source": format!("aws.{service}"),
            "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventSource": event_source, "eventName": event_name},
        });
        matches(by_name(preset).unwrap().pattern().value(), &event)
    }

    #[test]
    fn every_preset_sees_what_it_is_for_and_nothing_else() {
        let table: &[(&str, &[&str], &[&str])] = &[
            (
                "iam-changes",
                &[
                    "CreateUser",
                    "TagRole",
                    "ResyncMFADevice",
                    "AcquireRole",
                    "ResetServiceSpecificCredential",
                    "NewVerbOfNextYear",
                ],
                &["GetRole", "ListUsers", "SimulatePrincipalPolicy", "GenerateCredentialReport"],
            ),
            (
                "iam-changes-blog",
                &[
                    "AddUserToGroup",
                    "AttachRolePolicy",
                    "ChangePassword",
                    "CreateUser",
                    "DeactivateMFADevice",
                    "DeleteUser",
                    "DetachRolePolicy",
                    "EnableMFADevice",
                    "PutRolePolicy",
                    "RemoveUserFromGroup",
                    "SetDefaultPolicyVersion",
                    "UpdateUser",
                    "UploadSSHPublicKey",
                ],
                &["GetRole", "ListUsers", "TagRole", "ResyncMFADevice"],
            ),
            ("iam-any", &["CreateUser", "GetRole", "ListUsers", "TagRole"], &[]),
            (
                "iam-auth",
                &[
                    "PutUserPolicy",
                    "PutGroupPolicy",
                    "PutRolePolicy",
                    "AttachUserPolicy",
                    "DetachGroupPolicy",
                    "CreateAccessKey",
                    "UpdateAssumeRolePolicy",
                    "UploadSigningCertificate",
                    "DeleteUser",
                    "RemoveUserFromGroup",
                    "SetDefaultPolicyVersion",
                ],
                &["PutRolePermissionsBoundary", "AddUserToGroup", "GetRole", "TagRole"],
            ),
            (
                "cis-4.4",
                &[
                    "DeleteGroupPolicy",
                    "DeleteRolePolicy",
                    "DeleteUserPolicy",
                    "PutGroupPolicy",
                    "PutRolePolicy",
                    "PutUserPolicy",
                    "CreatePolicy",
                    "DeletePolicy",
                    "CreatePolicyVersion",
                    "DeletePolicyVersion",
                    "AttachRolePolicy",
                    "DetachRolePolicy",
                    "AttachUserPolicy",
                    "DetachUserPolicy",
                    "AttachGroupPolicy",
                    "DetachGroupPolicy",
                ],
                &["SetDefaultPolicyVersion", "UpdateAssumeRolePolicy", "GetPolicy", "CreateUser"],
            ),
            ("iam-user-deletion", &["DeleteUser"], &["DeleteUserPolicy", "CreateUser"]),
            (
                "iam-privilege-paths",
                &[
                    "PutRolePolicy",
                    "SetDefaultPolicyVersion",
                    "UpdateAssumeRolePolicy",
                    "PutUserPermissionsBoundary",
                    "DeleteUserPermissionsBoundary",
                    "PutRolePermissionsBoundary",
                    "DeleteRolePermissionsBoundary",
                    "AddUserToGroup",
                    "CreateAccessKey",
                    "CreateLoginProfile",
                    "UpdateLoginProfile",
                    "DeactivateMFADevice",
                    "CreateSAMLProvider",
                    "UpdateSAMLProvider",
                    "CreateOpenIDConnectProvider",
                    "UpdateOpenIDConnectProviderThumbprint",
                    "AcquireRole",
                    "CreateDelegationRequest",
                ],
                &["TagRole", "GetRole", "DeleteAccessKey", "CreateGroup"],
            ),
        ];
        assert_eq!(
            table.iter().map(|row| row.0).collect::<Vec<_>>(),
            all().iter().map(|p| p.name).collect::<Vec<_>>()
        );
        for (preset, seen, unseen) in table {
            for name in *seen {
                assert!(sees(preset, "iam.amazonaws.com", name), "{preset} must see {name}");
            }
            for name in *unseen {
                assert!(!sees(preset, "iam.amazonaws.com", name), "{preset} must not see {name}");
            }
            // Organizations has a CreatePolicy of its own.
            assert!(!sees(preset, "organizations.amazonaws.com", "CreatePolicy"), "{preset}");
        }
    }

    #[test]
    fn the_privilege_paths_hold_all_of_cis_4_4() {
        let cis = by_name("cis-4.4").unwrap().pattern();
        let names = cis.value()["detail"]["eventName"].as_array().unwrap();
        assert_eq!(names.len(), 16);
        for name in names {
            assert!(sees("iam-privilege-paths", "iam.amazonaws.com", name.as_str().unwrap()), "{name}");
        }
    }

    #[test]
    fn every_preset_passes_the_pattern_check() {
        for preset in all() {
            assert_eq!(preset.pattern().findings(), [], "{}", preset.name);
        }
    }

    #[test]
    fn the_preset_of_all_calls_says_when_it_sees_reads() {
        assert!(by_name("iam-any").unwrap().description.contains("read_events = true"));
    }
}
