//! Who is behind a proxy: what the proxies that we trust say of a request, and nothing that anybody else says.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use ipnet::IpNet;

use super::problem::Problem;

/// The address that a connection comes from; stands in the extensions of every request that was received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Where a request comes from, as far as it can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// Its address: of the connection, or, behind proxies that we trust, the one that the outermost of them saw.
    pub(super) address: Option<IpAddr>,
    /// Whether it reached the outside by TLS; none where nobody who is trusted says so.
    pub(super) https: Option<bool>,
    /// Whether a proxy that we trust stands in between.
    pub(super) proxied: bool,
}

/// The header in which proxies name their user unless told otherwise.
pub(super) const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// More hops than any way to us has; the rest was written by the client.
const HOPS: usize = 32;
/// Longer than any name of a person that a proxy knows.
const LONGEST_USER: usize = 128;

/// The client of a request from `peer`.
pub(super) fn client(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let peer = peer.map(|peer| peer.to_canonical());
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    match peer {
        Some(peer) if is_trusted(&peer) => {
            Client { address: Some(behind(peer, headers, is_trusted)), https: https(headers), proxied: true }
        }
        address => Client { address, https: None, proxied: false },
    }
}

/// The right-most address that is none of a proxy that we trust: each of these adds at the right the one that it was
/// asked from, and what stands further to the left anybody may have written.
fn behind(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(&IpAddr) -> bool) -> IpAddr {
    let mut seen = peer;
    for entry in entries(headers, &FORWARDED_FOR).take(HOPS) {
        // Past what is no address nothing can be told apart from an invention.
        let Some(address) = entry.and_then(address) else { break };
        seen = address;
        if !is_trusted(&seen) {
            break;
        }
    }
    seen
}

fn https(headers: &HeaderMap) -> Option<bool> {
    match entries(headers, &FORWARDED_PROTO).next()?? {
        proto if proto.eq_ignore_ascii_case("https") => Some(true),
        proto if proto.eq_ignore_ascii_case("http") => Some(false),
        _ => None,
    }
}

/// The entries of a header that is a list, from the last to the first; none for those of a header that is no text.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'h str>> {
    headers.get_all(name).iter().collect::<Vec<_>>().into_iter().rev().flat_map(|value| {
        let text = value.to_str().ok();
        let parts: Vec<Option<&str>> = match text {
            Some(text) => text.rsplit(',').map(|part| Some(part.trim())).collect(),
            None => vec![None],
        };
        parts
    })
}

/// An address with or without a port; in square brackets where IPv6 has one.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.split_once(']').map(|(address, _)| address)?.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let plain = text.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Whom the proxy has let in, as it names them in `header`; none where it names nobody.
///
/// # Errors
/// The header is there twice, or holds what is no name: a proxy that lets a client's own header through is one that
/// should not be believed.
pub(super) fn user<'h>(headers: &'h HeaderMap, header: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(header).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let user = value.to_str().ok().map(str::trim).filter(|user| {
        second.is_none()
            && user.len() <= LONGEST_USER
            && !user.contains(',')
            && !user.chars().any(char::is_control)
    });
    match user {
        Some("") => Ok(None),
        Some(user) => Ok(Some(user)),
        None => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!(
                "the {header} header must be there once and name one user in up to {LONGEST_USER} characters"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        all.iter().map(pair).collect()
    }

    fn seen(peer: &str, all: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let client = client(Some(peer.parse().unwrap()), &headers(all), &trusted);
        client.address.unwrap().to_string()
    }

    #[test]
    fn who_is_no_proxy_of_ours_is_believed_nothing() {
        let told = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")];
        assert_eq!(seen("203.0.113.9", &told), "203.0.113.9");
        let stranger = client(Some("203.0.113.9".parse().unwrap()), &headers(&told), &[]);
        assert_eq!((stranger.https, stranger.proxied), (None, false));
        assert_eq!(client(None, &headers(&told), &["0.0.0.0/1".parse().unwrap()]), Client::default());
    }

    #[test]
    fn the_client_is_the_right_most_address_that_is_not_of_a_proxy() {
        for (told, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.0.0.7", "192.0.2.1"),
            ("198.51.100.66, 192.0.2.1, 10.0.0.7,10.0.0.8", "192.0.2.1"),
            ("10.0.0.7", "10.0.0.7"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1, fd00::7", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", told)]), expected, "{told}");
        }
        assert_eq!(seen("::ffff:10.0.0.1", &[("x-forwarded-for", "192.0.2.1")]), "192.0.2.1");
        let twice = [("x-forwarded-for", "198.51.100.66"), ("x-forwarded-for", "192.0.2.1, 10.0.0.7")];
        assert_eq!(seen("10.0.0.1", &twice), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn past_what_is_no_address_nobody_is_believed() {
        for told in
            ["192.0.2.1, unknown", "192.0.2.1, ", "192.0.2.1, 10.0.0.7, _hidden", "192.0.2.1, 999.1.1.1"]
        {
            assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", told)]), "10.0.0.1", "{told}");
        }
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "192.0.2.1, unknown, 10.0.0.7")]), "10.0.0.7");
        let long = vec!["10.0.0.7"; 1000].join(",");
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", &format!("192.0.2.1,{long}"))]), "10.0.0.7");
    }

    #[test]
    fn the_scheme_is_what_the_proxy_says_that_is_next_to_us() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let scheme = |value: &str| {
            let told = headers(&[("x-forwarded-proto", value)]);
            client(Some("10.0.0.1".parse().unwrap()), &told, &trusted).https
        };
        let schemes = ["https", "HTTP", "https, http", "wss", ""].map(scheme);
        assert_eq!(schemes, [Some(true), Some(false), Some(false), None, None]);
    }

    #[test]
    fn a_user_is_named_once_and_in_one_line() {
        let named = |all: &[(&'static str, &str)]| {
            let headers = headers(all);
            let user = user(&headers, &HeaderName::from_static("x-user"));
            user.map(|user| user.map(ToOwned::to_owned)).map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(named(&[("x-user", "alice@example.com")]), Ok(Some("alice@example.com".to_owned())));
        assert_eq!((named(&[]), named(&[("x-user", " ")])), (Ok(None), Ok(None)));
        assert_eq!(named(&[("x-user", "alice"), ("x-user", "root")]), Err(400));
        assert_eq!(named(&[("x-user", "alice, root")]), Err(400));
        assert_eq!(named(&[("x-user", "ali\tce")]), Err(400));
        assert_eq!(named(&[("x-user", &"a".repeat(129))]), Err(400));
    }
}
