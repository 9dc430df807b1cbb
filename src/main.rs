//! The command-line program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use voucherify_emulator::app::{self, Server, StartError};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{Cli, Command, Config, LogFormat, Options};
use voucherify_emulator::http::connection::raise_descriptor_limit;

/// The allocator of the program. It is faster than that of the system for the many small values of a request, and returns the
/// memory of large requests to the system, which glibc often does not. It belongs to the program and not to the library, because a Rust
/// test that uses the library chooses its own. Version 2 returns memory sooner than version 3, and
/// without transparent huge pages an idle emulator takes two thirds of the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(message) = initialise_log(&cli.options) {
        return fail(&message);
    }
    if let Err(error) = raise_descriptor_limit() {
        tracing::warn!(%error, "failed to raise the limit of file descriptors");
    }
    let outcome = match cli.options.config() {
        Ok(config) => match cli.command.unwrap_or_default() {
            Command::Serve => serve(&config).await,
            Command::Migrate => app::migrate(&config).await,
        },
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(message: &impl std::fmt::Display) -> ExitCode {
    eprintln!("voucherify-emulator: {message}");
    ExitCode::FAILURE
}

async fn serve(config: &Config) -> Result<(), StartError> {
    // Register the signal handlers before the start, so that a signal during the start is not lost.
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        eprintln!("voucherify-emulator: cannot receive signals; stop the program with SIGKILL");
        let server = Server::start(config, Clock::System).await?;
        print_ready_line(&server);
        return std::future::pending().await;
    };
    let stop = async {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    tokio::pin!(stop);
    let server = tokio::select! {
        server = Server::start(config, Clock::System) => server?,
        () = &mut stop => return Ok(()),
    };
    print_ready_line(&server);
    stop.await;
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// Prints the ready line, the only output on standard output. Errors are ignored, because the output may be closed.
fn print_ready_line(server: &Server) {
    let mut out = io::stdout();
    let _ = writeln!(out, "voucherify-emulator ready on {}", server.url());
    let _ = out.flush();
}

fn initialise_log(options: &Options) -> Result<(), String> {
    let filter = EnvFilter::try_new(&options.log).map_err(|error| format!("--log {}: {error}", options.log))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match options.log_format {
        LogFormat::Text => {
            let ansi = io::IsTerminal::is_terminal(&io::stderr());
            subscriber.with_ansi(ansi).try_init()
        }
        LogFormat::Json => subscriber.json().try_init(),
    }
    .map_err(|error| error.to_string())
}
