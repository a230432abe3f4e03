//! What the worker asks of the operating system.

use std::fs;

/// Lets the kernel kill this process when its parent dies, where the kernel can. The end of stdin does the same elsewhere, unless
/// the parent has passed the other end of the pipe on.
pub fn die_with_parent() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        log::warn!("the kernel does not tie this process to its parent: {error}");
    }
}

/// Peak resident memory of this process in MiB; `None` where `/proc` does not tell.
pub fn peak_rss_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
