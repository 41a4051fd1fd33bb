//! Connections that can be reset from inside a request.
//!
//! An HTTP server always ends a connection politely. What a caller meets when a machine goes away is a reset, so each connection
//! carries a switch: once it is thrown, the next read or write fails and the socket is closed without lingering, which sends RST.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The wait after a connection that could not be accepted, as when no descriptor is free.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// What resets one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_thrown: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

/// Every connection there is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Mutex<Vec<Weak<State>>>>);

/// Accepts connections that have a switch.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    connections: Connections,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    switch: Switch,
}

impl Switch {
    /// Resets the connection.
    pub(crate) fn throw(&self) {
        self.0.throw();
    }
}

impl State {
    fn throw(&self) {
        self.is_thrown.store(true, Ordering::SeqCst);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl Connections {
    /// Resets every connection.
    pub(crate) fn reset_all(&self) {
        let connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.iter().filter_map(Weak::upgrade).for_each(|state| state.throw());
    }

    fn add(&self, switch: &Switch) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|state| state.strong_count() > 0);
        connections.push(Arc::downgrade(&switch.0));
    }
}

impl Door {
    pub(crate) fn new(listener: TcpListener, connections: Connections) -> Self {
        Door { listener, connections }
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let switch = Switch::default();
                    self.connections.add(&switch);
                    // Without it an answer may wait 40 ms for the one before it; a socket that refuses is as good.
                    let _ = stream.set_nodelay(true);
                    return (Connection { stream, switch }, address);
                }
                Err(_) => tokio::time::sleep(AFTER_REFUSAL).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

impl Connection {
    /// Fails once the switch is thrown, and is woken by it until then.
    fn intact(&self, context: &Context<'_>) -> io::Result<()> {
        let mut waiting = self.switch.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.switch.0.is_thrown.load(Ordering::SeqCst) {
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        *waiting = Some(context.waker().clone());
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.intact(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.intact(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
