//! Application Auto Scaling, as far as an endpoint's machines need it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Plane, invalid, read};
use crate::refusal::Refusal;

/// What of an endpoint varies.
const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    service_namespace: String,
    scalable_dimension: String,
    resource_id: Option<String>,
    resource_ids: Option<Vec<String>>,
    min_capacity: Option<u64>,
    max_capacity: Option<u64>,
    policy_name: Option<String>,
    #[serde(rename = "PolicyNames")]
    _policy_names: Option<Vec<String>>,
    policy_type: Option<String>,
    target_tracking_scaling_policy_configuration: Option<Value>,
}

impl Plane {
    pub(super) fn register_target(&mut self, body: &Value) -> Result<Value, Refusal> {
        let asked = asked(body)?;
        let resource = resource(&asked)?;
        let name = endpoint_of(&resource).unwrap_or_default();
        let is_ready = self.endpoints.get(name).is_some_and(|endpoint| endpoint.status == "InService");
        if !is_ready {
            return Err(invalid(format!("Could not find endpoint {name:?} in service.")));
        }
        let (Some(min), Some(max)) = (asked.min_capacity, asked.max_capacity) else {
            return Err(invalid("MinCapacity and MaxCapacity are required."));
        };
        if min > max {
            return Err(invalid("Maximum capacity cannot be less than minimum capacity"));
        }
        self.targets.insert(resource, (min, max));
        Ok(json!({}))
    }

    pub(super) fn deregister_target(&mut self, body: &Value) -> Result<Value, Refusal> {
        let resource = resource(&asked(body)?)?;
        self.targets.remove(&resource).ok_or_else(|| no_target(&resource))?;
        self.policies.remove(&resource);
        Ok(json!({}))
    }

    pub(super) fn describe_targets(&self, body: &Value) -> Result<Value, Refusal> {
        let asked = asked(body)?;
        let found = asked.resource_ids.unwrap_or_default().into_iter().filter_map(|resource| {
            let (min, max) = self.targets.get(&resource)?;
            Some(json!({"ResourceId": resource, "MinCapacity": min, "MaxCapacity": max}))
        });
        Ok(json!({"ScalableTargets": found.collect::<Vec<_>>()}))
    }

    pub(super) fn put_policy(&mut self, body: &Value) -> Result<Value, Refusal> {
        let asked = asked(body)?;
        let resource = resource(&asked)?;
        if !self.targets.contains_key(&resource) {
            return Err(no_target(&resource));
        }
        let target = asked.target_tracking_scaling_policy_configuration.unwrap_or_default();
        let is_positive = target.get("TargetValue").and_then(Value::as_f64).is_some_and(|value| value > 0.0);
        if asked.policy_type.as_deref() != Some("TargetTrackingScaling") || !is_positive {
            return Err(invalid("A target tracking policy needs a positive TargetValue."));
        }
        let policy = json!({
            "PolicyName": asked.policy_name,
            "ResourceId": resource,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": target,
        });
        self.policies.insert(resource, policy);
        Ok(json!({"PolicyARN": "arn:aws:autoscaling:::scalingPolicy"}))
    }

    pub(super) fn describe_policies(&self, body: &Value) -> Result<Value, Refusal> {
        let resource = resource(&asked(body)?)?;
        let found: Vec<&Value> = self.policies.get(&resource).into_iter().collect();
        Ok(json!({"ScalingPolicies": found}))
    }

    /// Whether the machines of the endpoint `name` vary.
    pub(super) fn scales(&self, name: &str) -> bool {
        self.targets.keys().any(|resource| endpoint_of(resource) == Some(name))
    }
}

fn asked(body: &Value) -> Result<Asked, Refusal> {
    let asked: Asked = read(body)?;
    if asked.service_namespace != "sagemaker" || asked.scalable_dimension != DIMENSION {
        return Err(invalid("Unsupported service namespace, resource type or scalable dimension"));
    }
    Ok(asked)
}

fn resource(asked: &Asked) -> Result<String, Refusal> {
    let resource = asked.resource_id.clone().filter(|resource| endpoint_of(resource).is_some());
    resource.ok_or_else(|| invalid("ResourceId: expected endpoint/NAME/variant/VARIANT"))
}

fn endpoint_of(resource: &str) -> Option<&str> {
    resource.strip_prefix("endpoint/")?.strip_suffix("/variant/AllTraffic")
}

fn no_target(resource: &str) -> Refusal {
    let message = format!(
        "No scalable target found for service namespace: sagemaker, resource ID: {resource}, scalable dimension: {DIMENSION}"
    );
    Refusal::new(400, "ObjectNotFoundException", message)
}
