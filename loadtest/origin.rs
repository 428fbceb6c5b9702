//! Where requests go: an address, and the host that requests name.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// An origin in clear text, `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Host and port as written, for the Host field.
    pub(crate) host: Box<str>,
    /// Where to connect.
    pub(crate) address: SocketAddr,
}

impl Origin {
    /// Whether the load stays on this machine.
    pub(crate) const fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text.parse().map_err(|error| format!("{error}"))?;
        let (Some("http"), Some(authority), "/" | "", None) = (uri.scheme_str(), uri.authority(), uri.path(), uri.query()) else {
            return Err("expected http://host:port and nothing after it".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("expected no user before the host".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let mut addresses = (host, authority.port_u16().unwrap_or(80)).to_socket_addrs().map_err(|error| error.to_string())?;
        let address = addresses.next().ok_or_else(|| "the host has no address".to_owned())?;
        Ok(Self { host: authority.as_str().into(), address })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_host_and_a_port() {
        let origin: Origin = "http://127.0.0.1:9000".parse().unwrap();
        assert_eq!((&*origin.host, origin.address.port(), origin.is_loopback()), ("127.0.0.1:9000", 9000, true));
        assert!("http://[::1]:9000/".parse::<Origin>().unwrap().is_loopback());
        assert_eq!("http://192.0.2.7".parse::<Origin>().unwrap().address, "192.0.2.7:80".parse().unwrap());
        assert!(!"http://192.0.2.7".parse::<Origin>().unwrap().is_loopback());
    }

    #[test]
    fn anything_more_is_refused() {
        for wrong in ["", "127.0.0.1:9000", "https://127.0.0.1", "http://127.0.0.1/path", "http://127.0.0.1/?q", "http://u@127.0.0.1", "/"]
        {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
