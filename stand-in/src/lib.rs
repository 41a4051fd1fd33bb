//! SageMaker's and Bedrock's runtimes, and SageMaker's control plane, on this machine; they fail as they are told.
//!
//! What asks a model elsewhere is only as good as what it does when that fails, and AWS's own services cannot be told to fail. The
//! stand-ins answer with a real model, check what they receive as strictly as AWS documents it, and work a script of faults off:
//! throttling, silence, broken connections, and answers that are none. They are for tests and for trying things out, and listen on
//! loopback unless told otherwise.

mod bedrock;
mod connection;
mod fault;
mod refusal;
mod requests;
mod running;
mod sagemaker;
mod script;
mod signature;
mod world;

pub use bedrock::{BedrockSettings, OpenAiServer};
pub use fault::Fault;
pub use requests::{Outcome, Request};
pub use running::{Running, StandIn, StartError};
pub use sagemaker::{EndpointSettings, OtherNames, SageMakerSettings};
pub use script::{Script, ScriptError, Service, Step, Times};
