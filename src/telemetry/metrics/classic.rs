//! Prometheus's own text format, written from OpenMetrics: the same series, each under the name that is declared.

/// Types of OpenMetrics whose series end in more than the declared name, with that end and the type that it is here.
const ENDINGS: [(&str, &str, &str); 2] = [("counter", "_total", "counter"), ("info", "_info", "gauge")];

/// The metrics of `open`, which is OpenMetrics, in the older format.
pub(super) fn of(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + open.len() / 16);
    // Help stands before the type that says what the name becomes.
    let mut help = None;
    for line in open.lines() {
        let mut parts = line.splitn(4, ' ');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("#"), Some("HELP"), Some(_), words) => help = words,
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let ending = ENDINGS.iter().find(|(open, ..)| *open == kind);
                let (ending, kind) = ending.map_or(("", kind), |(_, ending, kind)| (*ending, *kind));
                let help = help.take().unwrap_or_default();
                text += &format!("# HELP {name}{ending} {help}\n# TYPE {name}{ending} {kind}\n");
            }
            // Units stand in the names, and the end is where the text ends.
            (Some("#"), ..) => {}
            _ => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::telemetry::metrics::{Format, tests as fixture};

    #[test]
    fn counters_and_facts_are_declared_under_the_names_of_their_series() {
        let open = "# HELP a_seconds Time.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
                    a_seconds_sum 1.0\n# HELP b Calls.\n# TYPE b counter\nb_total{x=\"y z\"} 3\n\
                    # HELP c The program.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        insta::assert_snapshot!(of(open), @r#"
        # HELP a_seconds Time.
        # TYPE a_seconds histogram
        a_seconds_sum 1.0
        # HELP b_total Calls.
        # TYPE b_total counter
        b_total{x="y z"} 3
        # HELP c_info The program.
        # TYPE c_info gauge
        c_info{v="1"} 1
        "#);
    }

    /// What `promtool check metrics` says of a text; none where this machine has none and need not have one.
    fn promtool(text: &str) -> Option<Result<(), String>> {
        let child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if std::env::var_os("CI").is_none() => {
                println!("not run: promtool (Debian's package prometheus) cannot be started: {error}");
                return None;
            }
            Err(error) => panic!("promtool (Debian's package prometheus) cannot be started: {error}"),
        };
        // It reads all before it answers; the pipe is closed as it is dropped.
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        Some(if output.status.success() && told.is_empty() { Ok(()) } else { Err(told) })
    }

    #[test]
    fn promtool_finds_nothing_to_say_of_the_metrics() {
        let (_sender, metrics) = fixture::metrics();
        fixture::all_used(&metrics);
        let text = metrics.encode_as(Format::Classic);
        assert!(text.lines().filter(|line| !line.starts_with('#')).count() > 40, "{text}");
        let Some(checked) = promtool(&text) else { return };
        assert_eq!(checked, Ok(()), "{text}");
        // It would not notice that there is nothing; but it does notice what is wrong.
        assert!(promtool("# TYPE orgwatch_build info\n").is_some_and(|told| told.is_err()));
    }
}
