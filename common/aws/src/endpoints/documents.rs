//! What the control planes are asked and what they answer, in AWS's words (SageMaker's and Application Auto Scaling's API
//! references).

use std::collections::BTreeMap;

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{
    Change, Container, EndpointStatus, Kind, Listed, Machines, ModelData, Page, Scaling, SeenConfig,
    SeenEndpoint, SeenModel,
};
use serde_json::{Map, Value, json};

/// The one variant of our configurations, under the name SageMaker's own tools use.
const VARIANT: &str = "AllTraffic";
/// The one policy of our endpoints.
const POLICY: &str = "linkcast-requests-per-instance";
/// What varies.
const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    SageMaker,
    AutoScaling,
}

/// Whom a change is asked of, the operation, and its document.
pub(super) fn change(change: &Change) -> (Asked, &'static str, Value) {
    let sagemaker = |operation, body| (Asked::SageMaker, operation, body);
    let scaling = |operation, body| (Asked::AutoScaling, operation, body);
    match change {
        Change::CreateModel { name, container, tags } => sagemaker(
            "CreateModel",
            json!({
                "ModelName": name,
                "PrimaryContainer": primary_container(container),
                "ExecutionRoleArn": container.role,
                "Tags": told_tags(tags),
            }),
        ),
        Change::CreateConfig { name, model, machines, tags } => sagemaker(
            "CreateEndpointConfig",
            json!({
                "EndpointConfigName": name,
                "ProductionVariants": [variant(model, machines)],
                "Tags": told_tags(tags),
            }),
        ),
        Change::TagConfig { arn, tag: (key, value), .. } => {
            sagemaker("AddTags", json!({"ResourceArn": arn, "Tags": [{"Key": key, "Value": value}]}))
        }
        Change::CreateEndpoint { name, config, tags } => sagemaker(
            "CreateEndpoint",
            json!({"EndpointName": name, "EndpointConfigName": config, "Tags": told_tags(tags)}),
        ),
        Change::UpdateEndpoint { name, config } => {
            sagemaker("UpdateEndpoint", json!({"EndpointName": name, "EndpointConfigName": config}))
        }
        Change::RegisterScaling { endpoint, scaling: counts } => {
            let (min, max) = (json!(counts.min), json!(counts.max));
            let more = [("MinCapacity", min), ("MaxCapacity", max)];
            scaling("RegisterScalableTarget", of_variant(endpoint, more))
        }
        Change::PutScalingPolicy { endpoint, scaling: target } => {
            scaling("PutScalingPolicy", policy(endpoint, *target))
        }
        Change::DeregisterScaling { endpoint } => {
            scaling("DeregisterScalableTarget", of_variant(endpoint, []))
        }
        Change::DeleteEndpoint { name } => sagemaker("DeleteEndpoint", json!({"EndpointName": name})),
        Change::DeleteConfig { name } => {
            sagemaker("DeleteEndpointConfig", json!({"EndpointConfigName": name}))
        }
        Change::DeleteModel { name } => sagemaker("DeleteModel", json!({"ModelName": name})),
    }
}

fn primary_container(container: &Container) -> Value {
    let (mode, address) = match &container.data {
        ModelData::One(address) => ("SingleModel", address),
        ModelData::Several(address) => ("MultiModel", address),
    };
    json!({
        "Image": container.image,
        "Mode": mode,
        "ModelDataUrl": address,
        "Environment": container.environment,
    })
}

fn variant(model: &str, machines: &Machines) -> Value {
    match machines {
        Machines::Serverless { memory_mb, max_concurrency } => json!({
            "VariantName": VARIANT,
            "ModelName": model,
            "ServerlessConfig": {"MemorySizeInMB": memory_mb, "MaxConcurrency": max_concurrency},
        }),
        Machines::Realtime { instance, count } => json!({
            "VariantName": VARIANT,
            "ModelName": model,
            "InstanceType": instance,
            "InitialInstanceCount": count,
            "InitialVariantWeight": 1.0,
        }),
    }
}

fn told_tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn resource(endpoint: &str) -> String {
    format!("endpoint/{endpoint}/variant/{VARIANT}")
}

fn of_variant<const MORE: usize>(endpoint: &str, more: [(&str, Value); MORE]) -> Value {
    let always = [
        ("ServiceNamespace", json!("sagemaker")),
        ("ResourceId", json!(resource(endpoint))),
        ("ScalableDimension", json!(DIMENSION)),
    ];
    let members = always.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}

fn policy(endpoint: &str, scaling: Scaling) -> Value {
    let target = json!({
        "TargetValue": f64::from(scaling.requests_per_instance),
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    });
    of_variant(
        endpoint,
        [
            ("PolicyName", json!(POLICY)),
            ("PolicyType", json!("TargetTrackingScaling")),
            ("TargetTrackingScalingPolicyConfiguration", target),
        ],
    )
}

pub(super) fn scalable_targets(endpoint: &str) -> Value {
    json!({
        "ServiceNamespace": "sagemaker",
        "ResourceIds": [resource(endpoint)],
        "ScalableDimension": DIMENSION,
    })
}

pub(super) fn scaling_policies(endpoint: &str) -> Value {
    of_variant(endpoint, [("PolicyNames", json!([POLICY]))])
}

/// The counts of a DescribeScalableTargets answer.
pub(super) fn scaling_counts(answer: &Value) -> Result<Option<(u32, u32)>, String> {
    let Some(target) = answer.pointer("/ScalableTargets/0") else { return Ok(None) };
    Ok(Some((number(target, "MinCapacity")?, number(target, "MaxCapacity")?)))
}

/// The target of a DescribeScalingPolicies answer; a policy of another kind is none.
pub(super) fn scaling_target(answer: &Value) -> Option<u32> {
    let place = "/ScalingPolicies/0/TargetTrackingScalingPolicyConfiguration/TargetValue";
    let value = answer.pointer(place)?.as_f64()?;
    // What is no whole number of requests is no policy of ours.
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}

/// A DescribeModel answer. A model of several containers is none of ours and is told by an empty image.
pub(super) fn model(answer: &Value) -> Result<SeenModel, String> {
    let container = answer.get("PrimaryContainer").cloned().unwrap_or_default();
    let optional = |name: &str| container.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = optional("ModelDataUrl");
    let data =
        if optional("Mode") == "MultiModel" { ModelData::Several(address) } else { ModelData::One(address) };
    let variables = container.get("Environment").and_then(Value::as_object).into_iter().flatten();
    let environment =
        variables.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let role = answer.get("ExecutionRoleArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    let container = Container { image: optional("Image"), data, environment, role };
    Ok(SeenModel { name: text(answer, "ModelName")?, arn: text(answer, "ModelArn")?, container })
}

/// A DescribeEndpointConfig answer.
pub(super) fn config(answer: &Value) -> Result<SeenConfig, String> {
    let variants = answer.get("ProductionVariants").and_then(Value::as_array).cloned().unwrap_or_default();
    let models = variants.iter().filter_map(|variant| variant.get("ModelName")?.as_str());
    Ok(SeenConfig {
        name: text(answer, "EndpointConfigName")?,
        arn: text(answer, "EndpointConfigArn")?,
        models: models.map(str::to_owned).collect(),
        machines: variants.first().and_then(machines),
        created: instant(answer, "CreationTime")?,
    })
}

fn machines(variant: &Value) -> Option<Machines> {
    if let Some(serverless) = variant.get("ServerlessConfig").filter(|config| config.is_object()) {
        let memory_mb = number(serverless, "MemorySizeInMB").ok()?;
        return Some(Machines::Serverless {
            memory_mb,
            max_concurrency: number(serverless, "MaxConcurrency").ok()?,
        });
    }
    let instance = text(variant, "InstanceType").ok()?;
    Some(Machines::Realtime { instance, count: number(variant, "InitialInstanceCount").ok()? })
}

/// A DescribeEndpoint answer.
pub(super) fn endpoint(answer: &Value) -> Result<SeenEndpoint, String> {
    let told = text(answer, "EndpointStatus")?;
    let status = EndpointStatus::ALL.into_iter().find(|status| status.name() == told);
    let optional = |place: &str| answer.pointer(place).and_then(Value::as_str).map(str::to_owned);
    Ok(SeenEndpoint {
        name: text(answer, "EndpointName")?,
        arn: text(answer, "EndpointArn")?,
        config: text(answer, "EndpointConfigName")?,
        pending_config: optional("/PendingDeploymentSummary/EndpointConfigName"),
        status: status.ok_or_else(|| format!("its status is {told:?}"))?,
        failure: optional("/FailureReason").filter(|reason| !reason.is_empty()),
        created: instant(answer, "CreationTime")?,
        changed: instant(answer, "LastModifiedTime")?,
    })
}

/// A ListTags answer.
pub(super) fn tags(answer: &Value) -> Result<BTreeMap<String, String>, String> {
    let tags = answer.get("Tags").and_then(Value::as_array).ok_or("it holds no tags")?;
    tags.iter().map(|tag| Ok((text(tag, "Key")?, text(tag, "Value")?))).collect()
}

/// What a kind's list is called.
pub(super) struct ListWords {
    pub(super) operation: &'static str,
    pub(super) what: &'static str,
    items: &'static str,
    prefix: &'static str,
}

impl ListWords {
    pub(super) fn of(kind: Kind) -> Self {
        let (operation, what, items, prefix) = match kind {
            Kind::Endpoint => ("ListEndpoints", "endpoints", "Endpoints", "Endpoint"),
            Kind::Config => ("ListEndpointConfigs", "configurations", "EndpointConfigs", "EndpointConfig"),
            Kind::Model => ("ListModels", "models", "Models", "Model"),
        };
        ListWords { operation, what, items, prefix }
    }

    /// One part of the list.
    pub(super) fn page(&self, answer: &Value) -> Result<Page, String> {
        let items = answer.get(self.items).and_then(Value::as_array).ok_or("it holds no list")?;
        let listed = |item: &Value| {
            let (name, arn) = (format!("{}Name", self.prefix), format!("{}Arn", self.prefix));
            Ok(Listed {
                name: text(item, &name)?,
                arn: text(item, &arn)?,
                created: instant(item, "CreationTime")?,
            })
        };
        let items = items.iter().map(listed).collect::<Result<_, String>>()?;
        let next = answer.get("NextToken").and_then(Value::as_str).filter(|next| !next.is_empty());
        Ok(Page { items, next: next.map(str::to_owned) })
    }
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let found = value.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("its answer lacks {name}"))
}

fn number(value: &Value, name: &str) -> Result<u32, String> {
    let found = value.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    found.ok_or_else(|| format!("its answer lacks {name}"))
}

/// Seconds since the epoch, with a fraction, as JSON 1.1 writes instants.
fn instant(value: &Value, name: &str) -> Result<Timestamp, String> {
    let seconds = value.get(name).and_then(Value::as_f64);
    let seconds = seconds.filter(|seconds| (0.0..1e11).contains(seconds));
    let millis = seconds.map(|seconds| (seconds * 1_000.0).round() as i64);
    millis.map(Timestamp::from_millis).ok_or_else(|| format!("its answer lacks {name}"))
}
