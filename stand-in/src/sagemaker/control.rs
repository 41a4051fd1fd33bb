//! The control planes' door: what every operation of theirs has in common.
//!
//! What is asked is tried on a copy of what there is. Only then does the script say what becomes of it: a failure leaves things as
//! they were, and an answer that is spoilt on its way belongs to something that was done, as it does at AWS.

use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::Room;
use super::plane::Surroundings;
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::requests::{Outcome, Request as Remembered};
use crate::signature;
use crate::world::{spoilt, taken};

/// What a request is remembered as that names no operation.
const NAMELESS: &str = "DescribeEndpoint";

/// The longest body of a control plane's operation here, bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// The form that both control planes speak.
const JSON: &str = "application/x-amz-json-1.1";

/// The operations' prefixes and the services they are signed for.
const SERVICES: [(&str, &str); 2] =
    [("SageMaker.", "sagemaker"), ("AnyScaleFrontendService.", "application-autoscaling")];

pub(super) async fn answer(room: &Room, request: Request) -> Response {
    let (parts, body, switch) = match taken(request, LONGEST_BODY).await {
        Ok(taken) => taken,
        Err(refusal) => return refused(room, NAMELESS, 0, refusal),
    };
    let operation = operation(&parts.headers).map_or(NAMELESS, |(name, _)| name).to_owned();
    let asked = asked(room, &parts.headers, &body).map_err(Told::Refused);
    match asked.and_then(|asked| done(room, &asked, body.len())) {
        Ok(Done { answer, fault, wait }) => {
            spoilt(fault, JSON, answer.to_string().into_bytes(), wait, &switch).await
        }
        Err(Told::Refused(refusal)) => refused(room, &operation, body.len(), refusal),
        Err(Told::Scripted(refusal)) => refusal.of_control_plane(),
    }
}

/// Why nothing was done.
enum Told {
    /// It was not what AWS takes.
    Refused(Refusal),
    /// The script says so.
    Scripted(Refusal),
}

/// Something that was done, and what becomes of its answer.
struct Done {
    answer: Value,
    fault: Fault,
    wait: Duration,
}

/// Does what is asked, unless the script says that it fails; nobody else does anything meanwhile.
fn done(room: &Room, (operation, asked): &(String, Value), bytes: usize) -> Result<Done, Told> {
    let mut plane = room.plane.lock().unwrap_or_else(PoisonError::into_inner);
    let settled = |name: &str| room.settled_endpoint(name);
    let region = &room.settings.region;
    let around = Surroundings { region, looks: room.settings.looks_until_ready, settled: &settled };
    plane.time_passes(operation, asked);
    let mut trial = plane.clone();
    let answer = trial.answer(operation, asked, &around).map_err(Told::Refused)?;
    let (fault, wait) = room.world.next(operation);
    let (name, outcome) = (operation.clone(), Outcome::Did(fault));
    room.world.remember(Remembered { name, outcome, target_variant: None, component: None, bytes });
    if let Some(refusal) = failure(fault, operation) {
        return Err(Told::Scripted(refusal));
    }
    *plane = trial.doomed(fault);
    Ok(Done { answer, fault, wait })
}

fn refused(room: &Room, operation: &str, bytes: usize, refusal: Refusal) -> Response {
    room.world.remember_refusal(operation, bytes, &refusal);
    refusal.of_control_plane()
}

/// The operation's name and the service it must be signed for.
fn operation(headers: &HeaderMap) -> Option<(&str, &'static str)> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    SERVICES.into_iter().find_map(|(prefix, service)| Some((target.strip_prefix(prefix)?, service)))
}

fn asked(room: &Room, headers: &HeaderMap, body: &[u8]) -> Result<(String, Value), Refusal> {
    let found = operation(headers);
    signature::check(headers, found.map_or("sagemaker", |(_, service)| service), &room.settings.region)?;
    let (name, _) = found.ok_or_else(unknown)?;
    if headers.get("content-type").and_then(|value| value.to_str().ok()) != Some(JSON) {
        return Err(Refusal::new(400, "SerializationException", "expected application/x-amz-json-1.1"));
    }
    let body = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))?;
    Ok((name.to_owned(), body))
}

/// What both control planes say to an operation they do not have.
pub(super) fn unknown() -> Refusal {
    Refusal::new(400, "UnknownOperationException", "there is no such operation here")
}

fn failure(fault: Fault, operation: &str) -> Option<Refusal> {
    Some(match fault {
        Fault::Throttle => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
        Fault::Error500 | Fault::ModelError => {
            Refusal::new(500, "InternalFailure", "An internal failure occurred.")
        }
        Fault::Error503 => Refusal::new(503, "ServiceUnavailable", "The service is unavailable."),
        Fault::NotFound => Refusal::new(400, "ValidationException", "Could not find endpoint."),
        Fault::Quota => Refusal::new(
            400,
            "ResourceLimitExceeded",
            "The account-level service limit 'Maximum total concurrency that can be allocated across all serverless endpoints' is 10 MaxConcurrency, with current utilization of 10 MaxConcurrency and a request delta of 10 MaxConcurrency. Please use AWS Service Quotas to request an increase for this quota.",
        ),
        Fault::AccessDenied => Refusal::new(
            400,
            "AccessDeniedException",
            format!("not authorized to perform: sagemaker:{operation}"),
        ),
        _ => return None,
    })
}
