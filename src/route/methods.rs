//! The methods of a route, and the methods a resource has.

use super::PatternProblem;
use http::Method;

/// Which methods a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods(Listing);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Listing {
    Any,
    Listed(Box<[Method]>),
}

/// What "any method" is said to be in an Allow field.
const USUAL: [Method; 7] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

impl Methods {
    /// Every method but three kinds: CONNECT opens a tunnel and TRACE reflects what the gateway
    /// added, so they must be named; a method with lower-case letters is a different method (RFC 9110
    /// §9.1) that lax origin servers take for the well-known one.
    pub const fn any() -> Self {
        Self(Listing::Any)
    }

    /// The methods named, and no other: GET does not imply HEAD.
    ///
    /// # Errors
    /// The list is empty or names a method twice.
    pub fn listed(methods: Vec<Method>) -> Result<Self, PatternProblem> {
        if methods.is_empty() {
            return Err(PatternProblem::new("an empty list", "at least one method, or no list for any method"));
        }
        let repeated = methods.iter().enumerate().find(|(at, method)| methods.iter().take(*at).any(|earlier| earlier == *method));
        match repeated {
            Some((_, method)) => Err(PatternProblem::new(format!("`{method}` twice"), "each method once")),
            None => Ok(Self(Listing::Listed(methods.into_boxed_slice()))),
        }
    }

    /// Reads one method of a list.
    ///
    /// # Errors
    /// It is not a method, or has lower-case letters.
    pub fn parse_one(text: &str) -> Result<Method, PatternProblem> {
        match Method::from_bytes(text.as_bytes()) {
            Ok(method) if !has_lower_case(&method) => Ok(method),
            _ => Err(PatternProblem::new(format!("`{text}`"), "a method in capital letters such as GET")),
        }
    }

    /// Whether a request with this method may take the route.
    pub fn admits(&self, method: &Method) -> bool {
        match &self.0 {
            Listing::Any => *method != Method::CONNECT && *method != Method::TRACE && !has_lower_case(method),
            Listing::Listed(methods) => methods.contains(method),
        }
    }

    /// Whether two routes of one path would both claim some method. A list goes before "any", so
    /// these two get along.
    pub(super) fn rivals(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Listing::Any, Listing::Any) => true,
            (Listing::Listed(ours), Listing::Listed(theirs)) => ours.iter().any(|method| theirs.contains(method)),
            (Listing::Any, Listing::Listed(_)) | (Listing::Listed(_), Listing::Any) => false,
        }
    }

    /// Whether the methods are named one by one.
    pub(super) const fn are_listed(&self) -> bool {
        matches!(self.0, Listing::Listed(_))
    }

    fn names(&self) -> &[Method] {
        match &self.0 {
            Listing::Any => &USUAL,
            Listing::Listed(methods) => methods,
        }
    }
}

fn has_lower_case(method: &Method) -> bool {
    method.as_str().bytes().any(|octet| octet.is_ascii_lowercase())
}

/// The methods that the routes of one path are for: what a 405 names in Allow (RFC 9110 §10.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'t>(pub(super) &'t [Methods]);

impl<'t> Allowed<'t> {
    /// Each method once.
    pub fn iter(self) -> impl Iterator<Item = &'t Method> {
        let every = self.0;
        every.iter().enumerate().flat_map(move |(at, methods)| {
            let earlier = every.iter().take(at);
            methods.names().iter().filter(move |name| !earlier.clone().any(|methods| methods.names().contains(name)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_admit_what_they_name() {
        let methods = Methods::listed(vec![Method::GET, Method::CONNECT]).unwrap();
        assert!(methods.admits(&Method::GET) && methods.admits(&Method::CONNECT));
        assert!(!methods.admits(&Method::HEAD) && !methods.admits(&Methods::parse_one("PURGE").unwrap()));
    }

    #[test]
    fn lists_are_checked() {
        assert!(Methods::listed(vec![]).is_err());
        let twice = Methods::listed(vec![Method::GET, Method::PUT, Method::GET]).unwrap_err();
        assert_eq!(&*twice.found, "`GET` twice");
        for wrong in ["", "get", "Get", "G T", "GET\n", "GÉT"] {
            assert!(Methods::parse_one(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Methods::parse_one("M-SEARCH").unwrap().as_str(), "M-SEARCH");
    }

    #[test]
    fn allowed_methods_are_named_once() {
        let lists = [Methods::listed(vec![Method::TRACE, Method::GET]).unwrap(), Methods::any()];
        let names: Vec<_> = Allowed(&lists).iter().map(Method::as_str).collect();
        assert_eq!(names, ["TRACE", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    }
}
