//! From figures to the text that Prometheus scrapes.

use super::series::Reading;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TextEncoder};
use std::time::Duration;

/// The media type of the text, for the answer's Content-Type.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// A name and a value, both of them bounded by the configuration or by this crate.
pub(super) type Label<'a> = (&'static str, &'a str);

/// The text as far as it is written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: Vec<u8>,
}

/// All series of one name.
pub(super) struct Family {
    kind: MetricType,
    metrics: Vec<Metric>,
}

impl Exposition {
    /// Writes the counters that `fill` pushes; a family without series is left out.
    pub(super) fn counters(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.family(MetricType::COUNTER, name, help, fill);
    }

    /// Writes the gauges that `fill` pushes.
    pub(super) fn gauges(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.family(MetricType::GAUGE, name, help, fill);
    }

    /// Writes the histograms that `fill` pushes.
    pub(super) fn histograms(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        self.family(MetricType::HISTOGRAM, name, help, fill);
    }

    /// The whole text.
    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }

    fn family(&mut self, kind: MetricType, name: &str, help: &str, fill: impl FnOnce(&mut Family)) {
        let mut series = Family { kind, metrics: Vec::new() };
        fill(&mut series);
        let Family { kind, metrics } = series;
        if metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        if let Err(error) = TextEncoder::new().encode(&[family], &mut self.text) {
            tracing::error!(metric = name, %error, "a metric cannot be exposed");
        }
    }
}

impl Family {
    /// One counter or gauge.
    pub(super) fn push(&mut self, labels: &[Label<'_>], value: f64) {
        let mut metric = Metric::from_label(pairs(labels));
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.metrics.push(metric);
    }

    /// One counter or gauge that is a whole number.
    pub(super) fn push_count(&mut self, labels: &[Label<'_>], value: u64) {
        self.push(labels, number(value));
    }

    /// One histogram.
    pub(super) fn push_reading(&mut self, labels: &[Label<'_>], reading: &Reading) {
        let mut histogram = Histogram::default();
        histogram.set_sample_count(reading.count);
        histogram.set_sample_sum(reading.sum.as_secs_f64());
        histogram.set_bucket(reading.cumulative.iter().map(bucket).collect());
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_histogram(histogram);
        self.metrics.push(metric);
    }
}

fn bucket((bound, count): &(Duration, u64)) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(bound.as_secs_f64());
    bucket.set_cumulative_count(*count);
    bucket
}

fn pairs(labels: &[Label<'_>]) -> Vec<LabelPair> {
    labels.iter().map(pair).collect()
}

fn pair((name, value): &Label<'_>) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name((*name).to_owned());
    pair.set_value((*value).to_owned());
    pair
}

/// A whole number as the exposition has it: exact up to 2⁵³.
pub(super) fn number(value: u64) -> f64 {
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped() {
        let mut exposition = Exposition::default();
        exposition.gauges("portcullis_trial", "A trial.", |family| family.push_count(&[("route", "a\"b\\c\nd")], 7));
        let expected = "# HELP portcullis_trial A trial.\n# TYPE portcullis_trial gauge\nportcullis_trial{route=\"a\\\"b\\\\c\\nd\"} 7\n";
        assert_eq!(String::from_utf8(exposition.into_text()).unwrap(), expected);
    }

    #[test]
    fn a_family_without_series_is_left_out() {
        let mut exposition = Exposition::default();
        exposition.counters("portcullis_trial_total", "A trial.", |_| ());
        assert!(exposition.into_text().is_empty());
    }

    #[test]
    fn numbers_keep_their_value() {
        assert!([0, 1, 4_294_967_295, 4_294_967_296, 1 << 53].iter().all(|n| format!("{}", number(*n)) == n.to_string()));
    }
}
