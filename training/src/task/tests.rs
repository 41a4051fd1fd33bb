//! One task that is right, and slips in it, each told by its line and key.

use super::{Deployment, Platform, ServerlessEndpoint, Task};

const WHOLE: &str = "\
training:
  type: boosted_trees
  platform: sagemaker
  deployment_target: serverless
  endpoint:
    memory_mb: 2048
    max_concurrency: 5
  parameters:
    version: \"7\"
    balance: 0.4
    classifier:
      rounds: 200
      eta: 0.1
    sagemaker:
      role: arn:aws:iam::123456789012:role/train
      bucket: rows-and-models
      instance_count: 2
      tags:
        team: fabric
        cost_centre: 42
";

/// `WHOLE` with `from` replaced must be refused with exactly this first line.
fn check(from: &str, to: &str, expected: &str) {
    assert!(WHOLE.contains(from), "{from}");
    let error = Task::from_yaml(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
    assert_eq!(error.lines().next(), Some(expected), "{error}");
}

#[test]
fn a_whole_task_is_read_and_what_it_leaves_out_has_its_default() {
    let task = Task::from_yaml(WHOLE).unwrap();
    let endpoint = ServerlessEndpoint { memory_mb: 2048, max_concurrency: 5 };
    assert_eq!(task.deployment, Deployment::Serverless(endpoint));
    assert_eq!((task.config.version.as_str(), task.config.classifier.rounds), ("7", 200));
    assert_eq!(task.config.regressor.rounds, crate::TrainingConfig::default().regressor.rounds);
    let Platform::SageMaker(settings) = task.platform else { panic!("sagemaker") };
    assert_eq!((settings.instance_count, settings.volume_gb), (2, 20));
    assert_eq!(settings.tags["cost_centre"], "42");
}

#[test]
fn the_shortest_task_trains_here() {
    let text = "training: {type: boosted_trees, platform: local, deployment_target: embedded}";
    let task = Task::from_yaml(text).unwrap();
    assert_eq!((task.platform, task.deployment), (Platform::Local, Deployment::Embedded));
}

#[test]
fn a_slip_is_told_by_line_and_key_with_what_was_meant() {
    check(
        "platform: sagemaker",
        "plattform: sagemaker",
        "line 1: training.platform is missing: expected local or sagemaker",
    );
    check(
        "memory_mb: 2048",
        "memory_mb: 2000",
        "line 6: training.endpoint.memory_mb is 2000: expected one of 1024, 2048, 3072, 4096, 5120, 6144",
    );
    check(
        "max_concurrency: 5",
        "max_concurrency: many",
        "line 7: training.endpoint.max_concurrency is \"many\": expected a whole number from 1 to 200",
    );
    check(
        "eta: 0.1",
        "eta: 7",
        "line 13: training.parameters.classifier.eta is 7: expected a number from 0.0001 to 1",
    );
    check(
        "      eta: 0.1",
        "      etta: 0.1",
        "line 13: training.parameters.classifier.etta is not known: expected eta? (known here: rounds, depth, patience, \
         eta, min_child_weight, lambda, features_per_tree)",
    );
    check(
        "bucket: rows-and-models",
        "bucket: s3://rows",
        "line 16: training.parameters.sagemaker.bucket is \"s3://rows\": expected a bucket's name, without s3://",
    );
    check(
        "type: boosted_trees",
        "type: oracle",
        "line 2: training.type is \"oracle\": expected boosted_trees",
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = WHOLE.replace("boosted_trees", "trees").replace("2048", "1").replace("eta", "etta");
    let faults = Task::from_yaml(&text).unwrap_err().0;
    assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 6, 13]);
}

#[test]
fn what_belongs_to_another_choice_is_refused() {
    let local = WHOLE.replace("platform: sagemaker", "platform: local");
    let error = Task::from_yaml(&local).unwrap_err().to_string();
    assert!(error.contains("training.parameters.sagemaker is there: expected nothing"), "{error}");
    let embedded = WHOLE.replace("deployment_target: serverless", "deployment_target: embedded");
    let error = Task::from_yaml(&embedded).unwrap_err().to_string();
    assert!(error.contains("training.endpoint is there: expected nothing"), "{error}");
}

#[test]
fn what_is_no_task_is_refused() {
    for (text, expected) in [
        ("", "0 documents"),
        ("training: [", "no YAML"),
        ("hello", "expected keys with values"),
        ("trainin: {}", "expected training?"),
        ("training: 3", "training is 3: expected keys with values"),
        ("a: 1\na: 2", "line"),
    ] {
        let error = Task::from_yaml(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}
