//! Log lines on standard error: text for a person at a terminal, one JSON object a line for everything else.

use std::io::IsTerminal;
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text when standard error is a terminal, JSON when it is not.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directive is neither a level nor a list of `target=level`.
    #[error(
        "`{directive}` is no log level: {why}; \
         write off, error, warn, info, debug or trace, or for single parts `info,orgwatch::http=debug`"
    )]
    Directive {
        /// The directive as it was given.
        directive: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something in this process has started logging before.
    #[error("logging was started already")]
    AlreadyStarted(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// Nothing in this process has started logging, so nothing can be changed about it.
    #[error("logging was not started")]
    NotStarted,
}

/// Sends every event that `directive` lets through to standard error, from now on and in the whole process.
pub fn start(format: Format, directive: &str) -> Result<(), LogError> {
    let stderr = std::io::stderr();
    let json = match format {
        Format::Auto => !stderr.is_terminal(),
        Format::Text => false,
        Format::Json => true,
    };
    // `NO_COLOR`, `CLICOLOR` and a dumb terminal are honoured by the same rules as for all other output.
    let colour = AutoStream::choice(&stderr) != ColorChoice::Never;
    let (filter, handle) = reload::Layer::new(filter(directive)?);
    let subscriber = subscriber(json, colour, filter, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber)?;
    // A second start has failed above.
    let _first = CURRENT.set(handle);
    Ok(())
}

/// What lets events through in this process, once logging was started.
static CURRENT: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// From now on sends what `directive` lets through.
pub fn change(directive: &str) -> Result<(), LogError> {
    let filter = filter(directive)?;
    let handle = CURRENT.get().ok_or(LogError::NotStarted)?;
    handle.reload(filter).map_err(|_| LogError::NotStarted)
}

fn filter(directive: &str) -> Result<EnvFilter, LogError> {
    let refused = |why: String| LogError::Directive { directive: directive.to_owned(), why };
    // The filter takes a misspelt level for the name of a target and then logs nothing at all.
    for part in directive.split(',').map(str::trim).filter(|p| !p.contains(['=', '['])) {
        let known = !part.is_empty() && part.parse::<LevelFilter>().is_ok();
        known.then_some(()).ok_or_else(|| refused(format!("`{part}` is not known")))?;
    }
    EnvFilter::try_new(directive).map_err(|error| refused(error.to_string()))
}

fn subscriber<W, F>(json: bool, colour: bool, filter: F, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    F: Filter<Registry> + Send + Sync + 'static,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if json {
        // The innermost span carries the account; a list of all spans would repeat it in every line.
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        lines.with_ansi(colour).boxed()
    };
    Box::new(tracing_subscriber::registry().with(lines.with_filter(filter.and(filter_fn(holds_no_secret)))))
}

/// Crates that carry our requests, by how their names begin.
const WIRE: [&str; 6] = ["aws_", "h2", "hyper", "reqwest", "rustls", "tower"];

/// Below info these write whole requests and answers, and with them external ids, endpoints and credentials. No
/// directive brings that back.
fn holds_no_secret(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !WIRE.iter().any(|name| metadata.target().starts_with(name))
}

#[cfg(test)]
pub(crate) mod captured {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::DefaultGuard;

    use super::{filter, subscriber};

    /// What this thread logs while `guard` lives.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(crate) fn lines(json: bool, directive: &str) -> (Lines, DefaultGuard) {
        // Without a subscriber for all threads, a place in the code that another test's thread meets first is
        // remembered as one that nobody listens to.
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).ok();
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(json, false, filter(directive).unwrap(), move || writer.clone());
        (lines, tracing::subscriber::set_default(subscriber))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn written(json: bool, directive: &str, say: impl FnOnce()) -> String {
        let (lines, _guard) = captured::lines(json, directive);
        say();
        lines.text()
    }

    #[test]
    fn a_json_line_is_one_object_with_its_fields_and_the_span_it_was_said_in() {
        let line = written(true, "info", || {
            let _pass = tracing::info_span!("pass", account.id = "333333333333").entered();
            tracing::info!(plan.changes = 2, "Applied 2 changes\nin one pass");
        });
        assert_eq!(line.lines().count(), 1);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "Applied 2 changes\nin one pass");
        assert_eq!(line["plan.changes"], 2);
        assert_eq!(line["span"]["account.id"], "333333333333");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_text_line_has_no_escapes_where_colour_is_off() {
        let line = written(false, "info", || tracing::warn!(region = "eu-central-1", "Not seen"));
        assert!(line.contains("WARN") && line.contains("Not seen region=\"eu-central-1\""), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[test]
    fn the_directive_decides_what_is_written() {
        let say = || {
            tracing::debug!("one");
            tracing::debug!(target: "loud", "two");
        };
        assert_eq!(written(false, "info", say), "");
        let line = written(false, "info,loud=debug", say);
        assert!(line.contains("two") && !line.contains("one"), "{line}");
    }

    #[test]
    fn a_misspelt_level_is_refused_with_the_levels_that_there_are() {
        for bad in ["inof", "info,noisy", "orgwatch=loud", ""] {
            let error = filter(bad).unwrap_err().to_string();
            assert!(error.contains("debug or trace"), "{bad}: {error}");
        }
    }

    #[test]
    fn what_goes_over_the_wire_is_written_at_no_level() {
        let line = written(false, "trace,aws_smithy_runtime=trace", || {
            tracing::debug!(target: "aws_smithy_runtime::client", "Policy=..., ExternalId=...");
            tracing::trace!(target: "hyper::proto", "x-amz-security-token: ...");
            tracing::warn!(target: "aws_config::profile", "No such profile");
            tracing::trace!(target: "orgwatch::aws", "Asked");
        });
        assert!(line.contains("No such profile") && line.contains("Asked"), "{line}");
        assert_eq!(line.lines().count(), 2, "{line}");
    }
}
