//! Guards with their numbers, and runs whose events come in any order and number.

use std::future::Future;
use std::sync::Mutex;

use linkcast_domain::ports::{JobError, PipelineStart, TrainingPipelines};
use linkcast_domain::{NanoDollars, Timestamp};
use linkcast_store::MemoryStore;
use serde_json::{Map, json};

use super::*;
use crate::notices::{NoBus, NoticeBoard};

const TASK: &str = "link-health";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// So long after 2026-11-02 00:00 UTC.
fn at(millis: i64) -> Timestamp {
    let start: Timestamp = "2026-11-02T00:00:00Z".parse().unwrap();
    Timestamp::from_millis(start.millis() + millis)
}

fn request(name: &str, trigger: Trigger) -> RunRequest {
    let over = None;
    RunRequest { task: TASK.into(), trigger, reason: "a test".into(), request: name.into(), over }
}

fn plenty() -> Circumstances {
    Circumstances { new_labels: 500, estimate: NanoDollars(1_000_000_000) }
}

fn now<T>(work: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(work).expect("a store in memory never waits")
}

struct Scene {
    store: MemoryStore,
    settings: GuardSettings,
}

impl Scene {
    fn new() -> Self {
        Scene { store: MemoryStore::new(), settings: GuardSettings::default() }
    }

    fn desk(&self) -> RetrainingDesk<'_, MemoryStore, NoBus> {
        RetrainingDesk::new((&self.store, &NoBus), ("lab", TASK), self.settings)
    }

    fn ask(&self, name: &str, trigger: Trigger, circumstances: Circumstances, millis: i64) -> Asked {
        now(self.desk().ask(&request(name, trigger), &circumstances, at(millis))).unwrap()
    }

    fn begin(&self, name: &str, millis: i64) -> Run {
        match self.ask(name, Trigger::Schedule, plenty(), millis) {
            Asked::Begun(run) => *run,
            Asked::Refused(answer) => panic!("{:?}", answer.refusal),
        }
    }

    fn refused(&self, name: &str, trigger: Trigger, circumstances: Circumstances, millis: i64) -> Refusal {
        match self.ask(name, trigger, circumstances, millis) {
            Asked::Begun(run) => panic!("{run:?}"),
            Asked::Refused(answer) => answer.refusal.unwrap(),
        }
    }

    fn take(&self, run: &Run, event: &RunEvent, millis: i64) -> Run {
        now(self.desk().advance(run.run, event, at(millis))).unwrap().unwrap()
    }
}

fn trainer(name: &str) -> RunEvent {
    RunEvent::Started(Trainer::SagemakerPipeline { execution: format!("arn:{name}") })
}

fn judged(passed: bool) -> RunEvent {
    let candidate = Candidate { version: "r1".into(), digest: "d".into() };
    RunEvent::Judged {
        candidate,
        verdict: VerdictFacts { passed, reason: "numbers".into(), figures: Map::new() },
    }
}

#[test]
fn a_run_holds_the_task_until_it_ends_and_a_repeated_request_is_the_same_run() {
    let scene = Scene::new();
    let run = scene.begin("notice:1", 0);
    assert_eq!(scene.ask("notice:1", Trigger::Schedule, plenty(), HOUR), Asked::Begun(Box::new(run.clone())));
    let refusal = scene.refused("notice:2", Trigger::Drift, plenty(), HOUR);
    assert_eq!(refusal, Refusal::Lock { run: run.run, until: at(6 * HOUR) });
    let again = scene.refused("notice:2", Trigger::Drift, plenty(), 9 * DAY);
    assert_eq!(again, refusal, "the same request has the same answer, however late it comes again");
    assert_eq!(scene.take(&run, &RunEvent::Failed("no rows".into()), 2 * HOUR).stage(), Stage::Failed);
    assert!(now(scene.desk().holder(at(2 * HOUR))).unwrap().is_none());
}

#[test]
fn a_run_that_nobody_ends_times_out_at_its_time_whenever_that_is_noticed() {
    let scene = Scene::new();
    let first = scene.begin("a", 0);
    let second = scene.begin("b", 8 * DAY);
    let first = now(scene.desk().run(first.run)).unwrap().unwrap();
    assert_eq!((first.stage(), first.reached()), (Stage::TimedOut, at(6 * HOUR)));
    assert!(now(scene.desk().holder(at(9 * DAY))).unwrap().is_none(), "and so does the next");
    let late = scene.take(&second, &judged(true), 9 * DAY);
    assert_eq!(late.stage(), Stage::TimedOut, "what comes after the end changes nothing");
}

#[test]
fn each_guard_says_which_it_is_with_its_numbers_and_when_it_would_pass() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    scene.take(&run, &judged(false), HOUR);
    scene.take(&run, &RunEvent::Registered, HOUR);
    let refusal = scene.refused("b", Trigger::Schedule, plenty(), 2 * DAY);
    assert_eq!(refusal.passes_at(), Some(at(HOUR + 7 * DAY)));
    assert_eq!(
        refusal.to_string(),
        "the last run ended at 2026-11-02T01:00:00.000Z and 7 days must pass: passes at 2026-11-09T01:00:00.000Z"
    );
    assert!(
        matches!(scene.ask("c", Trigger::Drift, plenty(), 2 * DAY + 2 * HOUR), Asked::Begun(_)),
        "drift waits less"
    );
    let few = Circumstances { new_labels: 3, ..plenty() };
    let refusal = scene.refused("d", Trigger::Schedule, few, 20 * DAY);
    assert_eq!(
        refusal.to_string(),
        "3 labels are newer than the live model's data and 50 are needed: passes after 47 more"
    );
    let dear = Circumstances { estimate: NanoDollars(24_000_000_000), ..plenty() };
    let refusal = scene.refused("e", Trigger::Schedule, dear, 20 * DAY);
    assert_eq!(
        refusal.to_string(),
        "$2.00 of this month's $25.00 are spent and a run is modelled to cost $24.00: passes at 2026-12-01T00:00:00.000Z"
    );
    assert!(
        matches!(scene.ask("f", Trigger::Schedule, dear, 29 * DAY), Asked::Begun(_)),
        "next month pays anew"
    );
}

#[test]
fn a_months_runs_are_counted_and_a_failure_cools_down_for_hours() {
    let mut scene = Scene::new();
    scene.settings.runs_a_month = 2;
    let run = scene.begin("a", 0);
    scene.take(&run, &RunEvent::Failed("disk".into()), HOUR);
    let refusal = scene.refused("b", Trigger::ByHand, plenty(), 2 * HOUR);
    assert_eq!(refusal.passes_at(), Some(at(7 * HOUR)));
    let run = scene.begin("c", 8 * HOUR);
    scene.take(&run, &RunEvent::Stopped("enough".into()), 9 * HOUR);
    let refusal = scene.refused("d", Trigger::Schedule, plenty(), 10 * DAY);
    assert_eq!(refusal, Refusal::Runs { runs: 2, allowed: 2, until: at(29 * DAY) });
}

#[test]
fn a_person_overrides_all_but_the_lock_and_is_remembered() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    let over = Override { by: "ada".into(), because: "cables were replaced".into() };
    let by_hand = |name: &str| RunRequest { over: Some(over.clone()), ..request(name, Trigger::ByHand) };
    let none = Circumstances { new_labels: 0, estimate: NanoDollars(99_000_000_000) };
    let asked = now(scene.desk().ask(&by_hand("b"), &none, at(HOUR))).unwrap();
    assert!(matches!(asked, Asked::Refused(Answered { refusal: Some(Refusal::Lock { .. }), .. })));
    scene.take(&run, &RunEvent::Failed("disk".into()), HOUR);
    let Asked::Begun(run) = now(scene.desk().ask(&by_hand("c"), &none, at(2 * HOUR))).unwrap() else {
        panic!("refused")
    };
    assert_eq!(run.over, Some(over));
}

#[test]
fn a_run_goes_to_its_end_and_no_event_that_is_late_or_repeated_moves_it() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    let events = [trainer("one"), judged(true), RunEvent::Registered];
    for (place, event) in events.iter().enumerate() {
        let told = scene.take(&run, event, HOUR + place as i64);
        for earlier in &events[..=place] {
            assert_eq!(scene.take(&run, earlier, 3 * HOUR), told, "{earlier:?} after {event:?}");
        }
    }
    let end = scene.take(&run, &RunEvent::TrainerDone, 3 * HOUR);
    assert_eq!(end.stage(), Stage::Deployed);
    let stages: Vec<Stage> = end.stages.iter().map(|entry| entry.stage).collect();
    assert_eq!(stages, [Stage::Requested, Stage::Training, Stage::Evaluated, Stage::Deployed]);
    assert_eq!(end.outcome.as_deref(), Some("numbers"));
}

/// Every order of every choice of these events ends in one of the ends or goes on, never backwards, and never twice in a stage.
#[test]
fn no_order_of_events_makes_a_run_go_backwards() {
    let events = [
        trainer("one"),
        trainer("two"),
        judged(false),
        RunEvent::Registered,
        RunEvent::Heard("AlgorithmError".into()),
        RunEvent::TrainerDone,
        RunEvent::Stopped("enough".into()),
    ];
    let mut draw = 1_u64;
    for _ in 0..2_000 {
        let scene_run = Scene::new().begin("a", 0);
        let mut run = scene_run;
        for step in 0..10 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let event = &events[(draw >> 33) as usize % events.len()];
            let before = run.clone();
            let moved = run.take(event, at(step));
            assert!(run.stage() >= before.stage());
            assert_eq!(moved == Moved::No, run == before, "{event:?}");
            assert!(!before.stage().is_end() || run == before);
        }
        let mut stages: Vec<Stage> = run.stages.iter().map(|entry| entry.stage).collect();
        stages.dedup();
        assert_eq!(stages.len(), run.stages.len());
        assert!(run.stage() != Stage::Registered || run.verdict.is_some());
    }
}

#[test]
fn what_was_heard_of_a_step_is_the_reason_of_an_end_that_names_none() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    scene.take(&run, &RunEvent::Heard("AlgorithmError: no rows".into()), HOUR);
    let end = scene.take(&run, &RunEvent::Failed("the pipeline failed".into()), HOUR);
    assert_eq!(end.outcome.as_deref(), Some("the pipeline failed (AlgorithmError: no rows)"));
}

#[test]
fn runs_and_refusals_are_told_once_each_and_listed_by_time() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    scene.refused("b", Trigger::Drift, plenty(), HOUR);
    scene.ask("b", Trigger::Drift, plenty(), 2 * HOUR);
    scene.take(&run, &RunEvent::Failed("disk".into()), HOUR);
    scene.take(&run, &RunEvent::Failed("disk".into()), 2 * HOUR);
    let board = NoticeBoard::new(&scene.store, TASK);
    let told = now(board.between(at(0), at(DAY))).unwrap();
    let summaries: Vec<&str> = told.iter().map(|notice| notice.summary.as_str()).collect();
    assert_eq!(summaries.len(), 3, "{summaries:?}");
    assert!(summaries[0].starts_with("A training run was asked for"), "{summaries:?}");
    assert_eq!(now(scene.desk().runs(at(0), at(DAY))).unwrap().len(), 1);
    assert!(now(scene.desk().runs(at(1), at(40 * DAY))).unwrap().is_empty());
    assert!(
        now(scene.desk().advance(at(5), &RunEvent::TrainerDone, at(6))).unwrap().is_none(),
        "no such run"
    );
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_takes_no_lock() {
    let scene = Scene::new();
    let other = RunRequest { task: "weather".into(), ..request("a", Trigger::ByHand) };
    assert!(now(scene.desk().ask(&other, &plenty(), at(0))).is_err());
    let silent = RunRequest { reason: " ".into(), ..request("a", Trigger::ByHand) };
    assert!(now(scene.desk().ask(&silent, &plenty(), at(0))).is_err());
    assert!(now(scene.desk().ledger()).unwrap().holder.is_none());
}

#[test]
fn a_month_ends_where_the_calendar_says() {
    let scene = Scene::new();
    let mut settings = scene.settings;
    settings.runs_a_month = 0;
    let ledger = Ledger::default();
    for (time, next) in
        [("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"), ("2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z")]
    {
        let refusal =
            examine(&settings, &ledger, &request("a", Trigger::ByHand), &plenty(), time.parse().unwrap());
        assert_eq!(refusal.unwrap_err().passes_at(), Some(next.parse().unwrap()));
    }
}

/// A platform that starts what it is told under its token, after refusing so often.
#[derive(Default)]
struct Platform {
    busy: Mutex<usize>,
    started: Mutex<Vec<PipelineStart>>,
}

impl TrainingPipelines for Platform {
    async fn start_execution(&self, start: &PipelineStart) -> Result<String, JobError> {
        let mut busy = self.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return Err(JobError::Throttled { attempt: "start".into() });
        }
        let mut started = self.started.lock().unwrap();
        if !started.contains(start) {
            started.push(start.clone());
        }
        Ok(format!("{PIPELINE}/execution/{}", &start.token[..12]))
    }

    async fn stop_execution(&self, _: &str) -> Result<(), JobError> {
        Ok(())
    }
}

const PIPELINE: &str = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/linkcast-lab-link-health-retrain";
const NAME: &str = "linkcast-lab-link-health-retrain";

impl Scene {
    fn start(&self, platform: &Platform, name: &str, millis: i64) -> Result<Asked, RetrainingError> {
        let (desk, request) = (self.desk(), request(name, Trigger::Drift));
        now(begin((&desk, &NoBus), Some((platform, NAME)), (&request, &plenty()), at(millis)))
    }

    fn follow(&self, event: &PlatformEvent, millis: i64) -> Followed {
        now(follow(&self.desk(), NAME, event, at(millis))).unwrap()
    }
}

fn execution(run: &Run, id: &str, status: &str) -> PlatformEvent {
    let detail = json!({
        "pipelineArn": PIPELINE,
        "pipelineExecutionArn": format!("{PIPELINE}/execution/{id}"),
        "pipelineExecutionDisplayName": format!("linkcast-run-{:016}", run.run.millis()),
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": "Executing",
    });
    let kind = "SageMaker Model Building Pipeline Execution Status Change";
    PlatformEvent::of(kind, &detail).unwrap().unwrap()
}

fn job(id: &str, status: &str) -> PlatformEvent {
    let detail = json!({
        "TrainingJobName": format!("pipelines-{id}-Train-AbCd"),
        "TrainingJobStatus": status,
        "FailureReason": "AlgorithmError: no rows",
    });
    PlatformEvent::of("SageMaker Training Job State Change", &detail).unwrap().unwrap()
}

#[test]
fn a_platform_that_is_busy_is_asked_again_for_the_same_execution() {
    let (scene, platform) = (Scene::new(), Platform::default());
    *platform.busy.lock().unwrap() = 1;
    assert!(matches!(scene.start(&platform, "notice:1", 0), Err(RetrainingError::NotStarted { .. })));
    let Asked::Begun(run) = scene.start(&platform, "notice:1", HOUR).unwrap() else { panic!("refused") };
    assert_eq!((run.stage(), run.run), (Stage::Training, at(0)));
    let Asked::Begun(again) = scene.start(&platform, "notice:1", 2 * HOUR).unwrap() else {
        panic!("refused")
    };
    assert_eq!(again, run);
    let started = platform.started.lock().unwrap();
    assert_eq!(started.len(), 1);
    assert_eq!((started[0].token.len(), started[0].parameters["Run"].len()), (32, 16));
}

#[test]
fn an_execution_is_followed_to_its_end_whatever_its_events_order() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    // The answer to the call that started it was never heard: its name says whose it is.
    let Followed::Run(told) = scene.follow(&execution(&run, "p4jn9xou8a8s", "Executing"), HOUR) else {
        panic!("nobody's")
    };
    assert_eq!(told.stage(), Stage::Training);
    assert_eq!(scene.follow(&execution(&run, "another", "Failed"), HOUR), Followed::Nobodys);
    assert_eq!(scene.follow(&job("another", "Failed"), HOUR), Followed::Nobodys);
    assert_eq!(scene.follow(&job("p4jn9xou8a8s", "InProgress"), HOUR), Followed::Nobodys);
    scene.follow(&job("p4jn9xou8a8s", "Failed"), HOUR);
    let Followed::Run(end) = scene.follow(&execution(&run, "p4jn9xou8a8s", "Failed"), HOUR) else {
        panic!("nobody's")
    };
    assert_eq!(end.stage(), Stage::Failed);
    assert!(end.outcome.as_ref().unwrap().contains("AlgorithmError: no rows"), "{:?}", end.outcome);
    for status in ["Executing", "Succeeded", "Stopped", "Stopping", "Dreaming", "Failed"] {
        let told = scene.follow(&execution(&run, "p4jn9xou8a8s", status), 2 * HOUR);
        assert_eq!(told, Followed::Run(end.clone()), "{status} after the end");
    }
}

#[test]
fn an_execution_that_succeeds_without_a_registered_model_came_to_nothing() {
    let scene = Scene::new();
    let run = scene.begin("a", 0);
    let Followed::Run(end) = scene.follow(&execution(&run, "x", "Succeeded"), HOUR) else {
        panic!("nobody's")
    };
    assert_eq!(end.stage(), Stage::Failed);
    let other = PlatformEvent::of("SageMaker Endpoint State Change", &json!({})).unwrap();
    assert!(other.is_none());
    assert!(PlatformEvent::of("SageMaker Training Job State Change", &json!({})).is_err());
}
