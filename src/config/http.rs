//! `[http]`: who may ask the daemon.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        /// Nothing; on loopback only.
        None = "none",
    }
    not built: "proxy"
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
        metrics_open,
        tokens = tokens(&mut t),
        tls = tls(&mut t),
    })?;
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
    fn what_is_not_built_is_refused() {
        assert_eq!(codes("[http]\nauth = 'proxy'"), ["E-not-built-yet http.auth"]);
    }
}
