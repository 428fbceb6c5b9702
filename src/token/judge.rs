//! The one judge of claims: rules from settings, compiled once, asked per token.

use super::calendar::{full_years, moment};
use super::{Claims, Decimal};
use crate::clock::UnixTime;
use crate::setting::{Located, Position, Problem, SHORTHAND_NAME};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a claim must be: one of these values, or something with conditions.
#[derive(Clone, Debug)]
pub enum ClaimRuleSettings {
    /// One of the claim's values, which commas separate, is one of these.
    OneOf(Vec<Box<str>>),
    /// These conditions hold.
    Conditions(Box<ClaimConditions>),
}

/// The names of [`ClaimConditions`].
const CONDITIONS: [&str; 10] = ["present", "equals", "one_of", "all_of", "like", "at_least", "at_most", "after", "before", "age_at_least"];

/// Conditions for one claim. All that are written must hold; a rule without any is refused.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimConditions {
    /// `true`: the claim is there, whatever its value.
    pub present: Option<bool>,
    /// The whole value is this text.
    pub equals: Option<Box<str>>,
    /// One of the claim's values, which commas separate, is one of these.
    pub one_of: Option<Vec<Box<str>>>,
    /// Each of these is among the claim's values, which commas separate.
    pub all_of: Option<Vec<Box<str>>>,
    /// One of the claim's values, which commas separate, is like this one, in which `*` stands for any characters
    /// or none; but for no `@` where the pattern has one.
    pub like: Option<Box<str>>,
    /// The value is a number, this or more.
    pub at_least: Option<Decimal>,
    /// The value is a number, this or less.
    pub at_most: Option<Decimal>,
    /// The value is a date or date-time (RFC 3339, UTC where it has no offset) later than this one.
    pub after: Option<Box<str>>,
    /// The value is a date or date-time (RFC 3339, UTC where it has no offset) earlier than this one.
    pub before: Option<Box<str>>,
    /// The value is a birth date at least this many full years ago, on the day of the request in UTC.
    pub age_at_least: Option<u8>,
}

/// A compiled rule for one claim.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    conditions: Box<[Condition]>,
}

#[derive(Clone, Debug)]
enum Condition {
    Present,
    Equals(Box<str>),
    OneOf(Box<[Box<str>]>),
    AllOf(Box<[Box<str>]>),
    Like(Box<[Box<str>]>),
    AtLeast(Decimal),
    AtMost(Decimal),
    After(Timestamp),
    Before(Timestamp),
    AgeAtLeast(u8),
}

/// Rules for several claims, all of which must hold, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct ClaimRules(Box<[(Arc<str>, ClaimRule)]>);

/// Why claims do not satisfy the rules; names the claim as configured.
#[derive(Clone, PartialEq, Eq)]
pub enum ClaimMiss {
    /// The claim is absent.
    Missing(Arc<str>),
    /// The claim is there and its value does not satisfy the rule.
    Mismatch {
        /// The claim.
        claim: Arc<str>,
        /// The rule, as it could be written in the configuration.
        expected: Box<str>,
        /// The value.
        found: Box<str>,
    },
}

impl ClaimRules {
    /// Compiles rules by claim name.
    ///
    /// # Errors
    /// Every rule that is empty or cannot hold for any value.
    pub fn build<'s>(settings: impl IntoIterator<Item = (&'s str, &'s Located<ClaimRuleSettings>)>) -> Result<Self, Vec<Problem>> {
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for (name, rule) in settings {
            match ClaimRule::build(rule) {
                Ok(rule) => rules.push((Arc::from(name), rule)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self(rules.into_boxed_slice())) } else { Err(problems) }
    }

    /// Judges claims on the day of `now`.
    ///
    /// # Errors
    /// The first claim that is absent or does not satisfy its rule.
    pub fn judge(&self, claims: &Claims, now: UnixTime) -> Result<(), ClaimMiss> {
        for (name, rule) in &self.0 {
            match claims.value(name) {
                None => return Err(ClaimMiss::Missing(Arc::clone(name))),
                Some(value) if rule.admits(value, now) => {}
                Some(value) => {
                    let (expected, found) = (rule.to_string().into(), value.into());
                    return Err(ClaimMiss::Mismatch { claim: Arc::clone(name), expected, found });
                }
            }
        }
        Ok(())
    }
}

/// Values of claims do not print.
impl fmt::Debug for ClaimMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(claim) => f.debug_tuple("Missing").field(claim).finish(),
            Self::Mismatch { claim, .. } => f.debug_struct("Mismatch").field("claim", claim).finish_non_exhaustive(),
        }
    }
}

impl ClaimRule {
    /// Compiles one rule.
    ///
    /// # Errors
    /// The rule is empty, or one of its conditions cannot hold for any value.
    pub fn build(settings: &Located<ClaimRuleSettings>) -> Result<Self, Vec<Problem>> {
        let at = settings.at();
        let rule = match &**settings {
            ClaimRuleSettings::OneOf(values) => {
                let one_of = alternatives(values, at).map(Condition::OneOf).map_err(|problem| vec![problem])?;
                return Ok(Self { conditions: [one_of].into() });
            }
            ClaimRuleSettings::Conditions(rule) => rule,
        };
        let conditions = [
            rule.present.map(|present| if present { Ok(Condition::Present) } else { Err(absence(at)) }),
            rule.equals.clone().map(|value| Ok(Condition::Equals(value))),
            rule.one_of.as_deref().map(|values| alternatives(values, at).map(Condition::OneOf)),
            rule.all_of.as_deref().map(|values| alternatives(values, at).map(Condition::AllOf)),
            rule.like.as_deref().map(|pattern| pieces(pattern, at).map(Condition::Like)),
            rule.at_least.map(|number| Ok(Condition::AtLeast(number))),
            rule.at_most.map(|number| Ok(Condition::AtMost(number))),
            rule.after.as_deref().map(|text| date(text, at).map(Condition::After)),
            rule.before.as_deref().map(|text| date(text, at).map(Condition::Before)),
            rule.age_at_least.map(|years| Ok(Condition::AgeAtLeast(years))),
        ];
        let (mut held, mut problems) = (Vec::new(), Vec::new());
        for condition in conditions.into_iter().flatten() {
            match condition {
                Ok(condition) => held.push(condition),
                Err(problem) => problems.push(problem),
            }
        }
        match (held.is_empty(), problems.is_empty()) {
            (_, false) => Err(problems),
            (true, true) => Err(vec![Problem::new(at, "a claim rule without a condition", "a condition such as `present: true`")]),
            (false, true) => Ok(Self { conditions: held.into_boxed_slice() }),
        }
    }

    /// Whether a claim with this value satisfies the rule on the day of `now`.
    pub fn admits(&self, value: &str, now: UnixTime) -> bool {
        self.conditions.iter().all(|condition| condition.holds(value, now))
    }
}

impl Condition {
    /// The values of a list are compared one by one, never as a joined text or a part of one.
    fn holds(&self, value: &str, now: UnixTime) -> bool {
        match self {
            Self::Present => true,
            Self::Equals(wanted) => value == &**wanted,
            Self::OneOf(wanted) => values(value).any(|each| wanted.iter().any(|one| **one == *each)),
            Self::AllOf(wanted) => wanted.iter().all(|one| values(value).any(|each| **one == *each)),
            Self::Like(pieces) => values(value).any(|each| is_like(each, pieces)),
            Self::AtLeast(limit) => Decimal::parse(value).is_some_and(|number| number >= *limit),
            Self::AtMost(limit) => Decimal::parse(value).is_some_and(|number| number <= *limit),
            Self::After(limit) => moment(value).is_some_and(|time| time > *limit),
            Self::Before(limit) => moment(value).is_some_and(|time| time < *limit),
            Self::AgeAtLeast(years) => full_years(value, now).is_some_and(|age| age >= i16::from(*years)),
        }
    }
}

/// As it could be written in the configuration; a date may be written otherwise there.
impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [Condition::OneOf(values)] = &*self.conditions {
            return f.write_str(&listed(values));
        }
        let conditions: Vec<String> = self.conditions.iter().map(written).collect();
        write!(f, "{{ {} }}", conditions.join(", "))
    }
}

fn written(condition: &Condition) -> String {
    match condition {
        Condition::Present => "present: true".to_owned(),
        Condition::Equals(value) => format!("equals: {}", text_in_yaml(value)),
        Condition::OneOf(values) => format!("one_of: {}", listed(values)),
        Condition::AllOf(values) => format!("all_of: {}", listed(values)),
        Condition::Like(pieces) => format!("like: {}", text_in_yaml(&pieces.join("*"))),
        Condition::AtLeast(number) => format!("at_least: {number}"),
        Condition::AtMost(number) => format!("at_most: {number}"),
        Condition::After(time) => format!("after: {time}"),
        Condition::Before(time) => format!("before: {time}"),
        Condition::AgeAtLeast(years) => format!("age_at_least: {years}"),
    }
}

fn listed(values: &[Box<str>]) -> String {
    format!("[{}]", values.iter().map(|value| text_in_yaml(value)).collect::<Vec<_>>().join(", "))
}

/// A text as it could stand in a file of settings: in quotes, unless it can be nothing else.
pub fn text_in_yaml(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b'/' | b':');
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_plain) && !text.ends_with(':');
    let is_other = ["true", "false", "null", "yes", "no", "on", "off"].iter().any(|other| text.eq_ignore_ascii_case(other));
    if is_word && !is_other { text.to_owned() } else { format!("{text:?}") }
}

fn absence(at: Position) -> Problem {
    Problem::new(at, "`present: false`", "`present: true`, or no rule for this claim")
}

fn alternatives(values: &[Box<str>], at: Position) -> Result<Box<[Box<str>]>, Problem> {
    if values.is_empty() {
        return Err(Problem::new(at, "an empty list of values", "at least one value"));
    }
    match values.iter().find(|value| value.contains(',')) {
        None => Ok(values.into()),
        Some(value) => {
            Err(Problem::new(at, format!("the value `{value}`"), "values without a comma, which separates the values of a claim")
                .suggest("`equals`, which compares the whole claim"))
        }
    }
}

/// What stands between the stars of a pattern. A comma would separate values.
fn pieces(pattern: &str, at: Position) -> Result<Box<[Box<str>]>, Problem> {
    if pattern.is_empty() || pattern.contains(',') {
        return Err(Problem::new(at, format!("the pattern `{pattern}`"), "a pattern such as `eng-*`, without a comma"));
    }
    Ok(pattern.split('*').map(Box::from).collect())
}

/// The values of a claim. What has a quotation mark is one: within quotes, as in `"a,b"@c.example`, a comma separates
/// nothing, and who can choose what stands there could otherwise claim any value.
fn values(claim: &str) -> impl Iterator<Item = &str> {
    let whole = claim.contains('"');
    claim.split(move |character| character == ',' && !whole)
}

/// Whether a value is the pieces with anything between them, but for `@` where the pattern says where one is: of
/// `eve@evil.example@a.example` some read the first host and some the last. Taking the first place for each piece is
/// right, and looks at every octet at most once per piece.
fn is_like(value: &str, pieces: &[Box<str>]) -> bool {
    let stated: usize = pieces.iter().map(|piece| piece.matches('@').count()).sum();
    if stated > 0 && value.matches('@').count() != stated {
        return false;
    }
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| **only == *value);
    };
    let Some(mut rest) = value.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else { return false };
    between.iter().all(|piece| match rest.split_once(&**piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

impl<'de> Deserialize<'de> for ClaimRuleSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(SHORTHAND_NAME, &CONDITIONS, RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = ClaimRuleSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values, or a mapping with conditions such as `present: true`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<ClaimRuleSettings, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(values)).map(ClaimRuleSettings::OneOf)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClaimRuleSettings, A::Error> {
        let conditions = ClaimConditions::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ClaimRuleSettings::Conditions(Box::new(conditions)))
    }
}

impl JsonSchema for ClaimRuleSettings {
    fn schema_name() -> Cow<'static, str> {
        "ClaimRuleSettings".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let conditions = generator.subschema_for::<ClaimConditions>();
        let list = "values, one of which is among the claim's";
        json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" }, "minItems": 1, "description": list }, conditions] })
    }
}

fn date(text: &str, at: Position) -> Result<Timestamp, Problem> {
    let problem = || Problem::new(at, format!("`{text}`"), "a date such as 2010-01-31 or a date-time such as 2010-01-31T12:00:00Z");
    moment(text).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::super::ClaimsBuilder;
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_269_265_004);

    fn rule(json: &str) -> Result<ClaimRule, Vec<Problem>> {
        ClaimRule::build(&Located::new(serde_json::from_str(json).unwrap(), Position::new(7, 3)))
    }

    fn admits(json: &str, value: &str) -> bool {
        rule(json).unwrap().admits(value, NOW)
    }

    #[test]
    fn patterns_have_stars_for_anything() {
        for (pattern, likes, others) in [
            ("eng-*", &["eng-", "eng-core", "x,eng-1"][..], &["eng", "xeng-core", "", "ENG-a"][..]),
            ("*@a.example", &["u@a.example", "@a.example"], &["u@a.example.evil", "u@b.example", "a.example", "u@e.example@a.example"]),
            ("u@*", &["u@a.example"], &["u@a.example@b.example", "\"u@\"@a.example", "v@a.example,w"]),
            ("*@*.example@x", &["a@b.example@x"], &["a@b.example", "a@c@b.example@x"]),
            ("a*b*c", &["abc", "a-b-c", "abbcc"], &["ab", "acb", "a-b-cd", "bc"]),
            ("aa*aa", &["aaaa", "aabaa"], &["aaa", "aa"]),
            ("a**b", &["ab", "axb"], &["a", "b"]),
            ("*", &["", "x"], &[]),
            ("plain", &["plain", "x,plain"], &["plai", "plainly"]),
        ] {
            let json = format!(r#"{{"like":"{pattern}"}}"#);
            likes.iter().for_each(|value| assert!(admits(&json, value), "{pattern} {value}"));
            others.iter().for_each(|value| assert!(!admits(&json, value), "{pattern} {value}"));
        }
        assert!(rule(r#"{"like":"a,b"}"#).is_err() && rule(r#"{"like":""}"#).is_err());
    }

    #[test]
    fn the_names_of_conditions_are_all_of_them() {
        let schema = schemars::schema_for!(ClaimConditions);
        let mut names: Vec<&str> = schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        let mut listed = CONDITIONS.to_vec();
        names.sort_unstable();
        listed.sort_unstable();
        assert_eq!(names, listed);
    }

    #[test]
    fn a_rule_is_written_as_it_would_be_read() {
        for (json, text) in [
            (r#"["a","b c"]"#, "[a, \"b c\"]"),
            (r#"{"one_of":["true","1"]}"#, "[\"true\", \"1\"]"),
            (
                r#"{"present":true,"equals":"x","all_of":["https://a.example/b"],"like":"eng-*-x"}"#,
                "{ present: true, equals: x, all_of: [https://a.example/b], like: \"eng-*-x\" }",
            ),
            (
                r#"{"one_of":["a"],"at_least":3,"at_most":4.5,"after":"2010-01-31","age_at_least":21}"#,
                "{ one_of: [a], at_least: 3, at_most: 4.5, after: 2010-01-31T00:00:00Z, age_at_least: 21 }",
            ),
        ] {
            assert_eq!(rule(json).unwrap().to_string(), text);
        }
    }

    #[test]
    fn t_76_what_is_quoted_is_no_list() {
        let odd = r#""a,b@a.example,"@evil.example"#;
        for rule in [r#"["b@a.example"]"#, r#"{"like":"*@a.example"}"#, r#"{"all_of":["b@a.example"]}"#, r#"{"one_of":["b@a.example"]}"#] {
            assert!(!admits(rule, odd) && admits(rule, "x@evil.example,b@a.example"), "{rule}");
        }
        assert!(admits(r#"{"one_of":["\"x\"@a.example"]}"#, r#""x"@a.example"#));
    }

    #[test]
    fn a_list_is_short_for_one_of() {
        assert!(admits(r#"["patron","owner"]"#, "guest,owner") && !admits(r#"["patron"]"#, "guest"));
        assert!(rule("[]").is_err() && rule(r#"["a,b"]"#).is_err());
    }

    #[test]
    fn each_value_of_a_list_is_compared_by_itself() {
        let any = r#"{"one_of":["admin","owner"]}"#;
        assert!(admits(any, "admin"));
        assert!(admits(any, "user,owner"));
        for wrong in ["", "user", "administrator", "Admin", "admin owner", "user, admin", "superadmin,user"] {
            assert!(!admits(any, wrong), "{wrong}");
        }
        let all = r#"{"all_of":["Listen","Send"]}"#;
        assert!(admits(all, "Send,Manage,Listen"));
        for wrong in ["Send", "ListenSend", "Send,Listening", ""] {
            assert!(!admits(all, wrong), "{wrong}");
        }
        assert!(admits(r#"{"equals":"a,b"}"#, "a,b"));
        assert!(!admits(r#"{"equals":"a"}"#, "a,b"));
    }

    #[test]
    fn numbers_are_bounded_on_both_sides() {
        let rule = r#"{"at_least":3,"at_most":9.5}"#;
        for right in ["3", "9.5", "3.000", "4"] {
            assert!(admits(rule, right), "{right}");
        }
        for wrong in ["2.999999999", "9.500000001", "", "three", "4,5", "1e1", "-4", "0x4"] {
            assert!(!admits(rule, wrong), "{wrong}");
        }
    }

    #[test]
    fn dates_are_strictly_after_and_before() {
        let rule = r#"{"after":"2010-01-01","before":"2011-01-01T00:00:00Z"}"#;
        assert!(admits(rule, "2010-06-01"));
        assert!(admits(rule, "2010-01-01T00:00:01"));
        for wrong in ["2010-01-01", "2011-01-01", "2010-01-01T01:00:00+01:00", "soon", ""] {
            assert!(!admits(rule, wrong), "{wrong}");
        }
    }

    #[test]
    fn ages_count_on_the_day_of_the_request() {
        let adult = rule(r#"{"age_at_least":21}"#).unwrap();
        assert!(adult.admits("1979-05-25T00:00:00", NOW));
        let day_before = UnixTime::from_seconds(959_212_799);
        assert!(!adult.admits("1979-05-25T00:00:00", day_before));
        assert!(adult.admits("1979-05-25T00:00:00", day_before.later(1)));
        for wrong in ["0001-01-01T00:00:00", "", "young", "2100-01-01", "30"] {
            assert!(!adult.admits(wrong, NOW), "{wrong}");
        }
    }

    #[test]
    fn rules_that_say_nothing_are_problems() {
        for (json, said) in [
            ("{}", "without a condition"),
            (r#"{"present":false}"#, "`present: true`"),
            (r#"{"one_of":[]}"#, "empty list"),
            (r#"{"all_of":[]}"#, "empty list"),
            (r#"{"one_of":["a,b"]}"#, "did you mean `equals`"),
            (r#"{"after":"yesterday"}"#, "2010-01-31"),
        ] {
            let problems = rule(json).unwrap_err();
            assert!(problems[0].to_string().contains(said), "{}", problems[0]);
            assert_eq!(problems[0].at(), Position::new(7, 3));
        }
        assert!(serde_json::from_str::<ClaimRuleSettings>(r#"{"oneof":["a"]}"#).is_err());
        assert_eq!(rule(r#"{"present":false,"one_of":[],"before":"x"}"#).unwrap_err().len(), 3);
    }

    #[test]
    fn the_first_claim_that_fails_is_named() {
        let located = |json| Located::new(serde_json::from_str(json).unwrap(), Position::default());
        let (role, level) = (located(r#"{"one_of":["patron"]}"#), located(r#"{"present":true}"#));
        let rules = ClaimRules::build([("Role", &role), ("Level", &level)]).unwrap();
        let claims = |list: &[(&str, &str)]| {
            let mut builder = ClaimsBuilder::default();
            list.iter().for_each(|(name, value)| builder.add(name, value).unwrap());
            builder.build()
        };
        assert_eq!(rules.judge(&claims(&[("Role", "patron"), ("Level", "")]), NOW), Ok(()));
        let guest = ClaimMiss::Mismatch { claim: "Role".into(), expected: "[patron]".into(), found: "guest".into() };
        assert_eq!(rules.judge(&claims(&[("Role", "guest"), ("Level", "")]), NOW), Err(guest));
        assert_eq!(rules.judge(&claims(&[("role", "patron")]), NOW), Err(ClaimMiss::Missing("Role".into())));
        assert_eq!(rules.judge(&claims(&[("Role", "patron")]), NOW), Err(ClaimMiss::Missing("Level".into())));
    }
}
