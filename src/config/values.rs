//! How each type is read from a value of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use toml::Value;

use super::problem::quoted;
use super::reader::{Place, Read, is_none};
use crate::model::ids::{AccountId, Arn, Installation, OrganizationId, OuId, Region, RoleArn};

/// Types that say themselves what they expect, by their parse error.
macro_rules! parsed {
    ($($type:ty: $hint:literal),+ $(,)?) => {$(
        impl Read for $type {
            fn read(value: Value, place: &Place<'_>) -> Option<Self> {
                let text = match value {
                    Value::Integer(number) => {
                        return place.report.add(
                            "E-wrong-type", &place.path, format!("the number {number}"), "a text in quotes", $hint,
                        );
                    }
                    value => place.text(value, "a text in quotes")?,
                };
                match text.parse::<Self>() {
                    Ok(value) => Some(value),
                    Err(error) => place.bad(quoted(&text), error.expected, $hint),
                }
            }
        }
    )+};
}

parsed! {
    AccountId: "write the account id in quotes, with its leading zeros: they are real",
    Arn: "copy the ARN from the AWS console",
    Installation: "leave it out for \"orgwatch\"",
    OrganizationId: "`aws organizations describe-organization` shows it",
    OuId: "the console of AWS Organizations shows it",
    Region: "write the code, not the name, of the Region",
    RoleArn: "the ARN, not only the name, of a role",
}

impl Read for String {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        place.text(value, "a text in quotes")
    }
}

impl Read for PathBuf {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        place.text(value, "the path of a file, in quotes").map(Self::from)
    }
}

impl Read for SecretString {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        place.text(value, "a text in quotes").map(Self::from)
    }
}

impl Read for bool {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        value.as_bool().or_else(|| place.wrong_type(&value, "true or false, without quotes"))
    }

    fn absent() -> Option<Self> {
        Some(false)
    }
}

impl Read for u32 {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let expected = format!("an integer from 0 to {}, without quotes", Self::MAX);
        match value {
            Value::Integer(number) => {
                number.try_into().ok().or_else(|| place.bad(number.to_string(), expected, ""))
            }
            other => place.wrong_type(&other, &expected),
        }
    }
}

impl Read for NonZeroU32 {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let number = u32::read(value, place)?;
        Self::new(number).or_else(|| place.bad("0", "an integer of 1 or more", ""))
    }
}

impl Read for Duration {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let text = place.text(value, "a duration in quotes, such as \"5m\"")?;
        match humantime::parse_duration(&text) {
            Ok(duration) => Some(duration),
            Err(error) => place.bad(
                quoted(&text),
                "a duration such as \"5m\", \"1h 30m\" or \"90d\"",
                error.to_string(),
            ),
        }
    }
}

impl Read for SocketAddr {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let text = place.text(value, "an address and port in quotes")?;
        text.parse().ok().or_else(|| {
            place.bad(
                quoted(&text),
                "an IP address and a port such as \"127.0.0.1:8080\"",
                "write the address, not a host's name",
            )
        })
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        if is_none(&value) { Some(None) } else { T::read(value, place).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read + Ord> Read for BTreeSet<T> {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        Vec::read(value, place).map(Self::from_iter)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let Value::Array(list) = value else {
            return place.wrong_type(&value, "a list, in brackets");
        };
        let elements: Vec<Option<T>> =
            list.into_iter().enumerate().map(|(i, value)| T::read(value, &place.element(i))).collect();
        elements.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Read for BTreeMap<String, String> {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let Value::Table(table) = value else {
            return place.wrong_type(&value, "a table such as { \"key\" = \"value\" }");
        };
        let entries: Vec<Option<(String, String)>> = table
            .into_iter()
            .map(|(key, value)| {
                let place =
                    Place { path: format!("{}.{}", place.path, key.escape_debug()), report: place.report };
                Some((key, String::read(value, &place)?))
            })
            .collect();
        entries.into_iter().collect()
    }
}
