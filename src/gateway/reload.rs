//! Taking up a changed configuration: whole, or not at all.

use super::live::{Current, Live};
use super::serve::Cautions;
use crate::clock;
use crate::config::certificate::Certificate;
use crate::config::snapshot::Snapshot;
use crate::config::{self, Report};
use crate::setting::Environment;
use crate::telemetry::audit::{self, AuditEvent};
use crate::telemetry::metrics::{Metrics, Reload};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::Signal;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What takes up changes.
pub(super) struct Reloader {
    /// The configuration file.
    pub(super) file: PathBuf,
    /// Where the current configuration is swapped.
    pub(super) current: Arc<Current>,
    /// Figures.
    pub(super) metrics: Arc<Metrics>,
    /// What deserves a second look.
    pub(super) cautions: Cautions,
}

/// What of a file tells that it changed, without reading it: also when a mounted secret's link is swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Reloader {
    /// Takes up changes for ever: when a file changes, and on every hang-up signal.
    pub(super) async fn run(self, mut hangup: Signal) {
        let mut seen = self.stamps();
        let mut before = seen.clone();
        tokio::spawn(give_back());
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    seen = self.stamps();
                    self.reload().await;
                }
                () = tokio::time::sleep(LOOK) => {
                    let now = self.stamps();
                    // A file that is still being written may be read as a shorter one that holds.
                    if now != seen && now == before {
                        seen.clone_from(&now);
                        self.reload().await;
                    }
                    before = now;
                }
            }
        }
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let live = self.current.load();
        std::iter::once(&self.file).chain(&live.snapshot.files).map(|file| stamp(file)).collect()
    }

    /// Compiles the file beside the requests, and swaps it in if it holds.
    async fn reload(&self) {
        tokio::spawn(give_back());
        let file = self.file.clone();
        let lasting = self.current.load().snapshot.lasting.clone();
        let cautions = self.cautions;
        let compile = move || {
            let snapshot = config::recompile(&file, Environment::Process, lasting)?;
            let told = cautions(&snapshot, clock::now());
            Ok((snapshot, told))
        };
        let compiled: Result<Result<_, Report>, _> = tokio::task::spawn_blocking(compile).await;
        let name = self.file.display().to_string();
        match compiled {
            Err(_) => self.metrics.record_reload(Reload::Refused),
            Ok(Err(report)) => {
                self.metrics.record_reload(Reload::Refused);
                report.problems().iter().for_each(|problem| tracing::error!("{name}:{problem}"));
                let (problems, first) = (report.problems().len(), report.problems().first());
                let first: &dyn std::fmt::Display = first.map_or(&"", |problem| problem);
                audit::record(&AuditEvent::ConfigRefused { file: &name, problems, first });
            }
            Ok(Ok((snapshot, told))) => {
                let settings = fixed_settings(&self.current.load().snapshot, &snapshot);
                if settings.is_empty() {
                    self.take_up(Live::start(snapshot, &self.metrics, Some(&self.current.load())), &name);
                    caution(&name, &told);
                } else {
                    self.metrics.record_reload(Reload::RestartNeeded);
                    audit::record(&AuditEvent::RestartNeeded { file: &name, setting: &settings.join(", ") });
                }
            }
        }
    }

    fn take_up(&self, live: Live, name: &str) {
        let (routes, schemes) = (live.snapshot.routes.len(), live.snapshot.schemes.len());
        let live = Arc::new(live);
        let before = self.current.swap(Arc::clone(&live));
        self.metrics.record_reload(Reload::Succeeded(clock::now()));
        audit::record(&AuditEvent::ConfigLoaded { file: name, routes, schemes });
        record_certificates(&live.snapshot, Some(&before.snapshot));
    }
}

/// Gives back what compiling a configuration needed. The allocator keeps what was freed for a while, and looks at it
/// again only when somebody frees something large, which nobody does in a gateway that is idle.
async fn give_back() {
    /// Compiling is over by then, and the allocator's own second.
    const LATER: Duration = Duration::from_secs(3);
    const LARGE: usize = 1 << 20;
    tokio::time::sleep(LATER).await;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
}

/// Logs what deserves a second look in a configuration that is in force.
pub(super) fn caution(file: &str, told: &[String]) {
    told.iter().for_each(|caution| tracing::warn!("{file}: {caution}"));
}

/// Records the certificates that clients are shown from now on and were not before.
pub(super) fn record_certificates(now: &Snapshot, before: Option<&Snapshot>) {
    for (index, (listener, certificates)) in now.fixed.listeners.iter().zip(&now.certificates).enumerate() {
        let shown = before.and_then(|before| before.certificates.get(index)).map(Vec::as_slice).unwrap_or_default();
        let is_new = |new: &&Certificate| shown.iter().all(|old| old.key.cert != new.key.cert);
        for certificate in certificates.iter().filter(is_new) {
            audit::record(&AuditEvent::CertificateLoaded {
                certificate: &certificate.label,
                listener: listener.address,
                names: &certificate.names.join(", "),
                not_after: certificate.not_after,
            });
        }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let facts = std::fs::metadata(file).ok()?;
    Some(Stamp { modified: facts.modified().ok(), length: facts.len(), inode: facts.ino() })
}

/// The settings that differ and that only a restart can change.
fn fixed_settings(now: &Snapshot, next: &Snapshot) -> Vec<&'static str> {
    let differ = [
        ("listeners", now.fixed.listeners != next.fixed.listeners),
        ("admin", now.fixed.admin != next.fixed.admin),
        ("workers", now.fixed.workers != next.fixed.workers),
        ("stores", now.fixed.stores != next.fixed.stores),
        ("logging", now.logging != next.logging),
    ];
    differ.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
}
