//! The checklist: one line a step, told when the step is over.
//!
//! A step that failed says what was wrong and what to do; the steps behind it are told as not run, so that the list always has the
//! same lines.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::commands::Session;
use crate::configuration::Configuration;
use crate::exit::{ExitKind, Failure, chain};
use crate::output::Form;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A model is trained, or the one named is taken.
    Model,
    /// It is judged.
    Evaluate,
    /// It is registered, approved and made live.
    Register,
    /// A server starts with what is live.
    Serve,
    /// The server is well and says which model it has.
    Health,
    /// It answers as the model does here.
    Answers,
    /// How fast.
    Latency,
    /// It is killed, and the embedded model stands in.
    Breaker,
    /// It comes back, and answers again.
    Recovery,
    /// It stops when told to.
    Stop,
    /// Nothing is left.
    CleanUp,
}

impl Step {
    /// In their order.
    pub(crate) const ALL: [Step; 11] = [
        Step::Model,
        Step::Evaluate,
        Step::Register,
        Step::Serve,
        Step::Health,
        Step::Answers,
        Step::Latency,
        Step::Breaker,
        Step::Recovery,
        Step::Stop,
        Step::CleanUp,
    ];

    fn name(self) -> &'static str {
        match self {
            Step::Model => "model",
            Step::Evaluate => "evaluate",
            Step::Register => "register",
            Step::Serve => "serve",
            Step::Health => "health",
            Step::Answers => "answers",
            Step::Latency => "latency",
            Step::Breaker => "breaker",
            Step::Recovery => "recovery",
            Step::Stop => "stop",
            Step::CleanUp => "clean up",
        }
    }

    /// The longest it may take: many times what it takes on a small machine, for a step that hangs is what this ends.
    fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Step::Model | Step::Evaluate => 600,
            Step::Answers | Step::Latency => 180,
            Step::Register | Step::Serve | Step::Breaker | Step::Recovery => 60,
            Step::Health | Step::Stop | Step::CleanUp => 30,
        })
    }
}

/// What a step measured: a sentence's rest for people, the same by name for programs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) told: String,
    pub(crate) figures: Map<String, Value>,
}

impl Measured {
    /// Measured so.
    pub(crate) fn new(told: impl Into<String>, figures: Value) -> Self {
        let figures = match figures {
            Value::Object(figures) => figures,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Measured { told: told.into(), figures }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Failed,
    NotRun,
}

impl Outcome {
    fn shown(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Failed => "FAILED",
            Outcome::NotRun => "not run",
        }
    }
}

#[derive(Serialize)]
struct StepLine<'a> {
    step: &'static str,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    measured: &'a Map<String, Value>,
    #[serde(flatten)]
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct Fault {
    cause: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    exit_code: u8,
}

#[derive(Serialize)]
struct WholeLine<'a> {
    verified: bool,
    seconds: f64,
    ok: usize,
    failed: usize,
    not_run: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a Path>,
}

/// How all of it ended.
pub(crate) struct Ended<'p> {
    /// The folder that is kept, if it is.
    pub(crate) folder: Option<&'p Path>,
}

/// The steps told so far.
pub(crate) struct Checklist<'s, 'c> {
    session: &'s mut Session<'c>,
    begun: Instant,
    running: Option<(Step, Instant)>,
    told: Vec<(Step, Outcome)>,
}

impl<'s, 'c> Checklist<'s, 'c> {
    /// Nothing is told yet.
    pub(crate) fn new(session: &'s mut Session<'c>) -> Self {
        Checklist { session, begun: Instant::now(), running: None, told: Vec::new() }
    }

    /// What the environment says.
    pub(crate) fn configuration(&self) -> &'c Configuration {
        self.session.configuration
    }

    /// Goes a step within its time, and tells how it ended.
    ///
    /// # Errors
    /// The step's own failure, or that its time is over; or nobody reads the list any more.
    pub(crate) async fn step<T>(
        &mut self,
        step: Step,
        work: impl Future<Output = Result<(T, Measured), Failure>>,
    ) -> Result<T, Failure> {
        self.running = Some((step, Instant::now()));
        self.session.notes.detail(format!("{} …", step.name()));
        let ended = tokio::time::timeout(step.limit(), work).await.unwrap_or_else(|_| Err(too_slow(step)));
        match ended {
            Ok((value, measured)) => {
                self.tell(step, Outcome::Ok, &measured, None)?;
                Ok(value)
            }
            Err(failure) => {
                let failure = with_some_next_step(failure, step);
                self.close(&failure)?;
                Err(failure)
            }
        }
    }

    /// Tells that the step that runs has failed, if one does, and the ones before the last that were not run.
    ///
    /// # Errors
    /// Nobody reads the list any more.
    pub(crate) fn close(&mut self, failure: &Failure) -> Result<(), Failure> {
        let Failure::Told { kind, error, next_step } = failure else { return Ok(()) };
        if let Some((step, _)) = self.running {
            let (cause, next) = (chain(error.as_ref()), next_step.clone());
            let fault = Fault { cause, next, exit_code: *kind as u8 };
            self.tell(step, Outcome::Failed, &Measured::default(), Some(fault))?;
        }
        for step in Step::ALL.into_iter().filter(|step| *step != Step::CleanUp) {
            if self.told.iter().all(|(told, _)| *told != step) {
                self.tell(step, Outcome::NotRun, &Measured::default(), None)?;
            }
        }
        Ok(())
    }

    /// Tells how all of it ended.
    ///
    /// # Errors
    /// Nobody reads the list any more.
    pub(crate) fn finish(self, ended: &Ended<'_>) -> Result<(), Failure> {
        let count = |outcome| self.told.iter().filter(|(_, told)| *told == outcome).count();
        let (ok, failed, not_run) = (count(Outcome::Ok), count(Outcome::Failed), count(Outcome::NotRun));
        let (verified, seconds) = (ok == Step::ALL.len(), rounded(self.begun.elapsed()));
        match self.session.form {
            Form::JsonLines => {
                let folder = ended.folder;
                self.session.output.json(&WholeLine { verified, seconds, ok, failed, not_run, folder })?;
            }
            Form::Text => {
                let all = self.told.len();
                let told = if verified { "verified" } else { "NOT VERIFIED" };
                let kept = ended.folder.map(|folder| format!("; kept: {}", folder.display()));
                let kept = kept.unwrap_or_default();
                self.session.output.line(&format!("{told}: {ok} of {all} steps ok, {seconds:.1} s{kept}"))?;
            }
        }
        Ok(self.session.output.flush()?)
    }

    fn tell(
        &mut self,
        step: Step,
        outcome: Outcome,
        measured: &Measured,
        fault: Option<Fault>,
    ) -> Result<(), Failure> {
        let running = self.running.take_if(|(running, _)| *running == step);
        let seconds = running.map(|(_, begun)| rounded(begun.elapsed()));
        self.told.push((step, outcome));
        let output = &mut self.session.output;
        match self.session.form {
            Form::JsonLines => {
                let measured = &measured.figures;
                output.json(&StepLine { step: step.name(), outcome, seconds, measured, fault })?;
            }
            Form::Text => {
                let taken = seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
                let told = fault.as_ref().map_or(measured.told.as_str(), |fault| fault.cause.as_str());
                let line = format!("{:<7}  {:<8}  {taken:>7}  {told}", outcome.shown(), step.name());
                output.line(line.trim_end())?;
            }
        }
        Ok(output.flush()?)
    }
}

/// A failure that does not say what to do says where to look.
fn with_some_next_step(failure: Failure, step: Step) -> Failure {
    match failure {
        Failure::Told { next_step: None, .. } => failure.with_next_step(format!(
            "docs/VERIFY.md says what `{}` verifies; --keep leaves the folder to look at",
            step.name()
        )),
        told => told,
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn too_slow(step: Step) -> Failure {
    let told = format!("{} did not end within {} s and was ended", step.name(), step.limit().as_secs());
    Failure::new(ExitKind::Machine, told)
        .with_next_step("try again while the machine has less to do; --keep leaves what there is to look at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_their_order_and_have_names_of_their_own() {
        assert!(Step::ALL.is_sorted());
        let names: std::collections::BTreeSet<_> = Step::ALL.into_iter().map(Step::name).collect();
        assert_eq!(names.len(), Step::ALL.len());
    }

    #[test]
    fn a_figure_that_is_no_object_is_kept_under_a_name() {
        let measured = Measured::new("7 of them", Value::from(7));
        assert_eq!(measured.figures.get("value"), Some(&Value::from(7)));
    }
}
