//! What goes wrong, and when: a list of steps for each endpoint or model.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Steps under this name are for every endpoint or model that has none of its own.
const EVERYONE: &str = "*";

/// The longest a step may wait, milliseconds: an hour.
const LONGEST_WAIT_MS: u64 = 3_600_000;

/// Whom a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// SageMaker's runtime.
    SageMaker,
    /// Bedrock's runtime.
    Bedrock,
}

/// Steps by the name of the endpoint or model; behind the last step comes `answer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script(BTreeMap<String, Vec<Step>>);

/// One thing that happens, so many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What.
    #[serde(rename = "do")]
    pub fault: Fault,
    /// How often; once, if it is not said.
    #[serde(default)]
    pub times: Times,
    /// How long to wait first, milliseconds; `slow` needs it, and no other step has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

/// How often a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So often.
    Count(u32),
    /// To the end.
    Always(Always),
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Always {
    /// `"always"`.
    Always,
}

/// A script that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not a script at all.
    #[error("expected an object of lists of steps, as {{\"*\": [{{\"do\": \"throttle\", \"times\": 3}}]}}")]
    Json(#[from] serde_json::Error),
    /// What an endpoint cannot do.
    #[error("step {position} of {name:?}: {fault:?} is not for this service")]
    Fault {
        /// Of whose steps.
        name: String,
        /// Which, from 1.
        position: usize,
        /// What.
        fault: Fault,
    },
    /// `slow` without a time, another step with one, or a time that is too long.
    #[error(
        "step {position} of {name:?}: expected ms, 0 to {LONGEST_WAIT_MS}, with slow and with no other step"
    )]
    Wait {
        /// Of whose steps.
        name: String,
        /// Which, from 1.
        position: usize,
    },
}

impl Default for Times {
    fn default() -> Self {
        Times::Count(1)
    }
}

impl Step {
    /// `fault`, so many times.
    pub fn times(fault: Fault, times: u32) -> Self {
        Step { fault, times: Times::Count(times), ms: None }
    }

    /// `fault`, to the end.
    pub fn always(fault: Fault) -> Self {
        Step { fault, times: Times::Always(Always::Always), ms: None }
    }

    /// An answer that comes `wait` late, so many times.
    pub fn slow(wait: Duration, times: u32) -> Self {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Step { fault: Fault::Slow, times: Times::Count(times), ms: Some(ms) }
    }
}

impl Script {
    /// The same steps for every endpoint or model.
    pub fn for_everyone(steps: Vec<Step>) -> Self {
        Script(BTreeMap::from([(EVERYONE.to_owned(), steps)]))
    }

    /// The same script with the steps of `name`.
    #[must_use]
    pub fn and(mut self, name: &str, steps: Vec<Step>) -> Self {
        self.0.insert(name.to_owned(), steps);
        self
    }

    /// A script of `service` from JSON.
    ///
    /// # Errors
    /// What is no script, or one that `service` cannot follow.
    pub fn read(json: &[u8], service: Service) -> Result<Self, ScriptError> {
        let script: Script = serde_json::from_slice(json)?;
        script.check(service)?;
        Ok(script)
    }

    /// Whether `service` can follow it.
    ///
    /// # Errors
    /// The first step it cannot follow.
    pub fn check(&self, service: Service) -> Result<(), ScriptError> {
        let steps =
            self.0.iter().flat_map(|(name, steps)| steps.iter().enumerate().map(move |at| (name, at)));
        for (name, (place, step)) in steps {
            let (name, position) = (name.clone(), place + 1);
            if !step.fault.is_for(service) {
                return Err(ScriptError::Fault { name, position, fault: step.fault });
            }
            let waits = step.ms.is_some();
            if waits != (step.fault == Fault::Slow) || step.ms.is_some_and(|ms| ms > LONGEST_WAIT_MS) {
                return Err(ScriptError::Wait { name, position });
            }
        }
        Ok(())
    }

    /// What becomes of the next request to `name`, and how long it waits first.
    pub(crate) fn next(&mut self, name: &str) -> (Fault, Duration) {
        let whose = if self.0.contains_key(name) { name } else { EVERYONE };
        let Some(steps) = self.0.get_mut(whose) else { return (Fault::Answer, Duration::ZERO) };
        while let Some(step) = steps.first_mut() {
            let told = (step.fault, Duration::from_millis(step.ms.unwrap_or_default()));
            match &mut step.times {
                Times::Always(_) => return told,
                Times::Count(0) => {
                    steps.remove(0);
                }
                Times::Count(times) => {
                    *times -= 1;
                    return told;
                }
            }
        }
        (Fault::Answer, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_done_in_order_so_often_and_then_everything_is_answered() {
        let json = br#"{"a": [{"times": 2, "do": "throttle"}, {"do": "slow", "ms": 20}], "*": [{"do": "error_503"}]}"#;
        let mut script = Script::read(json, Service::SageMaker).unwrap();
        let mut next = |name: &str| script.next(name);
        let now = Duration::ZERO;
        assert_eq!(next("a"), (Fault::Throttle, now));
        assert_eq!(next("b"), (Fault::Error503, now));
        assert_eq!(next("a"), (Fault::Throttle, now));
        assert_eq!(next("a"), (Fault::Slow, Duration::from_millis(20)));
        assert_eq!((next("a"), next("b")), ((Fault::Answer, now), (Fault::Answer, now)));
        let mut forever =
            Script::read(br#"{"*": [{"do": "hang", "times": "always"}]}"#, Service::Bedrock).unwrap();
        assert!((0..100).all(|_| forever.next("x").0 == Fault::Hang));
    }

    #[test]
    fn a_script_that_cannot_be_followed_is_refused() {
        let read = |json: &str| Script::read(json.as_bytes(), Service::SageMaker).unwrap_err();
        assert!(matches!(read(r#"{"*": [{"do": "two_tools"}]}"#), ScriptError::Fault { position: 1, .. }));
        assert!(matches!(
            read(r#"{"*": [{"do": "answer"}, {"do": "slow"}]}"#),
            ScriptError::Wait { position: 2, .. }
        ));
        assert!(matches!(read(r#"{"*": [{"do": "hang", "ms": 3}]}"#), ScriptError::Wait { .. }));
        assert!(matches!(read(r#"{"*": [{"do": "explode"}]}"#), ScriptError::Json(_)));
        assert!(matches!(read(r#"{"*": [{"do": "hang", "time": 3}]}"#), ScriptError::Json(_)));
    }
}
