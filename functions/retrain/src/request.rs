//! What wakes the function, in the use case's words.
//!
//! Three kinds: a notice on the bus says that a model is worse than it was; a schedule or a person asks by a call; and SageMaker tells how
//! a pipeline does. A request's name tells its repeats: a notice has an id of its own, an event the bus's, and a call the
//! invocation's, which its retries share.

use linkcast_pipeline::retraining::{Override, PlatformEvent, RunRequest, Trigger};
use serde::Deserialize;
use serde_json::Value;

/// The longest reason a run is given; a notice's summary may be longer.
const LONGEST_REASON: usize = 256;

/// What wakes the function.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// An event of a bus.
    Event {
        /// Its id.
        id: String,
        /// What kind of event it is.
        #[serde(rename = "detail-type", default)]
        detail_type: String,
        /// What it says.
        detail: Value,
    },
    /// A schedule's input, or a direct call.
    Call(Asked),
}

/// What is asked for by a call, and was by events before there were notices.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// Which task.
    pub task: String,
    /// Why.
    pub reason: String,
    /// A person's word that cooldown, labels and budget do not count.
    #[serde(rename = "override")]
    pub over: Option<Override>,
}

/// The part of a notice that a request is made of.
#[derive(Clone, Debug, Deserialize)]
struct Noticed {
    id: String,
    task: String,
    summary: String,
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Begin a run.
    Begin(RunRequest),
    /// Follow one.
    Follow(PlatformEvent),
}

/// An event that is of no kind the function knows.
#[derive(Debug, thiserror::Error)]
#[error("the detail of an event {detail_type:?} cannot be used")]
pub struct UnusableEventError {
    detail_type: String,
    #[source]
    source: serde_json::Error,
}

impl Request {
    /// What there is to do; `invocation` names a call.
    ///
    /// # Errors
    /// A detail that is not of its event's type.
    pub fn into_work(self, invocation: &str) -> Result<Work, UnusableEventError> {
        let (id, detail_type, detail) = match self {
            Request::Call(asked) => return Ok(Work::Begin(of_call(asked, invocation))),
            Request::Event { id, detail_type, detail } => (id, detail_type, detail),
        };
        let unusable = |source| UnusableEventError { detail_type: detail_type.clone(), source };
        if let Some(event) = PlatformEvent::of(&detail_type, &detail).map_err(unusable)? {
            return Ok(Work::Follow(event));
        }
        let trigger = if detail_type == "Quality Degraded" { Trigger::Quality } else { Trigger::Drift };
        if let Ok(Noticed { id, task, summary }) = Noticed::deserialize(&detail) {
            let reason = summary.chars().take(LONGEST_REASON).collect();
            return Ok(Work::Begin(RunRequest {
                task,
                trigger,
                reason,
                request: format!("notice:{id}"),
                over: None,
            }));
        }
        let Asked { task, reason, over } = Asked::deserialize(&detail).map_err(unusable)?;
        Ok(Work::Begin(RunRequest { task, trigger, reason, request: format!("event:{id}"), over }))
    }
}

fn of_call(asked: Asked, invocation: &str) -> RunRequest {
    let Asked { task, reason, over } = asked;
    let trigger = if reason == Trigger::Schedule.name() { Trigger::Schedule } else { Trigger::ByHand };
    RunRequest { task, trigger, reason, request: format!("call:{invocation}"), over }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str) -> Result<Work, UnusableEventError> {
        serde_json::from_str::<Request>(text).unwrap().into_work("i-1")
    }

    fn begun(text: &str) -> RunRequest {
        match work(text).unwrap() {
            Work::Begin(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_notice_a_drift_of_old_a_schedule_and_a_call_are_requests_and_nothing_else_is() {
        let notice = r#"{"id":"e-1","detail-type":"Quality Degraded","detail":{"id":"n-1","kind":"quality_degraded",
            "fabric":"lab","task":"link-health","at":"2026-11-22T00:00:00Z","severity":"warning","summary":"recall fell","details":{}}}"#;
        let request = begun(notice);
        assert_eq!((request.request.as_str(), request.trigger), ("notice:n-1", Trigger::Quality));
        assert_eq!(request.reason, "recall fell");
        let again = begun(&notice.replace("e-1", "e-2"));
        assert_eq!(again, request, "the same notice, told by another event");
        let drift =
            r#"{"id":"e-1","detail-type":"Drift Detected","detail":{"task":"link-health","reason":"psi"}}"#;
        assert_eq!((begun(drift).request.as_str(), begun(drift).trigger), ("event:e-1", Trigger::Drift));
        let call = begun(r#"{"task":"link-health","reason":"schedule"}"#);
        assert_eq!((call.request.as_str(), call.trigger), ("call:i-1", Trigger::Schedule));
        let over =
            r#"{"task":"link-health","reason":"new cables","override":{"by":"ada","because":"all are new"}}"#;
        assert_eq!((begun(over).trigger, begun(over).over.unwrap().by), (Trigger::ByHand, "ada".to_owned()));
        assert!(serde_json::from_str::<Request>("{}").is_err());
        assert!(
            work(r#"{"id":"e-1","detail-type":"Drift Detected","detail":{"task":"link-health"}}"#).is_err()
        );
    }

    #[test]
    fn a_platforms_event_is_followed() {
        let job = r#"{"id":"e-1","detail-type":"SageMaker Training Job State Change",
            "detail":{"TrainingJobName":"pipelines-a-Train-b","TrainingJobStatus":"Completed"}}"#;
        let expected = PlatformEvent::Job { name: "pipelines-a-Train-b".into(), failure: None };
        assert_eq!(work(job).unwrap(), Work::Follow(expected));
    }
}
