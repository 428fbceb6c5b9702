//! The series of one route: requests, durations, decisions.

use super::exposition::Exposition;
use super::named::Named;
use super::series::{Bounds, Histogram, Tally};
use http::Method;
use std::time::Duration;

/// From a request that never leaves the machine to one that waits for a slow backend.
const DURATIONS: Bounds = &[
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// The methods that have a label of their own: those of RFC 9110 §9.3 and PATCH (RFC 5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The label of every other method; callers may invent as many as they like.
const OTHER_METHOD: &str = "OTHER";

/// The label of a status code outside 100–599, such as the 0 of a request that got no answer.
const OTHER_CODE: u16 = 0;

/// The handle of one route, resolved when the configuration is built.
#[derive(Debug)]
pub struct RouteMetrics {
    requests: Tally<(&'static str, u16)>,
    durations: Histogram,
    decisions: Tally<(Box<str>, Judgement)>,
}

/// What was decided about a request, in words of this crate only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// `admitted`, or the side of the refusal.
    pub outcome: &'static str,
    /// The precise reason; empty where there is none.
    pub reason: &'static str,
    /// Whether the decision was enforced or only observed.
    pub mode: &'static str,
}

impl RouteMetrics {
    pub(super) const fn new() -> Self {
        Self { requests: Tally::new(), durations: Histogram::new(DURATIONS), decisions: Tally::new() }
    }

    /// Counts an answered request, with the status code that the client got (0 for none).
    pub fn record_request(&self, method: &Method, code: u16, duration: Duration) {
        let key = (method_label(method), if (100..600).contains(&code) { code } else { OTHER_CODE });
        self.requests.add(|known| *known == key, || key);
        self.durations.record(duration);
    }

    /// Counts a decision. `scheme` is a configured name, or empty where no scheme was asked.
    pub fn record_decision(&self, scheme: &str, judgement: Judgement) {
        self.decisions.add(|(name, known)| *known == judgement && **name == *scheme, || (scheme.into(), judgement));
    }
}

fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|label| *label == method.as_str()).unwrap_or(OTHER_METHOD)
}

/// Writes the series of all routes.
pub(super) fn expose(routes: &Named<RouteMetrics>, exposition: &mut Exposition) {
    exposition.counters("portcullis_requests_total", "Requests answered, by the status code that the client got.", |family| {
        routes.each(|route, metrics| {
            metrics.requests.each(|(method, code), count| {
                let code = code_label(*code);
                family.push_count(&[("route", route), ("method", method), ("code", &code)], count);
            });
        });
    });
    let help = "Time from the end of a request's head to the end of its answer.";
    exposition.histograms("portcullis_request_duration_seconds", help, |family| {
        routes.each(|route, metrics| {
            metrics.durations.read().iter().for_each(|reading| family.push_reading(&[("route", route)], reading));
        });
    });
    exposition.counters("portcullis_auth_decisions_total", "Decisions about requests, with the precise reason.", |family| {
        routes.each(|route, metrics| {
            metrics.decisions.each(|(scheme, judgement), count| {
                let Judgement { outcome, reason, mode } = *judgement;
                let labels = [("route", route), ("scheme", scheme), ("outcome", outcome), ("reason", reason), ("mode", mode)];
                family.push_count(&labels, count);
            });
        });
    });
}

fn code_label(code: u16) -> String {
    if code == OTHER_CODE { "other".to_owned() } else { code.to_string() }
}
