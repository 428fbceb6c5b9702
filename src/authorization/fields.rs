//! Which names and fields an expression may use, and what it can be: one over what does not exist, or one that is
//! no truth value, would be false for everybody, without a word.

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

/// The fields of `principal`.
pub(super) const PRINCIPAL: [&str; 5] = ["scheme", "issuer", "subject", "claims", "scopes"];
/// The fields of `request`.
pub(super) const REQUEST: [&str; 4] = ["method", "host", "path", "query"];
/// The field of `principal` that has fields itself, of any name.
const CLAIMS: &str = "claims";
/// What `a[b]` calls.
const INDEX: &str = "_[_]";
/// What operators and functions give that never give a truth value.
const NO_TRUTH: &[(&str, &str)] = &[
    ("_+_", "the result of `+`"),
    ("_-_", "the result of `-`"),
    ("_*_", "the result of `*`"),
    ("_/_", "the result of `/`"),
    ("_%_", "the result of `%`"),
    ("-_", "the result of `-`"),
    ("size", "a number"),
    ("int", "a number"),
    ("uint", "a number"),
    ("double", "a number"),
    ("indexOf", "a number"),
    ("lastIndexOf", "a number"),
    ("string", "a text"),
    ("charAt", "a text"),
    ("format", "a text"),
    ("join", "a text"),
    ("lowerAscii", "a text"),
    ("replace", "a text"),
    ("substring", "a text"),
    ("trim", "a text"),
    ("upperAscii", "a text"),
    ("bytes", "octets"),
    ("split", "a list"),
    ("type", "a type"),
];

/// What a part of an expression is, as far as that is known.
#[derive(Clone, Copy)]
enum Kind {
    Principal,
    Claims,
    Request,
    Text,
    /// Something else that is never true or false, in words.
    NoTruth(&'static str),
    /// Anything, such as true or false.
    Other,
}

impl Kind {
    /// What it is, if it is certainly neither true nor false.
    const fn no_truth(self) -> Option<&'static str> {
        match self {
            Self::Principal | Self::Claims | Self::Request => Some("a map"),
            Self::Text => Some("a text"),
            Self::NoTruth(what) => Some(what),
            Self::Other => None,
        }
    }
}

/// Looks for what keeps an expression from ever being true.
///
/// # Errors
/// The first name in it that stands for nothing, or what stands in the place of a truth value, in words.
pub(super) fn examine(expression: &IdedExpr) -> Result<(), String> {
    match (Walk { bound: Vec::new() }).kind(expression)?.no_truth() {
        Some(what) => Err(format!("{what} in the place of true or false")),
        None => Ok(()),
    }
}

/// A walk through an expression.
struct Walk<'e> {
    /// Names that the expression itself gives, such as `s` in `exists(s, …)`.
    bound: Vec<&'e str>,
}

impl<'e> Walk<'e> {
    fn kind(&mut self, expression: &'e IdedExpr) -> Result<Kind, String> {
        match &expression.expr {
            Expr::Ident(name) => self.named(name),
            Expr::Select(SelectExpr { operand, field, test }) => {
                let kind = field_of(self.kind(operand)?, field)?;
                Ok(if *test { Kind::Other } else { kind })
            }
            Expr::Call(call) => match (&*call.func_name, &*call.args) {
                (INDEX, [of, name]) => self.indexed(of, name),
                (name, args) => self.called(name, call.target.as_deref().into_iter().chain(args)),
            },
            Expr::Comprehension(each) => self.comprehension(each),
            Expr::List(list) => self.all(&list.elements).map(|()| Kind::NoTruth("a list")),
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr)).map(|()| Kind::NoTruth("a map")),
            Expr::Struct(fields) => self.entries(fields.entries.iter().map(|entry| &entry.expr)).map(|()| Kind::Other),
            Expr::Literal(literal) => Ok(literal_kind(literal)),
            Expr::Unspecified => Ok(Kind::Other),
        }
    }

    fn named(&self, name: &str) -> Result<Kind, String> {
        match name {
            _ if self.bound.contains(&name) => Ok(Kind::Other),
            "principal" => Ok(Kind::Principal),
            "request" => Ok(Kind::Request),
            "route" => Ok(Kind::Text),
            _ => Err(format!("`{name}`, which names nothing")),
        }
    }

    fn all(&mut self, parts: impl IntoIterator<Item = &'e IdedExpr>) -> Result<(), String> {
        parts.into_iter().try_for_each(|part| self.kind(part).map(|_| ()))
    }

    /// What a function or an operator gives. One that needs a truth value where there is none is never true.
    fn called(&mut self, name: &str, parts: impl Iterator<Item = &'e IdedExpr>) -> Result<Kind, String> {
        let parts = parts.map(|part| self.kind(part).map(Kind::no_truth)).collect::<Result<Vec<_>, _>>()?;
        let never = match (name, &*parts) {
            ("!_" | "_&&_", parts) => parts.iter().find_map(|part| *part),
            ("_||_", [one, other]) => one.and(*other),
            ("_?_:_", [asked, yes, no]) => asked.or(yes.and(*no)),
            _ => NO_TRUTH.iter().find(|(known, _)| *known == name).map(|(_, what)| *what),
        };
        Ok(never.map_or(Kind::Other, Kind::NoTruth))
    }

    fn entries(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) -> Result<(), String> {
        self.all(entries.flat_map(|entry| match entry {
            EntryExpr::StructField(field) => [None, Some(&field.value)].into_iter().flatten(),
            EntryExpr::MapEntry(entry) => [Some(&entry.key), Some(&entry.value)].into_iter().flatten(),
        }))
    }

    fn comprehension(&mut self, each: &'e ComprehensionExpr) -> Result<Kind, String> {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, loop_cond, loop_step, result } = each;
        self.all([iter_range, accu_init])?;
        let before = self.bound.len();
        self.bound.extend([iter_var, accu_var].into_iter().chain(iter_var2).map(String::as_str));
        self.all([loop_cond, loop_step, result])?;
        self.bound.truncate(before);
        // `map` and `filter` gather a list and give it; `all` and `exists` give a truth value.
        let gathers = matches!((&accu_init.expr, &result.expr), (Expr::List(_), Expr::Ident(given)) if given == accu_var);
        Ok(if gathers { Kind::NoTruth("a list") } else { Kind::Other })
    }

    fn indexed(&mut self, of: &'e IdedExpr, name: &'e IdedExpr) -> Result<Kind, String> {
        match (self.kind(of)?, &name.expr) {
            (of @ (Kind::Principal | Kind::Request | Kind::Claims), Expr::Literal(LiteralValue::String(name))) => {
                field_of(of, name.inner())
            }
            (Kind::Claims, _) => self.kind(name).map(|_| Kind::Text),
            _ => self.kind(name).map(|_| Kind::Other),
        }
    }
}

const fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Other,
        LiteralValue::Bytes(_) => Kind::NoTruth("octets"),
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::NoTruth("a number"),
        LiteralValue::Null => Kind::NoTruth("null"),
        LiteralValue::String(_) => Kind::NoTruth("a text"),
    }
}

fn field_of(of: Kind, field: &str) -> Result<Kind, String> {
    let told = |name: &str, known: &[&str]| Err(format!("`{name}.{field}`, where `{name}` has {}", listed(known)));
    match of {
        Kind::Principal if field == CLAIMS => Ok(Kind::Claims),
        Kind::Principal if field == "scopes" => Ok(Kind::NoTruth("a list")),
        Kind::Principal if PRINCIPAL.contains(&field) => Ok(Kind::Text),
        Kind::Principal => told("principal", &PRINCIPAL),
        Kind::Request if REQUEST.contains(&field) => Ok(Kind::Text),
        Kind::Request => told("request", &REQUEST),
        Kind::Claims => Ok(Kind::Text),
        Kind::Text => Err(format!("`.{field}` of a text, which has no fields")),
        Kind::NoTruth(_) | Kind::Other => Ok(Kind::Other),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
