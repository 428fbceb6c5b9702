//! What operators give, and what they can do nothing with.

use super::kind::{Kind, Sort};

/// Whether the compiler's name for what is called is that of an operator: names of functions have no signs in them.
pub(super) fn is_operator(name: &str) -> bool {
    name.contains(|character: char| !character.is_alphanumeric() && !matches!(character, '_' | '.'))
}

/// What an operator gives, by the name that the compiler has for it.
pub(super) fn applied(name: &str, parts: &[Kind]) -> Kind {
    match (name, parts) {
        ("_||_", [one, other]) => or(one, other),
        ("_?_:_", [asked, yes, no]) => conditional(asked, yes, no),
        ("_&&_", parts) => and(parts),
        ("@not_strictly_false", _) => Kind::Of(Sort::Truth),
        ("_?._" | "_[?_]", _) => Kind::Of(Sort::Optional),
        _ => parts.iter().find_map(Kind::failed).unwrap_or_else(|| strict(name, parts)),
    }
}

/// What an operator gives that needs each of its parts, none of which fails.
fn strict(name: &str, parts: &[Kind]) -> Kind {
    match (name, parts) {
        ("!_", [part]) => part.no_truth().map_or(Kind::Of(Sort::Truth), misplaced),
        ("_==_", [one, other]) => equal(one.sort(), other.sort()),
        ("_!=_", _) => Kind::Of(Sort::Truth),
        ("_<_", [one, other]) => ordered("<", one.sort(), other.sort()),
        ("_<=_", [one, other]) => ordered("<=", one.sort(), other.sort()),
        ("_>_", [one, other]) => ordered(">", one.sort(), other.sort()),
        ("_>=_", [one, other]) => ordered(">=", one.sort(), other.sort()),
        ("@in", [_, of]) => within(of.sort()),
        ("_+_", _) => Kind::NoTruth("the result of `+`"),
        ("_-_" | "-_", _) => Kind::NoTruth("the result of `-`"),
        ("_*_", _) => Kind::NoTruth("the result of `*`"),
        ("_/_", _) => Kind::NoTruth("the result of `/`"),
        ("_%_", _) => Kind::NoTruth("the result of `%`"),
        _ => Kind::ANY,
    }
}

fn misplaced(what: &str) -> Kind {
    Kind::Failed(format!("{what} in the place of true or false").into())
}

/// One part that is never true is enough; it may yet be false, and its negation true.
fn and(parts: &[Kind]) -> Kind {
    let no_truth = parts.iter().find_map(Kind::no_truth).map(misplaced);
    no_truth.or_else(|| parts.iter().find_map(Kind::never).map(Kind::NeverTrue)).unwrap_or(Kind::Of(Sort::Truth))
}

fn or(one: &Kind, other: &Kind) -> Kind {
    match (one.never(), other.never()) {
        (Some(why), Some(_)) if matches!((one, other), (Kind::NeverTrue(_), Kind::NeverTrue(_))) => Kind::NeverTrue(why),
        (Some(why), Some(_)) => Kind::Failed(why),
        _ => Kind::Of(Sort::Truth),
    }
}

fn conditional(asked: &Kind, yes: &Kind, no: &Kind) -> Kind {
    if let Some(failed) = asked.no_truth().map(misplaced).or_else(|| asked.failed()) {
        return failed;
    }
    let yes = if matches!(asked, Kind::NeverTrue(_)) { no } else { yes };
    match (yes.no_truth(), no.no_truth()) {
        _ if yes.sort() == no.sort() && yes.sort() != Sort::Any => Kind::Of(no.sort()),
        (Some(_), Some(what)) => Kind::NoTruth(what),
        _ => yes.never().and(no.never()).map_or(Kind::ANY, Kind::NeverTrue),
    }
}

fn equal(one: Sort, other: Sort) -> Kind {
    if one.fits(other) {
        return Kind::Of(Sort::Truth);
    }
    Kind::NeverTrue(format!("`==` between {} and {}, which are never equal", one.words(), other.words()).into())
}

fn ordered(operator: &str, one: Sort, other: Sort) -> Kind {
    if one.fits(other) {
        return Kind::Of(Sort::Truth);
    }
    let (one, other) = (one.words(), other.words());
    Kind::Failed(format!("`{operator}` between {one} and {other}, which cannot be compared").into())
}

fn within(of: Sort) -> Kind {
    match of {
        Sort::List | Sort::Map | Sort::Any => Kind::Of(Sort::Truth),
        Sort::Text | Sort::Number | Sort::Truth | Sort::Octets | Sort::Null | Sort::Type | Sort::Optional => {
            Kind::Failed(format!("`in` before {}, which is no list; `split` makes one of a text", of.words()).into())
        }
    }
}
