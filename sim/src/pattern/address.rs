//! IP addresses and blocks of them, as the engine reads them.

use std::net::Ipv6Addr;

/// Addresses of one family, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Addresses {
    family: Family,
    lowest: u128,
    highest: u128,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Family {
    V4,
    V6,
}

impl Addresses {
    /// The one address that a text is; `None` when it is none.
    pub(super) fn single(text: &str) -> Option<Self> {
        let (family, address) = address(text).ok()?;
        Some(Self { family, lowest: address, highest: address })
    }

    /// A block like `10.0.0.0/24`.
    ///
    /// # Errors
    /// What AWS says of a malformed one; AWS: /32 of IPv4 and /128 of IPv6 are refused.
    pub(super) fn block(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split('/').collect();
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        let [base, bits] = parts[..] else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let bits: i32 =
            bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let bits =
            u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative".to_owned())?;
        let (family, address) = address(base)?;
        let width = match family {
            Family::V4 if bits > 31 => return Err("IPv4 mask bits must be < 32".to_owned()),
            Family::V6 if bits > 127 => return Err("IPv6 mask bits must be < 128".to_owned()),
            Family::V4 => 32,
            Family::V6 => 128,
        };
        let all = if width == 128 { u128::MAX } else { (1 << width) - 1 };
        let host = all.checked_shr(bits).unwrap_or(0);
        Ok(Self { family, lowest: address & !host, highest: address | host })
    }

    /// Whether the text is one of the addresses.
    pub(super) fn contain(&self, text: &str) -> bool {
        address(text).is_ok_and(|(family, address)| {
            family == self.family && (self.lowest..=self.highest).contains(&address)
        })
    }
}

fn address(text: &str) -> Result<(Family, u128), String> {
    let invalid = || format!("Invalid IP address: {text}");
    if text.contains(':') && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':') {
        let address: Ipv6Addr = text.parse().map_err(|_| invalid())?;
        // The engine's platform turns a mapped address into the IPv4 address that it maps.
        return Ok(match address.to_ipv4_mapped() {
            Some(mapped) => (Family::V4, u128::from(mapped.to_bits())),
            None => (Family::V6, address.to_bits()),
        });
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() != 4
        || parts.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(format!("Nonstandard IP address: {text}"));
    }
    // Zeros in front are decimal here, where the standard library refuses them.
    parts
        .iter()
        .try_fold(0, |address, part| part.parse::<u8>().ok().map(|byte| address << 8 | u128::from(byte)))
        .map(|address| (Family::V4, address))
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_contains_its_first_and_last_address_and_no_other_family() {
        let block = Addresses::block("10.1.2.99/24").unwrap();
        assert!(block.contain("10.1.2.0") && block.contain("10.1.2.255") && block.contain("10.01.002.7"));
        assert!(!block.contain("10.1.1.255") && !block.contain("10.1.3.0") && !block.contain("::a01:200"));
        assert!(Addresses::block("0.0.0.0/0").unwrap().contain("255.255.255.255"));
        let block = Addresses::block("2001:db8::/32").unwrap();
        assert!(block.contain("2001:DB8:ffff::1") && !block.contain("2001:db9::"));
        assert!(Addresses::block("::/0").unwrap().contain("ffff::"));
    }

    #[test]
    fn a_malformed_block_is_refused_in_the_words_of_aws() {
        for (text, message) in [
            ("bad-filter", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/x", "Malformed CIDR, mask bits must be an integer"),
            ("10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"),
            ("10.0.0.0/32", "IPv4 mask bits must be < 32"),
            ("::1/128", "IPv6 mask bits must be < 128"),
            ("xx.11.xx/8", "Nonstandard IP address: xx.11.xx"),
            ("300.1.1.1/8", "Invalid IP address: 300.1.1.1"),
        ] {
            assert_eq!(Addresses::block(text), Err(message.to_owned()), "{text}");
        }
    }
}
