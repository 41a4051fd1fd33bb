//! What describes and lists. A look at an endpoint on its way brings it nearer, so that tests need no time.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::making::{Tag, only};
use super::{Kept, Plane, Surroundings, UNWELL, invalid, missing, named, now, read};
use crate::fault::Fault;
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Listing {
    #[serde(default)]
    name_contains: String,
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListTags {
    resource_arn: String,
    #[serde(default)]
    max_results: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AddTags {
    resource_arn: String,
    tags: Vec<Tag>,
}

impl Plane {
    pub(super) fn describe_model(&self, body: &Value, around: &Surroundings<'_>) -> Result<Value, Refusal> {
        let name = only(body, "ModelName")?;
        let arn = around.arn("model", &name);
        let kept = self.models.get(&name).ok_or_else(|| missing("model", &arn))?;
        Ok(told(kept, "ModelArn", &arn))
    }

    pub(super) fn describe_config(&self, body: &Value, around: &Surroundings<'_>) -> Result<Value, Refusal> {
        let name = only(body, "EndpointConfigName")?;
        let arn = around.arn("endpoint-config", &name);
        let kept = self.configs.get(&name).ok_or_else(|| missing("endpoint configuration", &arn))?;
        Ok(told(kept, "EndpointConfigArn", &arn))
    }

    pub(super) fn describe_endpoint(
        &self,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let name = only(body, "EndpointName")?;
        named(&name)?;
        let arn = around.arn("endpoint", &name);
        let Some(endpoint) = self.endpoints.get(&name) else {
            let settled = (around.settled)(&name).ok_or_else(|| missing("endpoint", &arn))?;
            let variants = settled.variants.iter().map(|variant| json!({"VariantName": variant}));
            return Ok(json!({
                "EndpointName": settled.name,
                "EndpointArn": arn,
                "EndpointConfigName": format!("{}-config", settled.name),
                "EndpointStatus": settled.status,
                "ProductionVariants": variants.collect::<Vec<_>>(),
                "CreationTime": 1_767_225_600,
                "LastModifiedTime": 1_767_225_600,
            }));
        };
        let mut answer = json!({
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": endpoint.config,
            "EndpointStatus": endpoint.status,
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.changed,
        });
        put(&mut answer, "FailureReason", endpoint.failure.map(Value::from));
        let pending = endpoint.pending.as_ref().map(|config| json!({"EndpointConfigName": config}));
        put(&mut answer, "PendingDeploymentSummary", pending);
        Ok(answer)
    }

    /// If an endpoint is asked about: one look nearer to what it will be, whatever becomes of the question.
    pub(in crate::sagemaker) fn time_passes(&mut self, operation: &str, body: &Value) {
        let name = body.get("EndpointName").and_then(Value::as_str);
        if let Some(name) = name.filter(|_| operation == "DescribeEndpoint") {
            self.look(name);
        }
    }

    fn look(&mut self, name: &str) {
        let Some(endpoint) = self.endpoints.get_mut(name) else { return };
        if !endpoint.is_passing() || endpoint.fate == Fault::NeverReady {
            return;
        }
        if endpoint.looks > 0 {
            endpoint.looks -= 1;
            return;
        }
        endpoint.changed = now();
        let fails = endpoint.fate == Fault::FailsHealthCheck;
        endpoint.failure = fails.then_some(UNWELL);
        match (endpoint.status, endpoint.pending.take()) {
            ("Deleting", _) => {
                self.endpoints.remove(name);
                self.tags.retain(|arn, _| !arn.ends_with(&format!(":endpoint/{name}")));
                return;
            }
            ("Updating", Some(config)) if !fails => endpoint.config = config,
            _ => {}
        }
        let is_new = endpoint.status == "Creating";
        endpoint.status = if fails && is_new { "Failed" } else { "InService" };
    }

    pub(super) fn list(
        &self,
        operation: &str,
        body: &Value,
        around: &Surroundings<'_>,
    ) -> Result<Value, Refusal> {
        let asked: Listing = read(body)?;
        let most = asked.max_results.unwrap_or(10);
        if !(1..=100).contains(&most) {
            return Err(invalid(
                "1 validation error detected: Value at 'maxResults' failed to satisfy constraint",
            ));
        }
        let kept = |kept: &Kept| kept.created;
        let (items, prefix, kind, all): (_, _, _, Vec<(&String, f64)>) = match operation {
            "ListModels" => {
                ("Models", "Model", "model", self.models.iter().map(|(name, of)| (name, kept(of))).collect())
            }
            "ListEndpointConfigs" => (
                "EndpointConfigs",
                "EndpointConfig",
                "endpoint-config",
                self.configs.iter().map(|(name, of)| (name, kept(of))).collect(),
            ),
            _ => (
                "Endpoints",
                "Endpoint",
                "endpoint",
                self.endpoints.iter().map(|(name, of)| (name, of.created)).collect(),
            ),
        };
        let begin: usize = match &asked.next_token {
            Some(token) => token.parse().map_err(|_| invalid("Invalid NextToken"))?,
            None => 0,
        };
        let wanted: Vec<_> =
            all.into_iter().filter(|(name, _)| name.contains(&asked.name_contains)).collect();
        let page = wanted.iter().skip(begin).take(most).map(|(name, created)| {
            json!({
                format!("{prefix}Name"): name,
                format!("{prefix}Arn"): around.arn(kind, name),
                "CreationTime": created,
            })
        });
        let mut answer = json!({ items: page.collect::<Vec<_>>() });
        let next = (wanted.len() > begin + most).then(|| Value::from((begin + most).to_string()));
        put(&mut answer, "NextToken", next);
        Ok(answer)
    }

    pub(super) fn list_tags(&self, body: &Value) -> Result<Value, Refusal> {
        let asked: ListTags = read(body)?;
        if asked.max_results.is_some_and(|most| most < 50) {
            return Err(invalid("1 validation error detected: Value at 'maxResults' must be at least 50"));
        }
        let tags = self.tags.get(&asked.resource_arn).cloned().unwrap_or_default();
        let tags = tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        Ok(json!({"Tags": tags.collect::<Vec<_>>()}))
    }

    pub(super) fn add_tags(&mut self, body: &Value) -> Result<Value, Refusal> {
        let AddTags { resource_arn, tags } = read(body)?;
        if !self.tags.contains_key(&resource_arn) {
            return Err(missing("resource", &resource_arn));
        }
        self.label(&resource_arn, tags)?;
        Ok(json!({}))
    }
}

/// What it was asked for with, its address, and when it was made.
fn told(kept: &Kept, member: &str, arn: &str) -> Value {
    let mut answer = kept.asked.clone();
    put(&mut answer, member, Some(arn.into()));
    put(&mut answer, "CreationTime", Some(kept.created.into()));
    answer.as_object_mut().map(|members| members.remove("Tags"));
    answer
}

fn put(answer: &mut Value, member: &str, value: Option<Value>) {
    let members: Option<&mut Map<String, Value>> = answer.as_object_mut();
    if let (Some(members), Some(value)) = (members, value) {
        members.insert(member.to_owned(), value);
    }
}
