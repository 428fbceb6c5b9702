//! Components: what of a message a signature may be about (RFC 9421 §2.1, §2.2).

use super::Unreadable;

/// A component of a request, by its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component<'r> {
    /// `@method` (RFC 9421 §2.2.1).
    Method,
    /// `@target-uri` (RFC 9421 §2.2.2).
    TargetUri,
    /// `@authority` (RFC 9421 §2.2.3).
    Authority,
    /// `@scheme` (RFC 9421 §2.2.4).
    Scheme,
    /// `@request-target` (RFC 9421 §2.2.5).
    RequestTarget,
    /// `@path` (RFC 9421 §2.2.6).
    Path,
    /// `@query` (RFC 9421 §2.2.7).
    Query,
    /// `@query-param` with its name, percent-encoded (RFC 9421 §2.2.8).
    QueryParam(&'r str),
    /// A field (RFC 9421 §2.1).
    Field {
        /// Its name, lower-case.
        name: &'r str,
        /// What of its value.
        form: Form<'r>,
    },
}

/// What of a field's value a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'r> {
    /// All values, trimmed, with a comma between.
    Combined,
    /// `sf`: the value as RFC 9651 writes it (RFC 9421 §2.1.1).
    Strict,
    /// `key`: one member of a dictionary (RFC 9421 §2.1.2).
    Member(&'r str),
    /// `bs`: each value as a byte sequence (RFC 9421 §2.1.3).
    Octets,
}

/// An identifier as it is being read: a name, and which parameters came with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Draft<'r> {
    pub(super) name: &'r str,
    sf: Presence,
    bs: Presence,
    key: Named<'r>,
    query_name: Named<'r>,
}

/// Whether a flag is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Presence {
    #[default]
    Absent,
    Present,
}

/// A parameter with a text, if it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Named<'r> {
    #[default]
    Absent,
    Present(&'r str),
}

impl<'r> Draft<'r> {
    pub(super) fn new(name: &'r str) -> Self {
        Self { name, ..Self::default() }
    }

    /// Takes a flag. `req` is for responses, and trailers are not there yet when a request is judged.
    pub(super) fn flag(&mut self, name: &str) -> Result<(), Unreadable> {
        let flag = match name {
            "sf" => &mut self.sf,
            "bs" => &mut self.bs,
            "tr" => return Err(Unreadable::Absent),
            _ => return Err(Unreadable::Component),
        };
        if std::mem::replace(flag, Presence::Present) == Presence::Absent { Ok(()) } else { Err(Unreadable::Component) }
    }

    /// Takes a parameter with a text.
    pub(super) fn text(&mut self, name: &str, value: &'r str) -> Result<(), Unreadable> {
        let named = match name {
            "key" => &mut self.key,
            "name" => &mut self.query_name,
            _ => return Err(Unreadable::Component),
        };
        if std::mem::replace(named, Named::Present(value)) == Named::Absent { Ok(()) } else { Err(Unreadable::Component) }
    }

    /// What it identifies.
    pub(super) fn resolve(self) -> Result<Component<'r>, Unreadable> {
        if !self.name.starts_with('@') {
            return self.resolve_field();
        }
        let bare = (self.sf, self.bs, self.key) == (Presence::Absent, Presence::Absent, Named::Absent);
        match (self.name, self.query_name) {
            _ if !bare => Err(Unreadable::Component),
            ("@query-param", Named::Present(name)) => Ok(Component::QueryParam(name)),
            ("@method", Named::Absent) => Ok(Component::Method),
            ("@target-uri", Named::Absent) => Ok(Component::TargetUri),
            ("@authority", Named::Absent) => Ok(Component::Authority),
            ("@scheme", Named::Absent) => Ok(Component::Scheme),
            ("@request-target", Named::Absent) => Ok(Component::RequestTarget),
            ("@path", Named::Absent) => Ok(Component::Path),
            ("@query", Named::Absent) => Ok(Component::Query),
            _ => Err(Unreadable::Component),
        }
    }

    fn resolve_field(self) -> Result<Component<'r>, Unreadable> {
        let form = match (self.bs, self.key, self.sf) {
            (Presence::Absent, Named::Absent, Presence::Absent) => Form::Combined,
            (Presence::Absent, Named::Absent, Presence::Present) => Form::Strict,
            (Presence::Absent, Named::Present(key), _) => Form::Member(key),
            (Presence::Present, Named::Absent, Presence::Absent) => Form::Octets,
            (Presence::Present, _, _) => return Err(Unreadable::Component),
        };
        let fits = self.query_name == Named::Absent && is_lower_case_name(self.name);
        if fits { Ok(Component::Field { name: self.name, form }) } else { Err(Unreadable::Component) }
    }
}

/// Whether this is the name of a field, in lower case (RFC 9110 §5.1).
fn is_lower_case_name(name: &str) -> bool {
    let fits = |octet: u8| (octet.is_ascii_alphanumeric() && !octet.is_ascii_uppercase()) || b"!#$%&'*+-.^_`|~".contains(&octet);
    !name.is_empty() && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'r>(name: &'r str, flags: &[&str], texts: &[(&str, &'r str)]) -> Result<Component<'r>, Unreadable> {
        let mut draft = Draft::new(name);
        for flag in flags {
            draft.flag(flag)?;
        }
        for (name, value) in texts {
            draft.text(name, value)?;
        }
        draft.resolve()
    }

    #[test]
    fn fields_have_four_forms() {
        let field = |form| Ok(Component::Field { name: "example-dict", form });
        assert_eq!(read("example-dict", &[], &[]), field(Form::Combined));
        assert_eq!(read("example-dict", &["sf"], &[]), field(Form::Strict));
        assert_eq!(read("example-dict", &["bs"], &[]), field(Form::Octets));
        assert_eq!(read("example-dict", &[], &[("key", "a")]), field(Form::Member("a")));
        assert_eq!(read("example-dict", &["sf"], &[("key", "a")]), field(Form::Member("a")));
    }

    #[test]
    fn only_what_a_request_has_is_a_component() {
        for (name, component) in [
            ("@method", Component::Method),
            ("@target-uri", Component::TargetUri),
            ("@authority", Component::Authority),
            ("@scheme", Component::Scheme),
            ("@request-target", Component::RequestTarget),
            ("@path", Component::Path),
            ("@query", Component::Query),
        ] {
            assert_eq!(read(name, &[], &[]), Ok(component));
            assert_eq!(read(name, &["sf"], &[]), Err(Unreadable::Component));
            assert_eq!(read(name, &[], &[("name", "x")]), Err(Unreadable::Component));
        }
        assert_eq!(read("@query-param", &[], &[("name", "x")]), Ok(Component::QueryParam("x")));
        for name in ["@status", "@query-param", "@query-params", "@signature-params", "@", "@METHOD", "", "Date", "a b", "a:b", "a\u{e9}"] {
            assert_eq!(read(name, &[], &[]), Err(Unreadable::Component), "{name}");
        }
    }

    #[test]
    fn parameters_that_exclude_each_other_or_stand_twice_are_refused() {
        let refused = |flags: &[&str], texts: &[(&str, &'static str)]| read("date", flags, texts).unwrap_err();
        for flags in [&["bs", "sf"][..], &["sf", "sf"], &["bs", "bs"], &["req"], &["SF"], &["unknown"]] {
            assert_eq!(refused(flags, &[]), Unreadable::Component, "{flags:?}");
        }
        for texts in [&[("name", "x")][..], &[("key", "a"), ("key", "a")], &[("sf", "a")]] {
            assert_eq!(refused(&[], texts), Unreadable::Component, "{texts:?}");
        }
        assert_eq!(refused(&["bs"], &[("key", "a")]), Unreadable::Component);
        assert_eq!(refused(&["tr"], &[]), Unreadable::Absent);
    }
}
