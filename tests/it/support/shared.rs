//! The emulator that is shared by the tests that only send requests. Each test has a project of its own.

use std::sync::{LazyLock, mpsc};
use std::thread;

use axum::Router;
use tokio::runtime::{Builder, Handle};
use voucherify_emulator::clock::Clock;

use super::database::Database;
use super::emulator;

/// Database connections of the shared emulator.
const CONNECTIONS: u32 = 8;

/// What a test needs to send requests to the shared emulator.
pub struct SharedEmulator {
    pub router: Router,
    /// The runtime on which every request must run: database connections end with the runtime that opened them, and the
    /// runtime of a test ends with the test.
    pub runtime: Handle,
}

static EMULATOR: LazyLock<SharedEmulator> = LazyLock::new(|| {
    let (sender, started) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let database = Database::new();
        runtime.block_on(async move {
            let config = emulator::default_config();
            let running = emulator::start(&database, Clock::System, &config, CONNECTIONS).await;
            let shared = SharedEmulator { router: running.router.clone(), runtime: Handle::current() };
            sender.send(shared).unwrap();
            // The emulator runs until the process ends. Then the cluster stops and removes its files.
            std::future::pending::<()>().await;
            drop(running);
        });
    });
    started.recv().expect("the shared emulator starts")
});

/// Returns the shared emulator. The first call starts it.
pub fn emulator() -> &'static SharedEmulator {
    &EMULATOR
}
