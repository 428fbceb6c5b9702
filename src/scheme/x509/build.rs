//! Turns settings into a running scheme and tells every problem of them.

use super::config::{NamesConfig, X509Config};
use super::verify::{Requirements, Verifier};
use super::{X509, authorities};
use crate::scheme::wrap::build::claims;
use crate::scheme::{Carriers, ConnectionCarrier, Resources};
use crate::setting::{Located, Problem};
use crate::token::x509::{NamePattern, NamePatternSyntax};
use std::sync::Arc;

type Problems = Vec<Problem>;

pub(super) fn build(config: &Located<X509Config>, resources: &Resources<'_>) -> Result<X509, Problems> {
    let mut problems = Problems::new();
    let files = resources.files;
    let anchors = authorities::anchors(&config.trust_anchors_file, files).map_err(|problem| problems.push(problem));
    let intermediates = authorities::intermediates(config.intermediates_file.as_ref(), files).map_err(|problem| problems.push(problem));
    let lists = config.crl_files.as_ref().map_or(&[][..], |lists| lists.as_slice());
    let revocation = authorities::revocation_lists(lists, files).map_err(|found| problems.extend(found));
    check_empty(config, &mut problems);
    let names = config.san.as_ref().map(|names| patterns(names, &mut problems)).unwrap_or_default();
    let claims = claims(&config.claims, &mut problems);
    let (Ok(anchors), Ok(intermediates), Ok(revocation), true) = (anchors, intermediates, revocation, problems.is_empty()) else {
        return Err(problems);
    };
    let requirements =
        Requirements { anchors, intermediates, revocation, names, subject: config.subject, usage: config.extended_key_usage, claims };
    Ok(X509 {
        carriers: Carriers { connection: ConnectionCarrier::Certificate, ..Carriers::default() },
        verifier: Verifier::new(Arc::clone(resources.name), requirements, config.verdict_cache.octets()),
    })
}

/// What is written and empty was meant to be something: it does not stand for everything.
fn check_empty(config: &X509Config, problems: &mut Problems) {
    if let Some(lists) = config.crl_files.as_ref().filter(|lists| lists.is_empty()) {
        problems.push(Problem::new(lists.at(), "an empty list", "at least one file, or no `crl_files`"));
    }
    let is_empty = |names: &NamesConfig| names.dns.is_empty() && names.uri.is_empty() && names.email.is_empty();
    if let Some(names) = config.san.as_ref().filter(|names| is_empty(names)) {
        problems.push(Problem::new(names.at(), "no names", "at least one of `dns`, `uri` and `email` with a name, or no `san` for any"));
    }
}

fn patterns(config: &NamesConfig, problems: &mut Problems) -> Box<[NamePattern]> {
    let NamesConfig { dns, uri, email } = config;
    let mut patterns = Vec::with_capacity(dns.len().saturating_add(uri.len()).saturating_add(email.len()));
    let mut add = |written: &[Located<Box<str>>], parse: fn(&str) -> Result<NamePattern, NamePatternSyntax>| {
        for text in written {
            match parse(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(syntax) => problems.push(Problem::new(text.at(), format!("`{}`", **text), syntax.to_string())),
            }
        }
    };
    add(dns, NamePattern::host);
    add(uri, NamePattern::uri);
    add(email, NamePattern::mailbox);
    patterns.into()
}
