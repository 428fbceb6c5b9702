//! The only reader of environment variables, for `${NAME}` in settings.

/// Where `${NAME}` is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Environment {
    /// The environment of this process.
    Process,
    /// A fixed list, for tests.
    Fixed(&'static [(&'static str, &'static str)]),
}

impl Environment {
    /// The value of `name`; nothing when it is unset or not UTF-8.
    #[allow(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn value(self, name: &str) -> Option<String> {
        match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(list) => list.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
        }
    }
}
