//! What makes, changes and deletes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Endpoint, Kept, Plane, Surroundings, invalid, missing, named, now, read};
use crate::fault::Fault;
use crate::refusal::Refusal;

/// What a serverless endpoint may have, MB.
const MEMORY: [u64; 6] = [1_024, 2_048, 3_072, 4_096, 5_120, 6_144];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateModel {
    model_name: String,
    primary_container: Container,
    execution_role_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Container {
    image: String,
    mode: String,
    model_data_url: String,
    #[serde(rename = "Environment")]
    _environment: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateConfig {
    endpoint_config_name: String,
    production_variants: Vec<Variant>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Variant {
    #[serde(rename = "VariantName")]
    _variant_name: String,
    model_name: String,
    serverless_config: Option<Serverless>,
    instance_type: Option<String>,
    initial_instance_count: Option<u64>,
    #[serde(rename = "InitialVariantWeight")]
    _initial_variant_weight: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Serverless {
    #[serde(rename = "MemorySizeInMB")]
    memory_mb: u64,
    #[serde(rename = "MaxConcurrency")]
    max_concurrency: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SetEndpoint {
    endpoint_name: String,
    endpoint_config_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Plane {
    pub(super) fn create_model(&mut self, body: &Value, around: &Surroundings<'_>) -> Result<Value, Refusal> {
        let asked: CreateModel = read(body)?;
        named(&asked.model_name)?;
        let arn = around.arn("model", &asked.model_name);
        if self.models.contains_key(&asked.model_name) {
            return Err(invalid(format!("Cannot create already existing model \"{arn}\".")));
        }
        let Container { image, mode, model_data_url: address, .. } = &asked.primary_container;
        let is_address = match mode.as_str() {
            "SingleModel" => address.ends_with(".tar.gz"),
            "MultiModel" => address.ends_with('/'),
            _ => false,
        };
        if !address.starts_with("s3://") || !is_address {
            return Err(invalid(format!("Could not access model data at {address}.")));
        }
        if image.is_empty() || !asked.execution_role_arn.starts_with("arn:aws") {
            return Err(invalid(
                "1 validation error detected: Value at 'executionRoleArn' or 'image' is not valid",
            ));
        }
        let answer = json!({"ModelArn": arn});
        self.label(&arn, asked.tags)?;
        self.models.insert(asked.model_name, Kept { asked: body.clone(), created: now() });
        Ok(answer)
    }

    pub(super) fn create_config(
        &mut self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let asked: CreateConfig = read(body)?;
        named(&asked.endpoint_config_name)?;
        let arn = around.arn("endpoint-config", &asked.endpoint_config_name);
        if self.configs.contains_key(&asked.endpoint_config_name) {
            return Err(invalid(format!("Cannot create already existing endpoint configuration \"{arn}\".")));
        }
        for variant in &asked.production_variants {
            self.check_variant(variant, around)?;
        }
        if asked.production_variants.is_empty() {
            return Err(invalid(
                "1 validation error detected: Value at 'productionVariants' must have length greater than or equal to 1",
            ));
        }
        let answer = json!({"EndpointConfigArn": arn});
        self.label(&arn, asked.tags)?;
        self.configs.insert(asked.endpoint_config_name, Kept { asked: body.clone(), created: now() });
        Ok(answer)
    }

    fn check_variant(&self, variant: &Variant, around: &Surroundings<'_>) -> Result<(), Refusal> {
        let arn = around.arn("model", &variant.model_name);
        let model = self.models.get(&variant.model_name).ok_or_else(|| missing("model", &arn))?;
        match (&variant.serverless_config, &variant.instance_type, variant.initial_instance_count) {
            (Some(serverless), None, None) => {
                if !MEMORY.contains(&serverless.memory_mb) || !(1..=200).contains(&serverless.max_concurrency)
                {
                    return Err(invalid(
                        "1 validation error detected: Value at 'productionVariants.1.member.serverlessConfig' failed to satisfy constraint",
                    ));
                }
                if model.asked.pointer("/PrimaryContainer/Mode").and_then(Value::as_str) == Some("MultiModel")
                {
                    return Err(invalid("Serverless endpoints do not support multi-model containers."));
                }
                Ok(())
            }
            (None, Some(instance), Some(1..)) if instance.starts_with("ml.") => Ok(()),
            _ => Err(invalid(
                "Either ServerlessConfig or InstanceType and InitialInstanceCount must be specified.",
            )),
        }
    }

    pub(super) fn create_endpoint(
        &mut self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let SetEndpoint { endpoint_name: name, endpoint_config_name: config, tags } = read(body)?;
        named(&name)?;
        let arn = around.arn("endpoint", &name);
        if self.endpoints.contains_key(&name) || (around.settled)(&name).is_some() {
            return Err(invalid(format!("Cannot create already existing endpoint \"{arn}\".")));
        }
        self.check_config(&config, around)?;
        self.label(&arn, tags)?;
        let (created, changed) = (now(), now());
        let (status, looks, fate) = ("Creating", around.looks, Fault::Answer);
        let endpoint =
            Endpoint { config, pending: None, status, failure: None, looks, fate, created, changed };
        self.endpoints.insert(name.clone(), endpoint);
        self.touched = Some(name);
        Ok(json!({"EndpointArn": arn}))
    }

    pub(super) fn update_endpoint(
        &mut self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let SetEndpoint { endpoint_name: name, endpoint_config_name: config, tags } = read(body)?;
        if !tags.is_empty() {
            return Err(Refusal::new(400, "SerializationException", "UpdateEndpoint takes no tags"));
        }
        self.check_config(&config, around)?;
        let arn = around.arn("endpoint", &name);
        let endpoint = self.settled(&name, &arn)?;
        if endpoint.status != "InService" {
            return Err(invalid(format!("Cannot update endpoint \"{arn}\" in status {}.", endpoint.status)));
        }
        if self.scales(&name) && self.instance(&endpoint.config) != self.instance(&config) {
            return Err(invalid(format!(
                "Variant(s) \"AllTraffic\" of endpoint \"{arn}\" are registered with Application Auto Scaling: deregister them before another instance type is taken."
            )));
        }
        let (status, looks) = ("Updating", around.looks);
        let updated = Endpoint { pending: Some(config), status, looks, changed: now(), ..endpoint };
        self.endpoints.insert(name.clone(), updated);
        self.touched = Some(name);
        Ok(json!({"EndpointArn": arn}))
    }

    pub(super) fn delete_model(&mut self, body: &Value, around: &Surroundings<'_>) -> Result<Value, Refusal> {
        let name = only(body, "ModelName")?;
        let arn = around.arn("model", &name);
        self.models.remove(&name).ok_or_else(|| missing("model", &arn))?;
        self.tags.remove(&arn);
        Ok(json!({}))
    }

    /// "You must not delete an EndpointConfig in use by an endpoint that is live or while [it is] being updated or created."
    pub(super) fn delete_config(
        &mut self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let name = only(body, "EndpointConfigName")?;
        let arn = around.arn("endpoint-config", &name);
        self.check_config(&name, around)?;
        let uses = |endpoint: &Endpoint| endpoint.config == name || endpoint.pending.as_ref() == Some(&name);
        if self.endpoints.values().any(uses) {
            return Err(invalid(format!("Cannot delete endpoint configuration \"{arn}\": it is in use.")));
        }
        self.configs.remove(&name);
        self.tags.remove(&arn);
        Ok(json!({}))
    }

    pub(super) fn delete_endpoint(
        &mut self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let name = only(body, "EndpointName")?;
        let endpoint = self.settled(&name, &around.arn("endpoint", &name))?;
        let (status, looks, fate) = ("Deleting", around.looks, Fault::Answer);
        self.endpoints.insert(name, Endpoint { status, looks, fate, changed: now(), ..endpoint });
        Ok(json!({}))
    }

    fn check_config(&self, name: &str, around: &Surroundings<'_>) -> Result<(), Refusal> {
        let is_there = self.configs.contains_key(name);
        let arn = around.arn("endpoint-config", name);
        if is_there { Ok(()) } else { Err(missing("endpoint configuration", &arn)) }
    }

    /// An endpoint that takes a change.
    fn settled(&self, name: &str, arn: &str) -> Result<Endpoint, Refusal> {
        let endpoint = self.endpoints.get(name).ok_or_else(|| missing("endpoint", arn))?;
        if endpoint.is_passing() {
            return Err(invalid(format!("Cannot update in-progress endpoint \"{arn}\".")));
        }
        Ok(endpoint.clone())
    }

    /// The machines' type of a configuration.
    fn instance(&self, config: &str) -> Option<&str> {
        self.configs.get(config)?.asked.pointer("/ProductionVariants/0/InstanceType")?.as_str()
    }

    pub(super) fn label(&mut self, arn: &str, tags: Vec<Tag>) -> Result<(), Refusal> {
        if let Some(tag) = tags.iter().find(|tag| tag.key.starts_with("aws:") || tag.key.len() > 128) {
            return Err(invalid(format!("The tag key {:?} is not allowed.", tag.key)));
        }
        let kept = self.tags.entry(arn.to_owned()).or_default();
        kept.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
        Ok(())
    }
}

/// The one member of a body that has no other.
pub(super) fn only(body: &Value, member: &str) -> Result<String, Refusal> {
    let mut asked: BTreeMap<String, String> = read(body)?;
    let found = asked.remove(member).filter(|_| asked.is_empty());
    found.ok_or_else(|| Refusal::new(400, "SerializationException", format!("expected {member} alone")))
}
