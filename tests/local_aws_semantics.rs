//! The local AWS does what AWS does when a function fails: only then do the tests that lean on it mean anything.
//!
//! Small Python functions that fail on given records are driven through the emulator as the launcher starts it. They
//! write down what they were given, so order, repetition and loss are seen from inside the function.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{
    ACCOUNT, Emulator, REGION, body_of, emulator_python, field, overlaid, project_folder, until,
};
use serde_json::{Value, json};

/// Writes down every call, and fails as its environment says on records whose item has `poison`.
const FUNCTION: &str = r#"
import json, os

def handler(event, context):
    keys = [(r["dynamodb"]["Keys"]["pk"]["S"], r["dynamodb"]["Keys"]["sk"]["S"]) for r in event["Records"]]
    bad = [r for r in event["Records"] if "poison" in r["dynamodb"]["NewImage"]]
    done = keys
    if bad and os.environ["MODE"] == "name":
        done = keys[: event["Records"].index(bad[0])]
    if bad and os.environ["MODE"] == "raise":
        done = []
    with open(os.environ["LOG"], "a") as log:
        log.write(json.dumps({"keys": keys, "done": done}) + "\n")
    if bad and os.environ["MODE"] == "raise":
        raise ValueError("poison")
    names = [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in bad]
    return {"batchItemFailures": names}
"#;

#[test]
fn a_poison_record_alone_reaches_the_queue_when_the_function_names_it() -> Result<()> {
    let world = World::start("name", &bisecting())?;
    world.put_records(0..40, Some(17))?;
    let letters = world.letters(1)?;
    assert_alone(&letters, 1 + RETRIES, None)?;
    world.assert_everything_else_done_in_order(40, 17)
}

#[test]
fn a_poison_record_alone_reaches_the_queue_when_the_function_raises() -> Result<()> {
    let world = World::start("raise", &bisecting())?;
    world.put_records(0..40, Some(23))?;
    let letters = world.letters(1)?;
    assert_alone(&letters, 1 + RETRIES, Some("Unhandled"))?;
    world.assert_everything_else_done_in_order(40, 23)
}

#[test]
fn without_bisecting_the_whole_rest_of_the_batch_is_given_up() -> Result<()> {
    let mut settings = bisecting();
    settings["BisectBatchOnFunctionError"] = json!(false);
    let world = World::start("name", &settings)?;
    world.put_records(0..10, Some(4))?;
    let letters = world.letters(1)?;
    assert_eq!(letters[0]["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(letters[0]["DDBStreamBatchInfo"]["batchSize"], 6, "the poison and the five behind it");
    Ok(())
}

#[test]
fn a_record_that_is_too_old_is_given_up_however_many_retries_are_left() -> Result<()> {
    let mut settings = bisecting();
    settings["MaximumRetryAttempts"] = json!(-1);
    settings["MaximumRecordAgeInSeconds"] = json!(4);
    settings["MaximumBatchingWindowInSeconds"] = json!(0);
    let world = World::start("name", &settings)?;
    world.put_records(0..1, Some(0))?;
    let letters = world.letters(1)?;
    assert_eq!(letters[0]["requestContext"]["condition"], "RecordAgeExceeded");
    assert!(letters[0]["requestContext"]["approximateInvokeCount"].as_u64() > Some(1));
    world.put_records(1..3, None)?;
    until("the records behind it", Duration::from_secs(20), || Ok((world.done()?.len() == 2).then_some(())))
}

#[test]
fn a_rule_calls_its_function_again_and_then_sends_the_event_to_the_queue() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let emulator = Emulator::start(folder.path())?;
    let log = folder.path().join("calls");
    emulator.create_stack("rules", &rules_template(&log))?;
    let entry = json!({"Source": "test", "DetailType": "Trouble", "Detail": "{\"risk_score\": 90}"});
    emulator.json("AWSEvents.PutEvents", &json!({"Entries": [entry]}))?;
    let letters = wait_for_letters(&emulator, "failed-events", 1)?;
    let letter = body_of(&letters[0])?;
    assert_eq!(letter["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(letter["requestPayload"]["detail"]["risk_score"], 90);
    assert_eq!(letter["responsePayload"]["errorMessage"], "no");
    let calls = std::fs::read_to_string(&log).context("the function was never called")?;
    assert_eq!(calls.lines().count(), 3, "one call and two retries");
    let undelivered = wait_for_letters(&emulator, "undelivered-events", 1)?;
    assert_eq!(undelivered[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"], "RESOURCE_NOT_FOUND");
    Ok(())
}

#[test]
fn the_launcher_refuses_an_emulator_whose_patched_source_has_moved() -> Result<()> {
    let program = "import launch\n\
                   launch.lambda_svc._poll_dynamodb_streams = launch.lambda_svc._poll_kinesis\n\
                   launch.main()";
    let output = Command::new(emulator_python())
        .args(["-B", "-c", program])
        .current_dir(project_folder().join("xtask/emulator"))
        .output()
        .context("cannot start Python: run `cargo xtask set-up`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it started");
    assert!(said.contains("lambda_svc._poll_dynamodb_streams"), "{said}");
    Ok(())
}

/// How often a record is tried again in these tests.
const RETRIES: u64 = 2;

fn bisecting() -> Value {
    json!({
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": RETRIES,
        "MaximumRecordAgeInSeconds": 3600,
        "MaximumBatchingWindowInSeconds": 1,
        "BatchSize": 100,
    })
}

/// One letter, about one record, tried so often.
fn assert_alone(letters: &[Value], invocations: u64, error: Option<&str>) -> Result<()> {
    let letter = letters.first().context("no letter")?;
    let info = field(letter, "DDBStreamBatchInfo");
    let (context, answer) = (field(letter, "requestContext"), field(letter, "responseContext"));
    assert_eq!(field(context, "condition"), "RetryAttemptsExhausted");
    assert_eq!(field(context, "approximateInvokeCount"), invocations);
    assert_eq!(field(info, "batchSize"), 1);
    assert_eq!(field(info, "startSequenceNumber"), field(info, "endSequenceNumber"));
    assert_eq!(field(answer, "functionError").as_str(), error);
    Ok(())
}

/// A table whose stream one function reads.
struct World {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl World {
    fn start(mode: &str, settings: &Value) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let emulator = Emulator::start(folder.path())?;
        let template = stream_template(mode, &folder.path().join("calls"), settings);
        emulator.create_stack("stream", &template)?;
        Ok(World { emulator, folder })
    }

    /// Two partition keys by turns, so that order within a key is something to keep.
    fn put_records(&self, numbers: std::ops::Range<u32>, poison: Option<u32>) -> Result<()> {
        for number in numbers {
            let key =
                json!({"pk": {"S": format!("stream#{}", number % 2)}, "sk": {"S": format!("{number:04}")}});
            let mark = if poison == Some(number) { json!({"poison": {"BOOL": true}}) } else { Value::Null };
            let item = overlaid(&key, &mark);
            self.emulator.json("DynamoDB_20120810.PutItem", &json!({"TableName": "events", "Item": item}))?;
        }
        Ok(())
    }

    fn letters(&self, count: usize) -> Result<Vec<Value>> {
        let letters = wait_for_letters(&self.emulator, "failed-records", count)?;
        letters.iter().map(body_of).collect()
    }

    /// The sort keys that were worked on to the end, in that order.
    fn done(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        let mut done = Vec::new();
        for line in text.lines() {
            let call: Value = serde_json::from_str(line).context("a call that is no JSON")?;
            let keys = field(&call, "done").as_array().context("a call without keys")?;
            done.extend(keys.iter().filter_map(|key| key.get(1).and_then(Value::as_str).map(str::to_owned)));
        }
        Ok(done)
    }

    fn assert_everything_else_done_in_order(&self, count: u32, poison: u32) -> Result<()> {
        let expected: Vec<String> =
            (0..count).filter(|number| *number != poison).map(|number| format!("{number:04}")).collect();
        let done = until("every other record", Duration::from_secs(20), || {
            let done = self.done()?;
            Ok((done.len() >= expected.len()).then_some(done))
        })
        .with_context(|| self.emulator.log())?;
        assert_eq!(done, expected);
        Ok(())
    }
}

fn wait_for_letters(emulator: &Emulator, queue: &str, count: usize) -> Result<Vec<Value>> {
    let mut letters = Vec::new();
    until(&format!("{count} message(s) in {queue}"), Duration::from_secs(30), || {
        letters.extend(emulator.drain_queue(queue)?);
        Ok((letters.len() >= count).then_some(()))
    })
    .with_context(|| emulator.log())?;
    assert_eq!(letters.len(), count, "{letters:?}");
    Ok(letters)
}

fn function(source: &str, environment: Value) -> Value {
    json!({"Type": "AWS::Lambda::Function", "Properties": {
        "Runtime": "python3.11", "Handler": "index.handler", "Timeout": 30,
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/test"),
        "Code": {"ZipFile": source}, "Environment": {"Variables": environment},
    }})
}

fn queue(name: &str) -> Value {
    json!({"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}})
}

fn stream_template(mode: &str, log: &Path, settings: &Value) -> Value {
    let mapping = overlaid(
        settings,
        &json!({
            "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
            "FunctionName": {"Ref": "Function"},
            "StartingPosition": "TRIM_HORIZON",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
        }),
    );
    json!({"Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": "events", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        }},
        "Queue": queue("failed-records"),
        "Function": function(FUNCTION, json!({"MODE": mode, "LOG": log})),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }})
}

fn rules_template(log: &Path) -> Value {
    let source = "import os\n\ndef handler(event, context):\n    open(os.environ['LOG'], 'a').write('call\\n')\n    raise ValueError('no')\n";
    let missing = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing");
    json!({"Resources": {
        "Failed": queue("failed-events"),
        "Undelivered": queue("undelivered-events"),
        "Function": function(source, json!({"LOG": log})),
        "Invoke": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {
            "FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failed", "Arn"]}}},
        }},
        "Rule": {"Type": "AWS::Events::Rule", "Properties": {
            "EventPattern": {"source": ["test"], "detail": {"risk_score": [{"numeric": [">=", 80]}]}},
            "Targets": [
                {"Id": "function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}},
                {"Id": "missing", "Arn": missing,
                 "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Undelivered", "Arn"]}}},
            ],
        }},
    }})
}
