//! The completions of shells and the manual page, both made from the command line's definition.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::config::Cli;

/// The name of the program.
const PROGRAM: &str = "voucherify-emulator";

/// Writes the completions of a shell.
///
/// # Errors
/// Returns an error when `out` cannot be written.
pub fn completions(shell: Shell, out: &mut impl Write) -> io::Result<()> {
    // The generator ends the program when it cannot write, so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut text);
    out.write_all(&text)
}

/// Writes the manual page, in the format of man. It describes the commands too.
///
/// # Errors
/// Returns an error when `out` cannot be written.
pub fn manual_page(out: &mut impl Write) -> io::Result<()> {
    Man::new(Cli::command().name(PROGRAM)).render(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_and_manual_page_name_every_option() {
        let mut manual = Vec::new();
        manual_page(&mut manual).unwrap();
        let manual = String::from_utf8(manual).unwrap().replace('\\', "");
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            completions(shell, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            for argument in Cli::command().get_arguments() {
                let Some(long) = argument.get_long() else { continue };
                assert!(text.contains(long), "{shell}: {long}");
                assert!(manual.contains(&format!("--{long}")), "{long}");
            }
        }
    }
}
