//! What must hold of the template, source and transformed alike, and what the linters do not look for.
//!
//! Each rule is about something that fails in silence on AWS: a record that is lost without a queue, an alarm nobody hears,
//! a function whose log stays for ever, a role that may do everything.

use serde_json::{Value, json};

use super::{Resource, Template};

/// Actions that AWS grants on `*` only.
const WITHOUT_RESOURCES: &[&str] = &["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

/// Everything in the template that breaks a rule.
pub(crate) fn faults(template: &Template) -> Vec<String> {
    let mut faults = Faults::default();
    let mappings = stream_mappings(template);
    faults.check(
        !mappings.is_empty(),
        "the template",
        "has no stream mapping: the rules look in the wrong place",
    );
    for (name, mapping) in &mappings {
        check_mapping(&mut faults, name, mapping);
    }
    template.of_kind("AWS::IAM::Role").for_each(|role| check_role(&mut faults, role));
    for alarm in template.of_kind("AWS::CloudWatch::Alarm") {
        let acts = alarm.properties["AlarmActions"].as_array().is_some_and(|actions| !actions.is_empty());
        faults.check(acts, alarm.name, "is an alarm nobody hears: expected AlarmActions");
    }
    functions(template).for_each(|function| check_function(&mut faults, template, function));
    template.of_kind("AWS::SQS::Queue").for_each(|queue| check_queue(&mut faults, template, queue));
    rule_targets(template).for_each(|(name, target)| {
        let has_queue = target.pointer("/DeadLetterConfig/Arn").is_some();
        faults.check(has_queue, &name, "loses events it cannot deliver: expected a DeadLetterConfig");
    });
    faults.0
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, holds: bool, name: &str, fault: &str) {
        if !holds {
            self.0.push(format!("{name} {fault}"));
        }
    }
}

/// Event source mappings of streams: resources of their own after the transform, events of a function before it.
fn stream_mappings(template: &Template) -> Vec<(String, &Value)> {
    let own = template.of_kind("AWS::Lambda::EventSourceMapping");
    let own = own.map(|mapping| (mapping.name.to_owned(), mapping.properties));
    let events = events(template, &["DynamoDB", "Kinesis"]);
    own.chain(events).collect()
}

/// Events of SAM's functions, of these types, with their properties.
fn events<'a>(template: &'a Template, types: &'a [&'a str]) -> impl Iterator<Item = (String, &'a Value)> {
    template.of_kind("AWS::Serverless::Function").flat_map(move |function| {
        let events = function.properties["Events"].as_object().into_iter().flatten();
        let wanted =
            events.filter(|(_, event)| event["Type"].as_str().is_some_and(|kind| types.contains(&kind)));
        wanted.map(move |(name, event)| (format!("{}.{name}", function.name), &event["Properties"]))
    })
}

fn check_mapping(faults: &mut Faults, name: &str, mapping: &Value) {
    let reports = mapping["FunctionResponseTypes"] == json!(["ReportBatchItemFailures"]);
    faults.check(reports, name, "loses what follows a failed record: expected ReportBatchItemFailures");
    faults.check(
        mapping["BisectBatchOnFunctionError"] == json!(true),
        name,
        "does not bisect a failed batch",
    );
    for setting in ["MaximumRetryAttempts", "MaximumRecordAgeInSeconds"] {
        let is_bounded = mapping[setting].as_i64().is_some_and(|limit| limit > 0);
        faults.check(
            is_bounded,
            name,
            &format!("lets one bad record block a shard: expected {setting} above 0"),
        );
    }
    let queue = mapping.pointer("/DestinationConfig/OnFailure/Destination");
    faults.check(
        queue.is_some(),
        name,
        "drops records that fail for good: expected an OnFailure destination",
    );
    let keeps_order = mapping["ParallelizationFactor"] == json!(1);
    faults.check(
        keeps_order,
        name,
        "lets a stream's records overtake each other: expected ParallelizationFactor 1",
    );
    let filters = mapping.pointer("/FilterCriteria/Filters").and_then(Value::as_array);
    faults.check(filters.is_some_and(|all| !all.is_empty()), name, "wakes for every write: expected filters");
}

fn check_role(faults: &mut Faults, role: Resource<'_>) {
    let policies = role.properties["Policies"].as_array();
    faults.check(policies.is_some(), role.name, "has no policy of its own");
    for statement in policies.into_iter().flatten().flat_map(|policy| statements(&policy["PolicyDocument"])) {
        for action in texts(&statement["Action"]) {
            faults.check(!action.contains('*'), role.name, &format!("may do {action}: name each action"));
            let everywhere = texts(&statement["Resource"]).any(|resource| resource == "*");
            let is_known = WITHOUT_RESOURCES.contains(&action);
            faults.check(
                !everywhere || is_known,
                role.name,
                &format!("may do {action} on everything: name the resource"),
            );
        }
    }
}

/// The statements of a policy, those behind a condition included.
fn statements(policy: &Value) -> Vec<&Value> {
    let all = policy["Statement"].as_array().into_iter().flatten();
    all.flat_map(|statement| match statement["Fn::If"].as_array() {
        Some(branches) => branches.iter().filter(|branch| branch.get("Action").is_some()).collect(),
        None => vec![statement],
    })
    .collect()
}

/// One text, or each of several.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str();
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}

fn functions(template: &Template) -> impl Iterator<Item = Resource<'_>> {
    template
        .resources()
        .filter(|resource| matches!(resource.kind, "AWS::Lambda::Function" | "AWS::Serverless::Function"))
}

fn check_function(faults: &mut Faults, template: &Template, function: Resource<'_>) {
    let own = &function.properties["LoggingConfig"];
    let logging = if own.is_null() { &template.function_defaults()["LoggingConfig"] } else { own };
    let group = logging.pointer("/LogGroup/Ref").and_then(Value::as_str);
    let kept = template
        .of_kind("AWS::Logs::LogGroup")
        .any(|logs| Some(logs.name) == group && !logs.properties["RetentionInDays"].is_null());
    faults.check(kept, function.name, "keeps its log for ever: expected a log group with RetentionInDays");
    let shared = function.properties.get("ReservedConcurrentExecutions").is_some();
    faults.check(shared, function.name, "can take all the account's concurrency: expected it to be reserved");
    let own_role = function.properties.pointer("/Role/Fn::GetAtt/0").and_then(Value::as_str);
    let is_own = own_role == Some(&format!("{}Role", function.name));
    faults.check(is_own, function.name, "has no role of its own");
}

fn check_queue(faults: &mut Faults, template: &Template, queue: Resource<'_>) {
    let is_watched = template.of_kind("AWS::CloudWatch::Alarm").any(|alarm| {
        let watched = alarm.properties.pointer("/Dimensions/0/Value");
        alarm.properties["MetricName"] == "ApproximateNumberOfMessagesVisible"
            && watched == Some(&json!({"Fn::GetAtt": [queue.name, "QueueName"]}))
    });
    faults.check(is_watched, queue.name, "fills unseen: expected an alarm on its depth");
}

/// Targets of rules and schedules: resources of their own, or events of a function.
fn rule_targets(template: &Template) -> impl Iterator<Item = (String, &Value)> {
    let own = template.of_kind("AWS::Events::Rule").flat_map(|rule| {
        let targets = rule.properties["Targets"].as_array().into_iter().flatten();
        targets.map(move |target| (rule.name.to_owned(), target))
    });
    own.chain(events(template, &["EventBridgeRule", "Schedule", "ScheduleV2"]))
}

#[cfg(test)]
mod tests;
