//! Why an expression could not be computed, without anything of the request in it.

use cel::ExecutionError as E;

/// The failure in words for logs. Most of the interpreter's own quote values, which are the request's; so does what it
/// says of them in the messages of functions.
pub(super) fn in_words(error: &E) -> Box<str> {
    if let E::NoSuchOverload(overload) = error {
        // A function and the types of its arguments.
        return overload.to_string().into();
    }
    if let E::FunctionError { function, .. } = error {
        return format!("an error of the function `{function}`").into();
    }
    kind(error).into()
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the interpreter adds kinds of errors")]
const fn kind(error: &E) -> &'static str {
    match error {
        E::NoSuchKey(_) => "a key that is not in the map",
        E::IndexOutOfBounds(_) => "an index beyond the end of the list",
        E::DivisionByZero(_) | E::RemainderByZero(_) => "a division by zero",
        E::Overflow(..) => "a number that is too large",
        E::DuplicateKey(_) => "a map with one key twice",
        E::UnsupportedBinaryOperator(..) | E::ValuesNotComparable(..) => "an operator between values that it does not take",
        E::UnexpectedType { .. } | E::UnsupportedTargetType { .. } | E::UnsupportedIndex(..) | E::UnsupportedKeyType(_) => {
            "a value of a type that is not taken there"
        }
        E::UndeclaredReference(_) | E::NotSupportedAsMethod { .. } => "a name that stands for nothing",
        _ => "an error of the interpreter",
    }
}
