//! What only a restart can change, and the certificates of the listeners, which may change at any time.

use crate::config::certificate::Certificate;
use crate::config::client_certificates::ClientCertificates;
use crate::config::document::{Admin, CertificatePair, Listener, ListenerTls};
use crate::config::snapshot::{Fixed, ListenerSecurity, ListenerSpec};
use crate::setting::{ByteSize, Files, Located, Problem};
use crate::store::StoreSizes;
use std::net::SocketAddr;

/// The most threads that may serve requests.
const MAX_WORKERS: u32 = 1024;

/// Checks and collects what only a restart can change.
pub(super) fn fixed(
    listeners: &[Located<Listener>],
    admin: Option<&Located<Admin>>,
    workers: Option<Located<u32>>,
    stores: StoreSizes,
    problems: &mut Vec<Problem>,
) -> Fixed {
    let specs: Vec<_> = listeners.iter().map(|listener| spec(listener)).collect();
    if specs.is_empty() {
        problems.push(Problem::new(crate::setting::Position::new(1, 1), "no listeners", "at least one listener"));
    }
    for (index, listener) in listeners.iter().enumerate() {
        if specs.iter().take(index).any(|earlier| collide(earlier.address, *listener.address)) {
            problems.push(Problem::new(
                listener.address.at(),
                format!("the address {}, which a listener before this one has", *listener.address),
                "another address",
            ));
        }
    }
    if let Some(admin) = admin
        && specs.iter().any(|data| collide(data.address, *admin.address))
    {
        problems.push(Problem::new(admin.address.at(), "the address of a data listener", "an address of its own"));
    }
    let workers = workers.map_or(0, |written| {
        if *written == 0 || *written > MAX_WORKERS {
            problems.push(Problem::new(written.at(), format!("{} workers", *written), format!("1 to {MAX_WORKERS}")));
        }
        usize::try_from(*written).unwrap_or_default()
    });
    Fixed { listeners: specs, admin: admin.map(|admin| *admin.address), workers, stores }
}

fn spec(listener: &Listener) -> ListenerSpec {
    let security = if listener.tls.is_some() { ListenerSecurity::Tls } else { ListenerSecurity::Clear };
    ListenerSpec { address: *listener.address, security }
}

/// Port 0 is a free port each time, so it never collides. Whether `[::]` takes the addresses of IPv4 too is
/// the system's choice, so only binding tells.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (one.ip() == other.ip() || (same_family && any))
}

/// What clients must show, per listener.
pub(super) fn clients(
    listeners: &[Located<Listener>],
    memory: ByteSize,
    files: &Files,
    problems: &mut Vec<Problem>,
) -> Vec<ClientCertificates> {
    let of = |listener: &Located<Listener>| {
        listener.tls.as_ref().map_or(Ok(ClientCertificates::NotAsked), |tls| ClientCertificates::load(tls, memory, files))
    };
    let mut keep = |built: Result<_, _>| built.map_err(|problem| problems.push(problem)).unwrap_or_default();
    listeners.iter().map(|listener| keep(of(listener))).collect()
}

/// Reads the certificates, per listener.
pub(super) fn certificates(listeners: &[Located<Listener>], files: &Files, problems: &mut Vec<Problem>) -> Vec<Vec<Certificate>> {
    listeners
        .iter()
        .map(|listener| listener.tls.as_ref().map_or_else(Vec::new, |tls| of_listener(listener, tls, files, problems)))
        .collect()
}

fn of_listener(listener: &Located<Listener>, tls: &ListenerTls, files: &Files, problems: &mut Vec<Problem>) -> Vec<Certificate> {
    let single = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => Some(CertificatePair { certificate: certificate.clone(), key: key.clone() }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            problems.push(Problem::new(listener.at(), "one of `certificate` and `key`", "both, or `certificates`"));
            return Vec::new();
        }
    };
    if single.is_none() && tls.certificates.is_empty() {
        problems.push(Problem::new(listener.at(), "`tls` without a certificate", "`certificate` and `key`, or `certificates`"));
    }
    let mut loaded = Vec::new();
    for pair in single.iter().chain(&tls.certificates) {
        match Certificate::load(pair, files) {
            Ok(certificate) => loaded.push(certificate),
            Err(problem) => problems.push(problem),
        }
    }
    loaded
}
