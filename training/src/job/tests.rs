//! A job's life as told by what it is told, with restarts in between.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::ports::{JobError, JobStatus};
use linkcast_domain::{Retry, Timestamp};

use super::{JobState, LONGEST_PAUSE, Order, Progressing, Step, managed_image, order};
use crate::task::{Platform, SageMakerSettings, Task};
use crate::{Aim, TrainingConfig, hyperparameters};

fn settings() -> SageMakerSettings {
    let text = "training: {type: boosted_trees, platform: sagemaker, deployment_target: embedded, parameters: {sagemaker: \
                {role: 'arn:aws:iam::1:role/r', bucket: rows, max_minutes: 10}}}";
    match Task::from_yaml(text).unwrap().platform {
        Platform::SageMaker(settings) => settings,
        Platform::Local => panic!("sagemaker"),
    }
}

fn progressing() -> Progressing {
    let told = hyperparameters(Aim::Classifier, &TrainingConfig::default());
    let settings = settings();
    Progressing::new(order(&Order {
        aim: Aim::Classifier,
        settings: &settings,
        hyperparameters: &told,
        rows_digest: "00112233445566778899",
        image: "image",
        attempt: 1,
    }))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn throttled() -> JobError {
    JobError::Throttled { attempt: "look".to_owned() }
}

/// What a restart makes of it.
fn restarted(progressing: &Progressing) -> Progressing {
    serde_json::from_str(&serde_json::to_string(progressing).unwrap()).unwrap()
}

fn running() -> Progressing {
    let mut job = progressing();
    job.uploaded(Ok(()));
    job.started(Ok(()), at(0));
    job
}

#[test]
fn a_job_goes_from_rows_to_model_and_a_restart_anywhere_changes_nothing() {
    let mut job = progressing();
    assert_eq!(restarted(&job).next(at(0)).0, Step::Upload);
    job.uploaded(Ok(()));
    assert_eq!(restarted(&job).next(at(1)).0, Step::Start);
    job.started(Ok(()), at(2));
    assert_eq!(restarted(&job).next(at(3)).0, Step::Look);
    job.seen(Ok(Some(JobStatus::Running { stage: "Training".to_owned() })));
    assert_eq!(restarted(&job), job);
    for _ in 0..9 {
        job.seen(Ok(Some(JobStatus::Running { stage: "Training".to_owned() })));
    }
    assert_eq!(job.next(at(3)).1, Duration::from_secs(30), "looks grow rarer, up to a limit");
    job.seen(Ok(Some(JobStatus::Completed { model: "s3://rows/model.tar.gz".to_owned() })));
    assert_eq!(restarted(&job).next(at(4)).0, Step::Fetch("s3://rows/model.tar.gz".to_owned()));
}

#[test]
fn a_job_that_was_started_before_a_restart_is_found_and_not_started_twice() {
    let mut job = progressing();
    job.uploaded(Ok(()));
    job.started(Err(JobError::Exists { name: job.job.name.clone() }), at(0));
    assert_eq!(job.next(at(1)).0, Step::Look);
}

#[test]
fn throttling_is_waited_out_with_doubling_pauses_and_forgotten_once_heard() {
    let mut job = running();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        job.seen(Err(throttled()));
        let (step, pause) = restarted(&job).next(at(1));
        assert_eq!(step, Step::Look);
        pauses.push(pause.as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 120, LONGEST_PAUSE.as_secs()]);
    job.seen(Ok(Some(JobStatus::Running { stage: String::new() })));
    assert_eq!(job.next(at(1)), (Step::Look, Duration::from_secs(4)));
}

#[test]
fn a_platform_that_never_hears_is_given_up() {
    let mut job = running();
    for _ in 0..12 {
        job.seen(Err(throttled()));
    }
    assert!(matches!(job.state, JobState::Failed { .. }));
}

#[test]
fn what_another_try_cannot_help_ends_the_job_with_its_reason() {
    let mut job = progressing();
    job.uploaded(Ok(()));
    let source = "no role of that name".into();
    job.started(Err(JobError::Failed { attempt: "start".to_owned(), retry: Retry::Never, source }), at(0));
    assert_eq!(job.next(at(0)).0, Step::GiveUp("could not start: no role of that name".to_owned()));
}

#[test]
fn failure_and_stop_are_told_with_their_reasons() {
    let mut job = running();
    job.seen(Ok(Some(JobStatus::Failed { reason: "AlgorithmError: label out of range".to_owned() })));
    assert_eq!(job.next(at(9)).0, Step::GiveUp("AlgorithmError: label out of range".to_owned()));
    let mut job = running();
    job.seen(Ok(Some(JobStatus::Stopped)));
    assert_eq!(job.next(at(9)).0, Step::GiveUp("it was stopped from outside".to_owned()));
    let mut job = running();
    job.seen(Ok(None));
    assert!(matches!(job.state, JobState::Failed { .. }));
}

#[test]
fn a_job_past_its_deadline_is_stopped_and_says_so() {
    let mut job = running();
    let deadline = 10 * 60 + 3_600;
    assert_eq!(job.next(at(deadline)).0, Step::Look);
    assert_eq!(job.next(at(deadline + 1)).0, Step::Stop);
    job.stopped(Ok(()));
    assert_eq!(job.next(at(deadline + 2)).0, Step::Look);
    job.seen(Ok(Some(JobStatus::Stopped)));
    assert_eq!(job.next(at(deadline + 3)).0, Step::GiveUp("it was not done by its deadline".to_owned()));
}

#[test]
fn a_name_stands_for_all_that_decides_the_result() {
    let told = BTreeMap::from([("eta".to_owned(), "0.1".to_owned())]);
    let settings = settings();
    let base = Order {
        aim: Aim::Regressor,
        settings: &settings,
        hyperparameters: &told,
        rows_digest: "aa",
        image: "image",
        attempt: 1,
    };
    let name = order(&base).name;
    assert_eq!(name, order(&base).name);
    assert!(name.len() <= 63 && name.starts_with("linkcast-regressor-"), "{name}");
    let other = BTreeMap::from([("eta".to_owned(), "0.2".to_owned())]);
    for changed in [
        Order { rows_digest: "bb", ..base },
        Order { attempt: 2, ..base },
        Order { image: "other", ..base },
        Order { hyperparameters: &other, ..base },
        Order { aim: Aim::Classifier, ..base },
    ] {
        assert_ne!(name, order(&changed).name, "{changed:?}");
    }
}

#[test]
fn the_image_is_the_regions_own() {
    let image = managed_image("eu-central-1").unwrap();
    assert_eq!(image, "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:3.0-5");
    assert!(managed_image("moon-1").unwrap_err().to_string().contains("training.parameters.sagemaker.image"));
}
