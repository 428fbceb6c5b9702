//! What is wrong with how an expression is written, in words of our own: the parser speaks of its grammar.

use cel::ParseErrors;

/// What the parser says before whatever does not follow the grammar.
const OF_GRAMMAR: &str = "Syntax error: ";
/// The most characters of an expression that are repeated.
const LONGEST: usize = 32;

/// Why an expression does not hold. What was expected is empty where any other expression would do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) found: Box<str>,
    pub(super) expected: Box<str>,
    /// What may have been meant; empty where nobody can tell.
    pub(super) meant: &'static str,
}

impl From<String> for Mistake {
    fn from(found: String) -> Self {
        Self { found: found.into(), expected: "".into(), meant: "" }
    }
}

/// The first thing that is wrong; what comes after it is often its consequence.
pub(super) fn mistake(errors: &ParseErrors, text: &str) -> Mistake {
    let place = errors.errors.first().and_then(|error| Some((error, Place::of(text, error.pos)?)));
    let Some((error, place)) = place else { return Mistake::from("an expression that cannot be compiled".to_owned()) };
    Mistake { found: place.told(text).into(), expected: expected(&error.msg, place.rest).into(), meant: meant(&place) }
}

/// A place in an expression; lines and columns count from 1, columns in characters.
struct Place<'t> {
    line: usize,
    column: usize,
    before: &'t str,
    rest: &'t str,
}

impl<'t> Place<'t> {
    fn of(text: &'t str, (line, column): (isize, isize)) -> Option<Self> {
        let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
        let of_line = text.split('\n').nth(line.checked_sub(1)?)?;
        let start = of_line.char_indices().nth(column.checked_sub(1)?).map_or(of_line.len(), |(start, _)| start);
        let (before, rest) = of_line.split_at_checked(start)?;
        Some(Self { line, column, before, rest })
    }

    fn told(&self, text: &str) -> String {
        let token = token(self.rest);
        if token.is_empty() {
            return "the end of the expression".to_owned();
        }
        let line = if text.contains('\n') { format!("line {}, ", self.line) } else { String::new() };
        format!("`{token}` in {line}column {} of the expression", self.column)
    }
}

/// What stands at the beginning: a word, a text in quotes, an operator, or one character.
fn token(rest: &str) -> &str {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let length = match rest.chars().next() {
        Some(first) if is_word(first) => rest.chars().take_while(|character| is_word(*character)).map(char::len_utf8).sum(),
        Some(quote @ ('"' | '\'')) => rest.match_indices(quote).nth(1).map_or(rest.len(), |(end, _)| end.saturating_add(1)),
        Some(_) if ["&&", "||", "==", "!=", "<=", ">="].iter().any(|operator| rest.starts_with(operator)) => 2,
        Some(first) => first.len_utf8(),
        None => 0,
    };
    let most = rest.char_indices().nth(LONGEST).map_or(rest.len(), |(end, _)| end);
    rest.get(..length.min(most)).unwrap_or(rest)
}

fn expected(message: &str, rest: &str) -> String {
    let Some(message) = message.strip_prefix(OF_GRAMMAR) else { return of_meaning(message).to_owned() };
    if message.starts_with("token recognition error") {
        let of_text = rest.starts_with(['"', '\'']);
        return if of_text { "the quotation mark that ends this text" } else { "an operator or a value" }.to_owned();
    }
    if message.starts_with("no viable alternative at input '.") {
        return "a name after the dot".to_owned();
    }
    if let Some((missing, _)) = message.strip_prefix("missing ").and_then(|missing| missing.rsplit_once(" at ")) {
        return named(missing);
    }
    message.rsplit_once(" expecting ").map(|(_, set)| of_set(set)).unwrap_or_default()
}

/// Mistakes of another kind; empty for those that have no better words.
fn of_meaning(message: &str) -> &'static str {
    if message.starts_with("reserved identifier") {
        "another name: CEL keeps this one for itself"
    } else if message.starts_with("invalid ") && message.ends_with(" literal") {
        "a number of 64 bits"
    } else if message.starts_with("argument must be a simple name") {
        "a name for each element, as in `list.exists(x, x == 'a')`"
    } else {
        ""
    }
}

/// What the grammar has a place for, as the parser lists it: `{<EOF>, '==', IDENTIFIER}`, or one of these alone.
fn of_set(set: &str) -> String {
    if set.contains("IDENTIFIER") {
        let or_end = if set.contains("']'") { ", or `]`" } else { "" };
        return format!("a value, such as a name, a text in quotation marks or a number{or_end}");
    }
    if set.contains("'&&'") || set == "<EOF>" {
        let or_end = if set.contains("<EOF>") { ", or the end of the expression" } else { "" };
        return format!("an operator, such as `==` or `&&`{or_end}");
    }
    set.trim_matches(['{', '}']).split(", ").map(named).collect::<Vec<_>>().join(" or ")
}

fn named(one: &str) -> String {
    format!("`{}`", one.trim_matches('\''))
}

/// What is written so in other languages.
fn meant(place: &Place<'_>) -> &'static str {
    match token(place.rest) {
        "and" | "&" => "`&&`",
        "or" | "|" => "`||`",
        "=" => "`==`",
        "\u{201c}" | "\u{201d}" | "\u{2018}" | "\u{2019}" => "`'` or `\"`",
        _ if place.before.split_whitespace().next_back() == Some("not") => "`!` in the place of `not`",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::expression::ENVIRONMENT;
    use super::*;

    fn told(text: &str) -> String {
        let Mistake { found, expected, meant } = mistake(&ENVIRONMENT.compile(text).err().unwrap(), text);
        let meant = if meant.is_empty() { String::new() } else { format!("; {meant}?") };
        format!("{found}, expected {expected}{meant}")
    }

    #[test]
    fn what_does_not_follow_the_grammar_is_told_in_words() {
        let (end, operator) = ("the end of the expression", "an operator, such as `==` or `&&`, or the end of the expression");
        let value = "a value, such as a name, a text in quotation marks or a number";
        for (text, wanted) in [
            ("route == 'a' and true", format!("`and` in column 14 of the expression, expected {operator}; `&&`?")),
            ("route = 'a'", "`=` in column 7 of the expression, expected an operator or a value; `==`?".to_owned()),
            ("route == 'a' | true", "`|` in column 14 of the expression, expected an operator or a value; `||`?".to_owned()),
            ("not true", format!("`true` in column 5 of the expression, expected {operator}; `!` in the place of `not`?")),
            ("(route == 'a'", format!("{end}, expected `)`")),
            ("route == 'a')", format!("`)` in column 13 of the expression, expected {operator}")),
            ("route ==", format!("{end}, expected {value}")),
            ("route\n  ==\n  && true", format!("`&&` in line 3, column 3 of the expression, expected {value}")),
            ("", format!("{end}, expected {value}")),
            ("route == 'abc", "`'abc` in column 10 of the expression, expected the quotation mark that ends this text".to_owned()),
            ("'a' in [", format!("{end}, expected {value}, or `]`")),
            ("'a' in ['b' 'c']", "`'c'` in column 13 of the expression, expected `]` or `,`".to_owned()),
            ("principal.", format!("{end}, expected a name after the dot")),
            ("principal.claims.'r' == ''", "`'r'` in column 18 of the expression, expected a name after the dot".to_owned()),
            (
                "route == \u{201c}a\u{201d}",
                "`\u{201c}` in column 10 of the expression, expected an operator or a value; `'` or `\"`?".to_owned(),
            ),
            ("if == 'a'", "`if` in column 1 of the expression, expected another name: CEL keeps this one for itself".to_owned()),
            ("99999999999999999999 == 1", "`99999999999999999999` in column 1 of the expression, expected a number of 64 bits".to_owned()),
        ] {
            assert_eq!(told(text), wanted, "{text}");
        }
        let [long, eof] = [format!("true '{}'", "x".repeat(100)), "EOF".to_owned()];
        assert!(told(&long).len() < 200 && !told(&long).contains(&eof));
    }
}
