//! The macro behind the list of schemes: static dispatch, and no arm can be forgotten.

/// Expands a list of `module => Type` into the modules, the settings enum, the running enum and the
/// credential enum, with an exhaustive match each.
macro_rules! schemes {
    ($( #[doc = $doc:literal] $module:ident => $type:ident, )+) => {
        $( #[doc = $doc] pub mod $module; )+

        /// The settings of one scheme: a mapping with the kind of scheme as its only key.
        #[allow(clippy::large_enum_variant, reason = "one per configured scheme, not moved while a request waits")]
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum SchemeConfig {
            $( #[doc = $doc] $type(<$module::$type as Scheme>::Config), )+
        }

        /// A running scheme of any kind.
        #[allow(clippy::large_enum_variant, reason = "one per configured scheme, not moved while a request waits")]
        pub enum AnyScheme {
            $( #[doc = $doc] $type($module::$type), )+
        }

        /// A credential of any kind.
        pub enum AnyCredential<'r> {
            $( #[doc = $doc] $type(<$module::$type as Scheme>::Credential<'r>), )+
        }

        /// The kinds of schemes: key in the configuration, what it is, and an example.
        pub const KINDS: &[(&str, &str, &str)] = &[
            $( (stringify!($module), $doc, <$module::$type as Scheme>::EXAMPLE), )+
        ];

        impl AnyCredential<'_> {
            /// See [`Scheme::fingerprint`].
            pub fn fingerprint(&self) -> Fingerprint {
                match self {
                    $( Self::$type(credential) => <$module::$type as Scheme>::fingerprint(credential), )+
                }
            }
        }

        impl SchemeConfig {
            /// Builds the running scheme.
            ///
            /// # Errors
            /// Every problem of the settings.
            pub fn build(self, resources: &Resources<'_>) -> Result<AnyScheme, Vec<Problem>> {
                match self {
                    $( Self::$type(config) => <$module::$type as Scheme>::build(config, resources).map(AnyScheme::$type), )+
                }
            }
        }

        impl AnyScheme {
            /// The kind of scheme, as written in the configuration.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $( Self::$type(_) => stringify!($module), )+
                }
            }

            /// See [`Scheme::carriers`].
            pub fn carriers(&self) -> &Carriers {
                match self {
                    $( Self::$type(scheme) => scheme.carriers(), )+
                }
            }

            /// See [`Scheme::onward`].
            pub fn onward(&self) -> Onward {
                match self {
                    $( Self::$type(scheme) => scheme.onward(), )+
                }
            }

            /// See [`Scheme::possession`].
            pub fn possession(&self) -> &'static str {
                match self {
                    $( Self::$type(scheme) => scheme.possession(), )+
                }
            }

            /// See [`Scheme::cautions`].
            pub fn cautions(&self) -> &[&'static str] {
                match self {
                    $( Self::$type(scheme) => scheme.cautions(), )+
                }
            }

            /// See [`Scheme::verdict_counts`].
            pub fn verdict_counts(&self) -> Option<CacheCounts> {
                match self {
                    $( Self::$type(scheme) => scheme.verdict_counts(), )+
                }
            }

            /// See [`Scheme::key_sources`].
            pub fn key_sources(&self) -> Vec<Arc<KeySource>> {
                match self {
                    $( Self::$type(scheme) => scheme.key_sources(), )+
                }
            }

            /// See [`Scheme::content_need`].
            pub fn content_need(&self, head: &RequestHead<'_>) -> ContentNeed {
                match self {
                    $( Self::$type(scheme) => scheme.content_need(head), )+
                }
            }

            /// See [`Scheme::extract`].
            ///
            /// # Errors
            /// See there.
            pub fn extract<'r>(&self, evidence: &Evidence<'r>) -> Result<Option<AnyCredential<'r>>, Malformation> {
                match self {
                    $( Self::$type(scheme) => Ok(scheme.extract(evidence)?.map(AnyCredential::$type)), )+
                }
            }

            /// See [`Scheme::place`].
            pub fn place(&self, credential: &AnyCredential<'_>) -> Place {
                match (self, credential) {
                    $( (Self::$type(scheme), AnyCredential::$type(credential)) => scheme.place(credential), )+
                    _ => Place::Connection,
                }
            }

            /// See [`Scheme::recognise`]. A credential of another kind of scheme is foreign.
            pub fn recognise(&self, credential: &AnyCredential<'_>) -> Recognition {
                match (self, credential) {
                    $( (Self::$type(scheme), AnyCredential::$type(credential)) => scheme.recognise(credential), )+
                    _ => Recognition::Foreign,
                }
            }

            /// See [`Scheme::verify`]. A credential of another kind of scheme is a fault, never a proof.
            ///
            /// # Errors
            /// See there.
            pub async fn verify(&self, credential: &AnyCredential<'_>, evidence: &Evidence<'_>) -> Result<Proof, Refusal> {
                match (self, credential) {
                    $( (Self::$type(scheme), AnyCredential::$type(credential)) => scheme.verify(credential, evidence).await, )+
                    _ => Err(Refusal::Fault(Fault::ForeignCredential)),
                }
            }

            /// See [`Scheme::challenges`].
            pub fn challenges(&self, refusal: Option<&Refusal>, now: UnixTime) -> Vec<Challenge> {
                match self {
                    $( Self::$type(scheme) => scheme.challenges(refusal, now), )+
                }
            }

            /// See [`Scheme::issue`].
            pub fn issue(&self, proof: &Proof, now: UnixTime) -> Vec<Challenge> {
                match self {
                    $( Self::$type(scheme) => scheme.issue(proof, now), )+
                }
            }

            /// See [`Scheme::owns_answer_field`].
            pub fn owns_answer_field(&self, name: &str) -> bool {
                match self {
                    $( Self::$type(_) => <$module::$type as Scheme>::owns_answer_field(name), )+
                }
            }
        }
    };
}
pub(super) use schemes;
