//! `[http]`: who may ask the daemon.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::problem::quoted;
use super::reader::{Table, read, words};
use super::{names, secret_file};

/// `[http]`: who may ask the daemon.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where we listen.
    pub bind: SocketAddr,
    /// What an asker off loopback must show.
    pub auth: Auth,
    /// Host names, in lower case, that a request may be for besides those of loopback.
    pub hosts: BTreeSet<String>,
    /// The networks of the proxies that are believed where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// The header, in lower case, in which such a proxy names the user that it has let in.
    pub user_header: String,
    /// The users of proxies who may act; the others look.
    pub operators: BTreeSet<String>,
    /// Whether `/metrics` needs no token.
    pub metrics_open: bool,
    /// The tokens that we know.
    pub tokens: Vec<Token>,
    /// Certificate with its chain, and key, as files in PEM; none: without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
}

words! {
    /// What an asker off loopback must show.
    Auth {
        /// One of the tokens.
        Token = "token",
        /// A user whom a trusted proxy has let in, or one of the tokens; on loopback too.
        Proxy = "proxy",
        /// Nothing; on loopback only.
        None = "none",
    }
}

/// What one asker shows.
#[derive(Clone, Debug)]
pub struct Token {
    /// Who it was given to.
    pub name: String,
    /// What it allows.
    pub role: TokenRole,
    /// The token itself.
    pub secret: SecretString,
}

words! {
    /// What a token allows.
    TokenRole {
        /// To look.
        Reader = "reader",
        /// To look and to cause.
        Operator = "operator",
    }
}

/// The fewest characters of a token; sixteen random ones cannot be guessed over a network.
const SHORTEST: usize = 16;

pub(super) fn read(mut t: Table<'_>) -> Option<HttpSettings> {
    let auth = t.place("auth");
    let http = read!(t, HttpSettings {
        bind,
        auth,
        hosts = hosts(&mut t),
        trusted_proxies = proxies(&mut t),
        user_header = user_header(&mut t),
        operators,
        metrics_open,
        tokens = tokens(&mut t),
        tls = tls(&mut t),
    })?;
    if http.auth == Auth::Proxy {
        if !http.trusted_proxies.is_empty() {
            return Some(http);
        }
        return auth.report.add(
            "E-no-proxy",
            &auth.path,
            "auth \"proxy\" without http.trusted_proxies",
            "the addresses of the proxy that says who the user is",
            "name them in http.trusted_proxies, or use auth \"token\"",
        );
    }
    if !http.operators.is_empty() {
        auth.report.add::<()>(
            "W-no-proxy",
            &auth.path,
            format!("http.operators with auth \"{}\"", http.auth),
            "auth \"proxy\": users are known by a proxy alone",
            "set it, or take http.operators out",
        );
    }
    let on_loopback = http.bind.ip().to_canonical().is_loopback();
    if on_loopback || (http.auth == Auth::Token && !http.tokens.is_empty()) {
        return Some(http);
    }
    auth.report.add(
        "E-open-http",
        &auth.path,
        format!(
            "auth \"{}\" with {} tokens on {}, which is not loopback",
            http.auth,
            http.tokens.len(),
            http.bind
        ),
        "auth \"token\" with at least one [[http.token]] wherever others can connect",
        "add a token, or bind to 127.0.0.1",
    )
}

/// Addresses, or networks by their prefix. A network of everybody would make everybody a proxy.
fn proxies(t: &mut Table<'_>) -> Option<Vec<IpNet>> {
    let place = t.place("trusted_proxies");
    let texts: Vec<String> = t.value("trusted_proxies")?;
    let nets = texts.iter().enumerate().map(|(i, text)| {
        let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let net = address.ok().or_else(|| text.parse().ok()).filter(|net: &IpNet| net.prefix_len() > 0);
        net.or_else(|| {
            place.element(i).bad(
                quoted(text),
                "an address or a network, such as \"10.0.0.7\", \"10.0.0.0/24\" or \"fd00:1::/64\"",
                "name the addresses from which your proxies connect",
            )
        })
    });
    // All of them, so that none hides another.
    let nets: Vec<Option<IpNet>> = nets.collect();
    nets.into_iter().collect()
}

fn user_header(t: &mut Table<'_>) -> Option<String> {
    let is_other = |name: &str| {
        let taken = ["authorization", "cookie", "host", "origin", "x-forwarded-for", "x-forwarded-proto"];
        taken.contains(&name)
    };
    let header: String = t.checked(
        "user_header",
        "the name of a header that says nothing else, such as \"x-forwarded-user\"",
        "as your proxy sets it",
        |header: &String| quoted(header),
        |header| {
            let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            !header.is_empty() && header.bytes().all(is_name) && !is_other(&header.to_ascii_lowercase())
        },
    )?;
    Some(header.to_ascii_lowercase())
}

fn hosts(t: &mut Table<'_>) -> Option<BTreeSet<String>> {
    let hosts: BTreeSet<String> = t.checked(
        "hosts",
        "names such as \"orgwatch.example.com\", without scheme and path",
        "",
        |hosts: &BTreeSet<String>| quoted(&format!("{hosts:?}")),
        |hosts| {
            hosts.iter().all(|host| {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
            })
        },
    )?;
    Some(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
}

/// Both files or neither, and such as TLS can be served from.
fn tls(t: &mut Table<'_>) -> Option<Option<(PathBuf, PathBuf)>> {
    let place = t.place("tls_cert");
    let certificate: Option<Option<PathBuf>> = t.value("tls_cert");
    let key: Option<Option<PathBuf>> = t.value("tls_key");
    match (certificate?, key?) {
        (None, None) => Some(None),
        (Some(certificate), Some(key)) => match crate::tls::Tls::open(&certificate, &key) {
            Ok(_) => Some(Some((certificate, key))),
            Err(error) => place.report.add(
                "E-tls",
                &place.path,
                error.to_string(),
                "a certificate with its chain and its key, both in PEM",
                "name files that belong together and that the user who runs orgwatch can read",
            ),
        },
        _ => place.report.add(
            "E-tls",
            &place.path,
            "one of tls_cert and tls_key",
            "both, or neither",
            "name the other file too",
        ),
    }
}

fn tokens(t: &mut Table<'_>) -> Option<Vec<Token>> {
    let mut seen = BTreeSet::new();
    t.each("token", |t| token(t, &mut seen)).into_iter().collect()
}

fn token(mut t: Table<'_>, seen: &mut BTreeSet<String>) -> Option<Token> {
    let name_place = t.place("name");
    let file_place = t.place("file");
    let token = read!(t, Token {
        name,
        role,
        secret = t.value("file").and_then(|file: PathBuf| secret_file::read(&file, &file_place)),
    })?;
    if !names::is_iam_name(&token.name, 64) {
        let expected = "1 to 64 letters, digits or characters of _+=,.@-";
        return name_place.report.add(
            "E-bad-name",
            &name_place.path,
            quoted(&token.name),
            expected,
            "such as \"oncall\"",
        );
    }
    if !seen.insert(token.name.clone()) {
        return name_place.report.add(
            "E-duplicate-name",
            &name_place.path,
            quoted(&token.name),
            "a name that no other token has",
            "name each token after who holds it",
        );
    }
    let length = token.secret.expose_secret().chars().count();
    if length < SHORTEST {
        return file_place.report.add(
            "E-short-token",
            &file_place.path,
            format!("a token of {length} characters"),
            format!("at least {SHORTEST}"),
            "make one with `openssl rand -hex 32`",
        );
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};

    /// A table of `[[http.token]]` whose file holds `secret`.
    fn token(dir: &tempfile::TempDir, name: &str, secret: &str) -> String {
        let path = dir.path().join(name);
        std::fs::write(&path, secret).unwrap();
        format!("[[http.token]]\nname = '{name}'\nrole = 'operator'\nfile = '{}'\n", path.display())
    }

    #[test]
    fn off_loopback_a_token_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let token = token(&dir, "oncall", "0123456789abcdef");
        for bind in ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:8080"] {
            for rest in ["", "auth = 'none'", &format!("auth = 'none'\n{token}")] {
                let found = codes(&format!("[http]\nbind = '{bind}'\n{rest}"));
                assert_eq!(found, ["E-open-http http.auth"], "{bind} {rest}");
            }
            let http = settings(&format!("[http]\nbind = '{bind}'\n{token}")).http;
            assert_eq!(http.tokens[0].secret.expose_secret(), "0123456789abcdef");
            assert_eq!(http.tokens[0].role, TokenRole::Operator);
            assert!(!format!("{http:?}").contains("0123456789abcdef"));
        }
        for bind in ["127.0.0.1:0", "[::1]:8080", "[::ffff:127.0.0.1]:8080"] {
            assert_eq!(settings(&format!("[http]\nbind = '{bind}'\nauth = 'none'")).http.auth, Auth::None);
        }
    }

    #[test]
    fn a_token_is_long_and_its_name_its_own() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(codes(&token(&dir, "a", "0123456789abcde")), ["E-short-token http.token[0].file"]);
        let twice =
            format!("{}{}", token(&dir, "b", "0123456789abcdef"), token(&dir, "b", "0123456789abcdeX"));
        assert_eq!(codes(&twice), ["E-duplicate-name http.token[1].name"]);
        assert_eq!(codes(&token(&dir, "on call", "0123456789abcdef")), ["E-bad-name http.token[0].name"]);
    }

    #[test]
    fn hosts_are_names_in_lower_case() {
        assert_eq!(
            settings("[http]\nhosts = ['Orgwatch.Example.com']").http.hosts,
            BTreeSet::from(["orgwatch.example.com".to_owned()])
        );
        assert_eq!(codes("[http]\nhosts = ['https://orgwatch.example.com']"), ["E-bad-value http.hosts"]);
    }

    #[test]
    fn certificate_and_key_come_together_and_can_be_used() {
        assert_eq!(codes("[http]\ntls_cert = '/etc/cert.pem'"), ["E-tls http.tls_cert"]);
        let both = "[http]\ntls_cert = '/nonexistent/cert.pem'\ntls_key = '/nonexistent/key.pem'";
        assert_eq!(codes(both), ["E-tls http.tls_cert"]);
        assert!(settings("").http.tls.is_none());
    }

    #[test]
    fn proxies_are_addresses_or_networks_and_never_everybody() {
        let proxies =
            |list: &str| settings(&format!("[http]\ntrusted_proxies = [{list}]")).http.trusted_proxies;
        let named = proxies("'10.0.0.7', '10.1.0.0/16', 'fd00:1::/64', '::ffff:192.0.2.1'");
        let named: Vec<String> = named.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["10.0.0.7/32", "10.1.0.0/16", "fd00:1::/64", "192.0.2.1/32"]);
        let wrong =
            "[http]\ntrusted_proxies = ['0.0.0.0/0', '10.0.0.0/8', 'proxy.example', '::/0', '10.0.0.1/33']";
        let places = [0, 2, 3, 4].map(|i| format!("E-bad-value http.trusted_proxies[{i}]"));
        assert_eq!(codes(wrong), places);
    }

    #[test]
    fn users_are_known_by_a_proxy_that_is_trusted_alone() {
        let proxy = "trusted_proxies = ['10.0.0.7']";
        for bind in ["127.0.0.1:8080", "0.0.0.0:8080"] {
            let with = |rest: &str| format!("[http]\nbind = '{bind}'\nauth = 'proxy'\n{rest}");
            assert_eq!(codes(&with("")), ["E-no-proxy http.auth"]);
            let http =
                settings(&with(&format!("{proxy}\noperators = ['alice']\nuser_header = 'X-User'"))).http;
            assert_eq!((http.auth, http.user_header.as_str()), (Auth::Proxy, "x-user"));
            assert!(http.operators.contains("alice"));
        }
        for header in ["", "Cookie", "x user", "X-Forwarded-For"] {
            let text = format!("[http]\nuser_header = '{header}'");
            assert_eq!(codes(&text), ["E-bad-value http.user_header"], "{header}");
        }
        let alone =
            crate::config::parse("[central]\naccount_id = '222222222222'\n[http]\noperators = ['alice']", []);
        let codes: Vec<&str> = alone.unwrap().warnings.iter().map(|problem| problem.code).collect();
        assert!(codes.contains(&"W-no-proxy"), "{codes:?}");
    }
}
