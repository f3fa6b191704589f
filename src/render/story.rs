//! What happens, told line by line: when, who, what.

use jiff::Timestamp;

use super::phrase::count;
use super::style::{Page, Style, Tone};

/// Whom a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Somebody who changes something.
    Others,
    /// The daemon.
    Orgwatch,
    /// Somebody who is told.
    Alert,
    /// How things stand.
    Status,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// Whom it is about.
    pub voice: Voice,
    /// Their name.
    pub who: String,
    /// What they do, without a full stop.
    pub what: String,
}

/// The columns of the time, and of the name.
const TIME: usize = 10;
const WHO: usize = 15;

/// The line for a reader; long ones are wrapped below their beginning.
pub fn line(line: &Line, style: Style) -> String {
    let mut page = Page::new(style);
    let (tone, text) = match line.voice {
        Voice::Others => (Tone::Warn, Tone::Plain),
        Voice::Orgwatch => (Tone::Good, Tone::Plain),
        Voice::Alert => (Tone::Bad, Tone::Plain),
        Voice::Status => (Tone::Faint, Tone::Strong),
    };
    let time = line.at.strftime("%H:%M:%S").to_string();
    page.put(Tone::Faint, format!("{time:<TIME$}")).put(tone, format!("{:<1$}", line.who, WHO - 2));
    page.put(Tone::Plain, "  ").hanging(TIME + WHO, text, &line.what);
    page.finish()
}

/// What a reader should know before it begins.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// How many accounts there are.
    pub accounts: usize,
    /// Where page and API are, as `http://127.0.0.1:8080`.
    pub url: &'a str,
    /// What would play the same again.
    pub seed: u64,
}

/// The first lines.
pub fn opening(opening: &Opening<'_>, style: Style) -> String {
    let Opening { accounts, url, seed } = opening;
    let mut page = Page::new(style);
    let what =
        format!("orgwatch in a simulated AWS organization of {accounts} accounts, in which things go wrong.");
    page.prose(0, Tone::Strong, what);
    page.prose(
        0,
        Tone::Plain,
        "The daemon is the real one; AWS is not: no AWS account is used, no credentials of yours are read, and nothing \
         leaves this machine.",
    );
    page.gap();
    page.labelled(2, 8, "page", Tone::Strong, format!("{url}/"));
    page.labelled(2, 8, "API", Tone::Plain, format!("{url}/api/v1/status"));
    page.labelled(2, 8, "again", Tone::Plain, format!("--seed {seed}"));
    page.labelled(2, 8, "end", Tone::Plain, "Ctrl-C");
    page.gap();
    page.finish()
}

/// What happened while it ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What others did.
    pub deeds: usize,
    /// Accounts that were put right again.
    pub repairs: usize,
    /// Writing calls of the daemon.
    pub writes: usize,
    /// Alerts that arrived by mail.
    pub alerts: usize,
}

/// The last line.
pub fn closing(tally: &Tally, style: Style) -> String {
    let Tally { deeds, repairs, writes, alerts } = *tally;
    let mut page = Page::new(style);
    page.line(0, Tone::Plain, "").prose(
        0,
        Tone::Strong,
        format!(
            "Ended: {} by others, {} by orgwatch with {} in all, {} by mail.",
            count(deeds, "deed"),
            count(repairs, "repair"),
            count(writes, "writing call"),
            count(alerts, "alert"),
        ),
    );
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disabled() -> Line {
        Line {
            at: "2026-11-20T13:02:11.9Z".parse().unwrap(),
            voice: Voice::Others,
            who: "mallory".to_owned(),
            what: "disables the rule orgwatch-iam-changes in Payments Production (333333333333)".to_owned(),
        }
    }

    #[test]
    fn a_line_has_time_name_and_deed_in_columns() {
        insta::assert_snapshot!(
            line(&disabled(), Style::PLAIN),
            @"13:02:11  mallory        disables the rule orgwatch-iam-changes in Payments Production (333333333333)"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_it_below_its_beginning() {
        let told = line(&disabled(), Style { colour: false, width: Some(60) });
        insta::assert_snapshot!(told, @r"
        13:02:11  mallory        disables the rule
                                 orgwatch-iam-changes in Payments
                                 Production (333333333333)
        ");
        assert!(told.lines().all(|line| line.chars().count() <= 60), "{told}");
    }

    #[test]
    fn colour_changes_no_letter_and_names_cannot_steer_the_terminal() {
        let mut named = disabled();
        named.what = "creates the account \u{1b}[2Jpay".to_owned();
        let coloured = line(&named, Style { colour: true, width: None });
        assert!(coloured.contains("\u{1b}[33m"), "{coloured:?}");
        assert!(!coloured.contains("\u{1b}[2J"), "{coloured:?}");
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), line(&named, Style::PLAIN));
    }

    #[test]
    fn the_closing_counts_in_good_english() {
        let tally = Tally { deeds: 1, repairs: 0, writes: 40, alerts: 1 };
        let expected = "\nEnded: 1 deed by others, 0 repairs by orgwatch with 40 writing calls in all, 1 alert by mail.\n";
        assert_eq!(closing(&tally, Style::PLAIN), expected);
    }

    #[test]
    fn the_opening_says_what_it_is_where_it_is_and_how_it_ends() {
        let opening = Opening { accounts: 40, url: "http://127.0.0.1:8080", seed: 7 };
        insta::assert_snapshot!(self::opening(&opening, Style { colour: false, width: Some(80) }), @r"
        orgwatch in a simulated AWS organization of 40 accounts, in which things go
          wrong.
        The daemon is the real one; AWS is not: no AWS account is used, no credentials
          of yours are read, and nothing leaves this machine.

          page    http://127.0.0.1:8080/
          API     http://127.0.0.1:8080/api/v1/status
          again   --seed 7
          end     Ctrl-C
        ");
    }
}
