//! Loopback addresses and small HTTP questions.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::until;

/// An address on loopback that nothing listens on now.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    listener.local_addr().context("cannot read the free port")
}

/// Waits until something listens there.
pub fn wait_for_listener(address: SocketAddr) -> Result<()> {
    until(&format!("a listener on {address}"), Duration::from_secs(20), || {
        Ok(TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok().map(drop))
    })
}

/// The JSON a URL answers with.
pub fn get_json(url: &str) -> Result<serde_json::Value> {
    let mut answer = ureq::get(url).call().with_context(|| format!("cannot get {url}"))?;
    let text = answer.body_mut().read_to_string().with_context(|| format!("cannot read {url}"))?;
    serde_json::from_str(&text).with_context(|| format!("{url} did not answer with JSON"))
}

/// A field of an object; null where there is none.
pub fn field<'a>(value: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    value.get(name).unwrap_or(&serde_json::Value::Null)
}

/// An object with the fields of another over its own.
pub fn overlaid(value: &serde_json::Value, other: &serde_json::Value) -> serde_json::Value {
    let fields = |value: &serde_json::Value| value.as_object().cloned().unwrap_or_default();
    fields(value).into_iter().chain(fields(other)).collect()
}
