//! `Signature-Input` and `Signature`: what signatures are about, and their octets (RFC 9421 §4.1, §4.2).

use super::Unreadable;
use super::component::{Component, Draft};
use super::structured::Stop;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, KeyRef, Parser, StringRef};
use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

/// The most signatures of a message that are looked at.
pub const MOST_SIGNATURES: usize = 8;
/// The most components that a signature may be about.
pub const MOST_COMPONENTS: usize = 64;
/// What most lists of components and parameters need, in octets.
const USUAL_TEXT: usize = 256;
/// How many components most signatures are about.
const USUAL_COMPONENTS: usize = 8;

/// What a label is, for people.
pub const LABEL: &str = "a label: lower-case letters, digits, `_`, `-`, `.` and `*`, a letter or `*` first";

/// Whether this can be the label of a signature (RFC 9651 §3.1.2).
pub fn is_label(text: &str) -> bool {
    let list = [text, "=()"].concat();
    Stated::read([list.as_bytes()].into_iter()).is_ok_and(|stated| matches!(stated.as_slice(), [stated] if stated.label == text))
}

/// A member of `Signature-Input`: what a signature says it is about.
#[derive(Clone, Debug)]
pub struct Stated<'r> {
    /// The label, by which the signature is found.
    pub label: &'r str,
    /// What is covered, in order.
    pub components: Vec<Covered<'r>>,
    /// What else is signed.
    pub parameters: Parameters<'r>,
    /// The list and its parameters as RFC 9651 writes them: the value of `@signature-params` (RFC 9421 §2.3).
    text: Vec<u8>,
    /// The first thing that is wrong with it. It counts only if this signature is the one that is asked for.
    fault: Result<(), Unreadable>,
}

/// A covered component.
#[derive(Clone, Debug)]
pub struct Covered<'r> {
    /// What it is.
    pub component: Component<'r>,
    /// Its name.
    pub name: &'r str,
    /// Where its identifier stands in the text.
    place: Range<usize>,
}

/// Parameters of a signature (RFC 9421 §2.3). A text that is absent is empty.
#[derive(Clone, Debug, Default)]
pub struct Parameters<'r> {
    /// When it was made, in seconds since the epoch.
    pub created: Option<u64>,
    /// When it ends, in seconds since the epoch.
    pub expires: Option<u64>,
    /// What makes it unlike any other.
    pub nonce: Cow<'r, str>,
    /// The algorithm that the signer names.
    pub alg: Cow<'r, str>,
    /// The key.
    pub keyid: Cow<'r, str>,
    /// What it is for.
    pub tag: Cow<'r, str>,
    /// Names of parameters that nobody here knows; they are signed as all others are.
    unknown: Vec<&'r str>,
}

impl<'r> Stated<'r> {
    /// Reads the lines of `Signature-Input`.
    ///
    /// # Errors
    /// They are no dictionary of inner lists, a label stands twice, or there are too many.
    pub fn read(lines: impl Iterator<Item = &'r [u8]>) -> Result<Vec<Self>, Unreadable> {
        let mut found = Vec::new();
        for line in lines {
            let mut why = Unreadable::Syntax;
            let parsed = Parser::new(line).parse_dictionary_with_visitor(Inputs { found: &mut found, why: &mut why });
            parsed.map_err(|_| why)?;
        }
        Ok(found)
    }

    /// Whether nothing is wrong with it.
    ///
    /// # Errors
    /// The first thing that is wrong: an unknown or repeated component, or a parameter of another type.
    pub const fn check(&self) -> Result<(), Unreadable> {
        self.fault
    }

    /// The value of `@signature-params`.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The identifier of a covered component, as it is signed.
    pub fn identifier(&self, covered: &Covered<'_>) -> &[u8] {
        self.text.get(covered.place.clone()).unwrap_or_default()
    }

    fn new(label: &'r str) -> Self {
        let mut text = Vec::with_capacity(USUAL_TEXT);
        text.push(b'(');
        let components = Vec::with_capacity(USUAL_COMPONENTS);
        Self { label, components, parameters: Parameters::default(), text, fault: Ok(()) }
    }

    fn blame(&mut self, outcome: Result<(), Unreadable>) {
        self.fault = self.fault.and(outcome);
    }

    fn cover(&mut self, draft: Draft<'r>, start: usize) -> Result<(), Unreadable> {
        let component = draft.resolve()?;
        if self.components.iter().any(|covered| covered.component == component) {
            return Err(Unreadable::ComponentRepeated);
        }
        if self.components.len() >= MOST_COMPONENTS {
            return Err(Unreadable::TooMany);
        }
        self.components.push(Covered { component, name: draft.name, place: start..self.text.len() });
        Ok(())
    }
}

/// Reads one line.
struct Inputs<'v, 'r> {
    found: &'v mut Vec<Stated<'r>>,
    why: &'v mut Unreadable,
}

impl<'r> DictionaryVisitor<'r> for Inputs<'_, 'r> {
    type Out = ();
    type Error = Stop;

    fn entry(&mut self, label: &'r KeyRef) -> Result<impl EntryVisitor<'r>, Stop> {
        if self.found.iter().any(|stated| stated.label == label.as_str()) {
            *self.why = Unreadable::LabelRepeated;
            return Err(Stop);
        }
        if self.found.len() >= MOST_SIGNATURES {
            *self.why = Unreadable::TooMany;
            return Err(Stop);
        }
        self.found.push(Stated::new(label.as_str()));
        self.found.last_mut().map(|stated| Entry { stated }).ok_or(Stop)
    }

    fn finish(self) -> Result<(), Stop> {
        Ok(())
    }
}

/// Reads a signature's list of components.
struct Entry<'v, 'r> {
    stated: &'v mut Stated<'r>,
}

impl<'r> EntryVisitor<'r> for Entry<'_, 'r> {
    type Error = Stop;

    fn item(self) -> Result<impl ItemVisitor<'r>, Stop> {
        Err::<Ignored, Stop>(Stop)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'r>, Stop> {
        Ok(self)
    }
}

impl<'r> InnerListVisitor<'r> for Entry<'_, 'r> {
    type Error = Stop;

    fn item(&mut self) -> Result<impl ItemVisitor<'r>, Stop> {
        if self.stated.text.len() > 1 {
            self.stated.text.push(b' ');
        }
        Ok(Name { stated: self.stated })
    }

    fn finish(self) -> Result<impl ParameterVisitor<'r>, Stop> {
        self.stated.text.push(b')');
        Ok(Others { stated: self.stated })
    }
}

/// Reads the name of a component.
struct Name<'v, 'r> {
    stated: &'v mut Stated<'r>,
}

/// Reads the parameters of a component.
struct Identifier<'v, 'r> {
    stated: &'v mut Stated<'r>,
    draft: Draft<'r>,
    start: usize,
}

impl<'r> ItemVisitor<'r> for Name<'_, 'r> {
    type Out = ();
    type Error = Stop;

    fn bare_item(self, item: BareItemFromInput<'r>) -> Result<impl ParameterVisitor<'r, Out = ()>, Stop> {
        let name = plain(&item).ok_or(Stop)?;
        let start = self.stated.text.len();
        write_text(name, &mut self.stated.text);
        Ok(Identifier { stated: self.stated, draft: Draft::new(name), start })
    }
}

impl<'r> ParameterVisitor<'r> for Identifier<'_, 'r> {
    type Out = ();
    type Error = Stop;

    fn parameter(&mut self, name: &'r KeyRef, value: BareItemFromInput<'r>) -> Result<(), Stop> {
        let taken = match (&value, plain(&value)) {
            (BareItemFromInput::Boolean(true), _) => self.draft.flag(name.as_str()),
            (_, Some(text)) => self.draft.text(name.as_str(), text),
            _ => Err(Unreadable::Component),
        };
        self.stated.blame(taken);
        let written = write_parameter(name.as_str(), &value, &mut self.stated.text);
        self.stated.blame(written);
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        let covered = self.stated.cover(self.draft, self.start);
        self.stated.blame(covered);
        Ok(())
    }
}

/// Reads the parameters of a signature.
struct Others<'v, 'r> {
    stated: &'v mut Stated<'r>,
}

impl<'r> ParameterVisitor<'r> for Others<'_, 'r> {
    type Out = ();
    type Error = Stop;

    fn parameter(&mut self, name: &'r KeyRef, value: BareItemFromInput<'r>) -> Result<(), Stop> {
        let written = write_parameter(name.as_str(), &value, &mut self.stated.text);
        self.stated.blame(written);
        let taken = self.stated.parameters.take(name.as_str(), value);
        self.stated.blame(taken);
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        Ok(())
    }
}

impl<'r> Parameters<'r> {
    fn take(&mut self, name: &'r str, value: BareItemFromInput<'r>) -> Result<(), Unreadable> {
        let text = match name {
            "created" => return take_time(&mut self.created, &value),
            "expires" => return take_time(&mut self.expires, &value),
            "nonce" => &mut self.nonce,
            "alg" => &mut self.alg,
            "keyid" => &mut self.keyid,
            "tag" => &mut self.tag,
            unknown if self.unknown.contains(&unknown) => return Err(Unreadable::Parameter),
            unknown => {
                self.unknown.push(unknown);
                return Ok(());
            }
        };
        let BareItemFromInput::String(value) = value else { return Err(Unreadable::Parameter) };
        // Nothing tells an empty text from none, so that there is none.
        if !text.is_empty() || value.as_str().is_empty() {
            return Err(Unreadable::Parameter);
        }
        *text = match value {
            Cow::Borrowed(value) => Cow::Borrowed(value.as_str()),
            Cow::Owned(value) => Cow::Owned(value.into()),
        };
        Ok(())
    }
}

fn take_time(time: &mut Option<u64>, value: &BareItemFromInput<'_>) -> Result<(), Unreadable> {
    let BareItemFromInput::Integer(seconds) = value else { return Err(Unreadable::Parameter) };
    let seconds = u64::try_from(i64::from(*seconds)).map_err(|_| Unreadable::Parameter)?;
    if time.replace(seconds).is_none() { Ok(()) } else { Err(Unreadable::Parameter) }
}

/// A text without escapes. Names of fields, keys and percent-encoded names need none.
fn plain<'r>(item: &BareItemFromInput<'r>) -> Option<&'r str> {
    let BareItemFromInput::String(Cow::Borrowed(text)) = item else { return None };
    Some(StringRef::as_str(text))
}

/// Writes a parameter (RFC 9651 §4.1.1.2).
fn write_parameter(name: &str, value: &BareItemFromInput<'_>, to: &mut Vec<u8>) -> Result<(), Unreadable> {
    to.push(b';');
    to.extend_from_slice(name.as_bytes());
    match value {
        BareItemFromInput::Boolean(true) => return Ok(()),
        BareItemFromInput::Boolean(false) => to.extend_from_slice(b"=?0"),
        BareItemFromInput::String(text) => {
            to.push(b'=');
            write_text(text.as_str(), to);
        }
        BareItemFromInput::Token(token) => {
            to.push(b'=');
            to.extend_from_slice(token.as_str().as_bytes());
        }
        BareItemFromInput::Integer(number) => write!(to, "={number}").map_err(|_| Unreadable::Parameter)?,
        // No registered parameter is of these types.
        BareItemFromInput::Decimal(_)
        | BareItemFromInput::ByteSequence(_)
        | BareItemFromInput::Date(_)
        | BareItemFromInput::DisplayString(_) => return Err(Unreadable::Parameter),
    }
    Ok(())
}

/// Writes a text between quotes (RFC 9651 §4.1.6).
pub(in crate::scheme::http_signature) fn write_text(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    for octet in text.bytes() {
        if matches!(octet, b'"' | b'\\') {
            to.push(b'\\');
        }
        to.push(octet);
    }
    to.push(b'"');
}

/// A member of `Signature`: a label and the signature's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made<'r> {
    /// The label, by which what it is about is found.
    pub label: &'r str,
    /// The signature.
    pub octets: Vec<u8>,
}

impl<'r> Made<'r> {
    /// Reads the lines of `Signature`.
    ///
    /// # Errors
    /// They are no dictionary of byte sequences, a label stands twice, or there are too many.
    pub fn read(lines: impl Iterator<Item = &'r [u8]>) -> Result<Vec<Self>, Unreadable> {
        let mut found = Vec::new();
        for line in lines {
            super::structured::read_octets(line, |label, octets| {
                if found.iter().any(|made: &Self| made.label == label) {
                    return Err(Unreadable::LabelRepeated);
                }
                if found.len() >= MOST_SIGNATURES {
                    return Err(Unreadable::TooMany);
                }
                found.push(Self { label, octets });
                Ok(())
            })?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Stated<'_>>, Unreadable> {
        Stated::read([text.as_bytes()].into_iter())
    }

    fn fault(text: &str) -> Unreadable {
        read(text).unwrap()[0].check().unwrap_err()
    }

    #[test]
    fn a_list_of_components_is_read_with_its_parameters() {
        let text = "sig1=(\"@method\" \"content-digest\";key=\"sha-256\");created=1618884473;expires=1618884773\
            ;nonce=\"b3k2\";alg=\"ed25519\";keyid=\"k\\\"1\";tag=\"app\"";
        let stated = read(text).unwrap().remove(0);
        assert_eq!(stated.check(), Ok(()));
        assert_eq!(stated.label, "sig1");
        let Parameters { created, expires, nonce, alg, keyid, tag, .. } = &stated.parameters;
        assert_eq!((*created, *expires), (Some(1_618_884_473), Some(1_618_884_773)));
        assert_eq!([nonce, alg, keyid, tag].map(|text| &**text), ["b3k2", "ed25519", "k\"1", "app"]);
        assert_eq!(
            stated.components.iter().map(|covered| stated.identifier(covered)).collect::<Vec<_>>(),
            [&b"\"@method\""[..], b"\"content-digest\";key=\"sha-256\""]
        );
        assert_eq!(stated.text(), &text.as_bytes()["sig1=".len()..]);
    }

    #[test]
    fn several_signatures_stand_in_one_line_or_in_several() {
        let lines = [&b"a=(\"@path\");created=1, b=()"[..], b"c=(\"@status\")"];
        let stated = Stated::read(lines.into_iter()).unwrap();
        assert_eq!(stated.iter().map(|stated| stated.label).collect::<Vec<_>>(), ["a", "b", "c"]);
        // What is wrong with one does not spoil the others.
        let judged: Vec<_> = stated.iter().map(|stated| stated.check().err()).collect();
        assert_eq!(judged, [None, None, Some(Unreadable::Component)]);
        assert_eq!(Stated::read([&b"a=()"[..], b"a=()"].into_iter()).unwrap_err(), Unreadable::LabelRepeated);
        assert_eq!(read("a=(), b=(), a=()").unwrap_err(), Unreadable::LabelRepeated);
    }

    #[test]
    fn what_is_no_list_of_texts_is_refused() {
        for text in [
            "sig",
            "sig=1",
            "sig=\"@method\"",
            "sig=(@method)",
            "sig=(method)",
            "sig=(1)",
            "sig=(\"@method\"",
            "sig=(\"a\"\"b\")",
            "=()",
            "sig=(),",
            "Sig=()",
        ] {
            assert_eq!(read(text).unwrap_err(), Unreadable::Syntax, "{text}");
        }
        let many = |count: usize| (0..count).map(|number| format!("s{number}=()")).collect::<Vec<_>>().join(", ");
        assert_eq!(read(&many(MOST_SIGNATURES)).unwrap().len(), MOST_SIGNATURES);
        assert_eq!(read(&many(MOST_SIGNATURES + 1)).unwrap_err(), Unreadable::TooMany);
    }

    #[test]
    fn components_stand_once() {
        assert_eq!(fault("s=(\"date\" \"date\")"), Unreadable::ComponentRepeated);
        assert_eq!(fault("s=(\"@path\" \"date\" \"@path\")"), Unreadable::ComponentRepeated);
        assert_eq!(fault("s=(\"a\";key=\"x\";sf \"a\";sf;key=\"x\")"), Unreadable::ComponentRepeated);
        assert!(read("s=(\"a\" \"a\";sf \"a\";bs \"a\";key=\"x\" \"a\";key=\"y\")").unwrap()[0].check().is_ok());
        let many = |count: usize| format!("s=({})", (0..count).map(|number| format!("\"x{number}\"")).collect::<Vec<_>>().join(" "));
        assert_eq!(read(&many(MOST_COMPONENTS)).unwrap()[0].components.len(), MOST_COMPONENTS);
        assert_eq!(fault(&many(MOST_COMPONENTS + 1)), Unreadable::TooMany);
    }

    #[test]
    fn parameters_of_components_are_those_of_requests() {
        for text in
            ["\"@status\"", "\"date\";req", "\"date\";sf=?0", "\"date\";key", "\"date\";key=k", "\"date\";x", "\"Date\"", "\"@method\";sf"]
        {
            assert_eq!(fault(&format!("s=({text})")), Unreadable::Component, "{text}");
        }
        assert_eq!(fault("s=(\"date\";tr)"), Unreadable::Absent);
    }

    #[test]
    fn parameters_have_their_types_and_stand_once() {
        for text in [
            "created=\"1\"",
            "created",
            "created=1.0",
            "created=-1",
            "created=@1",
            "expires=a",
            "nonce=1",
            "nonce=tok",
            "nonce=\"\"",
            "keyid=:AAAA:",
            "keyid=\"\"",
            "tag=?1",
            "alg=1",
            "created=1;created=1",
            "nonce=\"a\";nonce=\"b\"",
            "x;x",
            "x=1.5",
            "x=:AAAA:",
        ] {
            assert_eq!(fault(&format!("s=();{text}")), Unreadable::Parameter, "{text}");
        }
    }

    #[test]
    fn signatures_are_octets_by_label() {
        let made = Made::read([&b"a=:AAEC:, b=:Aw==:;x=1"[..], b"c=::"].into_iter()).unwrap();
        let expected = [("a", &[0, 1, 2][..]), ("b", &[3]), ("c", &[])].map(|(label, octets)| Made { label, octets: octets.to_vec() });
        assert_eq!(made, expected);
        for (text, why) in [
            ("a=:AAEC:, a=:AAEC:", Unreadable::LabelRepeated),
            ("a", Unreadable::Syntax),
            ("a=\"AAEC\"", Unreadable::Syntax),
            ("a=(:AAEC:)", Unreadable::Syntax),
            ("a=:A_:", Unreadable::Syntax),
        ] {
            assert_eq!(Made::read([text.as_bytes()].into_iter()).unwrap_err(), why, "{text}");
        }
    }
}
