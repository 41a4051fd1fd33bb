//! InvokeEndpoint: samples out, answers back, in our own server's JSON or in the lines SageMaker's managed XGBoost image speaks.

use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::config::Builder;
use aws_sdk_sagemakerruntime::config::retry::RetryConfig;
use aws_sdk_sagemakerruntime::primitives::Blob;
use linkcast_domain::ports::Inquiry;
use linkcast_domain::{
    Answer, AskError, FEATURE_SCHEMA_VERSION, FailureKind, Instance, InvocationAnswer, InvocationRequest,
    SageMakerFormat, answers_of_csv, csv_of_vectors,
};

use super::bounded::Bounded;
use super::{Deadline, Failed, LARGEST_ANSWER};
use crate::client::{Shared, limits_of_one_try};

/// SageMaker's runtime of one region.
#[derive(Clone, Debug)]
pub(super) struct Runtime(Client);

/// What of an endpoint is asked, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) endpoint: &'a str,
    pub(super) format: SageMakerFormat,
    pub(super) variant: Option<&'a str>,
    pub(super) component: Option<&'a str>,
}

impl Runtime {
    pub(super) fn new(shared: &Shared) -> Self {
        let config = Builder::from(&shared.config)
            .retry_config(RetryConfig::disabled())
            .interceptor(Bounded(LARGEST_ANSWER))
            .build();
        Runtime(Client::from_conf(config))
    }

    /// What the endpoint says of each sample.
    pub(super) async fn ask(
        &self,
        named: Named<'_>,
        inquiries: &[Inquiry<'_>],
        deadline: Deadline,
    ) -> Vec<Result<Answer, AskError>> {
        match deadline.keep(self.call(named, inquiries, deadline)).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(failed) => failed.of_each(&format!("endpoint {}", named.endpoint), inquiries.len()),
        }
    }

    async fn call(
        &self,
        named: Named<'_>,
        inquiries: &[Inquiry<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Answer>, Failed> {
        let kind = content_type(named.format);
        let limits = Builder::new().timeout_config(limits_of_one_try(deadline.left()));
        let call = self.0.invoke_endpoint().endpoint_name(named.endpoint);
        let call = call.content_type(kind).accept(kind).body(Blob::new(body(named.format, inquiries)?));
        let call = call.set_target_variant(named.variant.map(str::to_owned));
        let call = call.set_inference_component_name(named.component.map(str::to_owned));
        let answer = call.customize().config_override(limits).send().await.map_err(Failed::of_sdk)?;
        let body = answer.body.unwrap_or_default();
        answers(named.format, body.as_ref(), inquiries.len())
    }
}

fn content_type(format: SageMakerFormat) -> &'static str {
    match format {
        SageMakerFormat::Json => "application/json",
        SageMakerFormat::Csv => "text/csv",
    }
}

fn body(format: SageMakerFormat, inquiries: &[Inquiry<'_>]) -> Result<Vec<u8>, Failed> {
    match format {
        SageMakerFormat::Json => json(inquiries),
        SageMakerFormat::Csv => {
            Ok(csv_of_vectors(inquiries.iter().map(|inquiry| inquiry.features)).into_bytes())
        }
    }
}

/// The samples as our own server takes them.
pub(super) fn json(inquiries: &[Inquiry<'_>]) -> Result<Vec<u8>, Failed> {
    let instances = inquiries.iter().map(|inquiry| Instance(*inquiry.features)).collect();
    let request = InvocationRequest { feature_schema: FEATURE_SCHEMA_VERSION, instances };
    serde_json::to_vec(&request).map_err(|error| Failed::new(FailureKind::Refused, error))
}

fn answers(format: SageMakerFormat, body: &[u8], asked: usize) -> Result<Vec<Answer>, Failed> {
    match format {
        SageMakerFormat::Json => InvocationAnswer::answers(body, asked),
        SageMakerFormat::Csv => answers_of_csv(body, asked),
    }
    .map_err(Failed::bad)
}
