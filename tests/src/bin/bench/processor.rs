//! The processor time of processes, as Linux counts it. It is nothing on other systems.

/// What a process had used when it was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    process: u32,
    seconds: f64,
}

impl Used {
    /// What it has used by now.
    pub(crate) fn by(process: u32) -> Self {
        Self { process, seconds: seconds(process) }
    }

    /// What it has used since then, in seconds.
    pub(crate) fn since(self) -> f64 {
        seconds(self.process) - self.seconds
    }
}

/// The fields of `/proc/PROCESS/stat` that follow the name of the program.
fn fields(process: u32) -> Vec<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()
}

/// What a process has used; of another one, also those that it started.
fn seconds(process: u32) -> f64 {
    let ticks = |fields: &[u64]| {
        fields.get(11).zip(fields.get(12)).map_or(0, |(user, system)| user + system)
    };
    let of_children: u64 = match process == std::process::id() {
        true => 0,
        false => children(process).map(|(_, fields)| ticks(&fields)).sum(),
    };
    // In ticks of a hundredth of a second.
    (ticks(&fields(process)) + of_children) as f64 / 100.0
}

/// The processes that a process has started and that still run, with their fields.
fn children(process: u32) -> impl Iterator<Item = (u32, Vec<u64>)> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.map(|process| (process, fields(process)))
        .filter(move |(_, fields)| fields.get(1) == Some(&process.into()))
}

/// The most memory that a process has had, in bytes.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The process that this one has started last.
pub(crate) fn started_last() -> u32 {
    let started = |(process, fields): (u32, Vec<u64>)| (fields.get(19).copied(), process);
    children(std::process::id()).map(started).max().map_or(0, |(_, process)| process)
}
