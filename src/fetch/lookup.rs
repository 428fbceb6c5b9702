//! Names become addresses: whoever looks them up, each address is judged before anybody connects to it.

use super::address::Reach;
use super::fault::FetchFault;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 16;

/// Looks names up.
#[async_trait]
pub trait Lookup: Debug + Send + Sync {
    /// The addresses of a lower-case name.
    ///
    /// # Errors
    /// There is none, or nobody can tell.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Looks names up as the system does.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Gives the client the addresses that it may connect to; it asks nobody else, for each connection anew.
#[derive(Clone, Debug)]
pub(super) struct JudgedLookup {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

impl JudgedLookup {
    pub(super) const fn new(lookup: Arc<dyn Lookup>, reach: Reach) -> Self {
        Self { lookup, reach }
    }

    async fn judged(&self, name: &str) -> Result<Vec<SocketAddr>, FetchFault> {
        let found = self.lookup.addresses(name).await.map_err(|_| FetchFault::Unresolvable)?;
        if found.is_empty() {
            return Err(FetchFault::Unresolvable);
        }
        let admitted = found.into_iter().filter(|address| self.reach.admits(*address)).take(MOST_ADDRESSES);
        // The client puts the port of the address in place of 0.
        let admitted: Vec<_> = admitted.map(|address| SocketAddr::new(address, 0)).collect();
        if admitted.is_empty() { Err(FetchFault::AddressRefused) } else { Ok(admitted) }
    }
}

impl Resolve for JudgedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.clone();
        Box::pin(async move {
            let admitted: Addrs = Box::new(lookup.judged(name.as_str()).await?.into_iter());
            Ok(admitted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::stand_in::FixedLookup;

    async fn resolved(addresses: &[&str], reach: Reach) -> Result<Vec<String>, FetchFault> {
        let lookup = FixedLookup::to(addresses.iter().map(|address| address.parse().unwrap()));
        let judged = JudgedLookup::new(Arc::new(lookup), reach).judged("sts.example").await?;
        Ok(judged.iter().map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn only_admitted_addresses_are_handed_on() {
        assert_eq!(resolved(&["10.0.0.1", "1.1.1.1", "::1"], Reach::Public).await, Ok(vec!["1.1.1.1".to_owned()]));
        assert_eq!(resolved(&["10.0.0.1"], Reach::Private).await, Ok(vec!["10.0.0.1".to_owned()]));
        for refused in ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "0.0.0.0"] {
            assert_eq!(resolved(&[refused], Reach::Public).await, Err(FetchFault::AddressRefused), "{refused}");
        }
        assert_eq!(resolved(&[], Reach::Private).await, Err(FetchFault::Unresolvable));
    }

    #[tokio::test]
    async fn no_more_addresses_than_the_bound_are_tried() {
        assert_eq!(resolved(&["1.1.1.1"; 40], Reach::Public).await.unwrap().len(), MOST_ADDRESSES);
    }
}
