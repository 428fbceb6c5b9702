//! The routes: patterns built, names found, conflicts told.

use super::unknown;
use crate::assertion::{RequestKeys, RequestSigner};
use crate::authorization::Authorization;
use crate::config::document::{
    AuthRequirement, CorsSettings, IdentityFields, IdentityPreset, MatchRule, ResourceSettings, RewriteRule, Route as Written, SchemeList,
};
use crate::config::identity::{Asserting, IdentityPlan};
use crate::config::resource::ProtectedResource;
use crate::config::shared::Shared;
use crate::config::snapshot::{Admission, Cors, NamedScheme, Route, RouteId, SchemeId, UpstreamId, UpstreamSpec};
use crate::route::{HostPattern, Methods, PathPattern, PatternProblem, Rewrite, RoutePattern, RouteTable};
use crate::setting::{Located, Position, Problem};
use http::HeaderValue;
use std::collections::HashMap;
use std::sync::Arc;

/// What routes refer to by name. A name without a place belongs to something that has problems of its own.
pub(super) struct Names<'a> {
    schemes: (&'a [NamedScheme], &'a [Box<str>]),
    upstreams: (&'a [Box<str>], HashMap<&'a str, UpstreamId>),
    asserting: &'a Asserting,
    signing: &'a Shared<RequestKeys>,
}

/// What people write who mean a route that anybody may use.
const PUBLIC_WORDS: [&str; 5] = ["public", "none", "off", "anonymous", "anyone"];

impl<'a> Names<'a> {
    /// The names of what was built, and all names that were written.
    pub(super) fn of(
        schemes: &'a [NamedScheme],
        scheme_names: &'a [Box<str>],
        upstreams: &'a [UpstreamSpec],
        upstream_names: &'a [Box<str>],
    ) -> Self {
        let places = upstreams.iter().enumerate().map(|(place, spec)| (&*spec.name, UpstreamId(place))).collect();
        Self { schemes: (schemes, scheme_names), upstreams: (upstream_names, places), asserting: &Shared::Absent, signing: &Shared::Absent }
    }

    /// The same with what makes assertions, and what signs requests.
    pub(super) fn vouching(self, asserting: &'a Asserting, signing: &'a Shared<RequestKeys>) -> Self {
        Self { asserting, signing, ..self }
    }

    fn scheme(&self, name: &str, at: Position) -> Result<Option<SchemeId>, Problem> {
        let (built, known) = self.schemes;
        match built.iter().position(|scheme| *scheme.name == *name) {
            Some(place) => Ok(Some(SchemeId(place))),
            None if known.iter().any(|known| **known == *name) => Ok(None),
            None if PUBLIC_WORDS.contains(&name) => {
                Err(unknown("a scheme", name, at, known).suggest("`public: true`, without `authenticate`"))
            }
            None => Err(unknown("a scheme", name, at, known)),
        }
    }

    fn upstream(&self, name: &Located<String>) -> Result<Option<UpstreamId>, Problem> {
        let (known, built) = &self.upstreams;
        match built.get(name.as_str()) {
            Some(place) => Ok(Some(*place)),
            None if known.iter().any(|known| **known == ***name) => Ok(None),
            None => Err(unknown("an upstream", name, name.at(), known)),
        }
    }
}

/// Builds every route and the table. The table is there only when no route has a problem.
pub(super) fn build(
    written: &[Located<Written>],
    names: &Names<'_>,
    problems: &mut Vec<Problem>,
) -> (Vec<Route>, Option<RouteTable<RouteId>>) {
    let before = problems.len();
    let mut plans = Plans::default();
    let mut routes = Vec::with_capacity(written.len());
    let mut patterns = Vec::with_capacity(written.len());
    for one in written {
        let pattern = pattern(&one.matches, problems);
        let route = route(one, pattern.as_ref(), names, &mut plans, problems);
        if let (Some(pattern), Some(route)) = (pattern, route) {
            patterns.push((pattern, RouteId(routes.len())));
            routes.push(route);
        }
    }
    repeated_names(written, problems);
    if problems.len() > before {
        return (routes, None);
    }
    match RouteTable::build(patterns) {
        Ok(table) => (routes, Some(table)),
        Err(conflicts) => {
            for conflict in conflicts {
                let at = |index: usize| written.get(index).map(|route| route.matches.at()).unwrap_or_default();
                let found = format!("a route that matches the same requests as the one at line {}", at(conflict.first).line());
                problems.push(Problem::new(at(conflict.second), found, "routes that no request fits equally well"));
            }
            (routes, None)
        }
    }
}

fn repeated_names(written: &[Located<Written>], problems: &mut Vec<Problem>) {
    let mut seen = HashMap::new();
    for name in written.iter().filter_map(|route| route.name.as_ref()) {
        if let Some(first) = seen.insert(name.as_str(), name.at()) {
            problems.push(Problem::new(
                name.at(),
                format!("the name `{}` of the route at line {}", **name, first.line()),
                "a name of its own",
            ));
        }
    }
}

fn pattern(rule: &Located<MatchRule>, problems: &mut Vec<Problem>) -> Option<RoutePattern> {
    let host = match &rule.host {
        None => Some(HostPattern::Any),
        Some(host) => note(HostPattern::parse(host), host.at(), problems),
    };
    let path = match (&rule.path, &rule.path_exact) {
        (Some(path), None) => note(PathPattern::prefix(path), path.at(), problems),
        (None, Some(path)) => note(PathPattern::exact(path), path.at(), problems),
        (None, None) => note(PathPattern::prefix("/"), rule.at(), problems),
        (Some(_), Some(exact)) => {
            problems.push(Problem::new(exact.at(), "`path` and `path_exact`", "one of them"));
            None
        }
    };
    let methods = match &rule.methods {
        None => Some(Methods::any()),
        Some(listed) => methods(listed, problems),
    };
    Some(RoutePattern { host: host?, path: path?, methods: methods? })
}

fn methods(written: &Located<Vec<Located<String>>>, problems: &mut Vec<Problem>) -> Option<Methods> {
    let Some(first) = written.first() else {
        problems.push(Problem::new(written.at(), "an empty list", "at least one method, or no `methods` for all of them"));
        return None;
    };
    let mut parsed = Vec::with_capacity(written.len());
    for name in written.iter() {
        parsed.push(note(Methods::parse_one(name), name.at(), problems)?);
    }
    note(Methods::listed(parsed), first.at(), problems)
}

fn note<T>(outcome: Result<T, PatternProblem>, at: Position, problems: &mut Vec<Problem>) -> Option<T> {
    outcome.map_err(|PatternProblem { found, expected }| problems.push(Problem::new(at, found, expected))).ok()
}

fn route(
    written: &Located<Written>,
    pattern: Option<&RoutePattern>,
    names: &Names<'_>,
    plans: &mut Plans,
    problems: &mut Vec<Problem>,
) -> Option<Route> {
    let admission = keep(admission(written, names), problems);
    let authorization = keep(authorization(written), problems);
    let cors = keep(written.cors.as_ref().map_or(Ok(Some(Cors::default())), cors), problems);
    let resource = keep(written.resource.as_ref().map(resource).transpose().map(Some), problems);
    let upstream = keep(names.upstream(&written.upstream).map_err(|problem| vec![problem]), problems);
    let identity = keep(plans.of(&written.identity, names.asserting).map(Some), problems);
    let signer = keep(identity.as_ref().map_or(Ok(None), |identity| signer(written, identity, names.signing)), problems);
    let pattern = pattern?;
    let rewrite = match &written.rewrite {
        RewriteRule::Keep => Some(Rewrite::none()),
        RewriteRule::StripPrefix => note(Rewrite::strip_prefix(&pattern.path), written.at(), problems),
        RewriteRule::ReplacePrefix(text) => note(Rewrite::replace_prefix(&pattern.path, text), text.at(), problems),
    };
    let about: Arc<str> = about(&written.matches).into();
    let name = written.name.as_ref().map_or_else(|| Arc::clone(&about), |name| name.as_str().into());
    Some(Route {
        name,
        about,
        admission: admission?,
        authorization: authorization?,
        upstream: upstream?,
        rewrite: rewrite?,
        identity: identity?,
        signer: signer?,
        body: written.body,
        cors: cors?,
        resource: resource?,
    })
}

/// The gateway's own signature, over the fields of identity among others.
fn signer(
    written: &Written,
    identity: &IdentityPlan,
    signing: &Shared<RequestKeys>,
) -> Result<Option<Option<RequestSigner>>, Vec<Problem>> {
    let Some(settings) = &written.request_signature else { return Ok(Some(None)) };
    match signing {
        Shared::Built(keys) => RequestSigner::build(settings, identity.names(), keys).map(|signer| Some(Some(signer))),
        Shared::Failed => RequestSigner::check(settings, identity.names()).map(|_| None),
        Shared::Absent => {
            let found = "a signature, and no keys to sign with";
            Err(vec![Problem::new(settings.at(), found, "`request_signature` with `keys` at the top level, too")])
        }
    }
}

/// Plans that many routes share: one preset, nothing else.
#[derive(Default)]
struct Plans(HashMap<IdentityPreset, Arc<IdentityPlan>>);

impl Plans {
    fn of(&mut self, settings: &IdentityFields, asserting: &Asserting) -> Result<Arc<IdentityPlan>, Vec<Problem>> {
        if !settings.fields.is_empty() || settings.assertion.is_some() {
            return IdentityPlan::build(settings, asserting).map(Arc::new);
        }
        match self.0.get(&settings.preset) {
            Some(plan) => Ok(Arc::clone(plan)),
            None => {
                let plan = Arc::new(IdentityPlan::build(settings, asserting)?);
                self.0.insert(settings.preset, Arc::clone(&plan));
                Ok(plan)
            }
        }
    }
}

fn keep<T>(outcome: Result<Option<T>, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    outcome.unwrap_or_else(|found| {
        problems.extend(found);
        None
    })
}

/// What a route is about, in one line for people; its name where it has no other.
fn about(rule: &MatchRule) -> String {
    let text = |setting: &Option<Located<String>>| setting.as_ref().map(|text| text.as_str().to_owned());
    let path = text(&rule.path_exact).map(|path| format!("={path}")).or_else(|| text(&rule.path)).unwrap_or_else(|| "/".to_owned());
    let methods: Vec<_> = rule.methods.iter().flat_map(|methods| methods.iter()).map(|method| method.as_str()).collect();
    let methods = if methods.is_empty() { String::new() } else { format!("{} ", methods.join(",")) };
    format!("{methods}{}{path}", text(&rule.host).unwrap_or_default())
}

/// A route names its schemes or says that it is public; nothing is open by omission.
fn admission(written: &Located<Written>, names: &Names<'_>) -> Result<Option<Admission>, Vec<Problem>> {
    let public = written.public.as_ref().filter(|public| ***public);
    match (&written.authenticate, public) {
        (None, Some(_)) => Ok(Some(Admission::Public)),
        (Some(requirement), None) => required(requirement, names),
        (None, None) => Err(vec![
            Problem::new(written.at(), "a route without `authenticate`", "`authenticate` with the name of a scheme, or `public: true`")
                .lacks(written.at(), &["authenticate", "public"]),
        ]),
        (Some(_), Some(public)) => Err(vec![Problem::new(public.at(), "`public: true` beside `authenticate`", "one of them")]),
    }
}

/// Rules for identities, on a route that has some.
fn authorization(written: &Located<Written>) -> Result<Option<Authorization>, Vec<Problem>> {
    match (&written.authorize, &written.authenticate) {
        (None, _) => Ok(Some(Authorization::default())),
        (Some(rules), Some(_)) => Authorization::build(rules).map(Some),
        (Some(rules), None) => {
            let expected = "rules only where somebody is proved to be somebody";
            let problem = Problem::new(rules.at(), "`authorize` without `authenticate`", expected);
            Err(vec![problem.lacks(written.at(), &["authenticate"])])
        }
    }
}

/// Origins as browsers state them: nothing else would ever be equal to one.
fn cors(written: &Located<CorsSettings>) -> Result<Option<Cors>, Vec<Problem>> {
    let expected = "an origin such as `https://app.example`, in lower case and without a path";
    let (mut origins, mut problems) = (Vec::new(), Vec::new());
    for origin in written.origins.iter() {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).unwrap_or_default();
        let is_origin =
            !host.is_empty() && host.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']'));
        match HeaderValue::from_str(origin).ok().filter(|_| is_origin) {
            Some(value) => origins.push(value),
            None => problems.push(Problem::new(origin.at(), format!("`{}`", **origin), expected)),
        }
    }
    if written.origins.is_empty() {
        problems.push(Problem::new(written.origins.at(), "an empty list", "at least one origin"));
    }
    if problems.is_empty() { Ok(Some(Cors { origins: origins.into(), preflight: written.preflight })) } else { Err(problems) }
}

fn resource(written: &Located<ResourceSettings>) -> Result<Arc<ProtectedResource>, Vec<Problem>> {
    ProtectedResource::build(written).map(Arc::new)
}

fn required(requirement: &Located<AuthRequirement>, names: &Names<'_>) -> Result<Option<Admission>, Vec<Problem>> {
    let at = requirement.at();
    let written = requirement.names();
    if written.is_empty() {
        return Err(vec![Problem::new(at, "an empty list of schemes", "at least one scheme")]);
    }
    let mut problems = Vec::new();
    let found: Vec<_> = written
        .iter()
        .map(|name| {
            names.scheme(name, at).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            })
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(ids) = found.into_iter().collect::<Option<Vec<SchemeId>>>() else { return Ok(None) };
    let is_repeated = |id: &SchemeId| ids.iter().filter(|other| *other == id).count() > 1;
    if ids.iter().any(is_repeated) {
        return Err(vec![Problem::new(at, "a scheme that is listed twice", "each scheme once")]);
    }
    match &**requirement {
        AuthRequirement::Scheme(_) | AuthRequirement::Several(SchemeList::AnyOf(_)) => Ok(Some(Admission::AnyOf(ids))),
        AuthRequirement::Several(SchemeList::AllOf(_)) => {
            apart(&ids, &written, names, at)?;
            Ok(Some(Admission::AllOf(ids)))
        }
    }
}

/// Schemes that must all be satisfied read their credentials from different places: one credential is not two.
fn apart(ids: &[SchemeId], written: &[&str], names: &Names<'_>, at: Position) -> Result<(), Vec<Problem>> {
    let (built, _) = names.schemes;
    let carriers = |id: &SchemeId| built.get(id.index()).map(|named| named.scheme.carriers());
    for (place, one) in ids.iter().enumerate() {
        for (other_place, other) in ids.iter().enumerate().take(place) {
            if carriers(one).zip(carriers(other)).is_some_and(|(one, other)| one.overlaps(other)) {
                let [first, second] = [other_place, place].map(|place| written.get(place).copied().unwrap_or_default());
                let found = format!("`{first}` and `{second}`, which read their credentials from the same place");
                return Err(vec![Problem::new(at, found, "schemes with different places under `all_of`")]);
            }
        }
    }
    Ok(())
}
