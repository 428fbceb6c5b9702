//! What holds in a configuration and still deserves a second look.

use super::terminal::{count, date, span};
use crate::clock::UnixTime;
use crate::config::certificate::Certificate;
use crate::config::client_certificates::ClientCertificates;
use crate::config::document::Verification;
use crate::config::snapshot::{Admission, ListenerSecurity, NamedScheme, Snapshot, UpstreamSecurity};
use crate::scheme::AnyScheme;
use crate::token::swt::SwtKey;
use std::fs::{File, Metadata};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How long before a certificate's end it is time to renew it, in seconds: 30 days.
const RENEWAL: u64 = 30 * 86_400;
/// As much of a file as it takes to tell whether it is a key, in octets.
const MAX_KEY: u64 = 64 << 10;

/// Every warning about a configuration that is to run at `now`.
pub(super) fn warnings(snapshot: &Snapshot, now: UnixTime) -> Vec<String> {
    let mut warnings = clear_listeners(snapshot);
    warnings.extend(snapshot.routes.is_empty().then(|| "there are no routes: every request is answered 404".to_owned()));
    warnings.extend(unchecked(snapshot));
    warnings.extend(open_admin(snapshot.fixed.admin));
    warnings.extend(unasked_certificates(snapshot));
    warnings.extend(snapshot.certificates.iter().flatten().filter_map(|certificate| ending(certificate, now)));
    warnings.extend(unverified_upstreams(snapshot));
    warnings.extend(snapshot.files.iter().filter_map(|file| open_key(file, &snapshot.secret_files)));
    warnings.dedup();
    warnings
}

fn clear_listeners(snapshot: &Snapshot) -> Vec<String> {
    let guarded = snapshot.routes.iter().filter(|route| !matches!(route.admission, Admission::Public)).count();
    let exposed =
        snapshot.fixed.listeners.iter().filter(|listener| listener.security == ListenerSecurity::Clear && is_exposed(listener.address));
    let warning = |address| {
        let routes = count(guarded, "authenticated route");
        format!(
            "the listener {address} is clear text and can be reached from other machines: tokens for {routes} can be read on the way; give it `tls`"
        )
    };
    exposed.filter(|_| guarded > 0).map(|listener| warning(listener.address)).collect()
}

fn unchecked(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let told = |named: &NamedScheme| -> Vec<String> {
        named.scheme.cautions().iter().map(|caution| format!("the scheme `{}` {caution}", named.name)).collect()
    };
    snapshot.schemes.iter().flat_map(told)
}

fn open_admin(admin: Option<SocketAddr>) -> Option<String> {
    let address = admin.filter(|address| is_exposed(*address))?;
    Some(format!("the admin listener {address} can be reached from other machines and asks nobody who they are"))
}

/// Schemes that need what no listener asks for.
fn unasked_certificates(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let asked = snapshot.clients.iter().any(|clients| !matches!(clients, ClientCertificates::NotAsked));
    let needs = |named: &&NamedScheme| matches!(named.scheme, AnyScheme::X509(_) | AnyScheme::Mtls(_));
    let unasked = snapshot.schemes.iter().filter(move |named| !asked && needs(named));
    unasked.map(|named| {
        format!(
            "the scheme `{}` needs client certificates, and no listener asks for any: give one `client_ca` or `client_certificate`",
            named.name
        )
    })
}

fn is_exposed(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

fn ending(certificate: &Certificate, now: UnixTime) -> Option<String> {
    let Certificate { label, not_after, .. } = certificate;
    let end = date(*not_after);
    match not_after.seconds().checked_sub(now.seconds()) {
        None | Some(0) => Some(format!("the certificate {label} ended at {end}: clients will refuse it")),
        Some(left) if left < RENEWAL => Some(format!("the certificate {label} ends in {}, at {end}", span(left))),
        Some(_) => None,
    }
}

fn unverified_upstreams(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    snapshot.upstreams.iter().filter_map(|upstream| match &upstream.security {
        UpstreamSecurity::Tls { verify: Verification::None, .. } => {
            Some(format!("the upstream `{}` has `verify: none`: whoever answers at its address is believed", upstream.name))
        }
        UpstreamSecurity::Tls { verify: Verification::Full, .. } | UpstreamSecurity::Clear => None,
    })
}

/// A key or a secret that others may read. Whether a file is a key is told by its content, since certificates may be
/// read by anybody; a secret can be any text, and is what a setting says it is.
fn open_key(path: &Path, secrets: &[PathBuf]) -> Option<String> {
    let file = File::open(path).ok()?;
    let mode = file.metadata().as_ref().map(Metadata::permissions).ok()?.mode() & 0o777;
    let is_secret = secrets.iter().any(|secret| secret == path);
    if mode & 0o077 == 0 || !(is_secret || holds_key(file)) {
        return None;
    }
    let kind = if is_secret { "secret" } else { "key" };
    let path = path.display();
    Some(format!("the {kind} file {path} has mode {mode:04o}, so that others than its owner can get at it: chmod 600 {path}"))
}

fn holds_key(file: File) -> bool {
    let mut content = Zeroizing::new(Vec::new());
    let read = file.take(MAX_KEY).read_to_end(&mut content);
    let is_pem_key = memchr::memmem::find(&content, b"PRIVATE KEY-----").is_some();
    read.is_ok() && (is_pem_key || SwtKey::from_text(&content).is_ok())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config;
    use crate::setting::Environment;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::fs::{self, Permissions};

    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    /// Compiles a configuration whose key is `swt.key` beside it.
    pub(in crate::cli) fn compiled(yaml: &str) -> Snapshot {
        in_folder(yaml, |_| ()).1
    }

    /// Likewise, with what else is prepared in that folder.
    pub(in crate::cli) fn in_folder(yaml: &str, prepare: impl FnOnce(&Path)) -> (tempfile::TempDir, Snapshot) {
        let _ = crate::crypto::install_rustls_provider();
        let folder = tempfile::tempdir().unwrap();
        write_key(&folder.path().join("swt.key"), 0o600);
        prepare(folder.path());
        let path = folder.path().join("portcullis.yaml");
        fs::write(&path, yaml).unwrap();
        let snapshot = config::compile(&path, Environment::Process).unwrap_or_else(|report| panic!("{report}"));
        (folder, snapshot)
    }

    fn write_key(path: &Path, mode: u32) {
        fs::write(path, KEY).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn guarded(listener: &str, more: &str) -> String {
        format!(
            "listeners: [{listener}]\n{more}\nschemes:\n  a: {{ wrap: {{ issuers: [{{ name: i, key_file: swt.key }}], audience: us }} }}\nroutes:\n  - {{ match: {{ path: / }}, authenticate: a, upstream: u }}\n"
        )
    }

    const UPSTREAM: &str = "upstreams: { u: { servers: ['127.0.0.1:1'] } }";
    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

    #[test]
    fn nothing_to_say_about_a_careful_configuration() {
        for listener in ["{ address: '127.0.0.1:0' }", "{ address: '[::1]:0' }"] {
            let told = warnings(&compiled(&guarded(listener, UPSTREAM)), NOW);
            assert!(told.is_empty(), "{told:?}");
        }
    }

    #[test]
    fn clear_text_to_others_is_told_only_where_tokens_pass() {
        let told = warnings(&compiled(&guarded("{ address: '0.0.0.0:0' }", UPSTREAM)), NOW);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("the listener 0.0.0.0:0 is clear text") && told[0].contains("tokens for 1 authenticated route can"),
            "{told:?}"
        );
        let public = format!(
            "listeners: [{{ address: '0.0.0.0:0' }}]\n{UPSTREAM}\nroutes: [{{ match: {{ path: / }}, public: true, upstream: u }}]\n"
        );
        assert!(warnings(&compiled(&public), NOW).is_empty());
    }

    #[test]
    fn a_configuration_without_routes_is_told() {
        let told = warnings(&compiled("listeners: [{ address: '127.0.0.1:0' }]\nroutes: []\n"), NOW);
        assert_eq!(told, ["there are no routes: every request is answered 404"]);
    }

    #[test]
    fn an_open_admin_listener_is_told() {
        let told =
            warnings(&compiled(&guarded("{ address: '127.0.0.1:0' }", &format!("admin: {{ address: '0.0.0.0:0' }}\n{UPSTREAM}"))), NOW);
        assert!(told.len() == 1 && told[0].contains("admin listener"), "{told:?}");
    }

    #[test]
    fn certificates_that_nobody_asks_for_are_told() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let told = |listener: &str| {
            let yaml = format!(
                "listeners: [{listener}]\n{UPSTREAM}\nschemes: {{ c: {{ x509: {{ trust_anchors_file: ca.pem }} }} }}\nroutes: [{{ match: {{ path: / }}, authenticate: c, upstream: u }}]\n"
            );
            let (_folder, snapshot) = in_folder(&yaml, |folder| {
                write_certificate(folder, 2030);
                fs::set_permissions(folder.join("key.pem"), Permissions::from_mode(0o600)).unwrap();
                fs::write(folder.join("ca.pem"), &authority).unwrap();
            });
            warnings(&snapshot, NOW)
        };
        for listener in ["{ address: '127.0.0.1:0' }", "{ address: '127.0.0.1:0', tls: { certificate: cert.pem, key: key.pem } }"] {
            let told = told(listener);
            assert!(told.len() == 1 && told[0].contains("`c` needs client certificates"), "{told:?}");
        }
        for clients in ["client_ca: ca.pem", "client_certificate: any"] {
            let listener = format!("{{ address: '127.0.0.1:0', tls: {{ certificate: cert.pem, key: key.pem, {clients} }} }}");
            assert!(told(&listener).is_empty());
        }
    }

    #[test]
    fn an_upstream_that_is_not_verified_is_told() {
        let upstream = "upstreams: { u: { servers: ['127.0.0.1:1'], tls: { server_name: x.example, verify: none } } }";
        let told = warnings(&compiled(&guarded("{ address: '127.0.0.1:0' }", upstream)), NOW);
        assert!(told.len() == 1 && told[0].contains("`u` has `verify: none`"), "{told:?}");
    }

    #[test]
    fn keys_that_others_can_read_are_told_and_certificates_are_not() {
        let (_folder, snapshot) =
            in_folder(&guarded("{ address: '127.0.0.1:0' }", UPSTREAM), |folder| write_key(&folder.join("swt.key"), 0o640));
        let told = warnings(&snapshot, NOW);
        assert!(told.len() == 1 && told[0].contains("swt.key has mode 0640"), "{told:?}");

        let listener = "{ address: '127.0.0.1:0', tls: { certificate: cert.pem, key: key.pem } }";
        let (_folder, snapshot) = in_folder(&guarded(listener, UPSTREAM), |folder| write_certificate(folder, 2030));
        let told = warnings(&snapshot, NOW);
        assert!(told.len() == 1 && told[0].contains("key.pem has mode 0644"), "{told:?}");
    }

    #[test]
    fn secrets_that_others_can_read_are_told() {
        let told = |mode: u32| {
            let yaml = format!(
                "listeners: [{{ address: '127.0.0.1:0' }}]\n{UPSTREAM}\nschemes: {{ i: {{ introspection: {{ endpoint: 'https://issuer.example/', \
                 issuer: 'https://issuer.example', audiences: [a], client: {{ id: c, secret_file: client.secret }} }} }} }}\n\
                 routes: [{{ match: {{ path: / }}, authenticate: i, upstream: u }}]\n"
            );
            let (_folder, snapshot) = in_folder(&yaml, |folder| {
                let path = folder.join("client.secret");
                fs::write(&path, "hunter2\n").unwrap();
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            });
            warnings(&snapshot, NOW)
        };
        let open = told(0o604);
        assert!(open.len() == 1 && open[0].contains("the secret file ") && open[0].contains("client.secret has mode 0604"), "{open:?}");
        assert!(told(0o600).is_empty());
    }

    #[test]
    fn an_ending_certificate_is_told_thirty_days_before() {
        let listener = "{ address: '127.0.0.1:0', tls: { certificate: cert.pem, key: key.pem } }";
        let (_folder, snapshot) = in_folder(&guarded(listener, UPSTREAM), |folder| {
            write_certificate(folder, 2030);
            fs::set_permissions(folder.join("key.pem"), Permissions::from_mode(0o600)).unwrap();
        });
        let end = snapshot.certificates[0][0].not_after;
        assert!(warnings(&snapshot, end.earlier(RENEWAL)).is_empty());
        let soon = warnings(&snapshot, end.earlier(RENEWAL - 1));
        assert!(soon.len() == 1 && soon[0].contains("cert.pem ends in 29 days, at 2030-01-01T00:00:00Z"), "{soon:?}");
        let over = warnings(&snapshot, end);
        assert!(over.len() == 1 && over[0].contains("ended at"), "{over:?}");
    }

    fn write_certificate(folder: &Path, end: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end, 1, 1);
        fs::write(folder.join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        fs::set_permissions(folder.join("key.pem"), Permissions::from_mode(0o644)).unwrap();
    }
}
