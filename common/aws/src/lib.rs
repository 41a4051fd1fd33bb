//! The ports on AWS: the only room that knows its SDK.
//!
//! One table holds everything, keyed so that what is read together lies together and no key takes a whole fabric's
//! writes. Calls are batches, each write says what it replaces, and every call ends within the invocation's budget:
//! the SDK has no limit of its own on how long an operation may take.

mod answering;
mod apart;
mod bus;
mod calls;
mod client;
mod control_plane;
mod counts;
mod doctor;
mod endpoints;
pub mod environment;
mod failure;
mod feedback;
mod folders;
mod forget;
mod images;
mod item;
mod journal;
mod keys;
mod lookup;
mod meter;
mod outbox;
mod packages;
mod pipelines;
mod query;
mod registry;
mod reviews;
mod store;
mod streams;
mod table;
mod task_items;
mod topic;
mod traces;
mod training;
mod web;
mod write;

pub use answering::Backends;
pub use bus::EventBridge;
pub use client::{LocalServices, Shared, connect, connect_locally};
pub use counts::{Count, write_counts};
pub use doctor::{Examined, Finding, Health, examine};
pub use endpoints::Endpoints;
pub use folders::BucketFolders;
pub use images::{
    ImageError, StreamImage, StreamRecord, arrival_of_image, bytes_of_arrival, question_of_image,
    record_of_arrival, record_of_question,
};
pub use item::DamagedItemError;
pub use meter::Usage;
pub use pipelines::{Applied, PipelineText, SageMakerPipelines};
pub use store::DynamoStore;
pub use table::{LATEST, create_table};
pub use topic::Topic;
pub use traces::Traces;
pub use training::SageMaker;
pub use web::{Answer, Objects, Secrets, WebClient, WebError};

#[cfg(test)]
mod tests;
