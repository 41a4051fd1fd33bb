//! What is going on inside the local AWS.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::deploy::{FUNCTIONS, STACK, outputs, shown};
use super::emulator::Emulator;

/// Prints what is deployed, what lies in the queues and how far the streams are read.
pub(crate) fn status() -> Result<()> {
    let emulator = Emulator::running()?;
    println!("up at {}\n", emulator.url());
    let outputs = outputs(&emulator)?;
    for (name, value) in &outputs {
        println!("{name:<24} {}", shown(&emulator, name, value));
    }
    println!();
    if let Some(table) = outputs.get("TableName") {
        let asked =
            emulator.json("dynamodb", "DynamoDB_20120810.DescribeTable", &json!({"TableName": table}))?;
        let count = asked.pointer("/Table/ItemCount").and_then(Value::as_u64).unwrap_or_default();
        println!("{:<24} {count} items", "table");
    }
    for (name, url) in
        outputs.iter().filter(|(_, value)| value.contains("DeadLetters") || value.contains("Undelivered"))
    {
        println!("{:<24} {} messages", name.trim_end_matches("Url"), depth(&emulator, url)?);
    }
    let mappings = emulator.get("lambda", "/2015-03-31/event-source-mappings/")?;
    for mapping in mappings.get("EventSourceMappings").and_then(Value::as_array).into_iter().flatten() {
        let function = mapping["FunctionArn"].as_str().and_then(|arn| arn.rsplit(':').next());
        println!(
            "{:<24} {}",
            function.unwrap_or("a mapping"),
            mapping["LastProcessingResult"].as_str().unwrap_or("unknown")
        );
    }
    Ok(())
}

fn depth(emulator: &Emulator, url: &str) -> Result<u64> {
    let asked = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
    let answer = emulator.json("sqs", "AmazonSQS.GetQueueAttributes", &asked)?;
    let text = answer.pointer("/Attributes/ApproximateNumberOfMessages").and_then(Value::as_str);
    text.context("a queue without a depth")?.parse().context("a depth that is no number")
}

/// Prints the functions' logs.
pub(crate) fn logs(function: Option<&str>, lines: usize) -> Result<()> {
    let emulator = Emulator::running()?;
    for name in FUNCTIONS.into_iter().filter(|name| function.is_none_or(|wanted| wanted == *name)) {
        let asked = json!({"logGroupName": format!("/aws/lambda/{STACK}-{name}")});
        let Ok(answer) = emulator.json("logs", "Logs_20140328.FilterLogEvents", &asked) else {
            println!("{name}: has said nothing yet");
            continue;
        };
        let events = answer.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
        for event in events.iter().skip(events.len().saturating_sub(lines)) {
            println!("{name}: {}", event["message"].as_str().unwrap_or_default().trim_end());
        }
    }
    Ok(())
}
