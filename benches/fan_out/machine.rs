//! Where and when a run took place, without names.

use std::{env::consts, num::NonZero, thread};

use jiff::{Timestamp, tz::TimeZone};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Returns today's date, in universal time.
pub(crate) fn today() -> String {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    now.date().to_string()
}

/// Returns processor, cores, memory and system.
pub(crate) fn machine_class() -> String {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    // A system that does not say what it is made of is one of unknown class.
    let system = System::new_with_specifics(wanted).ok();
    let processors = system.as_ref().map_or(&[][..], |system| system.cpus());
    let processor = processors
        .first()
        .map_or("unknown processor", |cpu| cpu.brand());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let memory = system.as_ref().map_or(0, System::total_memory);
    let gibibytes = memory.div_ceil(1 << 30);
    format!(
        "{}, {cores} cores, {gibibytes} GiB of memory, {} {}",
        processor.trim(),
        consts::OS,
        consts::ARCH
    )
}
