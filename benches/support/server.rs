//! Runs a server as a child process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A server in a child process. Dropping it kills the process.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Starts the server and waits for the line that ends with its address.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        Self { child, address }
    }

    /// Returns the current and the peak resident memory.
    pub fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let lines: Vec<_> =
            status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect();
        lines.join(", ").replace('\t', " ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
