//! Secrets that stand in files of their own, one line each.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reader::{Place, Table};

/// More than any secret has; keeps a wrong path, such as a device, from filling the memory.
const LONGEST: u64 = 16 * 1024;

/// The secret at `key` or in the file at `file_key`; none if neither is set, a problem if both are.
pub(super) fn text_or_file(
    t: &mut Table<'_>,
    key: &'static str,
    file_key: &'static str,
) -> Option<Option<SecretString>> {
    let text: Option<Option<SecretString>> = t.value(key);
    let file: Option<Option<PathBuf>> = t.value(file_key);
    match (text?, file?) {
        (text, None) => Some(text),
        (None, Some(file)) => read(&file, &t.place(file_key)).map(Some),
        (Some(_), Some(_)) => t.place(file_key).bad(
            format!("both {key} and {file_key}"),
            "one of them",
            format!("remove {key} from the configuration to keep the secret in its file"),
        ),
    }
}

/// The one line of the file at `path`, trimmed.
pub(super) fn read(path: &Path, place: &Place<'_>) -> Option<SecretString> {
    let refuse = |found: String| {
        place.report.add(
            "E-secret-file",
            &place.path,
            format!("{}: {found}", path.display()),
            "a readable file of one line that holds the secret",
            "write the secret there, readable only for the user that runs orgwatch",
        )
    };
    let (text, mode) = match contents(path) {
        Ok(contents) => contents,
        Err(error) => return refuse(error.to_string()),
    };
    let line = text.trim();
    if line.is_empty() {
        return refuse("nothing".to_owned());
    }
    if line.lines().count() > 1 || text.len() as u64 > LONGEST {
        return refuse("more than one line".to_owned());
    }
    if mode & 0o004 != 0 {
        place.report.add::<()>(
            "W-world-readable",
            &place.path,
            format!("{}: readable for every user of the machine", path.display()),
            "a file that only the user who runs orgwatch can read",
            format!("chmod o-r {}", path.display()),
        );
    }
    Some(SecretString::from(line))
}

fn contents(path: &Path) -> io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    Ok((text, mode))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::problem::Report;

    /// The secret in a file of this text and mode, and the codes of what was found.
    fn read_file(text: &str, mode: u32) -> (Option<String>, Vec<&'static str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let report = Report::default();
        let secret = read(&path, &Place { path: "http.token[0].file".to_owned(), report: &report });
        let (errors, warnings) = report.into_errors_and_warnings();
        let codes = errors.iter().chain(&warnings).map(|problem| problem.code).collect();
        (secret.map(|secret| secret.expose_secret().to_owned()), codes)
    }

    #[test]
    fn the_one_line_is_trimmed() {
        assert_eq!(read_file("  s3cret \n", 0o600), (Some("s3cret".to_owned()), vec![]));
    }

    #[test]
    fn a_file_that_everybody_can_read_is_used_with_a_warning() {
        assert_eq!(read_file("s3cret", 0o644), (Some("s3cret".to_owned()), vec!["W-world-readable"]));
    }

    #[test]
    fn an_empty_file_and_one_of_several_lines_are_refused() {
        assert_eq!(read_file("\n \n", 0o600), (None, vec!["E-secret-file"]));
        assert_eq!(read_file("a\nb\n", 0o600), (None, vec!["E-secret-file"]));
        assert_eq!(read_file(&"a".repeat(20_000), 0o600), (None, vec!["E-secret-file"]));
    }

    #[test]
    fn a_missing_file_is_named() {
        let report = Report::default();
        let place = Place { path: "http.token[0].file".to_owned(), report: &report };
        assert!(read(Path::new("/nonexistent/token"), &place).is_none());
        assert!(report.into_errors_and_warnings().0[0].found.contains("/nonexistent/token"));
    }
}
