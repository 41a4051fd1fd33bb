//! The steps in their order.
//!
//! The server is killed while it is well, comes back at the same address, and is told to stop last: a server that was only ever
//! stopped politely says nothing of the day it is not.

use std::net::SocketAddr;
use std::path::Path;

use super::asking;
use super::called::Program;
use super::checklist::{Checklist, Step};
use super::client::Client;
use super::making;
use super::serving;
use crate::exit::Failure;
use crate::registry::ModelChoice;
use crate::store::StorePlace;

/// What is verified.
pub(crate) struct Plan {
    /// A model that exists; one is trained, if none is named.
    pub(crate) model: Option<ModelChoice>,
    /// The store a registered one is looked for in.
    pub(crate) store: Option<StorePlace>,
    /// Where the server listens.
    pub(crate) listen: SocketAddr,
    /// What every simulation is drawn by.
    pub(crate) seed: u64,
    /// The most rows that are asked about.
    pub(crate) rows: usize,
}

/// Goes every step but the last; what is made lies in `folder`.
///
/// # Errors
/// The first step that fails.
pub(crate) async fn run(
    plan: &Plan,
    program: &Program,
    folder: &Path,
    checklist: &mut Checklist<'_, '_>,
) -> Result<(), Failure> {
    let configuration = checklist.configuration();
    let made = making::model(plan, program, folder, configuration);
    let made = checklist.step(Step::Model, made).await?;
    checklist.step(Step::Evaluate, making::evaluate(plan, program, &made)).await?;
    let registered = making::register(program, &made, folder);
    let registered = checklist.step(Step::Register, registered).await?;
    let server = serving::start(program, &registered, plan.listen);
    let server = checklist.step(Step::Serve, server).await?;
    checklist.step(Step::Health, server.health(&registered)).await?;
    let asked = async {
        let questions = asking::questions(plan.seed.wrapping_add(2), plan.rows).await?;
        let client = Client::of(&server.invocations(), &made.model).await?;
        let ((), measured) = asking::answers(&client, &questions, &registered.version).await?;
        Ok(((client, questions), measured))
    };
    let (client, questions) = checklist.step(Step::Answers, asked).await?;
    checklist.step(Step::Latency, asking::latency(&client, &questions)).await?;
    let address = server.kill();
    checklist.step(Step::Breaker, asking::breaker(&client, &questions)).await?;
    let again = async {
        let (server, _) = serving::start(program, &registered, address).await?;
        let ((), measured) = asking::recovery(&client, &questions, &registered.version).await?;
        Ok((server, measured))
    };
    let server = checklist.step(Step::Recovery, again).await?;
    checklist.step(Step::Stop, server.stop()).await
}
