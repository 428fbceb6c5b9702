//! TLS handshakes on listeners: made here rather than by the framework, so that one that fails has a name.

use crate::config::client_certificates::NotServed;
use pingora::ImmutStr;
use pingora::listeners::tls::Acceptor;
use pingora::protocols::Stream;
use pingora::protocols::l4::stream::Stream as RawStream;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::timeout;

tokio::task_local! {
    /// Why the verifier did not take the client's certificate: the TLS layer keeps less of it than it was told.
    static REFUSED: Cell<Option<NotServed>>;
}

/// Why a handshake failed. The texts are what the TLS layer calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HandshakeFailure {
    /// It took too long.
    Slow,
    /// The client was gone before the end.
    Left,
    /// What came is no TLS.
    NotTls,
    /// The client ended it, with this alert.
    Alert(Box<str>),
    /// There is no version, cipher suite or protocol that both sides know.
    Incompatible(Box<str>),
    /// The client's certificate is not what the listener asks for.
    Certificate(NotServed),
    /// The client did not keep to the protocol.
    Broken(Box<str>),
}

/// Shakes hands over a connection, within so much time.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn accept(acceptor: &Acceptor, raw: RawStream, patience: Duration) -> Result<Stream, HandshakeFailure> {
    let handshake = REFUSED.scope(Cell::new(None), async {
        let secured = acceptor.tls_handshake(raw).await;
        secured.map_err(|error| cause(error.context.as_ref().map(ImmutStr::as_str).unwrap_or_default(), REFUSED.with(Cell::take)))
    });
    let secured = timeout(patience, handshake).await.map_err(|_| HandshakeFailure::Slow)??;
    Ok(Box::new(secured))
}

/// Keeps why a client's certificate is not taken, for the handshake that is under way.
pub(super) fn remember_refusal(refused: NotServed) {
    // Nobody asks where no handshake is under way.
    let _ = REFUSED.try_with(|kept| kept.set(Some(refused)));
}

/// The framework keeps no more of an error than its text.
fn cause(told: &str, refused: Option<NotServed>) -> HandshakeFailure {
    let told = told.strip_prefix("tls connect error: ").unwrap_or(told);
    if let Some(refused) = refused {
        return HandshakeFailure::Certificate(refused);
    }
    if let Some(alert) = told.strip_prefix("received fatal alert: ") {
        return HandshakeFailure::Alert(alert.into());
    }
    if let Some(missing) = told.strip_prefix("peer is incompatible: ") {
        return HandshakeFailure::Incompatible(missing.into());
    }
    match told {
        "peer sent no certificates" => HandshakeFailure::Certificate(NotServed::Missing),
        "peer doesn't support any known protocol" => HandshakeFailure::Incompatible("NoApplicationProtocol".into()),
        "received corrupt message of type InvalidContentType" => HandshakeFailure::NotTls,
        "tls handshake eof" => HandshakeFailure::Left,
        of_the_connection if of_the_connection.contains("(os error ") => HandshakeFailure::Left,
        other => HandshakeFailure::Broken(other.into()),
    }
}

impl HandshakeFailure {
    /// The reason, for logs and metrics.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Slow => "handshake_timeout",
            Self::Left => "handshake_left",
            Self::NotTls => "handshake_no_tls",
            Self::Alert(_) => "handshake_alert",
            Self::Incompatible(_) => "handshake_incompatible",
            Self::Certificate(NotServed::Missing) => "client_certificate_missing",
            Self::Certificate(NotServed::NotVouched(refusal)) => refusal.reason(),
            Self::Broken(_) => "handshake_broken",
        }
    }

    /// Whether there is more to tell than that somebody came and went: load balancers look in like that all day.
    pub(super) const fn is_telling(&self) -> bool {
        !matches!(self, Self::Left)
    }

    /// What came, in the TLS layer's words, where the reason does not say it all; empty otherwise.
    pub(super) fn found(&self) -> &str {
        match self {
            Self::Alert(what) | Self::Incompatible(what) | Self::Broken(what) => what,
            Self::Slow | Self::Left | Self::NotTls | Self::Certificate(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::x509::X509Refusal;
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};
    use std::io;

    fn failure(error: Error, refused: Option<NotServed>) -> HandshakeFailure {
        cause(&format!("tls connect error: {}", io::Error::new(io::ErrorKind::InvalidData, error)), refused)
    }

    #[test]
    fn what_the_tls_layer_says_has_a_name() {
        for (error, reason, found) in [
            (Error::AlertReceived(AlertDescription::UnknownCA), "handshake_alert", "UnknownCA"),
            (Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), "handshake_incompatible", "NoCipherSuitesInCommon"),
            (Error::NoApplicationProtocol, "handshake_incompatible", "NoApplicationProtocol"),
            (Error::NoCertificatesPresented, "client_certificate_missing", ""),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "handshake_no_tls", ""),
            (Error::PeerMisbehaved(PeerMisbehaved::MissingKeyShare), "handshake_broken", "peer misbehaved: MissingKeyShare"),
        ] {
            let failure = failure(error, None);
            assert_eq!((failure.reason(), failure.found()), (reason, found));
            assert!(failure.is_telling());
        }
    }

    #[test]
    fn the_verifiers_own_reason_goes_before_what_the_alert_says() {
        let refused = Some(NotServed::NotVouched(X509Refusal::KeyUsage));
        let failure = failure(Error::InvalidCertificate(CertificateError::InvalidPurpose), refused);
        assert_eq!((failure.reason(), failure.found()), ("certificate_key_usage", ""));
    }

    #[test]
    fn a_connection_that_ends_is_a_client_that_left() {
        for code in [32, 104, 110] {
            let failure = cause(&format!("tls connect error: {}", io::Error::from_raw_os_error(code)), None);
            assert!(failure == HandshakeFailure::Left && !failure.is_telling());
        }
    }
}
