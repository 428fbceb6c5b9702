//! A snapshot with what runs for it: pools of servers and handles of metrics. Swapped whole on a reload.

use super::pool::Pool;
use super::{health, kept};
use crate::config::snapshot::{RouteId, SchemeId, Snapshot, UpstreamId, UpstreamSpec};
use crate::telemetry::metrics::{Metrics, RouteMetrics, SchemeMetrics, UpstreamMetrics};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What every request takes at its birth and keeps to its end.
pub(super) struct Live {
    /// The compiled configuration.
    pub(super) snapshot: Snapshot,
    pools: Vec<Arc<Pool>>,
    route_metrics: Vec<Arc<RouteMetrics>>,
    scheme_metrics: Vec<Arc<SchemeMetrics>>,
    upstream_metrics: Vec<Arc<UpstreamMetrics>>,
}

/// Where the current [`Live`] is found.
pub(super) type Current = ArcSwap<Live>;

impl Live {
    /// Starts what a snapshot needs. Sources of keys that are kept fresh already go on; pools whose specification did not change are taken over from `previous`.
    pub(super) fn start(snapshot: Snapshot, metrics: &Arc<Metrics>, previous: Option<&Self>) -> Self {
        let pool = |spec: &UpstreamSpec| {
            let kept = previous.and_then(|live| live.pools.iter().find(|pool| pool.spec() == spec));
            kept.map_or_else(|| begin(spec), Arc::clone)
        };
        snapshot.schemes.iter().flat_map(|named| named.scheme.key_sources()).for_each(|source| source.keep_fresh());
        let pools = snapshot.upstreams.iter().map(pool).collect();
        let route_metrics = snapshot.routes.iter().map(|route| metrics.route(Arc::clone(&route.name))).collect();
        let scheme_metrics = snapshot.schemes.iter().map(|scheme| metrics.scheme(&scheme.name)).collect();
        let upstream_metrics = snapshot.upstreams.iter().map(|upstream| metrics.upstream(&upstream.name)).collect();
        Self { snapshot, pools, route_metrics, scheme_metrics, upstream_metrics }
    }

    /// The pools of all upstreams.
    pub(super) fn pools(&self) -> &[Arc<Pool>] {
        &self.pools
    }

    /// The pool of an upstream.
    pub(super) fn pool(&self, upstream: UpstreamId) -> Option<&Arc<Pool>> {
        self.pools.get(upstream.index())
    }

    /// The metrics of a route.
    pub(super) fn route_metrics(&self, route: RouteId) -> Option<&Arc<RouteMetrics>> {
        self.route_metrics.get(route.index())
    }

    /// The metrics of a scheme.
    pub(super) fn scheme_metrics(&self, scheme: SchemeId) -> Option<&Arc<SchemeMetrics>> {
        self.scheme_metrics.get(scheme.index())
    }

    /// The metrics of an upstream.
    pub(super) fn upstream_metrics(&self, upstream: UpstreamId) -> Option<&Arc<UpstreamMetrics>> {
        self.upstream_metrics.get(upstream.index())
    }
}

/// A new pool, with what looks after it.
fn begin(spec: &UpstreamSpec) -> Arc<Pool> {
    let pool = health::watched(Pool::build(spec.clone()));
    if pool.is_plain() {
        kept::look_after(&pool);
    }
    pool
}
