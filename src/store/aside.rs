//! Lets a thread step aside for others that want the processor.

/// Asks the scheduler for less than everybody's share: 0 is that share, 19 the least.
pub(crate) fn step_aside(niceness: i32) {
    #[cfg(target_os = "linux")]
    {
        // On Linux this is about the calling thread, and inherited by those that it starts. Where
        // it is not allowed, the thread just does not step aside.
        let this_thread = rustix::thread::gettid();
        let _ = rustix::process::setpriority_process(Some(this_thread), niceness);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
