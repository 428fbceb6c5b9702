//! What a part of an expression is, as far as that is known before it is computed.

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Number,
    Truth,
    Octets,
    Null,
    List,
    Map,
    Type,
    /// What `.?` and `[?]` give, which holds a value or none.
    Optional,
    /// Any of them: which one is not known.
    Any,
}

impl Sort {
    /// It, for operators to read.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Octets => "octets",
            Self::Null => "null",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Type => "a type",
            Self::Optional => "an optional value",
            Self::Any => "anything",
        }
    }

    /// Whether a value of the one sort may be one of the other.
    pub(super) fn fits(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }
}

/// What a part of an expression is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Principal,
    Claims,
    Request,
    Of(Sort),
    /// A list or a map, and what each thing in it is.
    Holding(Sort, Sort),
    /// Something that is never true or false, in words.
    NoTruth(&'static str),
}

impl Kind {
    /// What nothing is known of.
    pub(super) const ANY: Self = Self::Of(Sort::Any);

    /// Its type.
    pub(super) const fn sort(&self) -> Sort {
        match self {
            Self::Principal | Self::Claims | Self::Request => Sort::Map,
            Self::Of(sort) | Self::Holding(sort, _) => *sort,
            Self::NoTruth(_) => Sort::Any,
        }
    }

    /// What it is, if it is certainly neither true nor false.
    pub(super) fn no_truth(&self) -> Option<&'static str> {
        if let Self::NoTruth(what) = self {
            return Some(what);
        }
        (!Sort::Truth.fits(self.sort())).then(|| self.sort().words())
    }

    /// Judges what stands where a truth value must.
    ///
    /// # Errors
    /// What it is instead, if it certainly is none.
    pub(super) fn may_be_truth(&self) -> Result<(), String> {
        self.no_truth().map_or(Ok(()), |what| Err(format!("{what} in the place of true or false")))
    }
}
