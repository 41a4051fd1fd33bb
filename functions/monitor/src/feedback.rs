//! Feedback at the function's URL: who may give it, in which form, and what each fault is answered.
//!
//! The URL admits whom IAM lets in; the ARN the platform tells is who says it, so that nobody speaks in another's name. What was
//! taken is answered 200, twice as well, with what came of it; a request that is none names the field and what was expected.

use linkcast_domain::ports::{FeedbackItems, Lookup, StoreError, TaskItems};
use linkcast_domain::{
    FeedbackGiver, FeedbackNote, FeedbackSource, FeedbackStanding, FeedbackVerdict, FeedbackWord, InsightId,
    PredictionType, Retry, Timestamp, VerdictWord, WordTaken,
};
use linkcast_lambda::chain;
use linkcast_lambda::function_url::{Request, Response};
use linkcast_pipeline::{FeedbackDesk, FeedbackError};
use serde::{Deserialize, Deserializer, Serialize};

/// The one path.
const PATH: &str = "/feedback";
/// The most a body may hold: a note at its longest, and everything round it, several times over.
const LARGEST_BODY: usize = 16 * 1024;
/// Seconds after which to come again.
const COME_AGAIN: u64 = 5;

/// What is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(deserialize_with = "as_id")]
    insight: InsightId,
    verdict: VerdictWord,
    #[serde(rename = "type", default)]
    class: Option<PredictionType>,
    #[serde(default)]
    severity: Option<f64>,
    #[serde(default)]
    note: FeedbackNote,
}

/// An id as people send it, which may be anything.
fn as_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InsightId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// What came of it.
#[derive(Serialize)]
struct Taken<'a> {
    outcome: WordTaken,
    insight: &'a InsightId,
    variant: &'a str,
    model_version: &'a str,
    standing: Option<FeedbackStanding>,
    people: usize,
}

/// Why it was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Refusal {
    #[serde(skip)]
    status: u16,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    expected: String,
}

/// Takes feedback on `task`'s insights; gives the answer. Written: feedback, by insight and caller.
pub async fn receive<S>(store: &S, task: &str, request: Request, now: Timestamp) -> Response
where
    S: FeedbackItems + TaskItems + Lookup,
{
    let (insight, word) = match read(request, now) {
        Ok(said) => said,
        Err(refusal) => return refusal.response(),
    };
    match FeedbackDesk::new(store, task).add(&insight, &word).await {
        Ok((outcome, record)) => {
            let taken = Taken {
                outcome,
                insight: &record.insight,
                variant: &record.variant,
                model_version: &record.model_version,
                standing: record.standing().map(|(standing, _)| standing),
                people: record.words.iter().filter(|word| word.source == FeedbackSource::Person).count(),
            };
            answered(200, &taken)
        }
        Err(error) => refused(&error).response(),
    }
}

fn read(request: Request, now: Timestamp) -> Result<(InsightId, FeedbackWord), Refusal> {
    let Some(caller) = request.caller() else {
        return Err(refusal(403, "nobody known asks", "a request signed by IAM"));
    };
    let by: FeedbackGiver =
        caller.parse().map_err(|error| refusal(403, &chain(&error), "the caller's ARN as IAM tells it"))?;
    let line = &request.request_context.http;
    if line.path.trim_end_matches('/') != PATH {
        return Err(refusal(404, &format!("nothing is at {}", line.path), "POST /feedback"));
    }
    if line.method != "POST" {
        return Err(refusal(405, &format!("{} at {PATH}", line.method), "POST /feedback"));
    }
    let body = body_of(request)?;
    let said: Said = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&body))
        .map_err(|error| {
            let field = error.path().to_string();
            let field = Some(field).filter(|field| field != ".");
            let reason = error.into_inner().to_string();
            Refusal { field, ..refusal(400, &reason, FORM) }
        })?;
    let verdict = FeedbackVerdict::of(said.verdict, said.class, said.severity).map_err(|error| {
        let field = if said.severity.is_some() { "severity" } else { "verdict" };
        Refusal { field: Some(field.to_owned()), ..refusal(400, &chain(&error), FORM) }
    })?;
    let source = FeedbackSource::Person;
    Ok((said.insight, FeedbackWord { by, source, at: now, verdict, note: said.note }))
}

const FORM: &str = r#"{"insight":"<32 hexadecimal digits>","verdict":"confirmed"|"false_positive"|"corrected"} and, with corrected, "type", "severity" (0 to 100) or both; "note" at will"#;

fn body_of(request: Request) -> Result<Vec<u8>, Refusal> {
    let text = request.body.unwrap_or_default();
    if text.len() > LARGEST_BODY {
        let expected = format!("at most {LARGEST_BODY}");
        return Err(refusal(413, &format!("a body of {} bytes", text.len()), &expected));
    }
    if !request.is_base64_encoded {
        return Ok(text.into_bytes());
    }
    aws_smithy_types::base64::decode(&text).map_err(|_| refusal(400, "a body that is not in base 64", FORM))
}

fn refused(error: &FeedbackError) -> Refusal {
    let (status, expected) = match error {
        FeedbackError::Unknown { .. } | FeedbackError::OtherTask { .. } => {
            (404, "the entity_id of an insight that is kept: see `linkcast insights --json`")
        }
        FeedbackError::Full { .. } => (409, "a word in the place of one that was given by the same caller"),
        FeedbackError::Store(StoreError::Busy { .. }) | FeedbackError::Contended { .. } => {
            (429, "the same again in some seconds")
        }
        FeedbackError::Store(error) if error.class() == Retry::Never => (500, "a table that can be read"),
        FeedbackError::Store(_) => (503, "the same again in some seconds"),
    };
    refusal(status, &chain(error), expected)
}

fn refusal(status: u16, error: &str, expected: &str) -> Refusal {
    Refusal { status, error: error.to_owned(), field: None, expected: expected.to_owned() }
}

impl Refusal {
    fn response(&self) -> Response {
        let mut response = answered(self.status, self);
        if [429, 503].contains(&self.status) {
            response.headers.insert("retry-after", COME_AGAIN.to_string());
        }
        response
    }
}

fn answered(status: u16, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    Response::of(status, "application/json", format!("{text}\n"))
}
