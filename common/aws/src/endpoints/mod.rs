//! Endpoints on SageMaker: models, configurations and endpoints by its control plane, scaling by Application Auto Scaling's.
//!
//! What the calls hold stands in [`documents`], to be compared with AWS's reference. Each method is one call and one try: who
//! provisions looks at everything anew after each, so nothing is tried again down here. An answer that cannot be understood is a
//! refusal and never a default, for what is not known must not be deleted.

mod documents;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::ports::{
    Change, EndpointPlane, Kind, Page, PlaneError, PlaneFault, SeenConfig, SeenEndpoint, SeenModel,
};
use linkcast_domain::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::client::Shared;
use crate::control_plane::{ControlPlane, Service};

/// Things in one part of a list, which is the most SageMaker gives.
const PAGE: u32 = 100;

/// SageMaker's control plane and Application Auto Scaling's, in the region of the environment.
#[derive(Debug)]
pub struct Endpoints<C = SystemClock> {
    sagemaker: ControlPlane<C>,
    scaling: ControlPlane<C>,
}

impl<C: Clock + Clone> Endpoints<C> {
    /// Over the account, region and endpoint of the environment; signatures are made at `clock`'s time.
    pub fn new(shared: &Shared, clock: C) -> Self {
        Endpoints {
            sagemaker: ControlPlane::new(shared, clock.clone()),
            scaling: ControlPlane::of(Service::AUTO_SCALING, shared, clock),
        }
    }
}

/// What an answer that should hold something does not.
fn unexpected(attempt: &str, what: &str) -> PlaneError {
    PlaneError { attempt: attempt.to_owned(), fault: PlaneFault::Refused, source: what.to_owned().into() }
}

impl<C: Clock> Endpoints<C> {
    /// What is described under `name`, if it is there.
    async fn described<T>(
        &self,
        (operation, member, what): (&str, &str, &str),
        name: &str,
        limit: Duration,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, PlaneError> {
        let attempt = format!("look at the {what} {name}");
        let body = json!({ member: name });
        match self.sagemaker.call(operation, &body, attempt.clone(), limit).await {
            Ok(answer) => read(&answer).map(Some).map_err(|what| unexpected(&attempt, &what)),
            Err(refused) if refused.says_not_found() => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }
}

impl<C: Clock> EndpointPlane for Endpoints<C> {
    async fn change(&self, change: &Change, limit: Duration) -> Result<(), PlaneError> {
        let (service, operation, body) = documents::change(change);
        let plane = match service {
            documents::Asked::SageMaker => &self.sagemaker,
            documents::Asked::AutoScaling => &self.scaling,
        };
        Ok(plane.call(operation, &body, change.attempt(), limit).await.map(drop)?)
    }

    async fn model(&self, name: &str, limit: Duration) -> Result<Option<SeenModel>, PlaneError> {
        self.described(("DescribeModel", "ModelName", "model"), name, limit, documents::model).await
    }

    async fn config(&self, name: &str, limit: Duration) -> Result<Option<SeenConfig>, PlaneError> {
        let operation = ("DescribeEndpointConfig", "EndpointConfigName", "configuration");
        self.described(operation, name, limit, documents::config).await
    }

    async fn endpoint(&self, name: &str, limit: Duration) -> Result<Option<SeenEndpoint>, PlaneError> {
        let operation = ("DescribeEndpoint", "EndpointName", "endpoint");
        self.described(operation, name, limit, documents::endpoint).await
    }

    /// At most 50 tags, which is the most a thing has.
    async fn tags(&self, arn: &str, limit: Duration) -> Result<BTreeMap<String, String>, PlaneError> {
        let attempt = format!("look at the tags of {arn}");
        let body = json!({"ResourceArn": arn, "MaxResults": 50});
        let answer = self.sagemaker.call("ListTags", &body, attempt.clone(), limit).await?;
        documents::tags(&answer).map_err(|what| unexpected(&attempt, &what))
    }

    async fn list(
        &self,
        kind: Kind,
        name_contains: &str,
        next: Option<&str>,
        limit: Duration,
    ) -> Result<Page, PlaneError> {
        let words = documents::ListWords::of(kind);
        let attempt = format!("list {}", words.what);
        let mut body = json!({"NameContains": name_contains, "MaxResults": PAGE});
        if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
            body.insert("NextToken".to_owned(), next.into());
        }
        let answer = self.sagemaker.call(words.operation, &body, attempt.clone(), limit).await?;
        words.page(&answer).map_err(|what| unexpected(&attempt, &what))
    }

    async fn scaling_counts(
        &self,
        endpoint: &str,
        limit: Duration,
    ) -> Result<Option<(u32, u32)>, PlaneError> {
        let attempt = format!("look at the counts of {endpoint}");
        let body = documents::scalable_targets(endpoint);
        let answer = self.scaling.call("DescribeScalableTargets", &body, attempt.clone(), limit).await?;
        documents::scaling_counts(&answer).map_err(|what| unexpected(&attempt, &what))
    }

    async fn scaling_target(&self, endpoint: &str, limit: Duration) -> Result<Option<u32>, PlaneError> {
        let attempt = format!("look at the scaling of {endpoint}");
        let body = documents::scaling_policies(endpoint);
        let answer = self.scaling.call("DescribeScalingPolicies", &body, attempt, limit).await?;
        Ok(documents::scaling_target(&answer))
    }
}
