//! Accepts connections, and serves HTTP/1.1 on them within limits.
//!
//! * [`server`] accepts connections, closes those that exceed a limit, and stops them all at the end.
//! * `serve` serves the requests of one connection with hyper. It adds what hyper leaves out: the rest of a body that no handler has
//!   read is discarded before the answer, or the answer says `Connection: close`.
//! * `request_body` knows how long the client has sent nothing, and `response_body` when a response has ended.
//! * `keep_alive` announces how long a client may keep a connection.
//! * `transport` is what carries the bytes: the socket, or `tls` on the socket.
//! * `stream` gives a JSON body to the error answers that hyper writes without calling the service.
//! * `state` is what these parts and the sweep know about one connection.
//!
//! Limits of time are checked by one task, the sweep, which looks at every connection at intervals. So a request needs no timer of its
//! own.

pub mod limits;
pub(crate) mod request_body;
pub mod server;

mod elapsed;
mod keep_alive;
mod response_body;
mod serve;
mod state;
mod stream;
mod tls;
mod transport;

pub use limits::{ConnectionLimits, raise_descriptor_limit};
pub use serve::{HttpService, ResetConnection};
pub use server::HttpServer;
