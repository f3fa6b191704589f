//! How far a long command has come, on standard error.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where there is no terminal, a line is written at most this often.
const INTERVAL: Duration = Duration::from_secs(5);

/// A bar on a terminal, a plain line every few seconds elsewhere. Shared by reference between tasks.
pub struct Progress(Shown);

enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

struct Lines {
    out: Box<dyn Write + Send>,
    title: String,
    done: u64,
    total: u64,
    interval: Duration,
    last: Instant,
}

impl Progress {
    /// Begins to show `title` with nothing of `total` done.
    pub fn new(title: &str, total: u64) -> Self {
        let bar = ProgressBar::new(total).with_prefix(title.to_owned());
        // indicatif hides a bar whose stream is no terminal.
        if bar.is_hidden() {
            return Self::lines(title, total, INTERVAL, Box::new(io::stderr()));
        }
        Self(Shown::Bar(bar.with_style(bar_style())))
    }

    fn lines(title: &str, total: u64, interval: Duration, out: Box<dyn Write + Send>) -> Self {
        let title = title.to_owned();
        Self(Shown::Lines(Mutex::new(Lines { out, title, done: 0, total, interval, last: Instant::now() })))
    }

    /// Counts one more as done and shows `what` it was.
    pub fn done_one(&self, what: &str) {
        match &self.0 {
            Shown::Bar(bar) => {
                bar.set_message(super::style::clean(what));
                bar.inc(1);
            }
            Shown::Lines(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).done_one(),
        }
    }

    /// Runs `print` with the bar out of the way.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.0 {
            Shown::Bar(bar) => bar.suspend(print),
            Shown::Lines(_) => print(),
        }
    }

    /// Takes the bar away, or writes the last line.
    pub fn finish(self) {
        match self.0 {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines(lines) => lines.into_inner().unwrap_or_else(PoisonError::into_inner).write(),
        }
    }
}

impl Lines {
    fn done_one(&mut self) {
        self.done += 1;
        if self.last.elapsed() >= self.interval && self.done < self.total {
            self.last = Instant::now();
            self.write();
        }
    }

    fn write(&mut self) {
        // Nobody reads a closed standard error, and the work goes on without it.
        writeln!(self.out, "{}: {} of {}", self.title, self.done, self.total).ok();
    }
}

#[expect(clippy::expect_used, reason = "the template is a constant that a test renders")]
fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {bar:30} {pos} of {len}  {wide_msg}")
        .expect("the template is well formed")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn run(interval: Duration) -> String {
        let written = Written::default();
        let progress = Progress::lines("Observing", 3, interval, Box::new(written.clone()));
        for account in ["a", "b", "c"] {
            progress.done_one(account);
        }
        progress.finish();
        written.text()
    }

    #[test]
    fn a_pipe_gets_a_plain_line_now_and_then_and_one_at_the_end() {
        assert_eq!(run(Duration::ZERO), "Observing: 1 of 3\nObserving: 2 of 3\nObserving: 3 of 3\n");
        assert_eq!(run(Duration::from_secs(3600)), "Observing: 3 of 3\n");
    }

    #[test]
    fn work_that_ends_early_says_how_far_it_came() {
        let written = Written::default();
        let progress = Progress::lines("Applying", 3, INTERVAL, Box::new(written.clone()));
        progress.done_one("a");
        progress.finish();
        assert_eq!(written.text(), "Applying: 1 of 3\n");
    }

    #[test]
    fn a_terminal_gets_a_bar_that_no_name_can_break_out_of() {
        let bar = ProgressBar::hidden().with_style(bar_style());
        let progress = Progress(Shown::Bar(bar.clone()));
        progress.done_one("333333333333\u{1b}[2J");
        assert_eq!((bar.position(), bar.message()), (1, "333333333333[2J".to_owned()));
        progress.finish();
        assert!(bar.is_finished());
    }
}
