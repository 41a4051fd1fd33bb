//! Loopback addresses and small HTTP questions.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::until;

/// Ports below those that systems give to outgoing connections: one of these would else take the port before whom it is
/// meant for.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How many addresses this process has looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// An address on loopback that nothing listens on now, and that this process has not given before.
pub fn free_address() -> Result<SocketAddr> {
    let width = PORTS.end - PORTS.start;
    // Processes begin far apart.
    let first = (std::process::id().wrapping_mul(2_654_435_761) >> 16) as u16;
    for _ in 0..width {
        let place = first.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % width;
        let address = SocketAddr::from(([127, 0, 0, 1], PORTS.start + place));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port from {} to {} is free", PORTS.start, PORTS.end)
}

/// Waits until something listens there.
pub fn wait_for_listener(address: SocketAddr) -> Result<()> {
    until(&format!("a listener on {address}"), Duration::from_secs(20), || {
        Ok(TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok().map(drop))
    })
}

/// The text a URL answers with.
pub fn get_text(url: &str) -> Result<String> {
    let mut answer = ureq::get(url).call().with_context(|| format!("cannot get {url}"))?;
    answer.body_mut().read_to_string().with_context(|| format!("cannot read {url}"))
}

/// The JSON a URL answers with.
pub fn get_json(url: &str) -> Result<serde_json::Value> {
    serde_json::from_str(&get_text(url)?).with_context(|| format!("{url} did not answer with JSON"))
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
