//! The series of what all requests of the process share: the log of first uses, keys of holders, room for content that waits.

use super::exposition::Exposition;

/// The figures of the log of first uses, read when the metrics are scraped.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayReading {
    /// Marks held now, among them some that are over and not cleared away yet.
    pub entries: u64,
    /// The most marks that can be held.
    pub capacity: u64,
    /// First uses that were marked.
    pub marked: u64,
    /// Uses that were refused because they were not the first.
    pub replays_refused: u64,
    /// Uses that were refused because there was no room.
    pub full: u64,
}

/// What content that waits takes up now, in octets.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpoolReading {
    /// In memory.
    pub memory: u64,
    /// In files.
    pub files: u64,
}

/// Writes the series.
pub(super) fn expose(replay: ReplayReading, holder_keys: u64, spool: SpoolReading, exposition: &mut Exposition) {
    let ReplayReading { entries, capacity, marked, replays_refused, full } = replay;
    for (name, help, figure) in [
        ("portcullis_replay_log_entries", "First uses that are remembered.", entries),
        ("portcullis_replay_log_capacity", "The most first uses that can be remembered.", capacity),
        ("portcullis_holder_keys", "Keys of holders that are remembered.", holder_keys),
        ("portcullis_spool_memory_bytes", "Content that waits in memory.", spool.memory),
        ("portcullis_spool_file_bytes", "Content that waits in files.", spool.files),
    ] {
        exposition.gauges(name, help, |family| family.push_count(&[], figure));
    }
    for (name, help, figure) in [
        ("portcullis_replay_log_marked_total", "First uses that were marked.", marked),
        ("portcullis_replay_log_replays_refused_total", "Uses refused because they were not the first.", replays_refused),
        ("portcullis_replay_log_full_total", "Uses refused because nothing more could be remembered.", full),
    ] {
        exposition.counters(name, help, |family| family.push_count(&[], figure));
    }
}
