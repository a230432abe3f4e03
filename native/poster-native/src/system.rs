//! What the worker asks of the operating system.

use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process;
use std::thread;

/// Starts a thread without which the process could only hang. Library panics are caught where they are expected; any other is an
/// error of this program, and the parent must see a dead child instead of a silent one.
pub fn spawn_essential(work: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            eprintln!("poster-native: a thread panicked, which is an error of this program; the process ends");
            process::exit(101);
        }
    });
}

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
