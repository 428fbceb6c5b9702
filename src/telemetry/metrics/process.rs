//! The usual figures of the process, from `/proc`; a figure that cannot be read is left out.

use super::exposition::Exposition;
use std::fs;

/// Ticks per second in `/proc`: fixed by the Linux interface for user space, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// Where `utime` stands in `/proc/self/stat`, counted after the name in parentheses (proc(5)).
const UTIME: usize = 11;
const STIME: usize = 12;
const START_TIME: usize = 19;

/// Writes what can be read.
pub(super) fn expose(exposition: &mut Exposition) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
    let mut gauge =
        |name, help, value: Option<f64>| exposition.gauges(name, help, |family| value.iter().for_each(|v| family.push(&[], *v)));
    gauge("process_start_time_seconds", "Start time of the process since the epoch.", start_time(&stat, &boot));
    gauge("process_resident_memory_bytes", "Resident memory.", kibibytes(&status, "VmRSS:"));
    gauge("process_virtual_memory_bytes", "Virtual memory.", kibibytes(&status, "VmSize:"));
    gauge("process_threads", "Threads.", field(&status, "Threads:"));
    gauge("process_open_fds", "Open file descriptors.", open_files());
    gauge("process_max_fds", "The limit of open file descriptors.", field(&limits, "Max open files"));
    let help = "User and system CPU time spent.";
    exposition.counters("process_cpu_seconds_total", help, |family| cpu(&stat).iter().for_each(|v| family.push(&[], *v)));
}

fn cpu(stat: &str) -> Option<f64> {
    Some((ticks(stat, UTIME)? + ticks(stat, STIME)?) / TICKS)
}

fn start_time(stat: &str, boot: &str) -> Option<f64> {
    Some(field(boot, "btime")? + ticks(stat, START_TIME)? / TICKS)
}

/// A figure of `/proc/self/stat`; the name before it may hold spaces and parentheses.
fn ticks(stat: &str, place: usize) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_ascii_whitespace().nth(place)?.parse().ok()
}

/// The first figure after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    field(status, name).map(|kibibytes| kibibytes * 1024.0)
}

/// Entries of the list, less the one that reading the list opens.
fn open_files() -> Option<f64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(count).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (port ) cullis) S 1 42 42 0 -1 4194304 100 0 0 0 250 150 0 0 20 0 5 0 1000 1048576 256 18446744073709551615";

    #[test]
    fn a_name_with_parentheses_shifts_nothing() {
        assert_eq!(cpu(STAT), Some(4.0));
        assert_eq!(start_time(STAT, "cpu  1 2\nbtime 1700000000\n"), Some(1_700_000_010.0));
    }

    #[test]
    fn what_cannot_be_read_is_absent() {
        assert_eq!(cpu(""), None);
        assert_eq!(start_time(STAT, ""), None);
        assert_eq!(field("Max open files            unlimited            unlimited            files", "Max open files"), None);
        assert_eq!(kibibytes("VmRSS:\t    1024 kB\n", "VmRSS:"), Some(1_048_576.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_figures() {
        let mut exposition = Exposition::default();
        expose(&mut exposition);
        let text = String::from_utf8(exposition.into_text()).unwrap();
        for name in ["cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "threads", "start_time_seconds"] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in {text}");
        }
    }
}
