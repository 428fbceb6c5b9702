//! What an expression does before it is computed: one over what does not exist, or one that compares what is never
//! alike or is no truth value, would say the same of everybody, without a word.

use super::functions::{self, FUNCTIONS, Style};
use super::kind::{Kind, Sort};
use super::operators;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

/// The fields of `principal`.
pub(super) const PRINCIPAL: [&str; 5] = ["scheme", "issuer", "subject", "claims", "scopes"];
/// The fields of `request`.
pub(super) const REQUEST: [&str; 4] = ["method", "host", "path", "query"];
/// The field of `principal` that has fields itself, of any name.
const CLAIMS: &str = "claims";
/// What `a[b]` calls.
const INDEX: &str = "_[_]";

/// What an expression was found to do.
#[derive(Debug)]
pub(super) struct Examined {
    /// It reads claims, which may be absent.
    pub(super) reads_claims: bool,
}

/// Looks for what is certainly a mistake in an expression.
///
/// # Errors
/// The first that is found, in words.
pub(super) fn examine(expression: &IdedExpr) -> Result<Examined, String> {
    let mut walk = Walk { bound: Vec::new(), reads_claims: false };
    walk.kind(expression)?.may_be_truth()?;
    Ok(Examined { reads_claims: walk.reads_claims })
}

/// A walk through an expression.
struct Walk<'e> {
    /// Names that the expression itself gives, such as `s` in `exists(s, …)`.
    bound: Vec<&'e str>,
    reads_claims: bool,
}

impl<'e> Walk<'e> {
    fn kind(&mut self, expression: &'e IdedExpr) -> Result<Kind, String> {
        match &expression.expr {
            Expr::Ident(name) => self.named(name),
            Expr::Select(SelectExpr { operand, field, test }) => {
                let of = self.kind(operand)?;
                let kind = self.field(&of, field)?;
                Ok(if *test { Kind::Of(Sort::Truth) } else { kind })
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(each) => self.comprehension(each),
            Expr::List(list) => self.holding(Sort::List, list.elements.iter()),
            Expr::Map(map) => {
                self.all(map.entries.iter().filter_map(|entry| key(&entry.expr)))?;
                self.holding(Sort::Map, map.entries.iter().map(|entry| value(&entry.expr)))
            }
            Expr::Struct(fields) => self.all(fields.entries.iter().map(|entry| value(&entry.expr))).map(|()| Kind::ANY),
            Expr::Literal(literal) => Ok(Kind::Of(literal_sort(literal))),
            Expr::Unspecified => Ok(Kind::ANY),
        }
    }

    fn named(&self, name: &str) -> Result<Kind, String> {
        match name {
            _ if self.bound.contains(&name) => Ok(Kind::ANY),
            "principal" => Ok(Kind::Principal),
            "request" => Ok(Kind::Request),
            "route" => Ok(Kind::Of(Sort::Text)),
            _ => Err(format!("`{name}`, which names nothing")),
        }
    }

    fn all(&mut self, parts: impl IntoIterator<Item = &'e IdedExpr>) -> Result<(), String> {
        parts.into_iter().try_for_each(|part| self.kind(part).map(|_| ()))
    }

    fn kinds(&mut self, parts: impl Iterator<Item = &'e IdedExpr>) -> Result<Vec<Kind>, String> {
        parts.map(|part| self.kind(part)).collect()
    }

    /// A list or a map as it is written.
    fn holding(&mut self, container: Sort, parts: impl Iterator<Item = &'e IdedExpr>) -> Result<Kind, String> {
        let parts = self.kinds(parts)?;
        Ok(match parts.first().map(Kind::sort) {
            // An optional value may stand for what it holds.
            None | Some(Sort::Any | Sort::Optional) => Kind::Of(container),
            Some(sort) if parts.iter().all(|part| part.sort() == sort) => Kind::Holding(container, sort),
            Some(_) => Kind::Of(container),
        })
    }

    fn call(&mut self, call: &'e CallExpr) -> Result<Kind, String> {
        if let (INDEX, [of, name]) = (&*call.func_name, &*call.args) {
            return self.indexed(of, name);
        }
        if operators::is_operator(&call.func_name) {
            return operators::applied(&call.func_name, &self.kinds(call.args.iter())?);
        }
        let (name, style, target) = match (self.qualified(call), &call.target) {
            (Some(name), _) => (name, Style::Alone, None),
            (None, Some(target)) => (&*call.func_name, Style::OnValue, Some(&**target)),
            (None, None) => (&*call.func_name, Style::Alone, None),
        };
        functions::find(name, style, call.args.len())?;
        let parts = self.kinds(target.into_iter().chain(&call.args))?;
        functions::given(name, style, &parts)
    }

    /// The function whose name has a dot in it, such as `optional.of`.
    fn qualified(&self, call: &CallExpr) -> Option<&'static str> {
        let Expr::Ident(space) = &call.target.as_deref()?.expr else { return None };
        let mut names = FUNCTIONS.iter().map(|one| one.name).filter(|name| name.split_once('.') == Some((space, &call.func_name)));
        if self.bound.contains(&&**space) { None } else { names.next() }
    }

    fn comprehension(&mut self, each: &'e ComprehensionExpr) -> Result<Kind, String> {
        let ComprehensionExpr { iter_range, iter_var, iter_var2, accu_var, accu_init, loop_cond, loop_step, result } = each;
        let over = self.kind(iter_range)?;
        self.all([accu_init])?;
        let before = self.bound.len();
        self.bound.extend([iter_var, accu_var].into_iter().chain(iter_var2).map(String::as_str));
        self.all([loop_cond, loop_step, result])?;
        self.bound.truncate(before);
        if ![Sort::List, Sort::Map].iter().any(|sort| sort.fits(over.sort())) {
            return Err(format!("each element of {}, which has none; `split` makes a list of a text", over.sort().words()));
        }
        // `map` and `filter` gather a list and give it; `all` and `exists` give a truth value.
        let gathers = matches!((&accu_init.expr, &result.expr), (Expr::List(_), Expr::Ident(given)) if given == accu_var);
        Ok(if gathers { Kind::Of(Sort::List) } else { Kind::ANY })
    }

    fn indexed(&mut self, of: &'e IdedExpr, name: &'e IdedExpr) -> Result<Kind, String> {
        let of = self.kind(of)?;
        if let (Kind::Principal | Kind::Request | Kind::Claims, Expr::Literal(LiteralValue::String(name))) = (&of, &name.expr) {
            return self.field(&of, name.inner());
        }
        self.kind(name)?;
        self.reads_claims |= matches!(of, Kind::Principal);
        Ok(match of {
            Kind::Claims => Kind::Of(Sort::Text),
            Kind::Holding(_, sort) => Kind::Of(sort),
            Kind::Of(Sort::Text) => return Err("`[…]` after a text, which has no elements; `split` makes a list of it".into()),
            Kind::Of(Sort::Optional) => of,
            Kind::Principal | Kind::Request | Kind::Of(_) | Kind::NoTruth(_) => Kind::ANY,
        })
    }

    fn field(&mut self, of: &Kind, field: &str) -> Result<Kind, String> {
        let told = |name: &str, known: &[&str]| Err(format!("`{name}.{field}`, where `{name}` has {}", listed(known)));
        self.reads_claims |= matches!(of, Kind::Principal) && field == CLAIMS;
        match of {
            Kind::Principal if field == CLAIMS => Ok(Kind::Claims),
            Kind::Principal if field == "scopes" => Ok(Kind::Of(Sort::List)),
            Kind::Principal if PRINCIPAL.contains(&field) => Ok(Kind::Of(Sort::Text)),
            Kind::Principal => told("principal", &PRINCIPAL),
            Kind::Request if REQUEST.contains(&field) => Ok(Kind::Of(Sort::Text)),
            Kind::Request => told("request", &REQUEST),
            Kind::Claims => Ok(Kind::Of(Sort::Text)),
            Kind::Of(Sort::Text) => Err(format!("`.{field}` of a text, which has no fields")),
            Kind::Holding(Sort::Map, sort) => Ok(Kind::Of(*sort)),
            Kind::Of(Sort::Optional) => Ok(*of),
            Kind::Of(_) | Kind::Holding(..) | Kind::NoTruth(_) => Ok(Kind::ANY),
        }
    }
}

const fn key(entry: &EntryExpr) -> Option<&IdedExpr> {
    match entry {
        EntryExpr::StructField(_) => None,
        EntryExpr::MapEntry(entry) => Some(&entry.key),
    }
}

const fn value(entry: &EntryExpr) -> &IdedExpr {
    match entry {
        EntryExpr::StructField(field) => &field.value,
        EntryExpr::MapEntry(entry) => &entry.value,
    }
}

const fn literal_sort(literal: &LiteralValue) -> Sort {
    match literal {
        LiteralValue::Boolean(_) => Sort::Truth,
        LiteralValue::Bytes(_) => Sort::Octets,
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Sort::Number,
        LiteralValue::Null => Sort::Null,
        LiteralValue::String(_) => Sort::Text,
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
