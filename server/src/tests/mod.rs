//! The server as its clients meet it: over a socket, and bytes for bytes without one.

mod answering;
mod client;
mod serving;
mod swapping;
