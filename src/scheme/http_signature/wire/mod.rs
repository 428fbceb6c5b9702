//! The wire of HTTP message signatures: fields as they are read and written, and the octets that are signed.
//!
//! Everything here is a function of octets, and both sides share it: who signs a request reads back what it wrote
//! by the reader that verifies. Reading is strict where RFC 9651 lets the last of several win: what is stated twice
//! is refused, since two readers could take it for two different things.

mod algorithm;
pub mod base;
mod component;
pub mod digest_field;
pub mod input;
mod query_param;
pub mod structured;

pub use algorithm::MessageAlgorithm;
pub use component::{Component, Form};
pub(super) use input::write_text;

use http::HeaderName;

/// The field that says what signatures are about (RFC 9421 §4.1).
pub const INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The field with the signatures (RFC 9421 §4.2).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// Why a field cannot be read, or cannot be signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no structured field of the type that it must be (RFC 9651).
    Syntax,
    /// One label stands twice.
    LabelRepeated,
    /// It has more signatures, or a signature more components, than are looked at.
    TooMany,
    /// A component that a request does not have, or a parameter that it does not have (RFC 9421 §2.5).
    Component,
    /// A component stands twice (RFC 9421 §2).
    ComponentRepeated,
    /// A parameter of a signature stands twice, or is of another type than it must be (RFC 9421 §2.3).
    Parameter,
    /// The message does not have the component, or not just once (RFC 9421 §2.5).
    Absent,
}

impl Unreadable {
    /// The precise reason, for log and metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Syntax => "structured_syntax",
            Self::LabelRepeated => "label_repeated",
            Self::TooMany => "components_too_many",
            Self::Component => "component_refused",
            Self::ComponentRepeated => "component_repeated",
            Self::Parameter => "signature_parameter",
            Self::Absent => "component_absent",
        }
    }
}
