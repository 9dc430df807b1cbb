//! The process itself, under the names that the client libraries of Prometheus use. Linux shows it in files; where there are none, these
//! metrics are left out.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

/// What the system shows of this process. The processes of a private PostgreSQL are not part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessSample {
    resident_memory_bytes: u64,
    virtual_memory_bytes: u64,
    cpu_seconds: f64,
    /// In seconds since the Unix epoch.
    start_time_seconds: f64,
    open_descriptors: u64,
    max_descriptors: u64,
}

impl ProcessSample {
    /// Reads the sample. The calls block for a short time.
    #[must_use]
    pub fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let open_descriptors = u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
        let max_descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::parse(&stat, &status, &system, ticks_per_second()?, (open_descriptors, max_descriptors))
    }

    fn parse(stat: &str, status: &str, system: &str, ticks_per_second: f64, descriptors: (u64, u64)) -> Option<Self> {
        // The name of the program is in parentheses and may contain spaces. The fields behind it begin with the third.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        let booted_at: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(Self {
            resident_memory_bytes: kibibytes("VmRSS")? * 1024,
            virtual_memory_bytes: kibibytes("VmSize")? * 1024,
            cpu_seconds: (field(14)? + field(15)?) / ticks_per_second,
            start_time_seconds: booted_at + field(22)? / ticks_per_second,
            open_descriptors: descriptors.0,
            max_descriptors: descriptors.1,
        })
    }
}

fn ticks_per_second() -> Option<f64> {
    u32::try_from(clock_ticks_per_second()).ok().filter(|ticks| *ticks > 0).map(f64::from)
}

/// Returns a registry that holds the sample, which is empty without one.
pub(super) fn registry(sample: Option<&ProcessSample>) -> Registry {
    let mut registry = Registry::with_prefix("process");
    let Some(sample) = sample else { return registry };
    let gauge = |value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge
    };
    let resident = gauge(sample.resident_memory_bytes);
    registry.register_with_unit("resident_memory", "Resident memory of the process", Unit::Bytes, resident);
    let size = gauge(sample.virtual_memory_bytes);
    registry.register_with_unit("virtual_memory", "Virtual memory of the process", Unit::Bytes, size);
    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(sample.cpu_seconds);
    registry.register_with_unit(
        "cpu",
        "Time that the process used processors, of users and the system",
        Unit::Seconds,
        cpu,
    );
    let start = Gauge::<f64, AtomicU64>::default();
    start.set(sample.start_time_seconds);
    registry.register_with_unit("start_time", "Start of the process, since the Unix epoch", Unit::Seconds, start);
    registry.register("open_fds", "Open file descriptors", gauge(sample.open_descriptors));
    registry.register("max_fds", "The limit of open file descriptors", gauge(sample.max_descriptors));
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        let stat = "42 (a) (b c) S 1 42 42 0 -1 4194560 500 0 3 0 250 50 0 0 20 0 9 0 12345 1000000 200 \
                    18446744073709551615 1 1";
        let status = "Name:\ta\nVmPeak:\t    2000 kB\nVmSize:\t    1000 kB\nVmRSS:\t     512 kB\n";
        let sample = ProcessSample::parse(stat, status, "cpu 1 2\nbtime 1700000000\n", 100.0, (7, 1024)).unwrap();
        assert_eq!((sample.resident_memory_bytes, sample.virtual_memory_bytes), (512 * 1024, 1000 * 1024));
        assert_eq!((sample.cpu_seconds, sample.start_time_seconds), (3.0, 1_700_000_123.45));
        assert_eq!(ProcessSample::parse("42 (a", status, "", 100.0, (0, 0)), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_read() {
        let sample = ProcessSample::read().unwrap();
        assert!(sample.resident_memory_bytes > 1_000_000 && sample.open_descriptors > 2 && sample.cpu_seconds >= 0.0);
        assert!(sample.start_time_seconds > 1_600_000_000.0 && sample.max_descriptors >= sample.open_descriptors);
    }
}
