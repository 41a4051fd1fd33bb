//! `DescribeEndpoint`: whether an endpoint is in service.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use linkcast_server::EndpointName;
use serde::Deserialize;
use serde_json::json;

use super::{ACCOUNT, Room, no_name};
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::requests::{Outcome, Request as Remembered};
use crate::signature;
use crate::world::{spoilt, taken};

/// The operation's name, under which a script may name it.
const OPERATION: &str = "DescribeEndpoint";

/// The longest body of a control plane's operation here, bytes.
const LONGEST_BODY: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    endpoint_name: String,
}

pub(super) async fn answer(room: &Room, request: Request) -> Response {
    let (bytes, switch, described) = match taken(request, LONGEST_BODY).await {
        Ok((parts, body, switch)) => (body.len(), switch, described(room, &parts.headers, &body)),
        Err(refusal) => return refused(room, 0, refusal),
    };
    let body = match described {
        Ok(body) => body,
        Err(refusal) => return refused(room, bytes, refusal),
    };
    let (fault, wait) = room.world.next(OPERATION);
    let (name, outcome) = (OPERATION.to_owned(), Outcome::Did(fault));
    room.world.remember(Remembered { name, outcome, target_variant: None, component: None, bytes });
    match failure(fault) {
        Some(refusal) => refusal.of_control_plane(),
        None => spoilt(fault, "application/x-amz-json-1.1", body, wait, &switch).await,
    }
}

fn refused(room: &Room, bytes: usize, refusal: Refusal) -> Response {
    room.world.remember_refusal(OPERATION, bytes, &refusal);
    refusal.of_control_plane()
}

fn described(room: &Room, headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    signature::check(headers, "sagemaker", &room.settings.region)?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("x-amz-target") != Some("SageMaker.DescribeEndpoint") {
        return Err(Refusal::new(400, "UnknownOperationException", "there is no such operation here"));
    }
    if header("content-type") != Some("application/x-amz-json-1.1") {
        return Err(Refusal::new(400, "SerializationException", "expected application/x-amz-json-1.1"));
    }
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))?;
    if asked.endpoint_name.parse::<EndpointName>().is_err() {
        return Err(no_name(&asked.endpoint_name, "ValidationException"));
    }
    let region = &room.settings.region;
    let arn = format!("arn:aws:sagemaker:{region}:{ACCOUNT}:endpoint/{}", asked.endpoint_name);
    let endpoint = room.endpoint(&asked.endpoint_name).ok_or_else(|| {
        Refusal::new(400, "ValidationException", format!("Could not find endpoint \"{arn}\"."))
    })?;
    let variants = endpoint.variants.iter().map(|variant| json!({"VariantName": variant}));
    let answer = json!({
        "EndpointName": endpoint.name,
        "EndpointArn": arn,
        "EndpointConfigName": format!("{}-config", endpoint.name),
        "EndpointStatus": endpoint.status,
        "ProductionVariants": variants.collect::<Vec<_>>(),
        "CreationTime": 1_767_225_600,
        "LastModifiedTime": 1_767_225_600,
    });
    Ok(answer.to_string().into_bytes())
}

fn failure(fault: Fault) -> Option<Refusal> {
    Some(match fault {
        Fault::Throttle => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
        Fault::Error500 | Fault::ModelError => {
            Refusal::new(500, "InternalFailure", "An internal failure occurred.")
        }
        Fault::Error503 => Refusal::new(503, "ServiceUnavailable", "The service is unavailable."),
        Fault::NotFound => Refusal::new(400, "ValidationException", "Could not find endpoint."),
        Fault::AccessDenied => Refusal::new(
            400,
            "AccessDeniedException",
            "not authorized to perform: sagemaker:DescribeEndpoint",
        ),
        _ => return None,
    })
}
