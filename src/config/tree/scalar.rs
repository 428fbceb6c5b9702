//! One scalar and what it reads as: the core schema of YAML 1.2 (§10.3.2) for plain ones.

use std::borrow::Cow;
use zeroize::Zeroize;

/// A scalar as it stands in the file, `${NAME}` filled in.
#[derive(Clone)]
pub(in crate::config) struct Scalar<'t> {
    text: Cow<'t, str>,
    form: Form,
}

/// How a scalar came about, which decides what it may be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Form {
    /// Written without quotes: a number, a truth value, nothing, or text.
    Plain,
    /// Written in quotes or as a block: text.
    Quoted,
    /// The name of an entry: text, or whatever is asked for.
    Name,
    /// Filled from the environment: text, or whatever is asked for. Never shown.
    Filled,
}

/// What a scalar says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) enum Reading {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or an exponent, or a whole one too large for [`Reading::Integer`].
    Float(f64),
    /// Anything else.
    Text,
}

impl<'t> Scalar<'t> {
    pub(in crate::config) const fn new(text: Cow<'t, str>, form: Form) -> Self {
        Self { text, form }
    }

    /// The characters, whatever they read as.
    pub(in crate::config) fn text(&self) -> &str {
        &self.text
    }

    /// The characters again, shared with the file where they stand there as they are.
    pub(in crate::config) fn share(&self) -> Cow<'t, str> {
        self.text.clone()
    }

    pub(in crate::config) const fn form(&self) -> Form {
        self.form
    }

    /// What it reads as when nothing in particular is asked for.
    pub(in crate::config) fn reading(&self) -> Reading {
        match self.form {
            Form::Plain => read(&self.text),
            Form::Quoted | Form::Name | Form::Filled => Reading::Text,
        }
    }

    /// What it reads as when something else than text is asked for.
    pub(in crate::config) fn reading_beyond_text(&self) -> Reading {
        match self.form {
            Form::Plain | Form::Name | Form::Filled => read(&self.text),
            Form::Quoted => Reading::Text,
        }
    }
}

impl Drop for Scalar<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            text.zeroize();
        }
    }
}

fn read(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Reading::Null,
        "true" | "True" | "TRUE" => Reading::Bool(true),
        "false" | "False" | "FALSE" => Reading::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Reading::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Reading::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Reading::Float(f64::NEG_INFINITY),
        _ => read_number(text).unwrap_or(Reading::Text),
    }
}

fn read_number(text: &str) -> Option<Reading> {
    if let Some(digits) = text.strip_prefix("0x") {
        return read_radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return read_radix(digits, 8);
    }
    let number = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(number) {
        return None;
    }
    let integer = text.parse().map(Reading::Integer).ok();
    integer.or_else(|| text.parse().map(Reading::Float).ok())
}

fn read_radix(digits: &str, radix: u32) -> Option<Reading> {
    // The parser of the standard library would take a sign here, the core schema does not.
    let plain = !digits.starts_with(['+', '-']);
    plain.then(|| i128::from_str_radix(digits, radix).ok()).flatten().map(Reading::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, reading) in [
            ("", Reading::Null),
            ("~", Reading::Null),
            ("true", Reading::Bool(true)),
            ("FALSE", Reading::Bool(false)),
            ("0", Reading::Integer(0)),
            ("-19", Reading::Integer(-19)),
            ("+5", Reading::Integer(5)),
            ("007", Reading::Integer(7)),
            ("0o14", Reading::Integer(12)),
            ("0xFf", Reading::Integer(255)),
            ("1.50", Reading::Float(1.5)),
            ("-.5", Reading::Float(-0.5)),
            ("12e03", Reading::Float(12_000.0)),
            ("99999999999999999999999999999999999999999", Reading::Float(1e41)),
            (".inf", Reading::Float(f64::INFINITY)),
        ] {
            assert_eq!(Scalar::new(text.into(), Form::Plain).reading(), reading, "{text}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        for text in
            ["yes", "No", "on", "5m", "64KiB", "1_000", "0x", "0x-1", "0b1", "-", ".", "+", "e5", "1.2.3", "nan", "inf", "1 2", "::1"]
        {
            assert_eq!(Scalar::new(text.into(), Form::Plain).reading(), Reading::Text, "{text}");
        }
        assert_eq!(Scalar::new("5".into(), Form::Quoted).reading_beyond_text(), Reading::Text);
    }

    #[test]
    fn values_of_the_environment_read_as_what_is_asked() {
        let port = Scalar::new("8080".into(), Form::Filled);
        assert_eq!(port.reading(), Reading::Text);
        assert_eq!(port.reading_beyond_text(), Reading::Integer(8080));
    }
}
