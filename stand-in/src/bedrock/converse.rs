//! `Converse`: a conversation in, the tool's call out, unless the script says otherwise.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::request::Converse;
use super::{Room, judge};
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::requests::{Outcome, Request as Remembered};
use crate::signature;
use crate::world::{spoilt, taken};

/// What Converse takes, bytes.
const LONGEST_BODY: usize = 20 << 20;

/// Stands where JSON is made to hold what JSON does not have.
const NO_NUMBER: &str = "number that is none";

/// What a model answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// The message's content blocks.
    pub(super) content: Vec<Value>,
    /// Why it ended.
    pub(super) stop_reason: &'static str,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

pub(super) async fn answer(room: &Room, id: &str, request: Request) -> Response {
    let (parts, body, switch) = match taken(request, LONGEST_BODY).await {
        Ok(taken) => taken,
        Err(refusal) => return refused(room, id, 0, refusal),
    };
    let asked = match checked(room, id, &parts.headers, &body) {
        Ok(asked) => asked,
        Err(refusal) => return refused(room, id, body.len(), refusal),
    };
    let (fault, wait) = room.world.next(id);
    let (name, outcome, bytes) = (id.to_owned(), Outcome::Did(fault), body.len());
    room.world.remember(Remembered { name, outcome, target_variant: None, component: None, bytes });
    if let Some(refusal) = failure(fault, id) {
        return refusal.of_runtime("message");
    }
    let said = match &room.settings.openai {
        Some(server) => server.ask(&asked).await,
        None => Ok(judge::judge(&room.settings.model, &asked)),
    };
    let said = match said {
        Ok(said) => made_wrong(fault, said),
        Err(refusal) => return refusal.of_runtime("message"),
    };
    spoilt(fault, "application/json", written(&said), wait, &switch).await
}

fn refused(room: &Room, id: &str, bytes: usize, refusal: Refusal) -> Response {
    room.world.remember_refusal(id, bytes, &refusal);
    refusal.of_runtime("message")
}

fn checked(room: &Room, id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Converse, Refusal> {
    signature::check(headers, "bedrock", &room.settings.region)?;
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    if content_type != Some("application/json") {
        return Err(Refusal::new(415, "UnsupportedMediaTypeException", "expected application/json"));
    }
    let is_id = (1..=2_048).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte));
    let is_known = room.settings.models.is_empty() || room.settings.models.iter().any(|known| known == id);
    if !is_id || !is_known {
        return Err(Refusal::new(400, "ValidationException", "The provided model identifier is invalid."));
    }
    Converse::read(body).map_err(|why| Refusal::new(400, "ValidationException", why))
}

fn failure(fault: Fault, id: &str) -> Option<Refusal> {
    Some(match fault {
        Fault::Throttle => {
            Refusal::new(429, "ThrottlingException", "Too many requests, please wait before trying again.")
        }
        Fault::ModelError => Refusal::new(424, "ModelErrorException", "the model failed, as it was told to")
            .with("originalStatusCode", 500)
            .with("resourceName", id),
        Fault::Error500 => {
            Refusal::new(500, "InternalServerException", "The system encountered an unexpected error.")
        }
        Fault::Error503 => {
            Refusal::new(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")
        }
        Fault::NotFound => {
            Refusal::new(404, "ResourceNotFoundException", "Could not resolve the foundation model.")
        }
        Fault::AccessDenied => Refusal::new(
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
        ),
        _ => return None,
    })
}

/// The good answer, made wrong as a language model gets it wrong.
fn made_wrong(fault: Fault, mut said: Said) -> Said {
    let prose = json!({"text": "Looking at the sample, I would say that all is well."});
    match fault {
        Fault::NoTool => {
            said.content = vec![prose];
            said.stop_reason = "end_turn";
        }
        Fault::Prose => said.content.insert(0, prose),
        Fault::TwoTools => {
            let mut second = said.content.clone();
            second.iter_mut().for_each(|block| put(block, "/toolUse/toolUseId", json!("tooluse_second")));
            said.content.extend(second);
        }
        Fault::Nan => said.content.iter_mut().for_each(|block| {
            put(block, "/toolUse/input/confidence", json!(NO_NUMBER));
        }),
        Fault::BadSum => said.content.iter_mut().for_each(|block| {
            put(block, "/toolUse/input/confidence", json!(1.7));
        }),
        Fault::OtherClasses => said.content.iter_mut().for_each(|block| {
            put(block, "/toolUse/input/prediction_type", json!("setosa"));
        }),
        Fault::InventedClass => said.content.iter_mut().for_each(|block| {
            put(block, "/toolUse/input/prediction_type", json!("gremlins_in_the_switch"));
        }),
        Fault::WrongSchema => said.content.iter_mut().for_each(|block| {
            put(block, "/toolUse/input", json!({"label": "normal", "score": 0.9}));
        }),
        _ => {}
    }
    said
}

fn put(block: &mut Value, place: &str, value: Value) {
    if let Some(found) = block.pointer_mut(place) {
        *found = value;
    }
}

fn written(said: &Said) -> Vec<u8> {
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": said.content}},
        "stopReason": said.stop_reason,
        "usage": {
            "inputTokens": said.input_tokens,
            "outputTokens": said.output_tokens,
            "totalTokens": said.input_tokens + said.output_tokens,
        },
        "metrics": {"latencyMs": 1},
    });
    answer.to_string().replace(&format!("\"{NO_NUMBER}\""), "NaN").into_bytes()
}
