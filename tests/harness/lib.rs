//! What the black-box tests share: the binary under test and the real parts around it.
//!
//! The tests run what users run. They start Debian's own programs on loopback, each on a free port and in a folder
//! of its own, and end them when the test ends, however it ends.

mod answering;
mod arrivals;
mod capture;
mod deployed;
mod emulator;
mod evidently;
mod fabric;
mod linkcast;
mod moto;
mod process;
mod questions;
mod sagemaker;
mod sysfs;
mod web;

pub use answering::{
    FABRIC, Samples, TASK, backends_at, http_answer, raw_server, sample_vector, shipped_model,
};
pub use arrivals::{at_minute, numbered_stream, troubled_arrival};
pub use capture::{Capture, Embedded, differences};
pub use deployed::{Answer, DEAD_LETTERS, Deployed};
pub use emulator::{
    ACCOUNT, Emulator, REGION, bentoml_python, body_of, cargo_lambda, emulator_python, models_python,
    project_folder, sagemaker_python,
};
pub use evidently::ask_evidently;
pub use fabric::IbsimFabric;
pub use linkcast::{Linkcast, binary, fixture};
pub use moto::{Moto, ask_python, labelled_fabric};
pub use process::{Running, until, until_asked_each};
pub use questions::feature_differences;
pub use sagemaker::SageMaker;
pub use sysfs::FakeHost;
pub use web::{field, free_address, get_json, get_text, overlaid, wait_for_listener};
