//! Everything the story happens in: the local AWS, SageMaker, the fabric, and who calls commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use linkcast_tests::{Deployed, Linkcast, REGION, SageMaker, field, project_folder, until, until_asked_each};
use serde_json::{Value, json};

use crate::traffic::Traffic;

const FABRIC: &str = "fabric";
const IMAGE: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com/linkcast:1";
const ROLE: &str = "arn:aws:iam::000000000000:role/serve";
/// A look at the whole table keeps the emulator busy for seconds.
const BETWEEN_SCANS: Duration = Duration::from_secs(8);
/// Minutes of telemetry between two looks.
const SWEEPS: usize = 4;

/// Training of one round: the first model knows next to nothing.
const HASTY: &str =
    "{classifier: {rounds: 1, depth: 1, eta: 0.05}, regressor: {rounds: 1, depth: 1, eta: 0.05}}";
/// Training of few rounds, so that the story is told soon.
const FAIR: &str =
    "{classifier: {rounds: 12, depth: 4, eta: 0.4}, regressor: {rounds: 6, depth: 3, eta: 0.3}}";

/// The world.
pub(crate) struct World {
    folder: PathBuf,
    pub(crate) deployed: Deployed,
    pub(crate) sagemaker: SageMaker,
    pub(crate) traffic: Traffic,
}

impl World {
    /// Linkcast is deployed, and SageMaker has no endpoint.
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        let sagemaker = SageMaker::start(folder)?;
        let url = sagemaker.url();
        let environment = [
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url.as_str()),
            ("AWS_ENDPOINT_URL_SAGEMAKER", url.as_str()),
        ];
        let parameters = ["RetrainLeastLabels=0".to_owned()];
        let deployed = Deployed::start_with(folder, &parameters, &environment)?;
        deployed.subscribe("AlertTopicArn", "people")?;
        let traffic = Traffic::simulate(folder)?;
        for (name, parameters) in [("hasty.yaml", HASTY), ("fair.yaml", FAIR)] {
            let text = format!(
                "training:\n  type: boosted_trees\n  platform: local\n  deployment_target: embedded\n  parameters: {parameters}\n"
            );
            std::fs::write(folder.join(name), text).context("cannot write the training's settings")?;
        }
        std::fs::write(folder.join("plan.json"), agreed().to_string()).context("cannot write the plan")?;
        Ok(World { folder: folder.to_owned(), deployed, sagemaker, traffic })
    }

    /// Calls a command that must succeed, and gives the lines of JSON it printed.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let url = self.sagemaker.url();
        let models = format!("s3:{}", self.deployed.output("ModelBucketName")?);
        let environment = [
            ("AWS_ENDPOINT_URL", self.deployed.emulator.url()),
            ("AWS_ENDPOINT_URL_SAGEMAKER", &url),
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", &url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("LINKCAST_FABRIC", FABRIC),
            ("LINKCAST_MODELS", &models),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let call = Linkcast::call_with(&[&["--json"], arguments].concat(), &environment)?;
        ensure!(call.code() == Some(0), "{arguments:?}: {}{}", call.said(), self.deployed.emulator.log());
        call.json_lines()
    }

    /// The same for one that prints one object and takes the table as its store.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        self.stored(arguments)?.pop().with_context(|| format!("{arguments:?} printed nothing"))
    }

    fn stored(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let store = format!("dynamodb:{}", self.deployed.output("TableName")?);
        self.lines(&[arguments, &["--store", &store]].concat())
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// `linkcast bootstrap` of a small labelled fabric.
    pub(crate) fn bootstrap(&self) -> Result<Value> {
        let (data, work, task) = (self.path("labelled"), self.path("work"), self.path("hasty.yaml"));
        if !Path::new(&data).is_dir() {
            self.labelled(&data, &["--ports", "120", "--hours", "4", "--seed", "5"])?;
        }
        let store = format!("dynamodb:{}", self.deployed.output("TableName")?);
        let named = ["bootstrap", &data, "--work", &work, "--task", &task, "--keep-all", "--store", &store];
        let served = ["--image-uri", IMAGE, "--role", ROLE, "--", "--serverless", "--memory", "2048"];
        self.lines(&[&named[..], &served].concat())?.pop().context("bootstrap printed nothing")
    }

    /// A fabric full of faults with the truth about them.
    fn labelled(&self, out: &str, options: &[&str]) -> Result<()> {
        let same = ["simulate", "--interval-seconds", "180", "--fault-rate", "0.3", "--out", out];
        self.lines(&[&same[..], options].concat()).map(drop)
    }

    /// Sends the past and waits until all of it is answered; then the model has been live for as long.
    pub(crate) fn two_weeks_and_three_days_pass(&self) -> Result<()> {
        let embedded = self.traffic.past_embedded()?;
        self.deployed.tell_links(&self.traffic.links()?)?;
        self.send(&self.traffic.past()?)?;
        self.wait_for_insights(embedded.insights.len())?;
        let begins = self.traffic.begins.to_string();
        self.deployed.rewrite_task_item((FABRIC, "aliases"), |aliases| {
            *aliases.pointer_mut("/live/at").context("nobody is live")? = Value::String(begins);
            Ok(())
        })
    }

    fn send(&self, requests: &[Vec<u8>]) -> Result<()> {
        let token = self.deployed.token()?;
        requests.iter().try_for_each(|request| self.deployed.send_until_taken(request, &token))
    }

    /// Every insight, once there are so many.
    pub(crate) fn wait_for_insights(&self, least: usize) -> Result<BTreeMap<String, Value>> {
        until_asked_each(BETWEEN_SCANS, "every insight", Duration::from_secs(240), || {
            let found = self.deployed.insights()?;
            Ok((found.len() >= least).then_some(found))
        })
        .with_context(|| self.deployed.emulator.log())
    }

    /// How many of the newest insights each variant answered.
    pub(crate) fn who_answered(&self, newest: usize) -> Result<BTreeMap<String, usize>> {
        let mut answered = BTreeMap::new();
        for insight in self.newest_insights(newest)? {
            let variant = field(&insight, "variant").as_str().unwrap_or_default().to_owned();
            *answered.entry(variant).or_default() += 1;
        }
        Ok(answered)
    }

    /// The newest insights.
    pub(crate) fn newest_insights(&self, count: usize) -> Result<Vec<Value>> {
        self.stored(&["insights", "--limit", &count.to_string()])
    }

    /// What the hourly schedule says.
    pub(crate) fn look(&self) -> Result<Value> {
        self.deployed.invoke("Monitor", &json!({"look": "link-health"}))
    }

    /// The monitor's newest report, and which hours were counted.
    pub(crate) fn what_was_found(&self) -> Result<String> {
        let (reports, hours) = (self.deployed.items("monitor#")?, self.deployed.items("sketch#")?);
        let report = reports.last().and_then(|item| item.pointer("/j/S")?.as_str()).unwrap_or_default();
        Ok(format!("{} counts of hours; {report}", hours.len()))
    }

    /// The training run that the function recorded.
    pub(crate) fn the_run_that_was_asked_for(&self) -> Result<Value> {
        until("a training run", Duration::from_secs(60), || {
            let runs = self.stored(&["retrain", "list"])?;
            Ok(runs.into_iter().find(|run| run.get("run").is_some()))
        })
        .with_context(|| self.deployed.emulator.log())
    }

    /// The local trainer, on a labelled history of the fabric as it works now.
    pub(crate) fn train(&self) -> Result<Value> {
        let [fabric, database, history] = ["shifted", "shifted.db", "history"].map(|name| self.path(name));
        let day = ["2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"];
        self.labelled(
            &fabric,
            &["--ports", "200", "--hours", "6", "--seed", "11", "--load-shift", "10m:2.0"],
        )?;
        self.lines(&["replay", &fabric, "--db", &database])?;
        let range = ["--since", day[0], "--until", day[1], "--out", &history];
        self.lines(&[&["dataset", "export", "--db", &database], &range[..]].concat())?;
        let (task, work) = (self.path("fair.yaml"), self.path("retraining"));
        let told = ["--data", &history, "--truth", &fabric, "--task", &task, "--work", &work, "--keep-all"];
        self.json(&[&["retrain", "run", "--left-alone", "1ms"], &told[..]].concat())
    }

    /// `linkcast deploy`, by the plan the story goes by.
    pub(crate) fn deploy(&self, model: &str) -> Result<Value> {
        let (plan, store) =
            (self.path("plan.json"), format!("dynamodb:{}", self.deployed.output("TableName")?));
        let named =
            ["deploy", model, "--plan", &plan, "--store", &store, "--image-uri", IMAGE, "--role", ROLE];
        let told = ["--", "--serverless", "--memory", "2048"];
        self.lines(&[&named[..], &told].concat())?.pop().context("deploy printed nothing")
    }

    /// Registers and approves the shipped model, and gives its version.
    pub(crate) fn register_another(&self) -> Result<String> {
        let shipped = project_folder().join("models/link-health").to_string_lossy().into_owned();
        let added = self.json(&["models", "add", &shipped])?;
        let version = field(&added, "version").as_str().context("no version")?.to_owned();
        self.stored(&["models", "approve", &version])?;
        Ok(version)
    }

    /// Traffic and the monitor's hours, until the rollout is over; gives what was done of it.
    pub(crate) fn let_the_rollout_end(&mut self) -> Result<Vec<String>> {
        self.traffic_until("the rollout's end", |world| {
            world.look()?;
            let phase = world.rollout()?.pointer("/standing/phase").cloned().unwrap_or_default();
            Ok(["finished", "aborted"]
                .contains(&phase.get("phase").unwrap_or(&phase).as_str().unwrap_or_default()))
        })?;
        let done = self.history()?;
        let last_start = done.iter().rposition(|one| field(one, "what") == "started").unwrap_or(0);
        let told = |one: &Value| {
            format!(
                "{} {}",
                field(one, "what").as_str().unwrap_or_default(),
                field(one, "step").to_string().trim_matches('"')
            )
        };
        Ok(done.get(last_start..).unwrap_or_default().iter().map(told).collect())
    }

    /// Sends some minutes' telemetry and asks, again and again.
    pub(crate) fn traffic_until(&mut self, what: &str, is_so: impl Fn(&World) -> Result<bool>) -> Result<()> {
        for _ in 0..120 {
            let next = self.traffic.next(SWEEPS)?;
            self.send(&next)?;
            std::thread::park_timeout(Duration::from_secs(1));
            if is_so(self)? {
                return Ok(());
            }
        }
        anyhow::bail!("{what} did not come: {:#}\n{}", self.rollout()?, self.deployed.emulator.log())
    }

    /// Everything that rollouts did.
    pub(crate) fn history(&self) -> Result<Vec<Value>> {
        self.stored(&["rollout", "history"])
    }

    /// The rollout, as it is kept.
    pub(crate) fn rollout(&self) -> Result<Value> {
        let text = self.deployed.task_item(FABRIC, "rollout")?.context("there is no rollout")?;
        serde_json::from_str(&text).context("a rollout that is no JSON")
    }

    /// The routing policy, byte for byte.
    pub(crate) fn policy(&self) -> Result<String> {
        self.deployed.task_item(FABRIC, "routing")?.context("there is no policy")
    }

    /// The variant with all streams.
    pub(crate) fn live_variant(&self) -> Result<String> {
        let policy: Value = serde_json::from_str(&self.policy()?)?;
        let variants = field(&policy, "variants").as_array().cloned().unwrap_or_default();
        let live = variants.iter().max_by(|one, other| weight(one).total_cmp(&weight(other)));
        Ok(live.and_then(|live| field(live, "name").as_str()).context("no variant")?.to_owned())
    }

    /// What is written down of a variant's breaker.
    pub(crate) fn breaker(&self, variant: &str) -> Result<String> {
        Ok(self.deployed.task_item(FABRIC, &format!("breaker#{variant}"))?.unwrap_or_default())
    }

    /// What came to the people's queue, once the functions have told what there is.
    pub(crate) fn heard(&self) -> Result<Vec<Value>> {
        self.deployed.invoke("Alert", &json!({"tick": true}))?;
        self.deployed.emulator.drain_queue("people")
    }
}

fn weight(variant: &Value) -> f64 {
    field(variant, "weight").as_f64().unwrap_or_default()
}

/// What is agreed of both rollouts: steps in minutes and evidence of a handful, for one who reads along.
fn agreed() -> Value {
    json!({
        "steps": ["shadow", 10, 25, 50, 100], "least_questions": 8, "shortest_hours": 0, "longest_hours": 336,
        "guardrails": {
            "failures": {"margin": 0.4, "tolerated": 0.005},
            "disagreements": {"margin": 0.5, "tolerated": 0.02},
        },
        "shadow_margin": 0.9,
    })
}
