//! What a token is, both directions: minting and checking side by side.

mod audience;
pub mod calendar;
mod claims;
pub mod context;
mod decimal;
pub mod form;
pub mod jose;
pub mod json;
mod judge;
pub mod jwt;
pub mod swt;
pub mod x509;

pub use audience::{AudienceRule, AudienceSyntax};
pub use claims::{ClaimSyntax, Claims, ClaimsBuilder};
pub use decimal::Decimal;
pub use judge::{ClaimConditions, ClaimMiss, ClaimRule, ClaimRuleSettings, ClaimRules, text_in_yaml};
