//! Blocks of IP addresses, as `cidr` names them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that have the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    first: u128,
    bits: u32,
    width: u32,
}

impl Block {
    /// The one address in `text`; a plain text of a pattern that is an address is compared as one, so that each way of
    /// writing it matches.
    pub(crate) fn single(text: &str) -> Option<Self> {
        let (first, width) = address(text)?;
        Some(Self { first, bits: width, width })
    }

    /// Reads `address/bits`, or says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (base, bits) = text.split_once('/').ok_or("it has no `/`")?;
        let (first, width) =
            address(base).ok_or_else(|| format!("`{}` is no IP address", base.escape_debug()))?;
        let bits: u32 =
            bits.parse().map_err(|_| "what stands behind the `/` is no whole number".to_owned())?;
        // The engine wants fewer bits than the address has, so a single address is written plainly.
        if bits >= width {
            return Err(format!("the bits are at most {}", width - 1));
        }
        Ok(Self { first, bits, width })
    }

    /// Whether the address in `text` is one of them; what is no address is none.
    pub(crate) fn contains(self, text: &str) -> bool {
        address(text).is_some_and(|(address, width)| {
            width == self.width && (self.bits == 0 || (address ^ self.first) >> (self.width - self.bits) == 0)
        })
    }
}

/// The bits of an address and how many they are. Zeros in front are read as decimal, as the engine does.
fn address(text: &str) -> Option<(u128, u32)> {
    if text.contains(':') {
        return match text.parse::<Ipv6Addr>().ok().map(|address| address.to_canonical())? {
            IpAddr::V4(mapped) => Some((u128::from(mapped.to_bits()), 32)),
            IpAddr::V6(address) => Some((address.to_bits(), 128)),
        };
    }
    let parts: Vec<u8> = text
        .split('.')
        .map(|part| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    let octets: [u8; 4] = parts.try_into().ok()?;
    Some((u128::from(Ipv4Addr::from(octets).to_bits()), 32))
}
