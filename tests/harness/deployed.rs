//! The real template with the real functions, deployed on an emulator of the test's own with SAM's own command line.
//!
//! The functions are those that `cargo build --release` has just made: on this machine they are what cargo-lambda makes
//! for Lambda, less a second build of every dependency.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::emulator::{ACCOUNT, Emulator, REGION, project_folder};
use crate::{binary, field, until};

const STACK: &str = "linkcast";
const BUCKET: &str = "functions";

/// The functions, as the template names them.
const FUNCTIONS: [&str; 6] = ["Collect", "Prepare", "Insight", "Alert", "Retrain", "Monitor"];

/// Queues that are empty while all goes well, as the outputs name them.
pub const DEAD_LETTERS: [&str; 4] =
    ["PrepareDeadLetters", "InsightDeadLetters", "CallDeadLetters", "UndeliveredEvents"];

/// What a table answers that may answer otherwise next time.
const TROUBLE: [&str; 3] = ["ProvisionedThroughputExceeded", "InternalServerError", "was not answered"];

/// Linkcast on an emulator.
#[derive(Debug)]
pub struct Deployed {
    /// What it is deployed on.
    pub emulator: Emulator,
    outputs: BTreeMap<String, String>,
}

/// What a function URL answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub text: String,
    /// When to come again, if that was said.
    pub retry_after: Option<String>,
}

impl Deployed {
    /// Starts an emulator with its files in `folder` and deploys on it, with these parameters of the template.
    pub fn start(folder: &Path, parameters: &[String]) -> Result<Self> {
        Deployed::start_with(folder, parameters, &[])
    }

    /// The same with more environment for the functions, such as where a service of AWS's is found that the emulator lacks.
    pub fn start_with(folder: &Path, parameters: &[String], environment: &[(&str, &str)]) -> Result<Self> {
        let emulator = Emulator::start_with(folder, environment)?;
        let project = folder.join("project");
        lay_out(&project)?;
        emulator.put("s3", &format!("/{BUCKET}"), "")?;
        sam_deploy(&emulator, &project, parameters).with_context(|| emulator.log())?;
        let outputs = read_outputs(&emulator)?;
        let deployed = Deployed { emulator, outputs };
        // Told by the template on AWS; the emulator leaves it out.
        let path = format!("/2017-10-31/functions/{}/concurrency", deployed.output("AlertFunction")?);
        deployed.emulator.put("lambda", &path, "{\"ReservedConcurrentExecutions\": 1}")?;
        Ok(deployed)
    }

    /// One of the stack's outputs.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| format!("the stack has no output {name}"))
    }

    /// Where remote write goes to on this machine.
    pub fn remote_write_url(&self) -> Result<String> {
        let url = self.output("RemoteWriteUrl")?;
        let id = url.trim_start_matches("https://").split('.').next().unwrap_or_default();
        Ok(format!("{}/_aws/lambda-url/{id}/", self.emulator.url()))
    }

    /// The bearer token that the stack made.
    pub fn token(&self) -> Result<String> {
        let secret = json!({"SecretId": self.output("RemoteWriteTokenSecret")?});
        let answer = self.emulator.json("secretsmanager.GetSecretValue", &secret)?;
        Ok(field(&answer, "SecretString").as_str().context("the secret is no text")?.to_owned())
    }

    /// Sends a body to the function URL, with this token if any.
    pub fn send(&self, body: &[u8], token: Option<&str>) -> Result<Answer> {
        let mut request = ureq::post(self.remote_write_url()?)
            .config()
            .http_status_as_error(false)
            .build()
            .header("Content-Type", "application/x-protobuf")
            .header("Content-Encoding", "snappy")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0");
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.send(body).context("the function URL did not answer")?;
        let header = answer.headers().get("Retry-After");
        let retry_after = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = answer.body_mut().read_to_string().context("the answer broke off")?;
        Ok(Answer { status: answer.status().as_u16(), text, retry_after })
    }

    /// Sends as Prometheus does: again and again while the answer is that it may work later.
    pub fn send_until_taken(&self, body: &[u8], token: &str) -> Result<()> {
        until("an answer of 2xx to remote write", Duration::from_secs(120), || {
            let answer = self.send(body, Some(token))?;
            match answer.status {
                200..=299 => Ok(Some(())),
                429 | 500..=599 => Ok(None),
                _ => bail!("remote write was refused: {answer:?}"),
            }
        })
    }

    /// Puts what is known of links into the bucket for sweeps, a port on each line, and waits until the table has it.
    pub fn tell_links(&self, links: &str) -> Result<()> {
        self.emulator.put("s3", &format!("/{}/links.out", self.output("SweepBucketName")?), links)?;
        let ports = links.lines().count();
        until("what is known of the links", Duration::from_secs(60), || {
            Ok((self.items("facts")?.len() >= ports).then_some(()))
        })
        .with_context(|| self.emulator.log())
    }

    /// Calls a function and waits for its answer.
    pub fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let name = self.output(&format!("{function}Function"))?;
        self.emulator.post("lambda", &format!("/2015-03-31/functions/{name}/invocations"), event)
    }

    /// Every item of the table whose sort key begins so.
    pub fn items(&self, prefix: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut ask = json!({
                "TableName": self.output("TableName")?,
                "FilterExpression": "begins_with(sk, :prefix)",
                "ExpressionAttributeValues": {":prefix": {"S": prefix}},
            });
            if let (false, Some(fields)) = (start.is_null(), ask.as_object_mut()) {
                fields.insert("ExclusiveStartKey".to_owned(), start);
            }
            let answer = self.ask_table("Scan", &ask)?;
            items.extend(field(&answer, "Items").as_array().cloned().unwrap_or_default());
            start = field(&answer, "LastEvaluatedKey").clone();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// How many samples the table holds; items without values are signs of life.
    pub fn samples(&self) -> Result<usize> {
        Ok(self.items("sample#")?.iter().filter(|item| item.get("b").is_some()).count())
    }

    /// Every insight in the table, by id.
    pub fn insights(&self) -> Result<BTreeMap<String, Value>> {
        let mut found = BTreeMap::new();
        for item in self.items("insight#")? {
            let text = item.pointer("/j/S").and_then(Value::as_str).context("an insight without its text")?;
            let insight: Value = serde_json::from_str(text).context("an insight that is no JSON")?;
            let id = field(&insight, "entity_id").as_str().context("an insight without an id")?.to_owned();
            found.insert(id, insight);
        }
        Ok(found)
    }

    /// Puts an item into the table, if there is none under its key; an answer that was lost is as good as one.
    pub fn put_item(&self, item: &Value) -> Result<()> {
        let new = "attribute_not_exists(pk)";
        let ask = json!({"TableName": self.output("TableName")?, "Item": item, "ConditionExpression": new});
        match self.ask_table("PutItem", &ask) {
            Err(error) if !error.to_string().contains("ConditionalCheckFailed") => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks the table, and again while it is said to be busy or in trouble, as it is on a bad day.
    fn ask_table(&self, operation: &str, ask: &Value) -> Result<Value> {
        let target = format!("DynamoDB_20120810.{operation}");
        let is_trouble = |error: &anyhow::Error| TROUBLE.iter().any(|name| error.to_string().contains(name));
        until(&format!("an answer to {operation}"), Duration::from_secs(30), || {
            match self.emulator.json(&target, ask) {
                Err(error) if is_trouble(&error) => Err(error),
                final_answer => Ok(Some(final_answer)),
            }
        })?
    }

    /// The text of one of the task's small items, such as `routing`.
    pub fn task_item(&self, fabric: &str, name: &str) -> Result<Option<String>> {
        let found = self.task_key(fabric, name)?;
        let Some(text) = found.pointer("/j/S").and_then(Value::as_str) else { return Ok(None) };
        // A text is kept as JSON has one.
        serde_json::from_str(text).map(Some).context("an item that holds no text")
    }

    /// Writes one of the task's items as `change` makes it of its text; for what only time could do.
    pub fn rewrite_task_item(
        &self,
        (fabric, name): (&str, &str),
        change: impl FnOnce(&mut Value) -> Result<()>,
    ) -> Result<()> {
        let mut item = self.task_key(fabric, name)?;
        let text = item.pointer("/j/S").and_then(Value::as_str).context("an item without its text")?;
        let mut value = serde_json::from_str(text).context("an item that is no JSON")?;
        change(&mut value)?;
        if let Some(text) = item.pointer_mut("/j/S") {
            *text = Value::String(value.to_string());
        }
        let ask = json!({"TableName": self.output("TableName")?, "Item": item});
        self.ask_table("PutItem", &ask).map(drop)
    }

    fn task_key(&self, fabric: &str, name: &str) -> Result<Value> {
        let key = json!({"pk": {"S": format!("task#{fabric}#link-health")}, "sk": {"S": name}});
        let ask = json!({"TableName": self.output("TableName")?, "Key": key, "ConsistentRead": true});
        Ok(field(&self.ask_table("GetItem", &ask)?, "Item").clone())
    }

    /// Takes everything out of one of [`DEAD_LETTERS`].
    pub fn dead_letters(&self, queue: &str) -> Result<Vec<Value>> {
        let url = self.output(&format!("{queue}Url"))?;
        self.emulator.drain_queue(url.rsplit('/').next().unwrap_or(url))
    }

    /// Lets a new queue hear what a topic tells, and gives its name.
    pub fn subscribe(&self, topic: &str, queue: &str) -> Result<()> {
        self.emulator.json("AmazonSQS.CreateQueue", &json!({"QueueName": queue}))?;
        let endpoint = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}");
        let topic = self.output(topic)?;
        let fields =
            [("Action", "Subscribe"), ("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", &endpoint)];
        self.emulator.form("sns", &fields).map(drop)
    }
}

/// The template beside the functions, as in the project after a build for Lambda.
fn lay_out(project: &Path) -> Result<()> {
    for name in FUNCTIONS {
        let name = name.to_lowercase();
        let folder = project.join("target/lambda").join(&name);
        std::fs::create_dir_all(&folder).context("cannot create a function's folder")?;
        std::fs::copy(binary(&name)?, folder.join("bootstrap"))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    let template = "sam-template.yaml";
    std::fs::copy(project_folder().join(template), project.join(template))
        .context("cannot copy the template")?;
    Ok(())
}

fn sam_deploy(emulator: &Emulator, project: &Path, parameters: &[String]) -> Result<()> {
    let output = Command::new(project_folder().join("target/aws-tools/sam/bin/sam"))
        .args(["deploy", "--template-file", "sam-template.yaml", "--stack-name", STACK])
        .args(["--s3-bucket", BUCKET, "--region", REGION, "--capabilities", "CAPABILITY_IAM"])
        .args(["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", "Emulated=yes"])
        .args(parameters)
        .current_dir(project)
        .env("AWS_ENDPOINT_URL", emulator.url())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("SAM_CLI_TELEMETRY", "0")
        .output()
        .context("cannot start sam: run `cargo xtask set-up`")?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn read_outputs(emulator: &Emulator) -> Result<BTreeMap<String, String>> {
    let text = emulator.form("cloudformation", &[("Action", "DescribeStacks"), ("StackName", STACK)])?;
    let between = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.to_owned())
    };
    let outputs = text.split("<OutputKey>").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once("</OutputKey>")?;
        Some((name.to_owned(), between(rest, "OutputValue")?))
    });
    Ok(outputs.collect())
}
