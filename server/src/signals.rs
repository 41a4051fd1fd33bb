//! What the system tells a server: to stop, or to look at its models at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::Reloader;

/// Ends at the first SIGTERM or SIGINT that comes after this was called.
///
/// # Errors
/// When signals cannot be heard.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    })
}

/// Lets every SIGHUP have the models' folders read at once.
///
/// # Errors
/// When signals cannot be heard.
pub fn reload_on_hangup(reloader: Reloader) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            reloader.reload();
        }
    });
    Ok(())
}
