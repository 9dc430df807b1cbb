//! The generation of the caches that authentication uses.

use std::sync::atomic::{AtomicU64, Ordering};

/// The generation of everything that is cached of keys, tokens and projects. A cached value is valid only in the generation in which it
/// was loaded.
#[derive(Debug, Default)]
pub struct CacheGeneration(AtomicU64);

impl CacheGeneration {
    /// Returns the current generation.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Begins a new generation, so that the next request sees a change of keys, tokens or settings made in this process.
    pub fn invalidate(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
