//! The digests by which clients check that a message came whole.

use std::collections::BTreeMap;

use md5::{Digest, Md5};

use super::message::Attribute;

/// The MD5 of a body, in hexadecimal.
pub(super) fn body(text: &str) -> String {
    hex(Md5::digest(text.as_bytes()).as_slice())
}

/// The MD5 of message attributes, as AWS lays them out: by name, each part behind its length. `None` for none.
pub(super) fn attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>,
) -> Option<String> {
    let sorted: BTreeMap<&String, &Attribute> = attributes.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let mut part = |bytes: &[u8], prefix: Option<u8>| {
        if let Some(prefix) = prefix {
            digest.update([prefix]);
        }
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in sorted {
        part(name.as_bytes(), None);
        part(attribute.data_type.as_bytes(), None);
        let transport = if attribute.binary() { 2 } else { 1 };
        part(&attribute.value, Some(transport));
    }
    Some(hex(digest.finalize().as_slice()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_attribute_has_the_digest_that_aws_gave_it() {
        // Recorded from AWS by a public test suite: {attr1: Number 99.12}.
        let attribute = Attribute { data_type: "Number".to_owned(), value: b"99.12".to_vec() };
        let digest = attributes([(&"attr1".to_owned(), &attribute)]);
        assert_eq!(digest.as_deref(), Some("d302007e9aa062660afc85fd0a482472"));
    }

    #[test]
    fn attributes_are_digested_by_name_whatever_their_order() {
        let number = |text: &str| Attribute { data_type: "Number".to_owned(), value: text.into() };
        let (one, two) = (("attr1".to_owned(), number("99.12")), ("attr2".to_owned(), number("109.12")));
        let digest = attributes([(&two.0, &two.1), (&one.0, &one.1)]);
        assert_eq!(digest.as_deref(), Some("9b720b3af309c1c4b0d395c53b08c502"));
    }

    #[test]
    fn a_body_has_its_md5() {
        assert_eq!(body("hello world"), "5eb63bbbe01eeed093cb22bb8f5acdc3");
    }
}
