//! Why a request target has no normal form: a label for metrics and a text for the caller.

use std::fmt;

/// What is wrong with a request target. Nothing is guessed at: each of these refuses the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetProblem {
    /// There is nothing.
    Empty,
    /// More octets than the configured limit.
    TooLong,
    /// `*`, which is for the server and not for a resource (RFC 9112 §3.2.4).
    AsteriskForm,
    /// A host and a port, as for a tunnel (RFC 9112 §3.2.3).
    AuthorityForm,
    /// A whole URI where only a path may stand, or one that cannot be taken apart (RFC 9112 §3.2.2).
    AbsoluteForm,
    /// Something else that does not start with `/`.
    NotOriginForm,
    /// `//` in the path, or a segment of parameters only.
    EmptySegment,
    /// A segment that is `.` or `..`, in any spelling.
    DotSegment,
    /// `%2F` in the path.
    EncodedSlash,
    /// `%5C` in the path.
    EncodedBackslash,
    /// `\` in the path.
    Backslash,
    /// A control character, NUL among them, in any spelling.
    ControlCharacter,
    /// `%25` and two hexadecimal digits: decoding twice would give something else.
    DoubleEncoding,
    /// `%` without two hexadecimal digits in the path.
    MalformedEscape,
    /// Escapes in the path that decode to octets which are not UTF-8, or not its shortest form.
    InvalidUtf8,
    /// `#`, which a client must keep to itself.
    Fragment,
    /// An octet above 127.
    NonAscii,
    /// An octet that RFC 3986 does not allow where it stands.
    ForbiddenOctet,
    /// `;` in the path, where the configuration does not let parameters through.
    PathParameter,
}

impl TargetProblem {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        self.wording().0
    }

    /// What the caller is told.
    pub const fn text(self) -> &'static str {
        self.wording().1
    }

    const fn wording(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("target_empty", "the request target is empty"),
            Self::TooLong => ("target_too_long", "the request target is too long"),
            Self::AsteriskForm => ("target_asterisk_form", "the request target `*` is not served"),
            Self::AuthorityForm => ("target_authority_form", "the request target must be a path, not a host and port"),
            Self::AbsoluteForm => ("target_absolute_form", "the request target must be a path"),
            Self::NotOriginForm => ("target_not_origin_form", "the request target must start with `/`"),
            Self::EmptySegment => ("path_empty_segment", "the path has an empty segment"),
            Self::DotSegment => ("path_dot_segment", "the path has a segment `.` or `..`"),
            Self::EncodedSlash => ("path_encoded_slash", "the path has an encoded `/`"),
            Self::EncodedBackslash => ("path_encoded_backslash", "the path has an encoded backslash"),
            Self::Backslash => ("path_backslash", "the path has a backslash"),
            Self::ControlCharacter => ("target_control_character", "the request target has a control character"),
            Self::DoubleEncoding => ("path_double_encoding", "the path is encoded twice"),
            Self::MalformedEscape => ("path_malformed_escape", "the path has `%` without two hexadecimal digits"),
            Self::InvalidUtf8 => ("path_invalid_utf8", "the path does not decode to UTF-8"),
            Self::Fragment => ("target_fragment", "the request target has a fragment"),
            Self::NonAscii => ("target_non_ascii", "the request target has an octet above 127"),
            Self::ForbiddenOctet => ("target_forbidden_octet", "the request target has a character that must be encoded"),
            Self::PathParameter => ("path_parameter", "the path has parameters after `;`"),
        }
    }
}

impl fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for TargetProblem {}
