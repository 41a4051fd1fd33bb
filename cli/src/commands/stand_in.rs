//! `linkcast stand-in`: SageMaker's and Bedrock's runtimes on this machine, failing as they are told.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use linkcast_scoring::Model;
use linkcast_server::told_to_stop;
use linkcast_stand_in::{
    BedrockSettings, EndpointSettings, OpenAiServer, OtherNames, SageMakerSettings, Script, Service, StandIn,
};
use serde::Serialize;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::exit::{ExitKind, Failure};
use crate::model;
use crate::output::Form;
use crate::registry::ModelChoice;

/// Where a key for a language model's server is read from: the variable every client of that protocol knows.
const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// Stand in for SageMaker's or Bedrock's runtime on this machine, and fail as told.
#[derive(Args, Debug)]
pub(crate) struct StandInArguments {
    #[command(subcommand)]
    service: StandInService,
}

#[derive(Debug, Subcommand)]
enum StandInService {
    /// Stand in for SageMaker's runtime, and for its control plane as far as endpoints need it.
    #[command(name = "sagemaker")]
    SageMaker(SageMakerArguments),
    /// Stand in for Bedrock's runtime: Converse.
    Bedrock(BedrockArguments),
}

/// What both take.
#[derive(Args, Debug)]
struct CommonArguments {
    /// The model that answers: a folder, or registry:NAME, as registry:live; the shipped model unless given.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelChoice>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// The address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The region that requests must be signed for.
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,
    /// What goes wrong, and when: a JSON file of steps (see docs/STAND_INS.md).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// Stand in for SageMaker's runtime, and for its control plane as far as endpoints need it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast stand-in sagemaker --listen 127.0.0.1:9001\n  linkcast stand-in sagemaker --endpoint linkcast-lab-link-health-serverless --script faults.json\n  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://127.0.0.1:9001 aws sagemaker-runtime invoke-endpoint …\n\nEndpoints that are made here answer here:\n  linkcast stand-in sagemaker --listen 127.0.0.1:9001 --empty\n  AWS_ENDPOINT_URL=http://127.0.0.1:9001 linkcast provision --serverless …\n\nA script, and what came, while it runs:\n  curl -d '{\"*\": [{\"do\": \"throttle\", \"times\": 3}, {\"do\": \"slow\", \"ms\": 800}]}' http://127.0.0.1:9001/_stand_in/script\n  curl http://127.0.0.1:9001/_stand_in/requests"
)]
struct SageMakerArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// An endpoint there is; may be given again. Every name that is asked for, unless given.
    #[arg(long = "endpoint", value_name = "NAME")]
    endpoints: Vec<String>,
    /// Begin without endpoints: there are those that are made by CreateEndpoint.
    #[arg(long, conflicts_with = "endpoints")]
    empty: bool,
    /// How often an endpoint on its way is looked at before it has arrived.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    looks: u32,
}

/// Stand in for Bedrock's runtime: Converse.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast stand-in bedrock --listen 127.0.0.1:9002\n  linkcast stand-in bedrock --openai http://127.0.0.1:11434 --openai-model qwen3:4b\n  AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:9002 aws bedrock-runtime converse …\n\nA key for the language model's server is read from OPENAI_API_KEY.\n\nA script, and what came, while it runs:\n  curl -d '{\"*\": [{\"do\": \"prose\"}, {\"do\": \"hang\", \"times\": \"always\"}]}' http://127.0.0.1:9002/_stand_in/script\n  curl http://127.0.0.1:9002/_stand_in/requests"
)]
struct BedrockArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// A language model's id there is; may be given again. Every id that is asked for, unless given.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Ask a server that speaks OpenAI's protocol in the place of the embedded model.
    #[arg(long, value_name = "URL", requires = "openai_model")]
    openai: Option<String>,
    /// Which of that server's models.
    #[arg(long, value_name = "NAME", requires = "openai")]
    openai_model: Option<String>,
}

#[derive(Serialize)]
struct Line {
    listening: SocketAddr,
    service: &'static str,
    variable: &'static str,
}

/// Stands in until told to stop.
pub(crate) fn execute(arguments: &StandInArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.service {
        StandInService::SageMaker(arguments) => {
            let (common, model) = (&arguments.common, arguments.common.model(session)?);
            let settings = SageMakerSettings {
                listen: common.listen,
                model,
                endpoints: arguments.endpoints.iter().map(|name| EndpointSettings::new(name)).collect(),
                region: common.region.clone(),
                others: if arguments.empty { OtherNames::AreNone } else { OtherNames::Answer },
                looks_until_ready: arguments.looks,
            };
            let script = common.script(Service::SageMaker)?;
            let told = ("SageMaker", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME");
            run(StandIn::sagemaker(settings), script, told, session)
        }
        StandInService::Bedrock(arguments) => {
            let (common, model) = (&arguments.common, arguments.common.model(session)?);
            let named = arguments.openai.clone().zip(arguments.openai_model.clone());
            let key = std::env::var(KEY_VARIABLE).ok();
            let settings = BedrockSettings {
                listen: common.listen,
                model,
                models: arguments.ids.clone(),
                region: common.region.clone(),
                openai: named.map(|(url, model)| OpenAiServer { url, model, key }),
            };
            let script = common.script(Service::Bedrock)?;
            let told = ("Bedrock", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME");
            run(StandIn::bedrock(settings), script, told, session)
        }
    }
}

impl CommonArguments {
    fn model(&self, session: &Session<'_>) -> Result<Arc<Model>, Failure> {
        let place = self.database.place(session.configuration);
        Ok(Arc::new(model::load(self.model.as_ref(), place.as_ref(), session.configuration)?))
    }

    fn script(&self, service: Service) -> Result<Script, Failure> {
        let Some(path) = &self.script else { return Ok(Script::default()) };
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Failure::new(ExitKind::WrongUse, error)
                .with_next_step(format!("mend {}, as docs/STAND_INS.md shows one", path.display()))
        };
        let json = fs::read(path).map_err(|error| failed(error.into()))?;
        Script::read(&json, service).map_err(|error| failed(error.into()))
    }
}

fn run(
    stand_in: StandIn,
    script: Script,
    (service, variable): (&'static str, &'static str),
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let made = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = made.map_err(|error| Failure::new(ExitKind::Machine, error))?;
    runtime.block_on(async {
        // Heard from here on, so that a word to stop that comes with the first line is not lost.
        let stop = told_to_stop().map_err(|error| Failure::new(ExitKind::Machine, error))?;
        let running = stand_in.start().await.map_err(|error| {
            Failure::new(ExitKind::WrongUse, error)
                .with_next_step("name another address by --listen; port 0 takes a free one")
        })?;
        running.set_script(script).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
        let listening = running.address();
        match session.form {
            Form::JsonLines => session.output.json(&Line { listening, service, variable })?,
            Form::Text => session.output.line(&format!(
                "standing in for {service} on {listening}; for clients: export {variable}=http://{listening}"
            ))?,
        }
        session.output.flush()?;
        stop.await;
        Ok(())
    })
}
