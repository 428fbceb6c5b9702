//! Context tokens of WSSEC, made ahead with the gateway's own keys.

use portcullis::clock;
use portcullis::crypto::{SystemRandom, base64};
use portcullis::scheme::wssec::wire::canonical::TokenHash;
use portcullis::token::ClaimsBuilder;
use portcullis::token::context::{Binding, Context, FirstProfile, KeyRing, SECRET_LENGTH, draw, issue};
use std::fmt;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// How long contexts hold, in seconds: longer than a run of the longest rounds, and than the way to another program.
const LIFETIME: u64 = 24 * 3600;

/// What all contexts state, beside a subject of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'t> {
    /// The scheme's name in the gateway's configuration.
    pub(crate) scheme: &'t str,
    /// Its realm.
    pub(crate) realm: &'t str,
    /// Who made the token that was proved first.
    pub(crate) issuer: &'t str,
    /// Claims of that token.
    pub(crate) claims: &'t [(Box<str>, Box<str>)],
}

/// A context token and what proves its possession. It does not print.
pub(crate) struct HeldContext {
    /// The token in base64.
    pub(crate) token: Box<str>,
    /// What signatures say of the token.
    pub(crate) hash: TokenHash,
    /// The key of signatures.
    pub(crate) secret: Zeroizing<[u8; SECRET_LENGTH]>,
}

/// Contexts, each with a subject and a secret of its own.
pub(crate) struct Contexts(Box<[HeldContext]>);

impl Contexts {
    /// Makes contexts with a gateway's context keys, as their file holds them.
    ///
    /// # Errors
    /// The text does not hold such keys, or the claims are none that a context can hold.
    pub(crate) fn issue(count: u32, keys: &[u8], terms: &Terms<'_>) -> Result<Self, String> {
        let keys = KeyRing::from_text(keys).map_err(|syntax| syntax.to_string())?;
        let (binding, random) = (Binding::new(terms.scheme, terms.realm), SystemRandom::new());
        let mut claims = ClaimsBuilder::default();
        for (name, value) in terms.claims {
            claims.add(name, value).map_err(|_| format!("--claim: `{name}` stands twice"))?;
        }
        let (claims, issued) = (claims.build(), clock::now());
        let each = (0..count).map(|number| {
            let (id, secret) = draw(&random).map_err(|error| error.to_string())?;
            let context = Context {
                id,
                secret,
                issuer: terms.issuer.into(),
                subject: Some(format!("load-{number}").into()),
                profile: FirstProfile::Jwt,
                claims: claims.clone(),
                first_fingerprint: [0; 8],
                issued,
                expires: issued.later(LIFETIME),
            };
            let token = issue(&context, &keys, &binding, &random).map_err(|error| error.to_string())?;
            Ok(HeldContext { token: base64::encode(&token).into(), hash: TokenHash::of(&token), secret: context.secret })
        });
        each.collect::<Result<_, String>>().map(Self)
    }

    /// The contexts; never none.
    pub(crate) const fn all(&self) -> &[HeldContext] {
        &self.0
    }

    /// Writes a line of JSON for each: token, hash and secret, in base64.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        self.0.iter().try_for_each(|HeldContext { token, hash, secret }| {
            let secret = Zeroizing::new(base64::encode(secret.as_slice()));
            write!(to, r#"{{"token":"{token}","hash":""#)?;
            to.write_all(hash.as_bytes())?;
            writeln!(to, r#"","secret":"{}"}}"#, *secret)
        })
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contexts({})", self.0.len())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use portcullis::token::context::{is_context, open};
    use std::collections::BTreeSet;

    pub(crate) const RING: &[u8] = b"a BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";
    const TERMS: Terms<'static> = Terms { scheme: "partners", realm: "orders", issuer: "https://sts.example", claims: &[] };

    pub(crate) fn contexts(count: u32) -> Contexts {
        Contexts::issue(count, RING, &TERMS).unwrap()
    }

    fn octets(text: &str) -> Vec<u8> {
        base64::decode(text.as_bytes(), &mut [0; 3072]).unwrap().to_vec()
    }

    #[test]
    fn the_gateway_opens_each_and_none_is_like_another() {
        let claims = [("Role".into(), "buyer".into())];
        let contexts = Contexts::issue(50, RING, &Terms { claims: &claims, ..TERMS }).unwrap();
        let (keys, binding) = (KeyRing::from_text(RING).unwrap(), Binding::new("partners", "orders"));
        let mut seen = BTreeSet::new();
        for held in contexts.all() {
            let token = octets(&held.token);
            assert!(is_context(&token) && held.hash == TokenHash::of(&token));
            let opened = open(&token, &keys, &binding, clock::now()).unwrap();
            assert_eq!((opened.secret, opened.claims.value("Role"), &*opened.issuer), (held.secret.clone(), Some("buyer"), TERMS.issuer));
            seen.insert((opened.id, opened.subject.unwrap(), held.secret.to_vec()));
        }
        assert_eq!(seen.len(), 50);
        assert_eq!(seen.iter().map(|(_, subject, _)| subject).collect::<BTreeSet<_>>().len(), 50);
    }

    #[test]
    fn they_belong_to_one_scheme_and_realm() {
        let (keys, token) = (KeyRing::from_text(RING).unwrap(), octets(&contexts(1).all()[0].token));
        assert!(open(&token, &keys, &Binding::new("partners", "invoices"), clock::now()).is_err());
        assert!(open(&token, &keys, &Binding::new("others", "orders"), clock::now()).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        let contexts = contexts(3);
        let mut text = Vec::new();
        contexts.write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 3);
        for (line, held) in text.lines().zip(contexts.all()) {
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(read["token"].as_str(), Some(&*held.token));
            assert_eq!(read["hash"].as_str().unwrap().as_bytes(), held.hash.as_bytes());
            assert_eq!(octets(read["secret"].as_str().unwrap()), held.secret.as_slice());
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused_at_once() {
        assert!(Contexts::issue(1, b"short", &TERMS).unwrap_err().contains("32 octets"));
        let twice = [("a".into(), "1".into()), ("a".into(), "2".into())];
        assert!(Contexts::issue(1, RING, &Terms { claims: &twice, ..TERMS }).unwrap_err().contains("twice"));
        let large = [("a".into(), "v".repeat(4000).into())];
        assert!(Contexts::issue(1, RING, &Terms { claims: &large, ..TERMS }).is_err());
    }
}
