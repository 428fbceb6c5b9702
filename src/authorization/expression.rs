//! Expressions in the Common Expression Language (CEL): no loops without an end, no side effects, no input but these facts.

use super::examine::{Examined, PRINCIPAL, REQUEST, examine};
use super::failure;
use super::judge::RequestFacts;
use super::kind::Sort;
use super::scope;
use super::syntax::{Mistake, mistake};
use crate::scheme::{Insufficiency, Principal};
use cel::objects::{Value, ValueType};
use cel::{Context, Env, ExecutionError, Program, extensions};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

/// What expressions may name.
pub(super) const NAMES: [&str; 3] = ["principal", "request", "route"];
/// The longest expression, in octets: a chain of operators is computed as deep as it is long.
const LONGEST: usize = 1024;

/// The standard functions, and those for texts such as `split`.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    // Nothing is declared before it that it could collide with.
    let _ = environment.add_extension(extensions::strings);
    Arc::new(environment)
});

/// A compiled expression.
pub(super) struct Expression {
    program: Program,
    examined: Examined,
    text: Box<str>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn compile(text: &str) -> Result<Self, Mistake> {
        if text.len() > LONGEST {
            return Err(format!("an expression of {} octets, where {LONGEST} are the most", text.len()).into());
        }
        // The compiler is somebody else's: if it stumbles, that is told like any other mistake.
        let compiled = catch_unwind(|| ENVIRONMENT.compile(text)).map_err(|_| "an expression that cannot be compiled".to_owned())?;
        let program = compiled.map_err(|errors| mistake(&errors, text))?;
        let examined = examine(program.expression())?;
        let expression = Self { program, examined, text: text.into() };
        match expression.compute(HashMap::new(), HashMap::new(), "") {
            Ok(Err(ExecutionError::UndeclaredReference(name))) => Err(format!("`{name}`, which names nothing").into()),
            Ok(Ok(_) | Err(_)) => Ok(expression),
            Err(Stumbled) => Err("an expression that cannot be computed".to_owned().into()),
        }
    }

    /// The expression as it was written.
    pub(super) const fn text(&self) -> &str {
        &self.text
    }

    /// Judges a request: it must be true. What cannot be computed, such as with a claim that is absent, is not.
    ///
    /// # Errors
    /// That it is false, what it is instead of true or false, or why it could not be computed.
    pub(super) fn judge(&self, principal: &Principal, request: &RequestFacts<'_>) -> Result<(), Insufficiency> {
        let failed = |why| Err(Insufficiency::ExpressionNotComputed(why));
        match self.compute(principal_value(principal), request_value(request), request.route) {
            Ok(Ok(Value::Bool(true))) => Ok(()),
            Ok(Ok(Value::Bool(false))) => Err(Insufficiency::Expression),
            Ok(Ok(other)) => Err(Insufficiency::ExpressionNotBoolean(in_words(other.type_of()))),
            Ok(Err(ExecutionError::NoSuchKey(name))) if self.is_absent_claim(&name, principal) => Err(Insufficiency::Expression),
            Ok(Err(error)) => failed(failure::in_words(&error)),
            Err(Stumbled) => failed("the interpreter gave up".into()),
        }
    }

    /// Whether a name that is in no map is that of a claim which this principal has not.
    fn is_absent_claim(&self, name: &str, principal: &Principal) -> bool {
        self.examined.reads_claims && principal.claims().value(name).is_none()
    }

    fn compute(
        &self,
        principal: HashMap<String, Value>,
        request: HashMap<String, Value>,
        route: &str,
    ) -> Result<Result<Value, ExecutionError>, Stumbled> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value("principal", principal);
        context.add_variable_from_value("request", request);
        context.add_variable_from_value("route", route);
        // The interpreter is somebody else's, too: a request is judged whatever becomes of an expression.
        catch_unwind(AssertUnwindSafe(|| self.program.execute(&context))).map_err(|_| Stumbled)
    }
}

/// The interpreter gave up.
struct Stumbled;

/// A type of values, for operators to read.
const fn in_words(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Bool => Sort::Truth.words(),
        ValueType::Int | ValueType::UInt | ValueType::Float => Sort::Number.words(),
        ValueType::String => Sort::Text.words(),
        ValueType::Bytes => Sort::Octets.words(),
        ValueType::List => Sort::List.words(),
        ValueType::Map | ValueType::Struct => Sort::Map.words(),
        ValueType::Null => Sort::Null.words(),
        ValueType::Function => "a function",
        ValueType::Duration => "a duration",
        ValueType::Timestamp => "a time",
        ValueType::Opaque => "a value of a type of its own",
    }
}

fn principal_value(principal: &Principal) -> HashMap<String, Value> {
    let claims: HashMap<String, Value> = principal.claims().iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let scopes: Vec<Value> = scope::granted(principal.claims()).map(Value::from).collect();
    let facts: [Value; PRINCIPAL.len()] = [
        (&**principal.scheme()).into(),
        principal.issuer().into(),
        principal.subject().unwrap_or_default().into(),
        claims.into(),
        scopes.into(),
    ];
    PRINCIPAL.into_iter().map(str::to_owned).zip(facts).collect()
}

fn request_value(request: &RequestFacts<'_>) -> HashMap<String, Value> {
    let facts: [&str; REQUEST.len()] = [request.method, request.host, request.path, request.query];
    REQUEST.into_iter().map(str::to_owned).zip(facts.map(Value::from)).collect()
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}
