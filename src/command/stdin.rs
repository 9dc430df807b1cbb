//! Waits for the end of standard input, for `--stop-with-stdin`.

use std::io::{self, Read};
use std::thread;

use tokio::sync::oneshot;

/// Returns when standard input ends or cannot be read. What it contains is discarded.
///
/// A program that starts the emulator with a pipe as standard input can so make sure that the emulator ends with it: the operating
/// system closes the pipe when the program ends, also when it is killed.
pub async fn standard_input_ends() {
    let (end, ended) = oneshot::channel::<()>();
    // A read from standard input cannot be cancelled, so it needs a thread that the end of the program does not wait for.
    let reader = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut buffer = [0; 4096];
        let mut input = io::stdin().lock();
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                Ok(_) | Err(_) => {}
            }
        }
        drop(end);
    });
    match reader {
        Ok(_) => {
            let _ = ended.await;
        }
        Err(error) => {
            tracing::error!(%error, "failed to watch standard input, so the emulator does not stop with it");
            std::future::pending::<()>().await;
        }
    }
}
