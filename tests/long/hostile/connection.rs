//! A client connection that reads responses exactly as they are framed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// How long a client waits for a response.
const TIMEOUT: Duration = Duration::from_mins(1);

pub struct Connection {
    stream: TcpStream,
    /// Bytes that were received and not yet read.
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    is_http_10: bool,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Returns whether the response announces that the connection is closed after it. In HTTP/1.0 this is the rule.
    pub fn is_last(&self) -> bool {
        match self.header("connection") {
            Some(value) => value.eq_ignore_ascii_case("close"),
            None => self.is_http_10,
        }
    }
}

impl Connection {
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends bytes. An error is not reported: the server may have responded and closed the connection.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads the response to one request, and skips interim responses.
    pub fn response(&mut self, is_head: bool) -> Result<Response, String> {
        loop {
            let response = self.one_response(is_head)?;
            if response.status != 100 {
                return Ok(response);
            }
        }
    }

    fn one_response(&mut self, is_head: bool) -> Result<Response, String> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() > 100_000 {
                return Err("a head of more than 100,000 bytes".to_owned());
            }
            self.receive("the head")?;
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).map_err(|_| "a head that is not UTF-8".to_owned())?;
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .or_else(|| status_line.strip_prefix("HTTP/1.0 "))
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| format!("the status line {status_line:?}"))?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or_else(|| format!("the header line {line:?}"))?;
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut response =
            Response { status, is_http_10: status_line.starts_with("HTTP/1.0"), headers, body: Vec::new() };
        if response.header("x-injected").is_some() {
            return Err("a header that the request injected".to_owned());
        }
        let lengths = response.headers.iter().filter(|(name, _)| name == "content-length").count();
        let is_chunked = response.header("transfer-encoding").is_some();
        if lengths > 1 || (lengths == 1 && is_chunked) {
            return Err(format!("{lengths} content lengths, chunked: {is_chunked}"));
        }
        if is_head || status == 100 || status == 204 || status == 304 {
            return Ok(response);
        }
        response.body = if is_chunked {
            self.chunks()?
        } else if lengths == 0 && response.is_http_10 && response.is_last() {
            // HTTP/1.0 has no chunks, so the end of the connection is the end of a body whose length is not known before.
            self.rest()?
        } else {
            let length = response.header("content-length").ok_or("neither a content length nor chunks")?;
            let length = length.parse().map_err(|_| format!("the content length {length:?}"))?;
            self.take(length, "the body")?
        };
        Ok(response)
    }

    fn chunks(&mut self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let mut size = Vec::new();
            while !size.ends_with(b"\r\n") {
                size.extend(self.take(1, "the size of a chunk")?);
            }
            let size = String::from_utf8_lossy(&size).trim().to_owned();
            let size = usize::from_str_radix(&size, 16).map_err(|_| format!("the size of a chunk {size:?}"))?;
            body.extend(self.take(size, "a chunk")?);
            if self.take(2, "the end of a chunk")? != b"\r\n" {
                return Err("a chunk without its end".to_owned());
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, count: usize, what: &str) -> Result<Vec<u8>, String> {
        while self.buffer.len() < count {
            self.receive(what)?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Reads until the server closes the connection.
    fn rest(&mut self) -> Result<Vec<u8>, String> {
        loop {
            match self.receive("the end") {
                Ok(()) => {}
                Err(error) if error.contains("was closed") => return Ok(std::mem::take(&mut self.buffer)),
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self, what: &str) -> Result<(), String> {
        let mut piece = vec![0; 65_536];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(format!("the connection was closed before {what}")),
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
            Err(error) => Err(format!("the connection failed before {what}: {}", error.kind())),
        }
    }

    /// Checks that nothing follows the last response, and that the server closes the connection after it.
    pub fn expect_end(mut self) -> Result<(), String> {
        let _ = self.stream.shutdown(Shutdown::Write);
        if self.buffer.is_empty() {
            match self.receive("the end") {
                // The server closed the connection, in order or with bytes that it did not read.
                Err(error) if error.contains("was closed") || error.contains("connection reset") => return Ok(()),
                Err(error) => return Err(format!("the announced end did not come: {error}")),
                Ok(()) => {}
            }
        }
        Err(format!(
            "bytes after the last response: {:?}",
            String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(80)])
        ))
    }

    /// Checks that the server sent nothing but responses, and keeps the connection open.
    pub fn expect_open(&mut self) -> Result<(), String> {
        let _ = self.stream.set_nonblocking(true);
        let received = self.receive("the next request");
        let _ = self.stream.set_nonblocking(false);
        match received {
            Err(error) if error.contains("operation would block") && self.buffer.is_empty() => Ok(()),
            Err(error) => Err(format!("not announced: {error}")),
            Ok(()) => Err("bytes that belong to no request".to_owned()),
        }
    }
}
