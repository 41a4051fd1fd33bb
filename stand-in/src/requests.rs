//! What came, and what became of it.

use std::collections::VecDeque;

use serde::Serialize;

use crate::fault::Fault;

/// Requests that are remembered; older ones are forgotten.
const REMEMBERED: usize = 100_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The endpoint's or model's name, or the operation of a control plane.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The variant that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_variant: Option<String>,
    /// The inference component that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The body's length, bytes.
    pub bytes: usize,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What the script said.
    Did(Fault),
    /// It was not what AWS takes.
    Refused(String),
}

/// The latest requests.
#[derive(Debug, Default)]
pub(crate) struct Requests(VecDeque<Request>);

impl Requests {
    pub(crate) fn push(&mut self, request: Request) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.0.iter().cloned().collect()
    }
}
