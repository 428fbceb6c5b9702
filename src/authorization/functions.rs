//! The functions that expressions may call: one that does not exist would be missed at the first request only.

use super::kind::{Kind, Sort};
use Sort::{Any, List, Map, Number, Octets, Optional, Text, Truth, Type};
use Style::{Alone, OnValue};

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// By itself: `size(x)`.
    Alone,
    /// On a value, which counts as the first that it takes: `x.size()`.
    OnValue,
}

/// A way to call a function.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) style: Style,
    pub(super) takes: &'static [Sort],
    pub(super) gives: Sort,
}

const fn function(style: Style, name: &'static str, takes: &'static [Sort], gives: Sort) -> Function {
    Function { name, style, takes, gives }
}

/// The functions of the environment.
pub(super) const FUNCTIONS: &[Function] = &[
    function(OnValue, "startsWith", &[Text, Text], Truth),
    function(OnValue, "endsWith", &[Text, Text], Truth),
    function(OnValue, "contains", &[Text, Text], Truth),
    function(OnValue, "size", &[Text], Number),
    function(OnValue, "size", &[List], Number),
    function(OnValue, "size", &[Map], Number),
    function(OnValue, "size", &[Octets], Number),
    function(OnValue, "split", &[Text, Text], List),
    function(OnValue, "split", &[Text, Text, Number], List),
    function(OnValue, "join", &[List], Text),
    function(OnValue, "join", &[List, Text], Text),
    function(OnValue, "lowerAscii", &[Text], Text),
    function(OnValue, "upperAscii", &[Text], Text),
    function(OnValue, "trim", &[Text], Text),
    function(OnValue, "replace", &[Text, Text, Text], Text),
    function(OnValue, "replace", &[Text, Text, Text, Number], Text),
    function(OnValue, "substring", &[Text, Number], Text),
    function(OnValue, "substring", &[Text, Number, Number], Text),
    function(OnValue, "charAt", &[Text, Number], Text),
    function(OnValue, "indexOf", &[Text, Text], Number),
    function(OnValue, "indexOf", &[Text, Text, Number], Number),
    function(OnValue, "lastIndexOf", &[Text, Text], Number),
    function(OnValue, "lastIndexOf", &[Text, Text, Number], Number),
    function(OnValue, "reverse", &[Text], Text),
    function(OnValue, "format", &[Text, List], Text),
    function(OnValue, "hasValue", &[Optional], Truth),
    function(OnValue, "value", &[Optional], Any),
    function(OnValue, "or", &[Optional, Optional], Optional),
    function(OnValue, "orValue", &[Optional, Any], Any),
    function(Alone, "size", &[Text], Number),
    function(Alone, "size", &[List], Number),
    function(Alone, "size", &[Map], Number),
    function(Alone, "size", &[Octets], Number),
    function(Alone, "int", &[Number], Number),
    function(Alone, "int", &[Text], Number),
    function(Alone, "uint", &[Number], Number),
    function(Alone, "uint", &[Text], Number),
    function(Alone, "double", &[Number], Number),
    function(Alone, "double", &[Text], Number),
    function(Alone, "bool", &[Truth], Truth),
    function(Alone, "bool", &[Text], Truth),
    function(Alone, "string", &[Text], Text),
    function(Alone, "string", &[Number], Text),
    function(Alone, "string", &[Truth], Text),
    function(Alone, "string", &[Octets], Text),
    function(Alone, "bytes", &[Text], Octets),
    function(Alone, "bytes", &[Octets], Octets),
    function(Alone, "type", &[Any], Type),
    function(Alone, "dyn", &[Any], Any),
    function(Alone, "strings.quote", &[Text], Text),
    function(Alone, "optional.of", &[Any], Optional),
    function(Alone, "optional.ofNonZeroValue", &[Any], Optional),
    function(Alone, "optional.none", &[], Optional),
];

/// What the compiler replaces by other expressions, with the number of parts, and so leaves as a call where that is wrong.
pub(super) const MACROS: &[(&str, Style, usize)] = &[
    ("has", Alone, 1),
    ("exists", OnValue, 3),
    ("exists_one", OnValue, 3),
    ("existsOne", OnValue, 3),
    ("all", OnValue, 3),
    ("map", OnValue, 3),
    ("map", OnValue, 4),
    ("filter", OnValue, 3),
    ("optMap", OnValue, 3),
    ("optFlatMap", OnValue, 3),
];

/// Looks for a function, by how it is called and how many arguments it gets.
///
/// # Errors
/// That there is no such function, or none that is called in this way.
pub(super) fn find(name: &str, style: Style, arguments: usize) -> Result<(), String> {
    let ways: Vec<(Style, usize)> = ways().filter(|(known, ..)| *known == name).map(|(_, style, count)| (style, count)).collect();
    if ways.is_empty() {
        return Err(format!("`{name}`, which names nothing; {}", there_are(style)));
    }
    if !ways.iter().any(|(known, _)| *known == style) {
        return Err(match style {
            Alone => format!("`{name}` called by itself, where it is called on a value, as in `x.{name}()`"),
            OnValue => format!("`{name}` called on a value, where it is called by itself, as in `{name}(x)`"),
        });
    }
    if !ways.contains(&(style, arguments + on_value(style))) {
        return Err(format!("`{name}` with the wrong number of arguments: {}", counted(&ways, style)));
    }
    Ok(())
}

/// What a function gives for parts of these kinds, the value that it is called on first.
///
/// # Errors
/// It takes none such, in words.
pub(super) fn given(name: &str, style: Style, parts: &[Kind]) -> Result<Kind, String> {
    let takes = |one: &&Function| {
        let fits = |(taken, part): (&Sort, &Kind)| taken.fits(part.sort());
        one.name == name && one.style == style && one.takes.len() == parts.len() && one.takes.iter().zip(parts).all(fits)
    };
    // All ways to call one function give the same.
    FUNCTIONS.iter().find(takes).map(|one| Kind::Of(one.gives)).ok_or_else(|| {
        let parts: Vec<_> = parts.iter().map(|part| part.sort().words()).collect();
        format!("`{name}` over {}, which it does not take", parts.join(" and "))
    })
}

fn ways() -> impl Iterator<Item = (&'static str, Style, usize)> {
    let functions = FUNCTIONS.iter().map(|one| (one.name, one.style, one.takes.len()));
    functions.chain(MACROS.iter().copied())
}

/// The functions there are, for who misspelt one.
fn there_are(style: Style) -> String {
    let mut names: Vec<_> = ways().filter(|(_, known, _)| *known == style).map(|(name, ..)| name).collect();
    names.dedup();
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let how = match style {
        Alone => "by itself",
        OnValue => "on a value",
    };
    format!("what is called {how} is {}", names.join(", "))
}

/// How many of the parts of a call are no arguments.
const fn on_value(style: Style) -> usize {
    match style {
        Alone => 0,
        OnValue => 1,
    }
}

/// How many arguments a function takes; the value that it is called on is none of them.
fn counted(ways: &[(Style, usize)], style: Style) -> String {
    let mut counts: Vec<_> =
        ways.iter().filter(|(known, _)| *known == style).map(|(_, count)| count.saturating_sub(on_value(style))).collect();
    counts.dedup();
    let counts: Vec<_> = counts.iter().map(usize::to_string).collect();
    format!("it takes {}", counts.join(" or "))
}
