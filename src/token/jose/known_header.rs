//! One header of tokens that held, read once: an issuer writes the same one on nearly all of its tokens.

use super::VerificationKey;
use super::jws::{Header, Jws, JwsSyntax, Unconfirmed, Unproved};
use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::Arc;

/// The header of the last token whose signature held. Nobody else's is remembered.
#[derive(Default)]
pub struct KnownHeader(ArcSwapOption<Known>);

/// A header as it stands in a token, and what it says.
struct Known {
    text: Box<str>,
    header: Arc<Header>,
}

impl KnownHeader {
    /// Reads the shape of a token, as [`Unconfirmed::parse`] does.
    ///
    /// # Errors
    /// The text does not have the shape of a compact JWS, or its header asks for what does not exist here.
    pub fn parse<'t>(&self, token: &'t str) -> Result<Unconfirmed<'t>, JwsSyntax> {
        Unconfirmed::parse_by(token, |text| match &*self.0.load() {
            Some(known) if *known.text == *text => Ok(Arc::clone(&known.header)),
            Some(_) | None => Header::parse(text),
        })
    }

    /// Tries the keys that the token can mean, as [`Unconfirmed::confirmed_by`] does, and remembers its header.
    ///
    /// # Errors
    /// No such key made the signature over the octets as received.
    pub fn confirm(&self, token: Unconfirmed<'_>, keys: &[VerificationKey]) -> Result<Jws, Unproved> {
        let text = token.header_text();
        let confirmed = token.confirmed_by(keys)?;
        let is_known = self.0.load().as_ref().is_some_and(|known| Arc::ptr_eq(&known.header, confirmed.shared_header()));
        if !is_known {
            self.0.store(Some(Arc::new(Known { text: text.into(), header: Arc::clone(confirmed.shared_header()) })));
        }
        Ok(confirmed)
    }
}

impl fmt::Debug for KnownHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KnownHeader").field(&self.0.load().as_ref().map(|known| &known.header)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Algorithm, IssuingKey, issue};
    use super::*;

    fn token(secret: u8, token_type: &str) -> String {
        issue(token_type, b"{}", &IssuingKey::secret(&[secret; 64], Algorithm::Hs256).unwrap()).unwrap().to_string()
    }

    fn keys(secret: u8) -> [VerificationKey; 1] {
        [VerificationKey::secret(&[secret; 64], None, None).unwrap()]
    }

    #[test]
    fn what_is_known_says_what_was_read() {
        let known = KnownHeader::default();
        for token_type in ["at+jwt", "at+jwt", "JWT", "at+jwt"] {
            let token = token(7, token_type);
            let parsed = known.parse(&token).unwrap();
            assert_eq!(parsed.header().token_type(), Some(token_type));
            let confirmed = known.confirm(parsed, &keys(7)).unwrap();
            assert_eq!((confirmed.header().token_type(), confirmed.payload()), (Some(token_type), &b"{}"[..]));
        }
        let tokens = [token(7, "at+jwt"), token(8, "at+jwt")];
        let [first, second] = tokens.each_ref().map(|token| known.parse(token).unwrap());
        assert!(std::ptr::eq(first.header(), second.header()), "it is read once");
    }

    #[test]
    fn nothing_is_remembered_of_what_did_not_hold() {
        let known = KnownHeader::default();
        let token = token(8, "at+jwt");
        assert_eq!(known.confirm(known.parse(&token).unwrap(), &keys(7)).unwrap_err(), Unproved::Signature);
        assert_eq!(format!("{known:?}"), "KnownHeader(None)");
    }

    #[test]
    fn a_part_of_a_known_header_is_another_header() {
        let known = KnownHeader::default();
        let token = token(7, "at+jwt");
        known.confirm(known.parse(&token).unwrap(), &keys(7)).unwrap();
        for wrong in [&token[1..], &token[4..], &format!("e{token}"), &token.replacen('.', "x.", 1)] {
            assert!(known.parse(wrong).is_err(), "{wrong}");
        }
    }
}
