//! Which names and fields an expression may use: what does not exist would make it false for everybody, without a word.

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

/// The fields of `principal`.
pub(super) const PRINCIPAL: [&str; 5] = ["scheme", "issuer", "subject", "claims", "scopes"];
/// The fields of `request`.
pub(super) const REQUEST: [&str; 4] = ["method", "host", "path", "query"];
/// The field of `principal` that has fields itself, of any name.
const CLAIMS: &str = "claims";
/// What `a[b]` calls.
const INDEX: &str = "_[_]";

/// What a part of an expression is, as far as that is known.
#[derive(Clone, Copy)]
enum Kind {
    Principal,
    Claims,
    Request,
    Text,
    Other,
}

/// The first name in an expression that stands for nothing, in words.
pub(super) fn unknown(expression: &IdedExpr) -> Option<String> {
    Walk { bound: Vec::new() }.kind(expression).err()
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
            Expr::Select(SelectExpr { operand, field, .. }) => field_of(self.kind(operand)?, field),
            Expr::Call(call) => match (&*call.func_name, &*call.args) {
                (INDEX, [of, name]) => self.indexed(of, name),
                _ => self.all(call.target.as_deref().into_iter().chain(&call.args)),
            },
            Expr::Comprehension(each) => self.comprehension(each),
            Expr::List(list) => self.all(&list.elements),
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Struct(fields) => self.entries(fields.entries.iter().map(|entry| &entry.expr)),
            Expr::Unspecified | Expr::Literal(_) => Ok(Kind::Other),
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

    fn all(&mut self, parts: impl IntoIterator<Item = &'e IdedExpr>) -> Result<Kind, String> {
        parts.into_iter().try_for_each(|part| self.kind(part).map(|_| ()))?;
        Ok(Kind::Other)
    }

    fn entries(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) -> Result<Kind, String> {
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
        Ok(Kind::Other)
    }

    fn indexed(&mut self, of: &'e IdedExpr, name: &'e IdedExpr) -> Result<Kind, String> {
        match (self.kind(of)?, &name.expr) {
            (of @ (Kind::Principal | Kind::Request | Kind::Claims), Expr::Literal(LiteralValue::String(name))) => {
                field_of(of, name.inner())
            }
            _ => self.kind(name).map(|_| Kind::Other),
        }
    }
}

fn field_of(of: Kind, field: &str) -> Result<Kind, String> {
    let told = |name: &str, known: &[&str]| Err(format!("`{name}.{field}`, where `{name}` has {}", listed(known)));
    match of {
        Kind::Principal if field == CLAIMS => Ok(Kind::Claims),
        Kind::Principal if field == "scopes" => Ok(Kind::Other),
        Kind::Principal if PRINCIPAL.contains(&field) => Ok(Kind::Text),
        Kind::Principal => told("principal", &PRINCIPAL),
        Kind::Request if REQUEST.contains(&field) => Ok(Kind::Text),
        Kind::Request => told("request", &REQUEST),
        Kind::Claims => Ok(Kind::Text),
        Kind::Text => Err(format!("`.{field}` of a text, which has no fields")),
        Kind::Other => Ok(Kind::Other),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
