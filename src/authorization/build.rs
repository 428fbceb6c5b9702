//! Turns settings into rules, and tells every problem of them.

use super::expression::{Expression, NAMES};
use super::judge::{Authorization, Rule, Scopes};
use super::scope;
use super::settings::{AuthenticationSettings, AuthorizationSettings};
use crate::scheme::StepUp;
use crate::setting::{Located, Problem};
use crate::token::ClaimRule;
use std::sync::Arc;

type Texts = Located<Vec<Located<Box<str>>>>;
type Problems = Vec<Problem>;

impl Authorization {
    /// Compiles what a route asks of identities.
    ///
    /// # Errors
    /// Every rule that is empty or cannot hold.
    pub fn build(settings: &Located<AuthorizationSettings>) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let rules = rules(settings, &mut problems);
        if problems.is_empty() { Ok(Self(rules)) } else { Err(problems) }
    }
}

fn rules(settings: &Located<AuthorizationSettings>, problems: &mut Problems) -> Box<[Rule]> {
    let before = problems.len();
    let AuthorizationSettings { scopes, any_scope, claims, all, any, cel, authentication } = &**settings;
    let mut rules = Vec::new();
    rules.extend(scopes.as_ref().and_then(|written| self::scopes(written, problems)).map(Rule::EachScope));
    rules.extend(any_scope.as_ref().and_then(|written| self::scopes(written, problems)).map(Rule::AnyScope));
    for (name, rule) in claims {
        match ClaimRule::build(rule) {
            Ok(rule) => rules.push(Rule::Claim(Arc::from(&**name), rule)),
            Err(found) => problems.extend(found),
        }
    }
    rules.extend(authentication.as_ref().and_then(|written| step_up(written, problems)).map(Rule::Authentication));
    rules.extend(all.as_ref().map(|written| Rule::All(listed(written, problems))));
    rules.extend(any.as_ref().map(|written| Rule::Any(listed(written, problems))));
    rules.extend(cel.as_ref().and_then(|written| expression(written, problems)).map(Rule::Expression));
    if rules.is_empty() && problems.len() == before {
        problems.push(Problem::new(settings.at(), "rules that ask for nothing", "at least one rule, such as `scopes: [orders.read]`"));
    }
    rules.into()
}

fn listed(written: &Located<Vec<Located<AuthorizationSettings>>>, problems: &mut Problems) -> Box<[Rule]> {
    if written.is_empty() {
        problems.push(Problem::new(written.at(), "an empty list", "at least one rule"));
    }
    written.iter().map(|one| Rule::All(rules(one, problems))).collect()
}

fn scopes(written: &Texts, problems: &mut Problems) -> Option<Scopes> {
    let expected = "scopes such as `orders.read`, without spaces, quotes, backslashes and commas";
    let wrong = written.iter().find(|scope| !scope::is_scope(scope)).map(|scope| (scope.at(), format!("{:?}", &***scope)));
    let wrong = wrong.or_else(|| written.is_empty().then(|| (written.at(), "an empty list".to_owned())));
    if let Some((at, found)) = wrong {
        problems.push(Problem::new(at, found, expected));
        return None;
    }
    let each: Box<[Box<str>]> = written.iter().map(|scope| (**scope).clone()).collect();
    let joined = each.join(" ").into();
    Some(Scopes { each, joined })
}

fn step_up(written: &Located<AuthenticationSettings>, problems: &mut Problems) -> Option<Arc<StepUp>> {
    let AuthenticationSettings { acr_values, max_age } = &**written;
    let expected = "`acr_values` with at least one class, or `max_age`, or both";
    if acr_values.as_ref().is_none_or(|values| values.is_empty()) && max_age.is_none() {
        problems.push(Problem::new(written.at(), "neither a class of authentication nor an age", expected));
        return None;
    }
    let values: Vec<&Located<Box<str>>> = acr_values.iter().flat_map(|values| values.iter()).collect();
    let is_class = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\'));
    if let Some(wrong) = values.iter().find(|value| !is_class(value)) {
        let expected = "the name of a class, of visible ASCII characters without quotes and backslashes";
        problems.push(Problem::new(wrong.at(), format!("{:?}", &***wrong), expected));
        return None;
    }
    let acr_values = values.iter().map(|value| value.as_ref()).collect::<Vec<&str>>().join(" ");
    Some(Arc::new(StepUp { acr_values: acr_values.into(), max_age: max_age.as_ref().map(|age| age.duration().as_secs()) }))
}

fn expression(written: &Located<Box<str>>, problems: &mut Problems) -> Option<Expression> {
    let compiled = Expression::compile(written).map_err(|mistake| {
        let any = || format!("an expression in CEL over {}", NAMES.map(|name| format!("`{name}`")).join(", "));
        let expected = if mistake.expected.is_empty() { any() } else { mistake.expected.into() };
        let problem = Problem::new(written.at(), mistake.found, expected);
        problems.push(if mistake.meant.is_empty() { problem } else { problem.suggest(mistake.meant) });
    });
    compiled.ok()
}
