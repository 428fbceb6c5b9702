//! The whole compiled configuration: what one request lives under, from its birth to its end.

use super::certificate::Certificate;
use super::client_certificates::ClientCertificates;
use super::document::{Balance, BodyMode, HealthCheck, HttpProtocol, Limits, Logging, Preflight, UpstreamHost, Verification};
use super::identity::{IdentityPlan, ManagedNames};
use super::resource::{Metadata, ProtectedResource};
use crate::assertion::{Asserter, RequestKeys, RequestSigner};
use crate::authorization::Authorization;
use crate::keys::KeySources;
use crate::route::{Rewrite, RouteTable, TargetRules};
use crate::scheme::{AnyScheme, Carriers, Onward};
use crate::setting::{Period, Timeout};
use crate::store::{StoreSizes, Stores};
use http::HeaderValue;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole compiled configuration.
pub struct Snapshot {
    /// Which request belongs to which route.
    pub table: RouteTable<RouteId>,
    /// The routes, by [`RouteId`].
    pub routes: Vec<Route>,
    /// The schemes, by [`SchemeId`].
    pub schemes: Vec<NamedScheme>,
    /// The upstreams, by [`UpstreamId`].
    pub upstreams: Vec<UpstreamSpec>,
    /// What makes assertions for upstreams, where there is something.
    pub asserter: Option<Arc<Asserter>>,
    /// What signs requests to upstreams, where there is something.
    pub request_keys: Option<Arc<RequestKeys>>,
    /// The fields that only the gateway may set.
    pub managed: ManagedNames,
    /// Bounds for what clients send.
    pub limits: Limits,
    /// Networks whose forwarding fields are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What a request target may be.
    pub target_rules: TargetRules,
    /// What is written, and where.
    pub logging: Logging,
    /// How long a stopping gateway waits.
    pub graceful_stop: Duration,
    /// What only a restart can change.
    pub fixed: Fixed,
    /// The certificates, per listener; none for a clear one.
    pub certificates: Vec<Vec<Certificate>>,
    /// What clients must show in the handshake, per listener.
    pub clients: Vec<ClientCertificates>,
    /// What outlives this snapshot.
    pub lasting: Lasting,
    /// Metadata of protected resources.
    pub metadata: Metadata,
    /// The files that the configuration names: a change of one is a reason to reload.
    pub files: Vec<PathBuf>,
    /// Those of them that hold a secret in no form of its own.
    pub secret_files: Vec<PathBuf>,
}

/// What the snapshots before and after this one share with it.
#[derive(Clone, Debug)]
pub struct Lasting {
    /// What is remembered beyond one request.
    pub stores: Arc<Stores>,
    /// Where the keys of issuers come from.
    pub key_sources: Arc<KeySources>,
}

impl Snapshot {
    /// Where credentials of a route may stand that do not go on: those of all its schemes, whichever of them proved it.
    pub fn stripped<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = &'a Carriers> {
        let schemes = route.admission.schemes().iter().filter_map(|id| Some(&self.schemes.get(id.index())?.scheme));
        schemes.filter(|scheme| scheme.onward() == Onward::Removed).map(AnyScheme::carriers)
    }

    /// Whether there is any document for anybody.
    pub fn publishes(&self) -> bool {
        let keys = self.asserter.as_ref().is_some_and(|asserter| asserter.publishes())
            || self.request_keys.as_ref().is_some_and(|keys| keys.publishes());
        keys || !self.metadata.is_empty()
    }
}

/// What only a restart can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The data listeners, in the order written.
    pub listeners: Vec<ListenerSpec>,
    /// The listener for operators.
    pub admin: Option<SocketAddr>,
    /// Threads that serve requests; zero means one per processor.
    pub workers: usize,
    /// How much is remembered beyond one request.
    pub stores: StoreSizes,
}

/// A data listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerSpec {
    /// Where it listens.
    pub address: SocketAddr,
    /// How connections are protected.
    pub security: ListenerSecurity,
}

/// How connections of a listener are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerSecurity {
    /// Not at all.
    Clear,
    /// By TLS.
    Tls,
}

/// A route's place in [`Snapshot::routes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteId(pub(super) usize);

/// A scheme's place in [`Snapshot::schemes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemeId(pub(super) usize);

/// An upstream's place in [`Snapshot::upstreams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamId(pub(super) usize);

macro_rules! index {
    ($id:ident) => {
        impl $id {
            /// The place as an index.
            pub const fn index(self) -> usize {
                self.0
            }
        }
    };
}
index!(RouteId);
index!(SchemeId);
index!(UpstreamId);

/// One route, compiled.
#[derive(Debug)]
pub struct Route {
    /// The name in logs and metrics.
    pub name: Arc<str>,
    /// Which requests it is about, for people.
    pub about: Arc<str>,
    /// What a request must prove.
    pub admission: Admission,
    /// What who was proved may do.
    pub authorization: Authorization,
    /// Where it goes.
    pub upstream: UpstreamId,
    /// How its path changes.
    pub rewrite: Rewrite,
    /// The fields in which the upstream learns who it is.
    pub identity: Arc<IdentityPlan>,
    /// The gateway's own signature of what it forwards, where it has one.
    pub signer: Option<RequestSigner>,
    /// When the upstream hears of a request whose content must be proved.
    pub body: BodyMode,
    /// What scripts of other origins may ask and read.
    pub cors: Cors,
    /// What it is to whoever issues tokens for it, where that is published.
    pub resource: Option<Arc<ProtectedResource>>,
}

/// What scripts of other origins may ask and read.
#[derive(Debug, Default)]
pub struct Cors {
    /// Origins whose scripts may read what the gateway itself says.
    pub origins: Box<[HeaderValue]>,
    /// What becomes of a browser's question whether it may ask.
    pub preflight: Preflight,
}

/// What a request must prove.
#[derive(Debug)]
pub enum Admission {
    /// Nothing; no identity is forwarded.
    Public,
    /// The one of these schemes whose credential it carries.
    AnyOf(Vec<SchemeId>),
    /// Each of these schemes; the first says who it is.
    AllOf(Vec<SchemeId>),
}

impl Admission {
    /// The schemes, in the order written; none where nothing is to be proved.
    pub fn schemes(&self) -> &[SchemeId] {
        match self {
            Self::Public => &[],
            Self::AnyOf(schemes) | Self::AllOf(schemes) => schemes,
        }
    }
}

/// A scheme and its name.
pub struct NamedScheme {
    /// The name in the configuration.
    pub name: Arc<str>,
    /// The running scheme.
    pub scheme: AnyScheme,
}

/// A group of servers that answer alike. Equal specifications share their running state across reloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSpec {
    /// The name in the configuration.
    pub name: Arc<str>,
    /// The servers; at least one.
    pub servers: Vec<ServerSpec>,
    /// How one is chosen.
    pub balance: Balance,
    /// How to tell that one is well.
    pub health_check: Option<HealthCheck>,
    /// The version of HTTP.
    pub protocol: HttpProtocol,
    /// TLS towards the servers.
    pub security: UpstreamSecurity,
    /// Which Host the servers see.
    pub host: UpstreamHost,
    /// The bounds on waiting.
    pub timeouts: UpstreamTimeouts,
    /// How often another server is tried.
    pub retries: u32,
}

/// One server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// Host and port as written.
    pub label: Arc<str>,
    /// Where it is.
    pub address: SocketAddr,
    /// Its relative share of requests.
    pub weight: u16,
}

/// How connections to an upstream are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamSecurity {
    /// Not at all.
    Clear,
    /// By TLS.
    Tls {
        /// The name that the certificate must carry, also sent as SNI.
        server_name: Box<str>,
        /// Trust anchors in DER; none: those of the system.
        anchors: Vec<Vec<u8>>,
        /// What of the certificate is checked.
        verify: Verification,
    },
}

/// The bounds on waiting for an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// Until a connection stands.
    pub connect: Timeout,
    /// Between two pieces of a response.
    pub read: Timeout,
    /// Until a piece of the request is accepted.
    pub write: Timeout,
    /// How long an unused connection is kept.
    pub idle: Period,
}
