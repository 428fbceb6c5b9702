//! What operators give, and what they can do nothing with.

use super::kind::{Kind, Sort};

/// Whether the compiler's name for what is called is that of an operator: names of functions have no signs in them.
pub(super) fn is_operator(name: &str) -> bool {
    name.contains(|character: char| !character.is_alphanumeric() && !matches!(character, '_' | '.'))
}

/// What an operator gives, by the name that the compiler has for it.
///
/// # Errors
/// It can do nothing with these parts, in words.
pub(super) fn applied(name: &str, parts: &[Kind]) -> Result<Kind, String> {
    match (name, parts) {
        ("_||_" | "_&&_" | "!_", _) => truth_of(parts),
        ("_?_:_", [asked, yes, no]) => conditional(asked, yes, no),
        ("_==_", [one, other]) => equal("==", one.sort(), other.sort()),
        // Of what is absent nothing can be computed, so that this asks whether it is there.
        ("_!=_", [one, other]) if [one.sort(), other.sort()].contains(&Sort::Null) => Ok(Kind::Of(Sort::Truth)),
        ("_!=_", [one, other]) => equal("!=", one.sort(), other.sort()),
        ("_<_", [one, other]) => ordered("<", one.sort(), other.sort()),
        ("_<=_", [one, other]) => ordered("<=", one.sort(), other.sort()),
        ("_>_", [one, other]) => ordered(">", one.sort(), other.sort()),
        ("_>=_", [one, other]) => ordered(">=", one.sort(), other.sort()),
        ("@in", [_, of]) => within(of.sort()),
        _ => Ok(unjudged(name)),
    }
}

/// What an operator gives whatever its parts are.
fn unjudged(name: &str) -> Kind {
    match name {
        "@not_strictly_false" => Kind::Of(Sort::Truth),
        "_?._" | "_[?_]" => Kind::Of(Sort::Optional),
        "_+_" => Kind::NoTruth("the result of `+`"),
        "_-_" | "-_" => Kind::NoTruth("the result of `-`"),
        "_*_" => Kind::NoTruth("the result of `*`"),
        "_/_" => Kind::NoTruth("the result of `/`"),
        "_%_" => Kind::NoTruth("the result of `%`"),
        _ => Kind::ANY,
    }
}

fn truth_of(parts: &[Kind]) -> Result<Kind, String> {
    parts.iter().try_for_each(Kind::may_be_truth).map(|()| Kind::Of(Sort::Truth))
}

fn conditional(asked: &Kind, yes: &Kind, no: &Kind) -> Result<Kind, String> {
    asked.may_be_truth()?;
    Ok(match (yes.no_truth(), no.no_truth()) {
        _ if yes.sort() == no.sort() && yes.sort() != Sort::Any => Kind::Of(no.sort()),
        (Some(_), Some(what)) => Kind::NoTruth(what),
        _ => Kind::ANY,
    })
}

/// What is never equal is always unequal: either way the expression would not ask what its author meant.
fn equal(operator: &str, one: Sort, other: Sort) -> Result<Kind, String> {
    if one.fits(other) {
        return Ok(Kind::Of(Sort::Truth));
    }
    Err(format!("`{operator}` between {} and {}, which are never equal", one.words(), other.words()))
}

fn ordered(operator: &str, one: Sort, other: Sort) -> Result<Kind, String> {
    if one.fits(other) {
        return Ok(Kind::Of(Sort::Truth));
    }
    Err(format!("`{operator}` between {} and {}, which cannot be compared", one.words(), other.words()))
}

fn within(of: Sort) -> Result<Kind, String> {
    match of {
        Sort::List | Sort::Map | Sort::Any => Ok(Kind::Of(Sort::Truth)),
        Sort::Text | Sort::Number | Sort::Truth | Sort::Octets | Sort::Null | Sort::Type | Sort::Optional => {
            Err(format!("`in` before {}, which is no list; `split` makes one of a text", of.words()))
        }
    }
}
