//! The constraints that parameters of the query services must satisfy, and how AWS words their violation.

use crate::call::{Call, Refusal, Service};

/// Collects the violations of one call: AWS tells all of them in one `ValidationError`.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    violations: Vec<String>,
}

impl Constraints {
    /// Notes a violation of `constraint` by `value` of the parameter.
    pub(crate) fn violated(&mut self, value: &str, parameter: &str, constraint: &str) {
        let violation = format!(
            "Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
            lower_camel(parameter)
        );
        self.violations.push(violation);
    }

    /// The text must have so many characters.
    pub(crate) fn length(&mut self, value: &str, parameter: &str, least: usize, most: usize) {
        let length = value.chars().count();
        if length < least {
            let constraint = format!("Member must have length greater than or equal to {least}");
            self.violated(value, parameter, &constraint);
        } else if length > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.violated(value, parameter, &constraint);
        }
    }

    /// The number must be in the range.
    pub(crate) fn range(&mut self, value: i64, parameter: &str, least: i64, most: i64) {
        if value < least {
            let constraint = format!("Member must have value greater than or equal to {least}");
            self.violated(&value.to_string(), parameter, &constraint);
        } else if value > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            self.violated(&value.to_string(), parameter, &constraint);
        }
    }

    /// The text must consist of such characters; `pattern` is how AWS writes that.
    pub(crate) fn letters(
        &mut self,
        value: &str,
        parameter: &str,
        pattern: &str,
        allowed: impl Fn(char) -> bool,
    ) {
        if !value.chars().all(allowed) {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.violated(value, parameter, &constraint);
        }
    }

    /// All is well, or one refusal that tells what is not.
    pub(crate) fn verdict(self) -> Result<(), Refusal> {
        let noun = match self.violations.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        let message =
            format!("{} validation {noun} detected: {}", self.violations.len(), self.violations.join("; "));
        Err(Refusal::invalid(Service::Iam, message))
    }
}

/// How violations name a parameter: `RoleName` is `roleName`, `MFASerial` would be `mFASerial`.
fn lower_camel(parameter: &str) -> String {
    let mut letters = parameter.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// What `\w+=,.@-` admits.
pub(crate) fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

/// The name in the parameter must have 1 to `most` characters that names may have.
pub(super) fn name(call: &Call, parameter: &str, most: usize) -> Result<(), Refusal> {
    let value = call.required(parameter)?;
    let mut constraints = Constraints::default();
    constraints.length(value, parameter, 1, most);
    constraints.verdict()?;
    if value.chars().all(is_name_letter) {
        return Ok(());
    }
    let message = format!(
        "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
        lower_camel(parameter)
    );
    Err(Refusal::invalid(Service::Iam, message))
}

/// The path, if one is given, must begin and end with a slash and be of printable ASCII characters.
pub(super) fn path(call: &Call) -> Result<(), Refusal> {
    let Some(path) = call.text("Path") else { return Ok(()) };
    let mut constraints = Constraints::default();
    constraints.length(path, "Path", 1, 512);
    constraints.verdict()?;
    let well_formed = path == "/"
        || (path.len() > 2
            && path.starts_with('/')
            && path.ends_with('/')
            && path.chars().all(|letter| letter.is_ascii_graphic()));
    if well_formed {
        return Ok(());
    }
    let message = "The specified value for path is invalid. It must begin and end with / and contain only \
                   alphanumeric characters and/or / characters.";
    Err(Refusal::invalid(Service::Iam, message))
}

/// The description, if one is given, must be short and of Latin-1 characters.
pub(super) fn description(call: &Call) -> Result<(), Refusal> {
    let Some(description) = call.text("Description") else { return Ok(()) };
    let mut constraints = Constraints::default();
    constraints.length(description, "Description", 0, 1000);
    let pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*";
    constraints.letters(
        description,
        "Description",
        pattern,
        |letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'),
    );
    constraints.verdict()
}

/// The longest session of a role must be one hour to twelve.
pub(super) fn max_session_duration(call: &Call) -> Result<(), Refusal> {
    let Some(seconds) = call.number("MaxSessionDuration") else { return Ok(()) };
    let mut constraints = Constraints::default();
    constraints.range(seconds, "MaxSessionDuration", 3600, 43200);
    constraints.verdict()
}

/// An ARN of a policy must look like an ARN.
pub(super) fn policy_arn(call: &Call, parameter: &str) -> Result<(), Refusal> {
    let arn = call.required(parameter)?;
    let mut constraints = Constraints::default();
    constraints.length(arn, parameter, 20, 2048);
    constraints.verdict()?;
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    match fields[..] {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/") => Ok(()),
        _ => Err(super::refusal::invalid_input(format!("ARN {arn} is not valid."))),
    }
}
