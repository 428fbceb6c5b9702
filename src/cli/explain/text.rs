//! The explanation, written down: request, route, proof, destination, identity.

use super::Question;
use crate::cli::terminal::printable;
use crate::config::document::UpstreamHost;
use crate::config::snapshot::{Admission, Route, RouteId, Snapshot, UpstreamSecurity, UpstreamSpec};
use crate::route::{Authority, Considered, Found, Target, TargetProblem, UriScheme, Verdict};
use crate::scheme::{Carriers, ConnectionCarrier, Onward};
use http::Method;

/// A request with one reading.
struct Judged<'q> {
    scheme: UriScheme,
    authority: Authority<'q>,
    target: Target<'q>,
    method: &'q Method,
}

/// Tells what becomes of the request.
pub(super) fn explain(snapshot: &Snapshot, question: &Question) -> String {
    let mut text = Text::default();
    match judge(snapshot, question) {
        Err(problem) => {
            text.line("Request", &format!("{} {} with Host: {}", question.method, printable(&question.path), printable(&question.host)));
            text.line("Answer", &problem);
            if question.host.contains("://") {
                text.more("(a host stands without a scheme and a path: --scheme https --host api.example --path /x)");
            }
        }
        Ok(judged) => {
            text.line("Request", &request(&judged));
            spelling(&judged, question, &mut text);
            route(snapshot, &judged, &mut text);
        }
    }
    text.0
}

/// Lines of a name and what is said about it.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, said: &str) {
        self.0.push_str(&format!("{name:<12}{said}\n"));
    }

    fn more(&mut self, said: &str) {
        self.line("", said);
    }
}

/// Judges as the gateway does, in the same order.
fn judge<'q>(snapshot: &Snapshot, question: &'q Question) -> Result<Judged<'q>, String> {
    let method = &question.method;
    if [Method::TRACE, Method::CONNECT].contains(method) {
        return Err(format!("405: {method} is never forwarded (method_refused)"));
    }
    let scheme = question.uri_scheme(snapshot);
    let authority = Authority::judge(question.host.as_bytes(), scheme)
        .map_err(|problem| format!("400: {problem} ({}); the gateway does not guess what was meant", problem.reason()))?;
    let target = Target::judge(question.path.as_bytes(), snapshot.target_rules).map_err(|problem| unjudgeable(problem, "the path"))?;
    Ok(Judged { scheme, authority, target, method })
}

fn unjudgeable(problem: TargetProblem, what: &str) -> String {
    let reason = problem.reason();
    if problem == TargetProblem::TooLong {
        return format!("414: {problem} ({reason}); see `limits: max_target_size`");
    }
    format!("400: {problem} ({reason}); {what} has no single reading, and the gateway does not guess")
}

fn request(judged: &Judged<'_>) -> String {
    let scheme = match judged.scheme {
        UriScheme::Http => "http",
        UriScheme::Https => "https",
    };
    let query = joined(judged.target.path(), judged.target.query());
    format!("{} {scheme}://{}{}", judged.method, judged.authority.as_str(), printable(&query))
}

fn spelling(judged: &Judged<'_>, question: &Question, text: &mut Text) {
    if !judged.target.is_as_received() {
        text.more(&format!("(the normal form of the path {})", printable(&question.path)));
    }
    if judged.authority.as_str() != question.host {
        text.more(&format!("(the normal form of the host {})", printable(&question.host)));
    }
}

fn joined(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn route(snapshot: &Snapshot, judged: &Judged<'_>, text: &mut Text) {
    let considered = snapshot.table.explain(&judged.authority, &judged.target, judged.method);
    match snapshot.table.find(&judged.authority, &judged.target, judged.method) {
        Found::Route(id) => {
            let Some(chosen) = snapshot.routes.get(id.index()) else { return };
            text.line("Route", &format!("{}: {}", named(chosen), why(&considered)));
            passed_over(snapshot, &considered, text);
            proof(snapshot, chosen, text);
            destination(snapshot, chosen, judged, text);
            identity(chosen, text);
            signature(chosen, text);
        }
        Found::MethodNotAllowed(allowed) => {
            let methods: Vec<_> = allowed.iter().map(Method::as_str).collect();
            text.line("Route", "none for this method");
            passed_over(snapshot, &considered, text);
            text.line("Answer", &format!("405 with Allow: {}", methods.join(", ")));
        }
        Found::NoRoute => {
            text.line("Route", "none has this host and path");
            passed_over(snapshot, &considered, text);
            text.line("Answer", "404");
        }
    }
}

/// What the route is for, with its name where it has one of its own.
fn named(route: &Route) -> String {
    let about = printable(&route.about);
    if *route.name == *route.about { format!("`{about}`") } else { format!("{} (`{about}`)", printable(&route.name)) }
}

/// Why the chosen route won, by whom it won against.
fn why(considered: &[Considered<'_, RouteId>]) -> &'static str {
    let lost = |verdict| considered.iter().any(|other| other.verdict == verdict);
    if considered.len() < 2 {
        "the only one that this request fits"
    } else if lost(Verdict::MethodNotAdmitted) || lost(Verdict::MethodListedElsewhere) {
        "of the most specific host and path, the one for this method"
    } else {
        "the most specific host and, there, the most specific path"
    }
}

fn passed_over(snapshot: &Snapshot, considered: &[Considered<'_, RouteId>], text: &mut Text) {
    for other in considered.iter().filter(|other| other.verdict != Verdict::Chosen) {
        if let Some(route) = snapshot.routes.get(other.route.index()) {
            text.more(&format!("not {}: {}", named(route), reason(other.verdict)));
        }
    }
}

const fn reason(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Chosen => "chosen",
        Verdict::HostLessSpecific => "a more specific host has routes of its own, and only those count",
        Verdict::PathLessSpecific => "its path is less specific",
        Verdict::MethodNotAdmitted => "it is for other methods",
        Verdict::MethodListedElsewhere => "another route of the same path lists the method",
    }
}

fn proof(snapshot: &Snapshot, route: &Route, text: &mut Text) {
    let (ids, between) = match &route.admission {
        Admission::Public => return text.line("Must prove", "nothing: the route is public"),
        Admission::AnyOf(ids) => (ids, "        or"),
        Admission::AllOf(ids) => (ids, "       and"),
    };
    let schemes: Vec<_> = ids.iter().filter_map(|id| snapshot.schemes.get(id.index())).collect();
    for (place, named) in schemes.iter().enumerate() {
        let label = if place == 0 { "Must prove" } else { between };
        text.line(label, &format!("`{}` ({}), by one credential in", named.name, named.scheme.kind()));
        places(named.scheme.carriers()).iter().for_each(|place| text.more(&format!("- {place}")));
        if !named.scheme.possession().is_empty() {
            text.more(named.scheme.possession());
        }
        text.more(match (named.scheme.carriers().connection, named.scheme.onward()) {
            (ConnectionCarrier::Certificate, _) => "unless the request itself carries a credential of another scheme",
            (ConnectionCarrier::Nothing, Onward::Removed) => "which is taken out of fields and query before the request is forwarded",
            (ConnectionCarrier::Nothing, Onward::Kept) => "which is forwarded with the request",
        });
    }
    if !route.authorization.is_empty() {
        text.line("Then", "what the route asks of an identity (`authorize`) must hold, or the answer is 403:");
        route.authorization.rules().iter().for_each(|rule| text.more(&format!("- {}", printable(rule))));
    }
    for challenge in schemes.iter().flat_map(|named| named.scheme.challenges(None, crate::clock::now())) {
        let value = String::from_utf8_lossy(challenge.value.as_bytes()).into_owned();
        text.line("Without it", &format!("401 with {}: {}", challenge.field, printable(&value)));
    }
}

fn places(carriers: &Carriers) -> Vec<String> {
    let fields = carriers.fields.iter().map(|field| format!("the field {}", spelt(field.as_str())));
    let family = Some(carriers.field_family).filter(|family| !family.is_empty());
    let family = family.map(|family| format!("fields whose names begin with {}", spelt(family)));
    let cookies = carriers.cookies.iter().map(|name| format!("the cookie {name}"));
    let named = |kind: &str, names: &[&str]| (!names.is_empty()).then(|| format!("the {kind} {}", names.join(" or ")));
    let certificate =
        (carriers.connection == ConnectionCarrier::Certificate).then(|| "the client certificate of the connection".to_owned());
    certificate
        .into_iter()
        .chain(fields)
        .chain(family)
        .chain(cookies)
        .chain(named("query parameter", &carriers.query_names))
        .chain(named("form field", &carriers.form_names))
        .collect()
}

/// The name of a field as people write it: `X-Request-Id`.
fn spelt(name: &str) -> String {
    let capital = |word: &str| match word.split_at_checked(1) {
        _ if word == "wss" => word.to_ascii_uppercase(),
        _ if word == "dpop" => "DPoP".to_owned(),
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

fn destination(snapshot: &Snapshot, route: &Route, judged: &Judged<'_>, text: &mut Text) {
    let Some(upstream) = snapshot.upstreams.get(route.upstream.index()) else { return };
    match route.rewrite.apply(&judged.target, snapshot.target_rules) {
        Ok(rewritten) => {
            text.line("Goes to", &format!("the upstream `{}`: {}", upstream.name, servers(upstream)));
            let query = stripped(snapshot, route, rewritten.query());
            let changed = match (rewritten.path() == judged.target.path(), query == rewritten.query()) {
                (true, true) => "unchanged",
                (false, true) => "rewritten",
                (true, false) => "the token is taken out",
                (false, false) => "rewritten, and the token is taken out",
            };
            text.more(&format!("as {} {} ({changed})", judged.method, printable(&joined(rewritten.path(), &query))));
            text.more(&format!("with Host: {}", host(upstream, judged)));
        }
        Err(problem) => text.line("Answer", &format!("{} after rewriting", unjudgeable(problem, "the new path"))),
    }
}

/// The query as it is forwarded, if the token in it holds.
fn stripped(snapshot: &Snapshot, route: &Route, query: &str) -> String {
    let schemes = route.admission.schemes().iter().filter_map(|id| snapshot.schemes.get(id.index()));
    let removing = schemes.filter(|named| named.scheme.onward() == Onward::Removed);
    removing.fold(query.to_owned(), |query, named| named.scheme.carriers().without_credentials(&query).into_owned())
}

fn servers(upstream: &UpstreamSpec) -> String {
    let labels: Vec<_> = upstream.servers.iter().map(|server| &*server.label).collect();
    let security = match upstream.security {
        UpstreamSecurity::Clear => "in clear text",
        UpstreamSecurity::Tls { .. } => "over TLS",
    };
    format!("{} {security}", labels.join(", "))
}

fn host<'a>(upstream: &'a UpstreamSpec, judged: &'a Judged<'_>) -> &'a str {
    match &upstream.host {
        UpstreamHost::Preserve => judged.authority.as_str(),
        UpstreamHost::Name(name) => name,
    }
}

fn identity(route: &Route, text: &mut Text) {
    let names: Vec<_> = route.identity.names().map(|name| spelt(name.as_str())).collect();
    match (&route.admission, names.is_empty()) {
        (Admission::Public, _) => text.line("Identity", "none is forwarded, and identity fields of the client are removed"),
        (Admission::AnyOf(_) | Admission::AllOf(_), true) => {
            text.line("Identity", "no fields are set (the route has no `identity`); those of the client are removed")
        }
        (Admission::AnyOf(_) | Admission::AllOf(_), false) => {
            text.line("Identity", &names.join(", "));
            text.more("each set where the credential has a value for it, and removed if the client sent it");
        }
    }
}

fn signature(route: &Route, text: &mut Text) {
    let Some(signer) = &route.signer else { return };
    let tag = if signer.tag().is_empty() { String::new() } else { format!(", tag `{}`", printable(signer.tag())) };
    text.line("Signed", &format!("by the gateway (RFC 9421), label `{}`{tag}, over", signer.label()));
    text.more(&signer.components().collect::<Vec<_>>().join(" "));
    text.more("each field where the request has it; a client's signature under that label is answered 400");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::caution::tests::{compiled, in_folder};

    const CONFIG: &str = "
listeners: [{ address: '127.0.0.1:0' }]
schemes:
  bartender: { wrap: { issuers: [{ name: i, key_file: swt.key }], audience: us, accept: [header, query] } }
upstreams:
  bar: { servers: ['127.0.0.1:9000'] }
  far: { servers: ['127.0.0.1:1', '127.0.0.1:2'], host: { name: far.example }, tls: { server_name: far.example } }
routes:
  - { match: { path: / }, public: true, upstream: bar }
  - { match: { path: /bartender/ }, authenticate: bartender, upstream: bar, identity: { preset: auth-request } }
  - { name: orders, match: { path: /bartender/orders/, methods: [POST] }, authenticate: bartender, authorize: { scopes: [a] }, upstream: far, rewrite: strip_prefix }
  - { match: { host: own.example, path: /only }, public: true, upstream: bar }
";

    fn asked(host: &str, path: &str, method: Method) -> String {
        explain(&compiled(CONFIG), &Question { host: host.to_owned(), path: path.to_owned(), method, scheme: None })
    }

    fn holds(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }

    #[test]
    fn rules_for_identities_are_told() {
        let told =
            "Then        what the route asks of an identity (`authorize`) must hold, or the answer is 403:\n            - scopes: [a]\n";
        holds(&asked("localhost", "/bartender/orders/1", Method::POST), &[told]);
        assert!(!asked("localhost", "/bartender/menu", Method::GET).contains("authorize"));
    }

    #[test]
    fn each_rule_for_identities_has_a_line_as_it_is_written() {
        let rules = "scopes: [a, orders.read], any_scope: [b], claims: { dept: { like: 'eng-*' }, role: [clerk, 'a b'] }, \
                     authentication: { acr_values: [gold], max_age: 5m }, all: [{ scopes: [c] }], \
                     any: [{ scopes: [d], claims: { x: ['1'], y: [z] } }, { cel: 'true' }], cel: \"route == 'x'\\n || true\"";
        let config = CONFIG.replace("authorize: { scopes: [a] }", &format!("authorize: {{ {rules} }}"));
        let question = Question { host: "a".to_owned(), path: "/bartender/orders/".to_owned(), method: Method::POST, scheme: None };
        holds(
            &explain(&compiled(&config), &question),
            &["403:\n            - scopes: [a, orders.read]\n            - any_scope: [b]\n            \
               - claims: { dept: { like: \"eng-*\" }, role: [clerk, \"a b\"] }\n            \
               - authentication: { acr_values: [gold], max_age: 300s }\n            - all: [{ scopes: [c] }]\n            \
               - any: [{ scopes: [d], claims: { x: [\"1\"], y: [z] } }, { cel: \"true\" }]\n            \
               - cel: \"route == 'x'\\n || true\"\n"],
        );
    }

    #[test]
    fn an_address_in_the_place_of_a_host_is_told() {
        let told = asked("https://localhost/bartender/menu", "/bartender/menu", Method::GET);
        holds(&told, &["authority_invalid_port", "\n            (a host stands without a scheme and a path: --scheme https --host"]);
        assert!(!asked("localhost:x", "/bartender/menu", Method::GET).contains("stands without"));
    }

    #[test]
    fn a_guarded_route_is_told_with_its_proof_and_its_identity() {
        let text = asked("LOCALHOST:80", "/bartender/%6denu?a=b", Method::GET);
        holds(
            &text,
            &[
                "GET http://localhost/bartender/menu?a=b\n",
                "normal form of the path /bartender/%6denu?a=b",
                "normal form of the host LOCALHOST:80",
            ],
        );
        holds(&text, &["Route       `/bartender/`: the most specific", "not `/`: its path is less specific"]);
        holds(
            &text,
            &[
                "`bartender` (wrap), by one credential in\n            - the field Authorization\n            - the query parameter wrap_access_token or access_token\n            which is taken out",
                "401 with WWW-Authenticate: WRAP",
            ],
        );
        holds(
            &text,
            &[
                "`bar`: 127.0.0.1:9000 in clear text",
                "as GET /bartender/menu?a=b (unchanged)",
                "with Host: localhost\n",
                "Identity    X-Auth-Request-User, ",
            ],
        );
    }

    #[test]
    fn a_rewritten_route_is_told_with_its_new_path_and_host() {
        let text = asked("localhost", "/bartender/orders/7?x", Method::POST);
        holds(
            &text,
            &[
                "orders (`POST /bartender/orders/`)",
                "127.0.0.1:1, 127.0.0.1:2 over TLS",
                "as POST /7?x (rewritten)",
                "with Host: far.example",
                "no fields are set",
            ],
        );
    }

    #[test]
    fn what_shows_that_a_token_is_ones_own_is_told() {
        let terms = "issuer: 'https://i.example', audiences: [a], jwks_uri: 'https://i.example/jwks'";
        let config = format!(
            "listeners: [{{ address: '127.0.0.1:0' }}]\nschemes:\n  d: {{ dpop: {{ {terms} }} }}\n  n: {{ dpop: {{ {terms}, nonce: required, \
             nonce_key_file: swt.key }} }}\n  m: {{ mtls: {{ {terms} }} }}\nupstreams: {{ bar: {{ servers: ['127.0.0.1:9000'] }} }}\nroutes:\n  \
             - {{ match: {{ path: /d/ }}, authenticate: d, upstream: bar }}\n  - {{ match: {{ path: /n/ }}, authenticate: n, upstream: bar }}\n  \
             - {{ match: {{ path: /m/ }}, authenticate: m, upstream: bar }}\n"
        );
        let asked = |path: &str| {
            explain(&compiled(&config), &Question { host: "a".to_owned(), path: path.to_owned(), method: Method::GET, scheme: None })
        };
        holds(&asked("/d/"), &["- the field Authorization\n", "- the field DPoP\n", "names in cnf.jkt, made for this one request\n"]);
        holds(&asked("/n/"), &["names in cnf.jkt, made for this one request and with the nonce of an answer before\n"]);
        holds(&asked("/m/"), &["- the field Authorization\n", "the client certificate that the token names in cnf.x5t#S256\n"]);
        assert!(!asked("/m/").contains("cnf.jkt"));
    }

    #[test]
    fn what_the_gateway_signs_is_told() {
        let config = "listeners: [{ address: '127.0.0.1:0' }]\nrequest_signature: { keys: [{ file: a.p8 }] }\n\
                      upstreams: { bar: { servers: ['127.0.0.1:9000'] } }\nroutes:\n  - { match: { path: /s/ }, public: true, upstream: bar, \
                      request_signature: { label: edge, components: ['@method', '@path'] } }\n  \
                      - { match: { path: /p/ }, public: true, upstream: bar }\n";
        let key = crate::crypto::SigningKey::generate(crate::crypto::NewKey::Ed25519).unwrap();
        let (_folder, snapshot) =
            in_folder(config, |folder| std::fs::write(folder.join("a.p8"), crate::token::jose::pem::write(&key)).unwrap());
        let asked =
            |path: &str| explain(&snapshot, &Question { host: "a".to_owned(), path: path.to_owned(), method: Method::GET, scheme: None });
        holds(
            &asked("/s/"),
            &["Signed      by the gateway (RFC 9421), label `edge`, tag `portcullis`, over\n            \"@method\" \"@path\"\n"],
        );
        assert!(!asked("/p/").contains("Signed"));
    }

    #[test]
    fn a_public_route_proves_nothing() {
        holds(&asked("localhost", "/", Method::GET), &["`/`: the only one", "nothing: the route is public", "none is forwarded"]);
    }

    #[test]
    fn what_has_no_route_says_so() {
        holds(
            &asked("own.example", "/other", Method::GET),
            &["none has this host and path", "not `/`: a more specific host has routes of its own", "Answer      404\n"],
        );
        holds(
            &asked("localhost", "/bartender/orders/", Method::GET),
            &["none for this method", "not orders (`POST /bartender/orders/`): it is for other methods", "405 with Allow: POST\n"],
        );
        holds(&asked("localhost", "/", Method::TRACE), &["405: TRACE is never forwarded"]);
    }

    #[test]
    fn what_has_no_normal_form_says_why() {
        holds(
            &asked("localhost", "/a/../b", Method::GET),
            &["400: the path has a segment `.` or `..` (path_dot_segment)", "does not guess"],
        );
        holds(&asked("a@b", "/", Method::GET), &["400: the host has user information (authority_userinfo)"]);
        holds(&asked("localhost", "relative", Method::GET), &["400: the request target must start with `/`"]);
        holds(&asked("localhost", &format!("/{}", "x".repeat(9000)), Method::GET), &["414: "]);
        holds(&asked("localhost", "/\u{1b}[2J", Method::GET), &["/\\u{1b}[2J", "400: "]);
    }
}
