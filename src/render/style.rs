//! How text is dressed for its reader, and the one place that text from elsewhere is made harmless in.

use std::fmt::Display;

use anstream::{AutoStream, ColorChoice};
use anstyle::AnsiColor;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use textwrap::WordSplitter;

/// How text is dressed: decided once at the edge, then handed to every renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
    /// The columns that lines are wrapped at; none leaves each row of a table on one line, as programs like it.
    pub width: Option<u16>,
}

impl Style {
    /// Without colour, not wrapped.
    pub const PLAIN: Self = Self { colour: false, width: None };

    /// For standard output as it is: coloured only on a terminal unless `choice` decides, and then only if
    /// NO_COLOR and its kin do not object.
    pub fn of_stdout(choice: ColorChoice) -> Self {
        let colour = match choice {
            ColorChoice::Never => false,
            ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
            ColorChoice::Auto => AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
        };
        // A table without a width of its own knows the terminal's.
        Self { colour, width: Table::new().width() }
    }
}

/// What a piece of text means to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
}

impl Tone {
    fn ansi(self) -> anstyle::Style {
        let style = anstyle::Style::new();
        match self {
            Self::Plain => style,
            Self::Strong => style.bold(),
            Self::Faint => style.dimmed(),
            Self::Good => style.fg_color(Some(AnsiColor::Green.into())),
            Self::Warn => style.fg_color(Some(AnsiColor::Yellow.into())),
            Self::Bad => style.fg_color(Some(AnsiColor::Red.into())),
        }
    }

    fn dress(self, cell: Cell) -> Cell {
        match self {
            Self::Plain => cell,
            Self::Strong => cell.add_attribute(Attribute::Bold),
            Self::Faint => cell.add_attribute(Attribute::Dim),
            Self::Good => cell.fg(Color::DarkGreen),
            Self::Warn => cell.fg(Color::DarkYellow),
            Self::Bad => cell.fg(Color::DarkRed),
        }
    }
}

/// `text` without what could steer the reader's terminal or reorder what is read: control characters,
/// marks of writing direction and characters of no width. Line breaks and tabs become spaces.
///
/// Anybody who may name an account or tag a rule chooses text that we print.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => None,
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

/// Text under construction. Whatever is put on it is cleaned, then coloured if the style says so.
pub(super) struct Page {
    style: Style,
    text: String,
    /// What stands for what, while a text that is the same for several accounts is written.
    stand_in: Option<(String, &'static str)>,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self { style, text: String::new(), stand_in: None }
    }

    /// From here on writes `instead` wherever `original` stands; `None` ends it.
    pub(super) fn stand_in(&mut self, pair: Option<(String, &'static str)>) {
        self.stand_in = pair;
    }

    /// Adds a piece to the current line.
    pub(super) fn put(&mut self, tone: Tone, text: impl Display) -> &mut Self {
        let text = self.prepared(text);
        let ansi = tone.ansi();
        if self.style.colour && tone != Tone::Plain {
            self.text.push_str(&format!("{ansi}{text}{ansi:#}"));
        } else {
            self.text.push_str(&text);
        }
        self
    }

    /// Ends the current line.
    pub(super) fn end(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// Adds a whole line that is never wrapped.
    pub(super) fn line(&mut self, indent: usize, tone: Tone, text: impl Display) -> &mut Self {
        self.text.push_str(&" ".repeat(indent));
        self.put(tone, text).end()
    }

    /// Adds a sentence, wrapped at the style's width, whose further lines are indented by two more.
    pub(super) fn prose(&mut self, indent: usize, tone: Tone, text: impl Display) -> &mut Self {
        let text = self.prepared(text);
        for (n, line) in self.wrapped(&text, indent + 2).into_iter().enumerate() {
            self.line(if n == 0 { indent } else { indent + 2 }, tone, line);
        }
        self
    }

    /// Adds a text behind a label that is `column` wide, wrapped into lines that stand below each other.
    pub(super) fn labelled(
        &mut self,
        indent: usize,
        column: usize,
        label: &str,
        tone: Tone,
        text: impl Display,
    ) {
        let text = self.prepared(text);
        for (n, line) in self.wrapped(&text, indent + column).into_iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            self.put(Tone::Faint, format!("{:indent$}{label:<column$}", "")).put(tone, line).end();
        }
    }

    /// Adds a text behind what stands on the line already, wrapped into lines that begin at the column `indent`.
    #[cfg(feature = "demo")]
    pub(super) fn hanging(&mut self, indent: usize, tone: Tone, text: impl Display) {
        let text = self.prepared(text);
        for (n, line) in self.wrapped(&text, indent).into_iter().enumerate() {
            let before = if n == 0 { 0 } else { indent };
            self.line(before, tone, line);
        }
    }

    /// `text` in lines that leave `indent` columns free. Neither names nor ARNs are ever broken.
    fn wrapped(&self, text: &str, indent: usize) -> Vec<String> {
        let room =
            self.style.width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(indent).max(20));
        let options =
            textwrap::Options::new(room).break_words(false).word_splitter(WordSplitter::NoHyphenation);
        textwrap::wrap(text, options).into_iter().map(String::from).collect()
    }

    /// Adds an empty line, unless there is one already or nothing stands above it.
    pub(super) fn gap(&mut self) -> &mut Self {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.end();
        }
        self
    }

    /// Adds a heading with a gap above it.
    pub(super) fn heading(&mut self, text: impl Display) -> &mut Self {
        self.gap().line(0, Tone::Strong, text)
    }

    /// Adds a table without borders.
    pub(super) fn table(&mut self, header: &[&str], rows: impl IntoIterator<Item = Vec<(Tone, String)>>) {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .force_no_tty()
            .set_header(header.iter().map(|title| Tone::Strong.dress(Cell::new(title))));
        if self.style.colour {
            table.enforce_styling().style_text_only();
        }
        if let Some(width) = self.style.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in rows {
            table.add_row(row.into_iter().map(|(tone, text)| tone.dress(Cell::new(self.prepared(text)))));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// The finished text, which ends with a line break.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn prepared(&self, text: impl Display) -> String {
        let text = clean(&text.to_string());
        match &self.stand_in {
            Some((original, instead)) => text.replace(original.as_str(), instead),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_lose_what_makes_the_terminal_obey_them() {
        assert_eq!(clean("\u{1b}[2Jpay\u{9b}31mroll\u{7}\u{7f}"), "[2Jpay31mroll");
        assert_eq!(clean("two\nlines\tand a tab"), "two lines and a tab");
        assert_eq!(clean("\u{202e}desrever\u{200b}"), "desrever");
        assert_eq!(clean("Zürich 東京 🦀"), "Zürich 東京 🦀");
    }

    proptest! {
        #[test]
        fn nothing_put_on_a_page_can_steer_the_terminal(text in any::<String>()) {
            let mut page = Page::new(Style { colour: false, width: Some(40) });
            page.put(Tone::Bad, &text).end().prose(2, Tone::Plain, &text).line(0, Tone::Good, &text);
            page.heading(&text).table(&["name"], [vec![(Tone::Warn, text.clone())]]);
            prop_assert!(!page.finish().contains(|c: char| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn colour_is_added_only_where_the_style_asks_for_it() {
        let print = |colour| {
            let mut page = Page::new(Style { colour, width: None });
            page.put(Tone::Bad, "gone").end().table(&["a"], [vec![(Tone::Good, "b".to_owned())]]);
            page.finish()
        };
        assert_eq!(print(false), "gone\na\nb\n");
        let coloured = print(true);
        assert!(coloured.starts_with("\u{1b}[31mgone\u{1b}[0m\n"), "{coloured:?}");
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), print(false));
    }

    #[test]
    fn a_sentence_is_wrapped_between_words_and_an_arn_is_never_broken() {
        let mut page = Page::new(Style { colour: false, width: Some(40) });
        page.prose(2, Tone::Plain, "the role arn:aws:iam::333333333333:role/orgwatch-forwarder is not there");
        insta::assert_snapshot!(page.finish(), @r"
        the role
          arn:aws:iam::333333333333:role/orgwatch-forwarder
          is not there
        ");
    }
}
