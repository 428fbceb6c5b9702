//! A proof of possession as it came, and the checks of RFC 9449 §4.3, one function each, named by its number there.

use super::target::is_target;
use crate::clock::UnixTime;
use crate::crypto::{DIGEST_LENGTH, PublicKey, SignatureAlgorithm, base64url, sha256};
use crate::scheme::{Evidence, Rejection};
use crate::store::{HolderKeys, VerdictCache};
use crate::token::jose::{Algorithm, Material, Primitive, Unconfirmed, VerificationKey, thumbprint_octets};
use crate::token::json::{Object, read_object};
use std::sync::Arc;

/// The longest proof, in octets: an RSA key of 8192 bits and its signature, twice over.
const MAX_PROOF: usize = 8192;
/// The longest name of a proof, in octets. Nothing is gained by more than 128 random bits.
const MAX_ID: usize = 256;
/// The memory for keys of holders, in octets: some 20,000 of them.
const KEY_MEMORY: u64 = 16 << 20;
/// What the key of a holder takes at most, in octets, prepared by the library.
const KEY_OCTETS: usize = 700;
/// A key that was read remains what it is.
const FOR_EVER: UnixTime = UnixTime::from_seconds(u64::MAX);

/// The parts of a proof in the clear.
pub(super) struct Parts<'p> {
    header: &'p str,
    payload: &'p str,
    signature: &'p str,
    signed: &'p str,
}

/// What the header of a proof says. All proofs of a holder have the same, so that it is read once.
pub(super) struct Holder {
    algorithm: SignatureAlgorithm,
    key: PublicKey,
    pub(super) thumbprint: [u8; DIGEST_LENGTH],
}

/// Headers of proofs that were read, by their SHA-256.
pub(super) struct Holders {
    algorithms: Box<[Algorithm]>,
    known: VerdictCache<Arc<Holder>>,
}

impl<'p> Parts<'p> {
    /// Check 2: it is one well-formed JWT.
    pub(super) fn check_2_shape(proof: &'p [u8]) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(proof).ok().filter(|text| text.len() <= MAX_PROOF).ok_or(Rejection::ProofSyntax)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(Rejection::ProofSyntax)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::ProofSyntax)?;
        if payload.contains('.') { Err(Rejection::ProofSyntax) } else { Ok(Self { header, payload, signature, signed }) }
    }

    /// The claims' octets.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Rejection> {
        base64url::decode_to_vec(self.payload.as_bytes()).map_err(|_| Rejection::ProofSyntax)
    }

    /// Check 6: it was signed with the key in it.
    pub(super) fn check_6_signature(&self, holder: &Holder, keys: &HolderKeys) -> Result<(), Rejection> {
        let signature = base64url::decode_to_vec(self.signature.as_bytes()).map_err(|_| Rejection::ProofSyntax)?;
        let verified = keys.verify(&holder.key, holder.algorithm, self.signed.as_bytes(), &signature);
        verified.map_err(|_| Rejection::HolderSignatureInvalid)
    }
}

impl Holders {
    pub(super) fn new(algorithms: Box<[Algorithm]>) -> Self {
        Self { algorithms, known: VerdictCache::bounded(KEY_MEMORY) }
    }

    /// Whose proof it says it is.
    pub(super) fn read(&self, proof: &Parts<'_>) -> Result<Arc<Holder>, Rejection> {
        let digest = sha256(proof.header.as_bytes());
        if let Some(known) = self.known.find(&digest, UnixTime::from_seconds(0)) {
            return Ok(known);
        }
        let holder = Arc::new(self.read_header(proof.header)?);
        self.known.keep(&digest, Arc::clone(&holder), KEY_OCTETS, FOR_EVER);
        Ok(holder)
    }

    fn read_header(&self, header: &str) -> Result<Holder, Rejection> {
        // The rules for headers are those of every signed token.
        let bare = [header, ".e30."].concat();
        let bare = Unconfirmed::parse(&bare).map_err(|_| Rejection::ProofSyntax)?;
        let header = bare.header();
        check_4_type(header.token_type())?;
        self.check_5_algorithm(header.algorithm())?;
        let object = read_object(header.octets()).map_err(|_| Rejection::ProofSyntax)?;
        let key = check_7_public_key(&object, header.algorithm())?;
        let Primitive::Signature(algorithm) = header.algorithm().primitive() else { return Err(self.refuse(header.algorithm())) };
        Ok(Holder { algorithm, thumbprint: thumbprint_octets(&key), key })
    }

    /// Check 5: the algorithm is a signature, and taken.
    fn check_5_algorithm(&self, algorithm: Algorithm) -> Result<(), Rejection> {
        if self.algorithms.contains(&algorithm) { Ok(()) } else { Err(self.refuse(algorithm)) }
    }

    fn refuse(&self, algorithm: Algorithm) -> Rejection {
        Rejection::of_proof_algorithm(self.algorithms.iter().map(|taken| taken.name()), algorithm.name())
    }
}

/// Check 4: it is a proof and no other kind of token.
fn check_4_type(stated: Option<&str>) -> Result<(), Rejection> {
    let is_proof = stated.is_some_and(|stated| stated.eq_ignore_ascii_case("dpop+jwt"));
    if is_proof { Ok(()) } else { Err(Rejection::ProofSyntax) }
}

/// Check 7: the key in it is there, the public half only, and for this algorithm.
fn check_7_public_key(header: &Object<'_>, algorithm: Algorithm) -> Result<PublicKey, Rejection> {
    let jwk = header.member("jwk").and_then(|jwk| jwk.object()).ok_or(Rejection::ProofSyntax)?;
    let key = VerificationKey::read(jwk).map_err(|_| Rejection::ProofSyntax)?;
    match key.material() {
        Material::Public(public) if key.fits(algorithm) => Ok(public.clone()),
        Material::Public(_) => Err(Rejection::of_proof_algorithm(std::iter::empty(), algorithm.name())),
        Material::Secret(_) => Err(Rejection::ProofSyntax),
    }
}

/// What a proof claims, as far as everybody's proofs do.
pub(super) struct Claims<'p> {
    pub(super) id: &'p str,
    method: &'p str,
    target: &'p str,
    pub(super) made: UnixTime,
    /// When it begins to hold, by its own account; the epoch where it does not say.
    pub(super) begins: UnixTime,
    /// When it ceases to hold, by its own account.
    pub(super) ends: UnixTime,
    token: &'p str,
    pub(super) nonce: Option<&'p str>,
}

impl<'p> Claims<'p> {
    /// Check 3: all claims are there that must be.
    pub(super) fn check_3_claims(payload: &'p Object<'_>) -> Result<Self, Rejection> {
        let text = |name| payload.text(name).map_err(|_| Rejection::ProofSyntax);
        let needed = |name| text(name)?.ok_or(Rejection::ProofSyntax);
        let time = |name| payload.member(name).map(|time| time.seconds().ok_or(Rejection::ProofSyntax)).transpose();
        let made = time("iat")?.ok_or(Rejection::ProofSyntax)?;
        // A begin within a second is one at its end.
        let begins = time("nbf")?.map_or(0, |begin| begin.as_secs().saturating_add(u64::from(begin.subsec_nanos() != 0)));
        let ends = time("exp")?.map_or(u64::MAX, |end| end.as_secs());
        let id = needed("jti")?;
        if id.is_empty() || id.len() > MAX_ID {
            return Err(Rejection::ProofSyntax);
        }
        Ok(Self {
            id,
            method: needed("htm")?,
            target: needed("htu")?,
            made: UnixTime::from_seconds(made.as_secs()),
            begins: UnixTime::from_seconds(begins),
            ends: UnixTime::from_seconds(ends),
            token: text("ath")?.ok_or(Rejection::ProofTokenMismatch)?,
            nonce: text("nonce")?,
        })
    }

    /// Check 8: it is for the method of the request.
    pub(super) fn check_8_method(&self, evidence: &Evidence<'_>) -> Result<(), Rejection> {
        if self.method == evidence.head.method.as_str() { Ok(()) } else { Err(Rejection::ProofMethodMismatch) }
    }

    /// Check 9: it is for the target of the request, query and fragment aside.
    pub(super) fn check_9_target(&self, evidence: &Evidence<'_>) -> Result<(), Rejection> {
        let is_ours = is_target(self.target, &evidence.head, &evidence.external());
        if is_ours { Ok(()) } else { Err(Rejection::of_target(evidence)) }
    }

    /// Check 12, first half: it is for this token.
    pub(super) fn check_12_token(&self, token: &str) -> Result<(), Rejection> {
        let stated = base64url::decode_exactly::<DIGEST_LENGTH>(self.token.as_bytes());
        if stated == Ok(sha256(token.as_bytes())) { Ok(()) } else { Err(Rejection::ProofTokenMismatch) }
    }
}

impl Holder {
    /// Check 12, second half: it was made with the key that the token is bound to.
    pub(super) fn check_12_key(&self, bound_to: &[u8; DIGEST_LENGTH]) -> Result<(), Rejection> {
        if self.thumbprint == *bound_to { Ok(()) } else { Err(Rejection::ProofKeyMismatch) }
    }
}
