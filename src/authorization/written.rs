//! Rules as they could be written in the configuration, for people.

use super::judge::{Authorization, Rule, Scopes};
use crate::scheme::StepUp;
use crate::token::text_in_yaml;

impl Authorization {
    /// What is asked of an identity, by its keys in the configuration; everything must hold.
    pub fn rules(&self) -> Vec<String> {
        entries(&self.0)
    }
}

fn entries(rules: &[Rule]) -> Vec<String> {
    let claims: Vec<String> = rules.iter().filter_map(claim).collect();
    let mut claims = (!claims.is_empty()).then(|| format!("claims: {{ {} }}", claims.join(", ")));
    let entry = |rule: &Rule| match rule {
        Rule::EachScope(scopes) => Some(format!("scopes: {}", listed(scopes))),
        Rule::AnyScope(scopes) => Some(format!("any_scope: {}", listed(scopes))),
        // All of them stand where the first one does.
        Rule::Claim(..) => claims.take(),
        Rule::All(rules) => Some(format!("all: {}", groups(rules))),
        Rule::Any(rules) => Some(format!("any: {}", groups(rules))),
        Rule::Expression(expression) => Some(format!("cel: {:?}", expression.text())),
        Rule::Authentication(wanted) => Some(format!("authentication: {{ {} }}", step_up(wanted))),
    };
    rules.iter().filter_map(entry).collect()
}

fn claim(rule: &Rule) -> Option<String> {
    if let Rule::Claim(name, rule) = rule { Some(format!("{}: {rule}", text_in_yaml(name))) } else { None }
}

/// Each is the rules of one mapping, which all must hold.
fn groups(rules: &[Rule]) -> String {
    let group = |rule: &Rule| {
        let rules = if let Rule::All(rules) = rule { rules } else { std::slice::from_ref(rule) };
        format!("{{ {} }}", entries(rules).join(", "))
    };
    format!("[{}]", rules.iter().map(group).collect::<Vec<_>>().join(", "))
}

fn listed(scopes: &Scopes) -> String {
    format!("[{}]", scopes.each.iter().map(|scope| text_in_yaml(scope)).collect::<Vec<_>>().join(", "))
}

fn step_up(wanted: &StepUp) -> String {
    let classes: Vec<_> = wanted.acr_values.split(' ').filter(|class| !class.is_empty()).map(text_in_yaml).collect();
    let classes = (!classes.is_empty()).then(|| format!("acr_values: [{}]", classes.join(", ")));
    let age = wanted.max_age.map(|seconds| format!("max_age: {seconds}s"));
    classes.into_iter().chain(age).collect::<Vec<_>>().join(", ")
}
