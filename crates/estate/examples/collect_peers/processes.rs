//! Processor time and memory, as the kernel tells them.

use std::path::Path;

/// The kernel counts in hundredths of a second.
const TICK_MS: f64 = 10.0;

/// What all processes of the server used so far, those that ended included, milliseconds.
pub fn server_cpu_ms(cluster: &Path) -> Result<f64, crate::Failed> {
    let file = std::fs::read_to_string(cluster.join("pgdata/postmaster.pid"))?;
    let postmaster: i32 = file.lines().next().unwrap_or_default().trim().parse()?;
    let (own, ended) = (fields(postmaster, [13, 14])?, fields(postmaster, [15, 16])?);
    let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))?;
    // One that ends in between is counted with the ended ones the next time.
    let living: f64 = children.split_whitespace().filter_map(|pid| fields(pid.parse().ok()?, [13, 14]).ok()).sum();
    Ok(own + ended + living)
}

/// User and system time of one process, milliseconds.
pub fn cpu_ms(pid: i32) -> Result<f64, crate::Failed> {
    fields(pid, [13, 14])
}

/// What of it is in memory, MB.
pub fn memory_mb(pid: i32) -> Result<f64, crate::Failed> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    let kb: f64 = line.split_whitespace().nth(1).unwrap_or("0").parse()?;
    Ok(kb / 1_000.0)
}

/// The sum of two fields of `/proc/PID/stat`, counted from 0, as milliseconds.
fn fields(pid: i32, which: [usize; 2]) -> Result<f64, crate::Failed> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything; two fields stand before its end.
    let rest: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    which.iter().map(|at| Ok(rest.get(at - 2).unwrap_or(&"0").parse::<f64>()? * TICK_MS)).sum()
}
