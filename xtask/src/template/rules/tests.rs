//! The committed template breaks no rule, and each rule sees its own breach.
//!
//! A breach is made by changing one line of the real template, so that a rule that has stopped looking is found out.

use anyhow::{Context, Result};

use super::*;
use crate::command::project_folder;

fn source() -> Result<String> {
    std::fs::read_to_string(project_folder().join("sam-template.yaml")).context("cannot read the template")
}

/// Replaces the first `old` and expects exactly one fault, which says `expected`.
fn breach(old: &str, new: &str, expected: &str) -> Result<()> {
    let text = source()?;
    assert!(text.contains(old), "the template has no {old:?} to change");
    let found = faults(&Template::read(&text.replacen(old, new, 1))?);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found.iter().all(|fault| fault.contains(expected)), "{found:?}");
    Ok(())
}

#[test]
fn the_committed_template_breaks_no_rule() -> Result<()> {
    assert_eq!(faults(&Template::read(&source()?)?), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_template_without_streams_is_not_waved_through() -> Result<()> {
    assert_eq!(faults(&Template::read("Resources: {}")?).len(), 1);
    Ok(())
}

#[test]
fn a_mapping_that_does_not_report_partial_failures_is_seen() -> Result<()> {
    breach(
        "FunctionResponseTypes: [ReportBatchItemFailures]",
        "FunctionResponseTypes: []",
        "Prepare.Stream loses",
    )?;
    breach("FunctionResponseTypes: [ReportBatchItemFailures]", "Comment: x", "ReportBatchItemFailures")
}

#[test]
fn a_mapping_that_does_not_bisect_is_seen() -> Result<()> {
    breach("BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: false", "does not bisect")
}

#[test]
fn a_mapping_that_retries_for_ever_is_seen() -> Result<()> {
    breach("MaximumRetryAttempts: 5", "MaximumRetryAttempts: -1", "MaximumRetryAttempts above 0")?;
    breach("MaximumRecordAgeInSeconds: 21600", "MaximumRecordAgeInSeconds: -1", "MaximumRecordAgeInSeconds")
}

#[test]
fn a_mapping_without_a_queue_for_failures_is_seen() -> Result<()> {
    let destination =
        "DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt PrepareDeadLetters.Arn}}";
    breach(destination, "DestinationConfig: {}", "OnFailure destination")
}

#[test]
fn a_mapping_that_loses_order_is_seen() -> Result<()> {
    breach("ParallelizationFactor: 1", "ParallelizationFactor: 10", "overtake")
}

#[test]
fn a_role_that_may_do_everything_is_seen() -> Result<()> {
    breach("Action: events:PutEvents", "Action: \"*\"", "may do *")?;
    breach(
        "Action: sqs:SendMessage\n                Resource",
        "Action: \"sqs:*\"\n                Resource",
        "may do sqs:*",
    )
}

#[test]
fn a_role_on_every_resource_is_seen() -> Result<()> {
    breach(
        "Action: events:PutEvents\n                Resource: !GetAtt Bus.Arn",
        "Action: events:PutEvents\n                Resource: \"*\"",
        "on everything",
    )
}

#[test]
fn a_wildcard_behind_a_condition_is_seen() -> Result<()> {
    breach("Resource: !Ref UrlToken", "Resource: \"*\"", "secretsmanager:GetSecretValue on everything")
}

#[test]
fn an_alarm_nobody_hears_is_seen() -> Result<()> {
    breach("AlarmActions: [!Ref AlarmTopic]", "AlarmActions: []", "nobody hears")
}

#[test]
fn a_queue_without_an_alarm_is_seen() -> Result<()> {
    breach("Value: !GetAtt CallDeadLetters.QueueName", "Value: other", "CallDeadLetters fills unseen")
}

#[test]
fn a_function_whose_log_stays_for_ever_is_seen() -> Result<()> {
    breach("RetentionInDays: !Ref LogRetentionDays", "Tags: []", "Collect keeps its log for ever")?;
    breach(
        "LoggingConfig: {LogFormat: JSON, LogGroup: !Ref AlertLogs}",
        "Tags: {}",
        "Alert keeps its log for ever",
    )
}

#[test]
fn a_rule_without_a_queue_for_what_it_cannot_deliver_is_seen() -> Result<()> {
    breach(
        "DeadLetterConfig: {Arn: !GetAtt UndeliveredEvents.Arn}",
        "Comment: x",
        "Collect.Sweep loses events",
    )
}
