//! What the program inherits of the handling of signals.

/// Returns whether SIGHUP is ignored, because the program was started by `nohup`, for example. Call it before a handler is installed.
#[must_use]
#[expect(unsafe_code, reason = "the standard library cannot read the handling of a signal")]
pub fn is_hangup_ignored() -> bool {
    // SAFETY: a `sigaction` of zeros is valid, and the call only writes to it.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut current) == 0 && current.sa_sigaction == libc::SIG_IGN
    }
}
