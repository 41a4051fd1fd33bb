//! Who is asked for a judgement, what is asked, and what may come back.
//!
//! A judgement can be made by an endpoint, a language model, a service or the model inside the process. They are asked in one
//! form and answer in one form, so that tiers can be compared and mixed; what does not have that form is refused where it
//! arrives and never becomes an [`Answer`].

mod answer;
mod failure;
mod invocation;
mod piecewise;
mod price;
mod rows;
mod target;

pub use answer::{Answer, AnswerError, Usage};
pub use failure::{AskError, FailureKind};
pub use invocation::{
    Instance, InvocationAnswer, InvocationError, InvocationRequest, Prediction, answers_of_csv,
    csv_of_answers, csv_of_vectors, vectors_of_csv,
};
pub use piecewise::{KnotError, PiecewiseLinear};
pub use price::{Cost, NanoDollars, apportion};
pub use rows::{RowPlace, RowsError, vectors_of_json, vectors_of_json_lines};
pub use target::{HttpProtocol, SageMakerFormat, Target};
