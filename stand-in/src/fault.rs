//! Everything that can be told to go wrong.

use serde::{Deserialize, Serialize};

use crate::script::Service;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing goes wrong.
    Answer,
    /// Too much was asked.
    Throttle,
    /// Nothing is ever answered.
    Hang,
    /// The connection is reset before an answer.
    Reset,
    /// The answer comes late: see the step's `ms`.
    Slow,
    /// Bytes that are no text.
    Garbage,
    /// A page for people, with status 200.
    Html,
    /// Half of the answer, as if it were whole.
    Truncated,
    /// Half of the answer, then the connection is reset.
    BrokenOff,
    /// 5 MB: the answer with blanks behind it, which is still JSON.
    Large,
    /// A number that is none.
    Nan,
    /// Another list of classes.
    OtherClasses,
    /// Probabilities that do not sum to 1; of a language model, a confidence over 1.
    BadSum,
    /// Another form of answer.
    WrongSchema,
    /// 424: the model failed.
    ModelError,
    /// 500.
    #[serde(rename = "error_500")]
    Error500,
    /// 503.
    #[serde(rename = "error_503")]
    Error503,
    /// There is no such endpoint or model.
    NotFound,
    /// Not for the one who asks.
    AccessDenied,
    /// Prose in the place of the tool's call.
    NoTool,
    /// The tool is called twice.
    TwoTools,
    /// Prose beside the tool's call.
    Prose,
    /// A class nobody knows.
    InventedClass,
    /// The account may have no more: of the control plane's operations.
    Quota,
    /// The endpoint that is made or changed will not pass its health check.
    FailsHealthCheck,
    /// The endpoint that is made or changed stays on its way for ever.
    NeverReady,
}

impl Fault {
    /// Every fault of a runtime, and no fault.
    pub const ALL: [Fault; 23] = [
        Fault::Answer,
        Fault::Throttle,
        Fault::Hang,
        Fault::Reset,
        Fault::Slow,
        Fault::Garbage,
        Fault::Html,
        Fault::Truncated,
        Fault::BrokenOff,
        Fault::Large,
        Fault::Nan,
        Fault::OtherClasses,
        Fault::BadSum,
        Fault::WrongSchema,
        Fault::ModelError,
        Fault::Error500,
        Fault::Error503,
        Fault::NotFound,
        Fault::AccessDenied,
        Fault::NoTool,
        Fault::TwoTools,
        Fault::Prose,
        Fault::InventedClass,
    ];

    /// Whether `service` can do it: an endpoint calls no tools, and a language model is not made.
    pub fn is_for(self, service: Service) -> bool {
        match self {
            Fault::NoTool | Fault::TwoTools | Fault::Prose | Fault::InventedClass => {
                service == Service::Bedrock
            }
            Fault::Quota | Fault::FailsHealthCheck | Fault::NeverReady => service == Service::SageMaker,
            _ => true,
        }
    }
}
