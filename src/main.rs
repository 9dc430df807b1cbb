//! The command-line program.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use voucherify_emulator::app::{self, Server, StartError};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::command::{self, Introduction};
use voucherify_emulator::config::{Cli, Command, Config, LogFormat, LogOptions, Storage};
use voucherify_emulator::domain::error_text::without_number;
use voucherify_emulator::http::connection::raise_descriptor_limit;

/// The allocator of the program. It is faster than that of the system for the many small values of a request, and returns the
/// memory of large requests to the system, which glibc often does not. It belongs to the program and not to the library, because a Rust
/// test that uses the library chooses its own. Version 2 returns memory sooner than version 3, and
/// without transparent huge pages an idle emulator takes two thirds of the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a start may take before a terminal shows what it waits for.
const QUIET_START: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.options.data.uses_private_database() {
        command::remove_database_variables();
    }
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => fail(&format!("the runtime cannot be started: {error}")),
    }
}

async fn run(cli: Cli) -> ExitCode {
    if let Err(message) = initialise_log(&cli.options.log) {
        return fail(&message);
    }
    let listen = cli.options.server.address();
    match cli.command.clone().unwrap_or_default() {
        Command::Serve => {
            with_config(&cli, async |config| serve(config, cli.options.server.stop_with_stdin).await).await
        }
        Command::Migrate => with_config(&cli, app::migrate).await,
        Command::TlsCa => match command::authority(&cli.options) {
            Ok(certificate) => printed(write!(io::stdout(), "{certificate}")),
            Err(error) => fail(&error),
        },
        Command::Health { url } => match command::health(url.as_deref(), &listen).await {
            Ok(answer) => printed(writeln!(io::stdout(), "{answer}")),
            Err(error) => fail(&error),
        },
        Command::Completions { shell } => printed(command::completions(shell, &mut io::stdout())),
        Command::Man => printed(command::manual_page(&mut io::stdout())),
    }
}

/// Runs a command that uses the database.
async fn with_config(cli: &Cli, run: impl AsyncFnOnce(&Config) -> Result<(), StartError>) -> ExitCode {
    if let Err(error) = raise_descriptor_limit() {
        tracing::warn!(%error, "failed to raise the limit of file descriptors");
    }
    let outcome = match cli.options.config() {
        Ok(config) => run(&config).await,
        Err(error) => Err(error.into()),
    };
    end(outcome)
}

fn end(outcome: Result<(), impl Display>) -> ExitCode {
    outcome.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

/// Ends a command that prints a text. A reader that has read enough, such as `head`, is no failure.
fn printed(outcome: io::Result<()>) -> ExitCode {
    end(outcome.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }))
}

/// Ends the program at once. At the end of `main`, the runtime would wait for the resolution of a host name, which can take long when
/// no name server answers. No message quotes a number of the operating system, also where a library wrote it.
fn fail(message: &impl Display) -> ExitCode {
    eprintln!("voucherify-emulator: {}", without_number(message));
    std::process::exit(1)
}

async fn serve(config: &Config, stops_with_stdin: bool) -> Result<(), StartError> {
    tokio::spawn(command::reap_inherited_processes());
    // Register the signal handlers before the start, so that a signal during the start is not lost.
    // A signal that is ignored at the start, as `nohup` does with SIGHUP, stays ignored.
    let hangup = if command::is_hangup_ignored() { SignalKind::terminate() } else { SignalKind::hangup() };
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), hangup].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        eprintln!("voucherify-emulator: cannot receive signals; stop the program with SIGKILL");
        let server = Server::start(config, Clock::System).await?;
        print_ready_line(&server);
        return std::future::pending().await;
    };
    let stop = async {
        let stdin = async {
            if stops_with_stdin { command::standard_input_ends().await } else { std::future::pending().await }
        };
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {}, _ = hangup.recv() => {}, () = stdin => {} }
    };
    tokio::pin!(stop);
    let server = tokio::select! {
        server = start(config) => server?,
        () = &mut stop => return Ok(()),
    };
    print_ready_line(&server);
    if io::stderr().is_terminal() {
        eprint!("{}", Introduction { config, data: server.data_directory(), url: &server.url() });
    }
    stop.await;
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// Starts the server. If that takes long, a terminal shows what it waits for.
async fn start(config: &Config) -> Result<Server, StartError> {
    let start = Server::start(config, Clock::System);
    tokio::pin!(start);
    tokio::select! {
        server = &mut start => return server,
        () = tokio::time::sleep(QUIET_START) => {}
    }
    if io::stderr().is_terminal() {
        let is_private = matches!(config.storage, Storage::Private(_));
        eprintln!(
            "{}",
            if is_private {
                "Preparing PostgreSQL. The first start takes longer than the next ones."
            } else {
                "Waiting for the database."
            }
        );
    }
    start.await
}

/// Prints the ready line, the only output on standard output. Errors are ignored, because the output may be closed.
fn print_ready_line(server: &Server) {
    let mut out = io::stdout();
    let _ = writeln!(out, "voucherify-emulator ready on {}", server.url());
    let _ = out.flush();
}

fn initialise_log(options: &LogOptions) -> Result<(), String> {
    let filter = EnvFilter::try_new(&options.log).map_err(|error| format!("--log {}: {error}", options.log))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match options.log_format {
        LogFormat::Text => {
            let ansi = io::stderr().is_terminal();
            subscriber.with_ansi(ansi).try_init()
        }
        LogFormat::Json => subscriber.json().try_init(),
    }
    .map_err(|error| error.to_string())
}
