//! What there is on the control plane: models, configurations and endpoints, whose states take looks to pass.
//!
//! Held against the API reference of each operation; where that gives no words for a refusal, those that SageMaker is known to
//! use stand here. Members that Linkcast does not send are refused until they are read up.

mod making;
mod scaling;
mod showing;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use linkcast_server::EndpointName;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ACCOUNT, EndpointSettings, no_name};
use crate::fault::Fault;
use crate::refusal::Refusal;

/// What SageMaker says of a container that does not answer `GET /ping`.
const UNWELL: &str = "The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.";

/// What an operation sees beside what there is.
pub(super) struct Surroundings<'a> {
    pub(super) region: &'a str,
    /// Looks at an endpoint on its way until it has arrived.
    pub(super) looks: u32,
    /// Endpoints that nobody made: those the settings name.
    pub(super) settled: &'a dyn Fn(&str) -> Option<EndpointSettings>,
}

impl Surroundings<'_> {
    fn arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:sagemaker:{}:{ACCOUNT}:{kind}/{name}", self.region)
    }
}

/// Everything there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Plane {
    models: BTreeMap<String, Kept>,
    configs: BTreeMap<String, Kept>,
    endpoints: BTreeMap<String, Endpoint>,
    /// By address.
    tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The counts by resource.
    targets: BTreeMap<String, (u64, u64)>,
    /// The policies by resource.
    policies: BTreeMap<String, Value>,
    /// The endpoint that the last operation set on its way.
    touched: Option<String>,
}

/// A model or a configuration: what it was asked for with.
#[derive(Clone, Debug)]
struct Kept {
    asked: Value,
    created: f64,
}

#[derive(Clone, Debug)]
struct Endpoint {
    config: String,
    pending: Option<String>,
    status: &'static str,
    failure: Option<&'static str>,
    looks: u32,
    fate: Fault,
    created: f64,
    changed: f64,
}

impl Endpoint {
    fn is_passing(&self) -> bool {
        matches!(self.status, "Creating" | "Updating" | "Deleting")
    }
}

impl Plane {
    /// What `operation` answers.
    pub(super) fn answer(
        &mut self,
        operation: &str,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        self.touched = None;
        match operation {
            "CreateModel" => self.create_model(body, around),
            "CreateEndpointConfig" => self.create_config(body, around),
            "CreateEndpoint" => self.create_endpoint(body, around),
            "UpdateEndpoint" => self.update_endpoint(body, around),
            "DeleteModel" => self.delete_model(body, around),
            "DeleteEndpointConfig" => self.delete_config(body, around),
            "DeleteEndpoint" => self.delete_endpoint(body, around),
            "DescribeModel" => self.describe_model(body, around),
            "DescribeEndpointConfig" => self.describe_config(body, around),
            "DescribeEndpoint" => self.describe_endpoint(body, around),
            "ListModels" | "ListEndpointConfigs" | "ListEndpoints" => self.list(operation, body, around),
            "ListTags" => self.list_tags(body),
            "AddTags" => self.add_tags(body),
            "RegisterScalableTarget" => self.register_target(body),
            "DeregisterScalableTarget" => self.deregister_target(body),
            "DescribeScalableTargets" => self.describe_targets(body),
            "PutScalingPolicy" => self.put_policy(body),
            "DescribeScalingPolicies" => self.describe_policies(body),
            _ => Err(super::control::unknown()),
        }
    }

    /// The same, with what the script has in store for the endpoint that was set on its way.
    pub(super) fn doomed(mut self, fault: Fault) -> Self {
        if let Some(endpoint) = self.touched.as_ref().and_then(|name| self.endpoints.get_mut(name)) {
            endpoint.fate = fault;
        }
        self
    }

    /// An endpoint that was made here, as the runtime sees it.
    pub(super) fn endpoint(&self, name: &str) -> Option<EndpointSettings> {
        let endpoint = self.endpoints.get(name)?;
        Some(EndpointSettings { status: endpoint.status.to_owned(), ..EndpointSettings::new(name) })
    }
}

/// What was asked, with nothing missing and nothing besides.
fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Refusal> {
    serde_json::from_value(body.clone())
        .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

/// Every name of SageMaker's has the endpoint's pattern.
fn named(name: &str) -> Result<(), Refusal> {
    if name.parse::<EndpointName>().is_err() { Err(no_name(name, "ValidationException")) } else { Ok(()) }
}

fn missing(what: &str, arn: &str) -> Refusal {
    invalid(format!("Could not find {what} \"{arn}\"."))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
