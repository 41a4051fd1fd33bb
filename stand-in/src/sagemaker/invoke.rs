//! `InvokeEndpoint`: samples in, a real model's answers out, unless the script says otherwise.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use linkcast_server::{Asked, EndpointName, answer as served};
use serde_json::{Value, json};

use super::{ACCOUNT, EndpointSettings, Room, no_name};
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::requests::{Outcome, Request as Remembered};
use crate::signature;
use crate::world::{spoilt, taken};

/// What a serverless endpoint takes, bytes.
const SERVERLESS_BODY: usize = 4 << 20;

/// What any other takes, bytes.
const REALTIME_BODY: usize = 6 << 20;

/// What an endpoint is while it answers; one that takes on another model answers with the one before.
const ANSWERING: [&str; 2] = ["InService", "Updating"];

/// Samples the container takes at once.
const MOST_ROWS: usize = 10_000;

/// What was asked of an endpoint, found to be as it should.
struct Call {
    variant: Option<String>,
    component: Option<String>,
    content_type: &'static str,
    body: Vec<u8>,
}

pub(super) async fn answer(room: &Room, name: &str, request: Request) -> Response {
    let limit = if name.contains("-serverless") { SERVERLESS_BODY } else { REALTIME_BODY };
    let (parts, body, switch) = match taken(request, limit).await {
        Ok(taken) => taken,
        Err(refusal) => return refused(room, name, 0, refusal),
    };
    let call = match call(room, name, &parts.headers, &body) {
        Ok(call) => call,
        Err(refusal) => return refused(room, name, body.len(), refusal),
    };
    let (fault, wait) = room.world.next(name);
    room.world.remember(Remembered {
        name: name.to_owned(),
        outcome: Outcome::Did(fault),
        target_variant: call.variant.clone(),
        component: call.component.clone(),
        bytes: body.len(),
    });
    if let Some(refusal) = failure(fault, name) {
        return refusal.of_runtime("Message");
    }
    let good =
        if call.content_type == "text/csv" { of_lines(fault, call.body) } else { of_json(fault, call.body) };
    let mut response = spoilt(fault, call.content_type, good, wait, &switch).await;
    let variant = call.variant.unwrap_or_else(|| "AllTraffic".to_owned());
    if let Ok(variant) = variant.parse() {
        response.headers_mut().insert("x-amzn-invoked-production-variant", variant);
    }
    response
}

fn refused(room: &Room, name: &str, bytes: usize, refusal: Refusal) -> Response {
    room.world.remember_refusal(name, bytes, &refusal);
    refusal.of_runtime("Message")
}

fn call(room: &Room, name: &str, headers: &HeaderMap, body: &[u8]) -> Result<Call, Refusal> {
    signature::check(headers, "sagemaker", &room.settings.region)?;
    if name.parse::<EndpointName>().is_err() {
        return Err(no_name(name, "ValidationError"));
    }
    let answers = |endpoint: &EndpointSettings| ANSWERING.contains(&endpoint.status.as_str());
    let endpoint = room.endpoint(name).filter(answers);
    let endpoint = endpoint.ok_or_else(|| not_found(name))?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let variant = header("x-amzn-sagemaker-target-variant");
    if let Some(variant) = variant.as_ref().filter(|variant| !endpoint.variants.contains(variant)) {
        let message = format!("Variant {variant} not found for Request.");
        return Err(Refusal::new(400, "ValidationError", message));
    }
    let component = header("x-amzn-sagemaker-inference-component");
    match &component {
        Some(component) if !endpoint.components.contains(component) => {
            let message = format!("Inference Component {component} not found for endpoint {name}.");
            return Err(Refusal::new(400, "ValidationError", message));
        }
        None if !endpoint.components.is_empty() => {
            let message = "Inference Component Name header is required for endpoints to which you plan to deploy inference components.";
            return Err(Refusal::new(400, "ValidationError", message));
        }
        _ => {}
    }
    let (content_type, accept) = (header("content-type"), header("accept"));
    let asked = Asked { content_type: content_type.as_deref(), accept: accept.as_deref(), body };
    // What the container says no to comes back as the model's error.
    let reply = served(&asked, &room.settings.model, MOST_ROWS).map_err(|refusal| {
        model_error(name, refusal.status(), &String::from_utf8_lossy(&refusal.to_json()))
    })?;
    Ok(Call { variant, component, content_type: reply.content_type, body: reply.body })
}

fn not_found(name: &str) -> Refusal {
    Refusal::new(400, "ValidationError", format!("Endpoint {name} of account {ACCOUNT} not found."))
}

fn model_error(name: &str, status: u16, message: &str) -> Refusal {
    let log = format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/{name}");
    let told = format!("Received client error ({status}) from primary with message \"{message}\".");
    Refusal::new(424, "ModelError", told)
        .with("ErrorCode", if status >= 500 { "SERVER_ERROR_FROM_MODEL" } else { "CLIENT_ERROR_FROM_MODEL" })
        .with("LogStreamArn", log)
        .with("OriginalMessage", message)
        .with("OriginalStatusCode", status)
}

fn failure(fault: Fault, name: &str) -> Option<Refusal> {
    Some(match fault {
        Fault::Throttle => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
        Fault::ModelError => model_error(name, 500, "the model failed, as it was told to"),
        Fault::Error500 => Refusal::new(500, "InternalFailure", "An internal failure occurred."),
        Fault::Error503 => {
            Refusal::new(503, "ServiceUnavailable", "The service is unavailable. Try your call again.")
        }
        Fault::NotFound => not_found(name),
        Fault::AccessDenied => {
            Refusal::new(403, "AccessDeniedException", "not authorized to perform: sagemaker:InvokeEndpoint")
        }
        _ => return None,
    })
}

/// The server's JSON, made wrong.
fn of_json(fault: Fault, body: Vec<u8>) -> Vec<u8> {
    let Ok(mut said) = serde_json::from_slice::<Value>(&body) else { return body };
    match fault {
        Fault::Nan => {
            put(&mut said, "/predictions/0/probabilities/0", json!("number that is none"));
            return said.to_string().replace("\"number that is none\"", "NaN").into_bytes();
        }
        Fault::OtherClasses => put(&mut said, "/classes/1", json!("gremlins")),
        Fault::BadSum => put(&mut said, "/predictions/0/probabilities", json!(vec![0.5; 11])),
        Fault::WrongSchema => put(&mut said, "/feature_schema", json!(1_000)),
        _ => return body,
    }
    said.to_string().into_bytes()
}

fn put(said: &mut Value, place: &str, value: Value) {
    if let Some(found) = said.pointer_mut(place) {
        *found = value;
    }
}

/// Lines of answers, made wrong.
fn of_lines(fault: Fault, body: Vec<u8>) -> Vec<u8> {
    match fault {
        Fault::Nan => {
            b"nan,".iter().chain(body.iter().skip_while(|byte| **byte != b',').skip(1)).copied().collect()
        }
        Fault::OtherClasses => b"0.5,0.5\n".to_vec(),
        Fault::BadSum => format!("{}\n", ["0.5"; 11].join(",")).into_bytes(),
        Fault::WrongSchema => b"prediction\nnormal\n".to_vec(),
        _ => body,
    }
}
