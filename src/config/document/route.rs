//! What may be asked for, and what it takes.

use crate::assertion::{AudienceSettings, RequestSignatureSettings};
use crate::authorization::AuthorizationSettings;
use crate::config::quote::quoted;
use crate::config::suggest::nearest;
use crate::setting::Located;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// One rule: which requests it is about, what they must prove, where they go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The name in logs and metrics; by default made from host and path.
    #[serde(default)]
    pub name: Option<Located<String>>,
    /// Which requests it is about.
    #[serde(rename = "match")]
    pub matches: Located<MatchRule>,
    /// What a request must prove. A route has this or says `public: true`.
    #[serde(default)]
    pub authenticate: Option<Located<AuthRequirement>>,
    /// What the identity that was proved must have; by default nothing more.
    #[serde(default)]
    pub authorize: Option<Located<AuthorizationSettings>>,
    /// `true`: nothing is proved and no identity is forwarded.
    #[serde(default)]
    pub public: Option<Located<bool>>,
    /// The upstream's name.
    pub upstream: Located<String>,
    /// How the path changes on the way to the upstream.
    #[serde(default)]
    pub rewrite: RewriteRule,
    /// The fields in which the upstream learns who it is.
    #[serde(default)]
    pub identity: IdentityFields,
    /// The gateway's own signature of what it forwards (RFC 9421); `{}` for one with every default. By default there
    /// is none.
    #[serde(default)]
    pub request_signature: Option<Located<RequestSignatureSettings>>,
    /// Whether a denial is answered.
    #[serde(default)]
    pub mode: Mode,
    /// When the upstream hears of a request whose content must be proved.
    #[serde(default)]
    pub body: BodyMode,
    /// What scripts of other origins may ask and read.
    #[serde(default)]
    pub cors: Option<Located<CorsSettings>>,
    /// What the route is to whoever issues tokens for it; published (RFC 9728), and named in challenges.
    #[serde(default)]
    pub resource: Option<Located<ResourceSettings>>,
}

/// A protected resource, for its metadata (RFC 9728 §2).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceSettings {
    /// The address by which clients know it, such as `https://api.example/orders`: an audience of its tokens.
    pub identifier: Located<Box<str>>,
    /// Whom to ask for tokens. At least one.
    pub authorization_servers: Located<Vec<Located<Box<str>>>>,
    /// Scopes that can be asked for.
    #[serde(default)]
    pub scopes: Option<Vec<Located<Box<str>>>>,
}

/// What scripts of other origins may ask, and read of what the gateway itself says. Answers of the upstream are its own affair.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsSettings {
    /// Origins such as `https://app.example`, whose scripts may read refusals, and what schemes add to answers.
    pub origins: Located<Vec<Located<Box<str>>>>,
    /// What becomes of a browser's question whether it may ask (`OPTIONS`), which carries no credentials.
    #[serde(default)]
    pub preflight: Preflight,
}

/// What becomes of a browser's question whether it may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preflight {
    /// It needs credentials like any other request, which browsers do not send with it.
    #[default]
    Refuse,
    /// The upstream answers it, without any identity.
    Forward,
}

/// When the upstream hears of a request whose content must be proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyMode {
    /// When the whole content was read and is what was signed.
    #[default]
    BeforeForwarding,
    /// At once. The content is compared on its way; its last piece waits until it is proved, and the request
    /// is broken off if it is not: the upstream may have seen a part of it, never the whole.
    WhileStreaming,
}

/// Which requests a route is about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    /// A host such as `api.example`, or `*.example` for every name below it; by default any.
    #[serde(default)]
    pub host: Option<Located<String>>,
    /// A path prefix that ends at a segment boundary: `/bar/` and `/bar` both match `/bar` and `/bar/x`, never `/bar2`.
    #[serde(default)]
    pub path: Option<Located<String>>,
    /// Exactly this path, instead of a prefix.
    #[serde(default)]
    pub path_exact: Option<Located<String>>,
    /// The methods; by default all. Another method on the same path is answered 405.
    #[serde(default)]
    pub methods: Option<Located<Vec<Located<String>>>>,
}

/// What a request must prove: the name of a scheme, one of several, or several at once.
#[derive(Clone, Debug)]
pub enum AuthRequirement {
    /// This scheme.
    Scheme(Box<str>),
    /// Several schemes.
    Several(SchemeList),
}

/// Several schemes.
#[derive(Clone, Debug, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemeList {
    /// Names of schemes; the request must satisfy the one whose credential it carries.
    AnyOf(Vec<String>),
    /// Names of schemes; the request must carry a credential of each. The first says who it is.
    AllOf(Vec<String>),
}

impl AuthRequirement {
    /// The schemes' names, in the order written.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Scheme(name) => vec![name],
            Self::Several(SchemeList::AnyOf(names) | SchemeList::AllOf(names)) => names.iter().map(String::as_str).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for AuthRequirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RequirementVisitor)
    }
}

struct RequirementVisitor;

impl<'de> Visitor<'de> for RequirementVisitor {
    type Value = AuthRequirement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a scheme, or a mapping with `any_of` or `all_of`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<AuthRequirement, E> {
        Ok(AuthRequirement::Scheme(name.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<AuthRequirement, A::Error> {
        let mut listed = Vec::new();
        while let Some(name) = names.next_element::<String>()? {
            listed.push(name);
        }
        // Whether one of them suffices or each is needed is not for us to guess.
        let names = if listed.is_empty() { "a, b".to_owned() } else { listed.join(", ") };
        Err(A::Error::custom(format!("a name, `{{ any_of: [{names}] }}` where one of them suffices, or `{{ all_of: [{names}] }}`")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AuthRequirement, A::Error> {
        let expected = "exactly one of `any_of` and `all_of`, with a list of schemes";
        let Some((kind, names)) = map.next_entry::<String, Vec<String>>()? else { return Err(A::Error::custom(expected)) };
        let list = match &*kind {
            "any_of" => SchemeList::AnyOf(names),
            "all_of" => SchemeList::AllOf(names),
            other => {
                let meant = nearest(other, &["any_of", "all_of"]).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                return Err(A::Error::custom(format!("found the unknown key {}, expected {expected}{meant}", quoted(other))));
            }
        };
        // A second key would be a second opinion of what is asked for.
        if map.next_key::<String>()?.is_some() { Err(A::Error::custom(expected)) } else { Ok(AuthRequirement::Several(list)) }
    }
}

impl JsonSchema for AuthRequirement {
    fn schema_name() -> Cow<'static, str> {
        "AuthRequirement".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<SchemeList>();
        json_schema!({ "anyOf": [{ "type": "string", "description": "the name of a scheme" }, list] })
    }
}

/// How the path changes on the way to the upstream. The result is judged like a path that came in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RewriteRule {
    /// Not at all.
    #[default]
    Keep,
    /// The matched prefix is removed.
    StripPrefix,
    /// The matched prefix is replaced by this one.
    ReplacePrefix(Located<String>),
}

/// The fields in which the upstream learns who it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityFields {
    /// A well-known set of fields.
    #[serde(default)]
    pub preset: IdentityPreset,
    /// Further fields: name of the field, and the claim that fills it.
    #[serde(default)]
    pub fields: BTreeMap<String, Located<ClaimField>>,
    /// A signed token of the gateway that tells who it is.
    #[serde(default)]
    pub assertion: Option<Located<AudienceSettings>>,
}

/// The claim that fills a field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ClaimField(pub String);

/// A well-known set of identity fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityPreset {
    /// No fields.
    #[default]
    None,
    /// `X-Auth-Request-User`, `-Email`, `-Groups`, `-Preferred-Username`.
    AuthRequest,
    /// `Remote-User`, `Remote-Email`, `Remote-Groups`, `Remote-Name`.
    RemoteUser,
}

/// Whether a denial is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A denied request is answered and never forwarded.
    #[default]
    Enforce,
}

/// What happens to `;parameters` in a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathParameterRule {
    /// 400: backends that cut them off would see another path than the one that was judged.
    #[default]
    Refuse,
    /// Forwarded as part of the segment.
    Forward,
}
