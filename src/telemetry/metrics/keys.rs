//! The series of the keys of issuers: whether they are fetched, how many there are, how old they are.

use super::exposition::Exposition;

/// The figures of one source of keys that are fetched, read when the metrics are scraped; one per scheme and source.
#[derive(Clone, Copy, Debug)]
pub struct KeyReading<'a> {
    /// The scheme's configured name.
    pub scheme: &'a str,
    /// The configured address of the keys, or the issuer's name.
    pub source: &'a str,
    /// Fetches that brought other keys than before.
    pub changed: u64,
    /// Fetches that brought the same keys.
    pub unchanged: u64,
    /// Fetches that brought none.
    pub failed: u64,
    /// How many keys there are now.
    pub keys: u64,
    /// The seconds since the last fetch that succeeded began, where one did.
    pub age: Option<u64>,
}

/// Writes the series of all sources.
pub(super) fn expose(readings: &[KeyReading<'_>], exposition: &mut Exposition) {
    exposition.counters("portcullis_key_refreshes_total", "Fetches of an issuer's keys, by how they ended.", |family| {
        for KeyReading { scheme, source, changed, unchanged, failed, .. } in readings {
            for (outcome, count) in [("changed", changed), ("unchanged", unchanged), ("failed", failed)] {
                family.push_count(&[("scheme", scheme), ("source", source), ("outcome", outcome)], *count);
            }
        }
    });
    exposition.gauges("portcullis_key_set_keys", "Keys of an issuer that can be used.", |family| {
        for KeyReading { scheme, source, keys, .. } in readings {
            family.push_count(&[("scheme", scheme), ("source", source)], *keys);
        }
    });
    exposition.gauges("portcullis_key_set_age_seconds", "Time since an issuer's keys were last fetched.", |family| {
        for KeyReading { scheme, source, age, .. } in readings {
            age.iter().for_each(|age| family.push_count(&[("scheme", scheme), ("source", source)], *age));
        }
    });
}
