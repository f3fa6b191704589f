//! Templates of input transformers.

use serde_json::Value;

pub(super) const RULE_ARN: &str = "aws.events.rule-arn";
pub(super) const RULE_NAME: &str = "aws.events.rule-name";
pub(super) const INGESTION_TIME: &str = "aws.events.event.ingestion-time";
pub(super) const EVENT: &str = "aws.events.event";
pub(super) const EVENT_JSON: &str = "aws.events.event.json";
const PREDEFINED: [&str; 5] = [RULE_ARN, RULE_NAME, INGESTION_TIME, EVENT, EVENT_JSON];

/// A template: what is written, with placeholders between.
///
/// AWS: a template is JSON, or text in quotes, a line in quotes for each line of text. **The quotes of text are
/// delivered too**: whoever reads the mail that a topic makes of it sees them. That is what recordings of AWS show and
/// what its users complain of, though the user guide's wording would let one expect otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// Lines of quoted text, not JSON.
    text: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Written(String),
    Placeholder { name: String, quoted: bool },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What AWS says of an undefined variable, and of what is neither JSON nor quoted lines once values stand for the
    /// placeholders.
    pub(super) fn parse(id: &str, template: &str, defined: impl Fn(&str) -> bool) -> Result<Self, String> {
        let text = template.trim_start().starts_with('"');
        let mut pieces = Vec::new();
        let mut written = String::new();
        // The template with a value for each placeholder that stands for one.
        let mut filled = String::new();
        let (mut quoted, mut escaped) = (false, false);
        let mut rest = template;
        while let Some(character) = rest.chars().next() {
            if let Some(name) = placeholder(rest) {
                if !PREDEFINED.contains(&name) && !defined(name) {
                    return Err(format!(
                        "InputTemplate for target {id} contains invalid placeholder {name}."
                    ));
                }
                pieces.push(Piece::Written(std::mem::take(&mut written)));
                pieces.push(Piece::Placeholder { name: name.to_owned(), quoted });
                filled.push_str(if quoted { MARK } else { " null " });
                rest = &rest[name.len() + 2..];
                continue;
            }
            if character == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = character == '\\' && !escaped;
            // AWS: JSON is delivered without the spaces of the template.
            if quoted || text || !character.is_ascii_whitespace() {
                written.push(character);
            }
            filled.push(character);
            rest = &rest[character.len_utf8()..];
        }
        pieces.push(Piece::Written(written));
        if values(&filled).is_none_or(|values| values.is_empty() || values.iter().any(marked_key)) {
            return Err(format!("Invalid InputTemplate for target {id} : [Source: (String)\"{template}\"]."));
        }
        Ok(Self { pieces, text })
    }

    /// The text with values in the place of placeholders.
    ///
    /// AWS: what an event does not have is an empty text; values are not escaped inside quotes; an object or array
    /// inside a line of text loses its quotes. Outside quotes a value is JSON.
    pub(super) fn fill(&self, variable: impl Fn(&str) -> Option<Value>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Written(written) => text.push_str(written),
                Piece::Placeholder { name, quoted } => {
                    let value = variable(name).unwrap_or_else(|| Value::from(""));
                    match value {
                        Value::String(value) if *quoted => text.push_str(&value),
                        value if *quoted && self.text => text.push_str(&value.to_string().replace('"', "")),
                        value => text.push_str(&value.to_string()),
                    }
                }
            }
        }
        text
    }

    /// Whether AWS takes what came of the template: JSON must be JSON, text may be anything.
    pub(super) fn yields_valid(&self, text: &str) -> bool {
        self.text || values(text).is_some()
    }
}

/// Stands for a placeholder inside quotes while a template is checked.
const MARK: &str = "\u{fdd0}";

/// The name of the placeholder that the text begins with. AWS: `<` and `>` cannot be escaped.
fn placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    (!name.contains('\n')).then_some(name)
}

/// The JSON values that stand one behind the other; `None` when it is no JSON.
fn values(text: &str) -> Option<Vec<Value>> {
    // Text as AWS takes it is several documents; a deserializer for one would refuse the second line.
    serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

/// Whether a placeholder stands as the key of an object.
fn marked_key(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains(MARK) || marked_key(value)),
        Value::Array(elements) => elements.iter().any(marked_key),
        _ => false,
    }
}
