//! Driving training jobs elsewhere: doing what comes next, writing down how far it came, waiting in between.
//!
//! What is written down is small and whole: a job called again after a kill goes on where it was. A job that failed or was
//! stopped is started anew by the next call, under the next attempt's name.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use linkcast_domain::ports::{JobError, TrainingJob, TrainingJobs};
use linkcast_domain::{Clock, SystemClock};
use linkcast_training::job::{JobState, Order, Progressing, Step, order};
use linkcast_training::{Channel, Lessons, Share};
use serde::{Deserialize, Serialize};

use super::model_file::LARGEST_MODEL_BYTES;
use super::{make_folder, write};
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;

/// A job under way, as it is written down.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    attempt: u32,
    progressing: Progressing,
}

/// Jobs on one platform, fed with one set of rows.
pub(crate) struct Jobs<'a, P> {
    /// Where they run.
    pub(crate) platform: &'a P,
    /// What they learn from.
    pub(crate) lessons: &'a Lessons,
    /// Where their state is written down, and rows on their way.
    pub(crate) folder: &'a Path,
    /// Who is told.
    pub(crate) notes: Notes,
    /// How time is waited for.
    pub(crate) pause: fn(Duration),
}

/// A job this call has in hand.
struct Open<'a> {
    wanted: Order<'a>,
    path: PathBuf,
    noted: Noted,
    /// When its next step is due, of all the time that is waited for.
    due: Duration,
    model: Option<PathBuf>,
}

/// What a step counts at least, so that jobs that need no waiting take turns too.
const LEAST_STEP: Duration = Duration::from_millis(1);

/// The job that is due first, of those without a model.
fn soonest<'a, 'w>(open: &'a mut [Open<'w>]) -> Option<&'a mut Open<'w>> {
    open.iter_mut().filter(|job| job.model.is_none()).min_by_key(|job| job.due)
}

impl<P: TrainingJobs> Jobs<'_, P> {
    /// Runs the jobs that fill `wanted` side by side, or goes on with them, until their models are here; gives the files these
    /// lie in. Where one comes to nothing the others run on, and the next call finds them.
    pub(crate) fn run(&self, wanted: &[Order<'_>]) -> Result<Vec<PathBuf>, Failure> {
        make_folder(self.folder)?;
        let mut open = wanted.iter().map(|wanted| self.open(*wanted)).collect::<Result<Vec<_>, _>>()?;
        let mut waited = Duration::ZERO;
        while let Some(job) = soonest(&mut open) {
            (self.pause)(job.due.saturating_sub(waited));
            waited = waited.max(job.due);
            self.advance(job)?;
            let (_, pause) = job.noted.progressing.next(SystemClock.now());
            job.due = waited + pause.max(LEAST_STEP);
        }
        Ok(open.into_iter().filter_map(|job| job.model).collect())
    }

    fn open<'w>(&self, wanted: Order<'w>) -> Result<Open<'w>, Failure> {
        let path = self.folder.join(format!("{}.job.json", wanted.aim.name()));
        let noted = resumed(&path, wanted)?;
        note(&path, &noted)?;
        self.tell(&noted.progressing);
        let due = Duration::ZERO;
        Ok(Open { wanted, path, noted, due, model: None })
    }

    /// One step of one job.
    fn advance(&self, open: &mut Open<'_>) -> Result<(), Failure> {
        let (step, _) = open.noted.progressing.next(SystemClock.now());
        let progressing = &mut open.noted.progressing;
        let before = progressing.state.clone();
        match step {
            Step::Upload => {
                let put = self.upload(open.wanted, &progressing.job)?;
                progressing.uploaded(put);
            }
            Step::Start => {
                let started = ready(self.platform.start(&progressing.job));
                progressing.started(started, SystemClock.now());
            }
            Step::Look => progressing.seen(ready(self.platform.status(&progressing.job.name))),
            Step::Stop => progressing.stopped(ready(self.platform.stop(&progressing.job.name))),
            Step::Fetch(address) => open.model = Some(self.fetch(open.wanted, &address)?),
            Step::GiveUp(reason) => {
                let text = format!("the training job {} came to nothing: {reason}", progressing.job.name);
                return Err(Failure::new(ExitKind::Machine, text).with_next_step(
                    "put right what it names and call again: the next attempt has a new name",
                ));
            }
        }
        note(&open.path, &open.noted)?;
        if open.noted.progressing.state != before {
            self.tell(&open.noted.progressing);
        }
        Ok(())
    }

    fn tell(&self, progressing: &Progressing) {
        self.notes.inform(format!("{}: {}", progressing.job.name, told(&progressing.state)));
    }

    /// Puts each channel's rows, a file a machine. The inner result is the platform's, to be told to the job.
    fn upload(&self, wanted: Order<'_>, job: &TrainingJob) -> Result<Result<(), JobError>, Failure> {
        let machines = job.instance_count.max(1) as usize;
        for (channel, told) in Channel::ALL.into_iter().zip(&job.channels) {
            for place in 0..machines {
                let name = format!("rows-{place:05}.csv");
                let path = self.folder.join(format!("{}-{}-{name}", wanted.aim.name(), channel.name()));
                self.write_rows(wanted, channel, Share { place, of: machines }, &path).map_err(|error| {
                    Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display()))
                })?;
                let put = ready(self.platform.put(&format!("{}{name}", told.address), &path));
                // Left behind it would only take room; that it could not be removed does no harm.
                let _ = fs::remove_file(&path);
                if put.is_err() {
                    return Ok(put);
                }
            }
        }
        Ok(Ok(()))
    }

    fn write_rows(
        &self,
        wanted: Order<'_>,
        channel: Channel,
        share: Share,
        path: &Path,
    ) -> std::io::Result<()> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        self.lessons.write_share(wanted.aim, channel, share, &mut file)?;
        file.flush()
    }

    fn fetch(&self, wanted: Order<'_>, address: &str) -> Result<PathBuf, Failure> {
        let limit = usize::try_from(LARGEST_MODEL_BYTES).unwrap_or(usize::MAX);
        let bytes = ready(self.platform.get(address, limit)).map_err(|error| {
            Failure::new(ExitKind::Machine, error).with_next_step(
                "the job is done and is not run again: see that its model is there, and call again",
            )
        })?;
        let path = self.folder.join(format!("{}.model.tar.gz", wanted.aim.name()));
        write(&path, &bytes)?;
        Ok(path)
    }
}

/// The job that was noted, if it is the one wanted and not at its end; a new one otherwise.
fn resumed(path: &Path, wanted: Order<'_>) -> Result<Noted, Failure> {
    let noted: Option<Noted> = match fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
            let text = format!("{} is no state of a training job: {error}", path.display());
            Failure::new(ExitKind::UnusableInput, text).with_next_step("move it away to begin anew")
        })?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::new(ExitKind::Machine, format!("reading {}: {error}", path.display())));
        }
    };
    let attempt = match noted {
        Some(noted) if order(&Order { attempt: noted.attempt, ..wanted }) == noted.progressing.job => {
            match noted.progressing.state {
                JobState::Failed { .. } | JobState::Stopped { .. } => noted.attempt.saturating_add(1),
                _ => return Ok(noted),
            }
        }
        _ => wanted.attempt,
    };
    Ok(Noted { attempt, progressing: Progressing::new(order(&Order { attempt, ..wanted })) })
}

/// Written under another name first, so that a kill leaves the old state or the new one.
fn note(path: &Path, noted: &Noted) -> Result<(), Failure> {
    let bytes = serde_json::to_vec_pretty(noted).map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let staged = path.with_extension("part");
    write(&staged, &bytes)?;
    fs::rename(&staged, path)
        .map_err(|error| Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display())))
}

fn told(state: &JobState) -> String {
    match state {
        JobState::NotStarted => "not started".to_owned(),
        JobState::Uploaded => "its rows are uploaded".to_owned(),
        JobState::Running { .. } => "running".to_owned(),
        JobState::Completed { model } => format!("completed, its model is {model}"),
        JobState::Failed { reason } => format!("failed: {reason}"),
        JobState::Stopped { reason } => format!("stopped: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::Duration as Length;

    use linkcast_domain::Retry;
    use linkcast_domain::ports::JobStatus;
    use linkcast_training::task::SageMakerSettings;
    use linkcast_training::{Aim, LabelledRow, TrainingConfig, TrainingSet, hyperparameters};

    use super::*;
    use crate::configuration::Verbosity;

    /// A platform that answers as it was told to, last told first heard; without orders all goes well.
    #[derive(Default)]
    struct Told {
        looks: Mutex<Vec<Result<Option<JobStatus>, JobError>>>,
        calls: Mutex<Vec<String>>,
    }

    impl Told {
        fn called(&self, what: &str) {
            self.calls.lock().unwrap().push(what.to_owned());
        }
    }

    impl TrainingJobs for Told {
        async fn start(&self, job: &TrainingJob) -> Result<(), JobError> {
            self.called(&format!("start {}", job.name));
            Ok(())
        }

        async fn status(&self, _: &str) -> Result<Option<JobStatus>, JobError> {
            self.called("look");
            let told = self.looks.lock().unwrap().pop();
            told.unwrap_or_else(|| Ok(Some(JobStatus::Completed { model: "s3://b/model".to_owned() })))
        }

        async fn stop(&self, _: &str) -> Result<(), JobError> {
            self.called("stop");
            Ok(())
        }

        async fn put(&self, address: &str, file: &Path) -> Result<(), JobError> {
            assert!(fs::metadata(file).unwrap().len() > 0);
            self.called(&format!("put {address}"));
            Ok(())
        }

        async fn get(&self, address: &str, _: usize) -> Result<Vec<u8>, JobError> {
            self.called(&format!("get {address}"));
            Ok(b"model".to_vec())
        }
    }

    fn settings() -> SageMakerSettings {
        SageMakerSettings {
            role: "arn:aws:iam::1:role/r".to_owned(),
            bucket: "b".to_owned(),
            prefix: "p".to_owned(),
            instance_type: "ml.m5.large".to_owned(),
            instance_count: 2,
            volume_gb: 20,
            longest_run: Length::from_secs(600),
            image: None,
            tags: BTreeMap::new(),
        }
    }

    /// Enough streams that every part has rows of both classes.
    fn lessons() -> Lessons {
        use linkcast_domain::{FeatureVector, PredictionType, Timestamp};
        let mut set = TrainingSet::default();
        for stream in 0..60 {
            for minute in 0..60 {
                let is_faulty = minute % 2 == 1;
                let row = LabelledRow {
                    stream: format!("p{stream}/1").parse().unwrap(),
                    time: Timestamp::from_millis(minute * 60_000),
                    features: FeatureVector::default(),
                    class: if is_faulty { PredictionType::LatencySpike } else { PredictionType::Normal },
                    risk: 0.0,
                    weight: 1.0,
                };
                set.push(&row).unwrap();
            }
        }
        Lessons::of(&set, &TrainingConfig::default()).unwrap()
    }

    fn run(platform: &Told, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let (lessons, settings) = (lessons(), settings());
        let told = hyperparameters(Aim::Classifier, &TrainingConfig::default());
        let order = |aim| Order {
            aim,
            settings: &settings,
            hyperparameters: &told,
            rows_digest: lessons.digest(),
            image: "image",
            attempt: 1,
        };
        let notes = Notes::new(Verbosity::Quiet);
        let jobs = Jobs { platform, lessons: &lessons, folder, notes, pause: |_| {} };
        jobs.run(&[order(Aim::Classifier), order(Aim::Regressor)])
    }

    fn starts(platform: &Told) -> Vec<String> {
        let calls = platform.calls.lock().unwrap();
        calls.iter().filter(|call| call.starts_with("start")).cloned().collect()
    }

    #[test]
    fn both_jobs_run_to_their_models_with_a_file_for_each_machine() {
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        let models = run(&platform, folder.path()).unwrap();
        assert_eq!(models.len(), 2);
        let calls = platform.calls.lock().unwrap().clone();
        assert_eq!(calls.iter().filter(|call| call.starts_with("put")).count(), 2 * 2 * 2);
        assert!(calls.iter().any(|call| call.ends_with("/regressor/validation/rows-00001.csv")), "{calls:?}");
    }

    #[test]
    fn a_second_call_goes_on_and_starts_nothing_twice() {
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        run(&platform, folder.path()).unwrap();
        let first = starts(&platform);
        run(&platform, folder.path()).unwrap();
        assert_eq!(starts(&platform), first);
    }

    #[test]
    fn a_job_that_failed_is_told_and_tried_again_under_the_next_name() {
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        let reason = "AlgorithmError: no rows".to_owned();
        platform.looks.lock().unwrap().push(Ok(Some(JobStatus::Failed { reason })));
        let Err(Failure::Told { error, .. }) = run(&platform, folder.path()) else { panic!("a failure") };
        assert!(error.to_string().contains("came to nothing: AlgorithmError: no rows"), "{error}");
        run(&platform, folder.path()).unwrap();
        let names = starts(&platform);
        assert!(names.iter().any(|name| name.ends_with("-2")), "{names:?}");
    }

    #[test]
    fn throttling_is_waited_out() {
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        for _ in 0..5 {
            platform.looks.lock().unwrap().push(Err(JobError::Throttled { attempt: "look".to_owned() }));
        }
        assert_eq!(run(&platform, folder.path()).unwrap().len(), 2);
        let refused =
            JobError::Failed { attempt: "look".to_owned(), retry: Retry::Never, source: "no".into() };
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        platform.looks.lock().unwrap().push(Err(refused));
        assert!(run(&platform, folder.path()).is_err());
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let (folder, platform) = (tempfile::tempdir().unwrap(), Told::default());
        fs::write(folder.path().join("classifier.job.json"), "{").unwrap();
        assert!(run(&platform, folder.path()).is_err());
        assert!(starts(&platform).is_empty());
    }
}
