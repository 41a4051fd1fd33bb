//! A task's item that is not what was written: by whom the errors of all that keeps items are told alike.

/// An item that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{name} of {task} is damaged")]
pub struct DamagedItem {
    /// Whose.
    pub task: String,
    /// Which.
    pub name: String,
    /// Why.
    #[source]
    pub source: serde_json::Error,
}
