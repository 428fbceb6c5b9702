//! OAuth WRAP, the protected resource's side.

use super::{Carriers, Challenge, ContentNeed, Evidence, Malformation, Proof, Refusal, Rejection, RequestHead, Resources, Scheme};
use crate::setting::Problem;
use http::HeaderValue;

/// Settings of the scheme.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrapConfig {}

/// The scheme, being built: it finds no credential and proves nothing.
pub struct Wrap {
    carriers: Carriers,
}

impl Scheme for Wrap {
    type Config = WrapConfig;
    type Credential<'r> = &'r str;
    const EXAMPLE: &'static str = "{}";

    fn build(_: Self::Config, _: &Resources<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self { carriers: Carriers::default() })
    }
    fn carriers(&self) -> &Carriers {
        &self.carriers
    }
    fn content_need(&self, _: &RequestHead<'_>) -> ContentNeed {
        ContentNeed::Nothing
    }
    fn extract<'r>(&self, _: &Evidence<'r>) -> Result<Option<&'r str>, Malformation> {
        Ok(None)
    }
    async fn verify(&self, _: Self::Credential<'_>, _: &Evidence<'_>) -> Result<Proof, Refusal> {
        Err(Rejection::SignatureInvalid.into())
    }
    fn challenges(&self, _: Option<&Refusal>) -> Vec<Challenge> {
        vec![Challenge::www_authenticate(HeaderValue::from_static("WRAP"))]
    }
}
