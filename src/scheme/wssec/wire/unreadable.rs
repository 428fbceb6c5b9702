//! Why something on the wire of WSSEC cannot be read.

use std::fmt;

/// Why something on the wire cannot be read; every one is the sender's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A field holds other octets than visible ASCII, spaces and tabs.
    FieldOctets,
    /// A field is longer than it may be.
    FieldTooLong,
    /// A field does not follow its grammar.
    FieldSyntax,
    /// A parameter stands twice.
    ParameterRepeated,
    /// A parameter is not one of the field's.
    ParameterUnknown,
    /// A parameter without which the field says nothing is absent.
    ParameterMissing,
    /// A parameter's value is not one that it can have.
    ParameterValue,
    /// The signature algorithm has no such name.
    SignatureAlgorithmUnknown,
    /// The digest algorithm has no such name.
    DigestAlgorithmUnknown,
    /// The canonicalisation has no such name.
    CanonicalisationUnknown,
    /// The nonce is too short, too long, or of other octets than visible ASCII.
    NonceSyntax,
    /// The timestamp is no moment in UTC since 1970, or has another form.
    TimestampSyntax,
    /// The signature is not canonical base64, empty, or too long.
    SignatureSyntax,
    /// The digest is not canonical base64 of its algorithm's length.
    DigestSyntax,
    /// The list of covered fields is not lower-case names, sorted, with one space between.
    CoveredSyntax,
    /// A covered field is named twice, or there are too many.
    CoveredRepeated,
    /// A field is covered that cannot be, since it is made after the digest.
    CoveredForbidden,
    /// A covered field is not there.
    CoveredAbsent,
    /// A covered field stands several times.
    CoveredFieldRepeated,
    /// The location has no such name.
    LocationUnknown,
    /// The number of fragments is none from 1 to 64.
    FragmentCount,
    /// The size of fragments is none from 1 to 4096.
    FragmentSize,
    /// The number in a fragment's name is none.
    FragmentNumber,
    /// A fragment is missing.
    FragmentMissing,
    /// There are more fragments than were stated, or some although none were.
    FragmentExtra,
    /// A fragment stands twice.
    FragmentRepeated,
    /// A fragment has another length than was stated.
    FragmentLength,
    /// The token is not canonical base64, or is empty.
    TokenEncoding,
    /// The token is longer than the limit.
    TokenTooLarge,
    /// The query is no path of local names.
    QuerySyntax,
    /// The document is not well-formed XML in UTF-8, or refers to entities that it would have to define.
    XmlSyntax,
    /// The document has a document type, where entities come from.
    XmlDoctype,
    /// The document is longer, deeper or wider than it may be.
    XmlTooLarge,
    /// The query leads to no element.
    ElementMissing,
    /// The query leads to several elements.
    ElementAmbiguous,
    /// The element's text is broken up by comments, instructions or CDATA.
    ElementText,
}

impl Unreadable {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FieldOctets => "field_octets",
            Self::FieldTooLong => "field_too_long",
            Self::FieldSyntax => "field_syntax",
            Self::ParameterRepeated => "parameter_repeated",
            Self::ParameterUnknown => "parameter_unknown",
            Self::ParameterMissing => "parameter_missing",
            Self::ParameterValue => "parameter_value",
            Self::SignatureAlgorithmUnknown => "signature_algorithm_unknown",
            Self::DigestAlgorithmUnknown => "digest_algorithm_unknown",
            Self::CanonicalisationUnknown => "canonicalisation_unknown",
            Self::NonceSyntax => "nonce_syntax",
            Self::TimestampSyntax => "timestamp_syntax",
            Self::SignatureSyntax => "signature_syntax",
            Self::DigestSyntax => "digest_syntax",
            Self::CoveredSyntax => "covered_syntax",
            Self::CoveredRepeated => "covered_repeated",
            Self::CoveredForbidden => "covered_forbidden",
            Self::CoveredAbsent => "covered_absent",
            Self::CoveredFieldRepeated => "covered_field_repeated",
            Self::LocationUnknown => "location_unknown",
            Self::FragmentCount => "fragment_count",
            Self::FragmentSize => "fragment_size",
            Self::FragmentNumber => "fragment_number",
            Self::FragmentMissing => "fragment_missing",
            Self::FragmentExtra => "fragment_extra",
            Self::FragmentRepeated => "fragment_repeated",
            Self::FragmentLength => "fragment_length",
            Self::TokenEncoding => "token_encoding",
            Self::TokenTooLarge => "token_too_large",
            Self::QuerySyntax => "query_syntax",
            Self::XmlSyntax => "xml_syntax",
            Self::XmlDoctype => "xml_doctype",
            Self::XmlTooLarge => "xml_too_large",
            Self::ElementMissing => "element_missing",
            Self::ElementAmbiguous => "element_ambiguous",
            Self::ElementText => "element_text",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Unreadable {}
