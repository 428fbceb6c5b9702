//! What libraries say through the `log` facade, as far as it can be repeated without harm.
//!
//! Pingora's errors can quote the octets of a request, tokens and all. So only those of its modules
//! speak that never hold a request, and none of them above the level of a warning.

use log::{Level, LevelFilter, Log, Metadata, Record};

/// The target of these lines; the library's own is the field `source`.
const TARGET: &str = "portcullis::library";

/// The parts of Pingora that know listeners, servers and timers, but no request.
const TRUSTED: [&str; 6] = [
    "pingora_core::connectors",
    "pingora_core::listeners",
    "pingora_core::server",
    "pingora_core::services",
    "pingora_load_balancing",
    "pingora_runtime",
];

/// Passes records of the facade on to `tracing`.
struct Facade;

/// Makes this the program's logger, once.
///
/// # Errors
/// There is another one already.
pub(super) fn install() -> Result<(), log::SetLoggerError> {
    log::set_logger(&Facade)?;
    log::set_max_level(LevelFilter::Warn);
    Ok(())
}

impl Log for Facade {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && is_trusted(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let source = record.target();
        match record.level() {
            Level::Error => tracing::error!(target: TARGET, source, "{}", record.args()),
            Level::Warn | Level::Info | Level::Debug | Level::Trace => tracing::warn!(target: TARGET, source, "{}", record.args()),
        }
    }

    fn flush(&self) {}
}

fn is_trusted(target: &str) -> bool {
    !target.starts_with("pingora") || TRUSTED.iter().any(|module| lies_in(target, module))
}

fn lies_in(target: &str, module: &str) -> bool {
    target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Says something the way a library does.
    pub(in crate::telemetry) fn say(target: &str, level: Level, text: &str) {
        Facade.log(&Record::builder().target(target).level(level).args(format_args!("{text}")).build());
    }

    #[test]
    fn modules_that_see_requests_are_silent() {
        for target in [
            "pingora_proxy",
            "pingora_proxy::proxy_h1",
            "pingora_core",
            "pingora_core::apps::http_app",
            "pingora_core::protocols::http::v1::server",
            "pingora_core::servers",
            "pingora_cache",
            "pingora",
        ] {
            assert!(!is_trusted(target), "{target}");
        }
        for target in ["pingora_core::server", "pingora_core::services::listening", "pingora_load_balancing::health_check", "rustls::conn"]
        {
            assert!(is_trusted(target), "{target}");
        }
    }

    #[test]
    fn nothing_above_a_warning_passes() {
        for (level, passes) in
            [(Level::Error, true), (Level::Warn, true), (Level::Info, false), (Level::Debug, false), (Level::Trace, false)]
        {
            let metadata = Metadata::builder().target("pingora_core::server").level(level).build();
            assert_eq!(Facade.enabled(&metadata), passes, "{level}");
        }
    }
}
