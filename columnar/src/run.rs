//! What a question may use.

/// What a question may use, and when it is to stop.
#[derive(Clone, Copy)]
pub struct Limits<'l> {
    /// Threads, the asking one among them; at least one.
    pub n_threads: usize,
    /// Working memory in bytes, as nearly as it can be estimated.
    pub max_bytes: usize,
    /// Whether nobody wants the answer any more; asked every few milliseconds.
    pub is_stopped: &'l (dyn Fn() -> bool + Sync),
}
