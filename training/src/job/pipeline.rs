//! The whole of a retraining as a SageMaker pipeline: make rows, train, judge, register, hand over.
//!
//! Every step runs the same program that trains on one machine, from the same image: a model made here is the one
//! `linkcast retrain run` makes of the same rows, to the bit, and passes the same gates. SageMaker's own XGBoost image would need two
//! jobs, their rows as CSV and a fourth program that takes the models over.
//!
//! The definition is pure and deterministic: the same order gives the same text, so whoever applies it sees by its digest whether
//! anything changed. What differs from run to run is a parameter. Its form is AWS's of 2020-12-01.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The form of the definition.
const FORM: &str = "2020-12-01";
/// Where a processing job finds and leaves files.
const PROCESSING: &str = "/opt/ml/processing";

/// What a pipeline is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineOrder {
    /// The fabric.
    pub fabric: String,
    /// The task.
    pub task: String,
    /// The image that holds the program, in ECR.
    pub image: String,
    /// The role its jobs take on.
    pub role: String,
    /// The bucket that data sets and models' archives go to.
    pub bucket: String,
    /// The store, as `dynamodb:TABLE`.
    pub store: String,
    /// Where registered models' files lie, as `s3:BUCKET`.
    pub models: String,
    /// The machines' type, unless a run says otherwise.
    pub instance_type: String,
    /// The disk of each, GB.
    pub volume_gb: u32,
    /// The longest a step may run.
    pub longest_step: Duration,
}

impl PipelineOrder {
    /// The pipeline's name: letters, digits and single hyphens.
    pub fn name(&self) -> String {
        plain(&format!("linkcast-{}-{}-retrain", self.fabric, self.task))
    }

    /// The definition, as CreatePipeline takes it.
    pub fn definition(&self) -> Value {
        let parameter =
            |name: &str, default: &str| json!({"Name": name, "Type": "String", "DefaultValue": default});
        json!({
            "Version": FORM,
            "Metadata": {},
            "Parameters": [
                {"Name": "Run", "Type": "String"},
                parameter("InstanceType", &self.instance_type),
            ],
            "Steps": [
                self.prepare(),
                self.train(),
                self.judge(),
                self.condition(),
            ],
        })
    }

    /// The definition's digest: the same for the same order, sha256 in hexadecimal digits.
    pub fn digest(&self) -> String {
        let text = self.definition().to_string();
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn prepare(&self) -> Value {
        let out = format!("{PROCESSING}/dataset");
        let step = self.step("prepare", &["--out", &out]);
        let address = json!({"Std:Join": {"On": "/", "Values": [
            format!("s3://{}/datasets/{}/{}", self.bucket, plain(&self.fabric), plain(&self.task)),
            get("Parameters.Run"),
        ]}});
        self.processing("Prepare", &step, &[], &[output("dataset", address)])
    }

    fn train(&self) -> Value {
        let version = json!({"Std:Join": {"On": "", "Values": ["r", get("Parameters.Run")]}});
        json!({
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                "AlgorithmSpecification": {
                    "TrainingImage": self.image,
                    "TrainingInputMode": "File",
                    "ContainerEntrypoint": ["linkcast", "train"],
                    "ContainerArguments": [
                        "--dataset", "/opt/ml/input/data/dataset", "--out", "/opt/ml/model", "--version", version,
                    ],
                },
                "InputDataConfig": [{
                    "ChannelName": "dataset",
                    "DataSource": {"S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": dataset_address(),
                        "S3DataDistributionType": "FullyReplicated",
                    }},
                }],
                "OutputDataConfig": {"S3OutputPath": format!("s3://{}/training-output", self.bucket)},
                "ResourceConfig": {
                    "InstanceType": get("Parameters.InstanceType"),
                    "InstanceCount": 1,
                    "VolumeSizeInGB": self.volume_gb,
                },
                "RoleArn": self.role,
                "StoppingCondition": {"MaxRuntimeInSeconds": self.longest_step.as_secs()},
                "Environment": self.environment(),
            },
        })
    }

    fn judge(&self) -> Value {
        let (dataset, model) = (format!("{PROCESSING}/dataset"), format!("{PROCESSING}/model"));
        let out = format!("{PROCESSING}/evaluation");
        let step = self.step("judge", &["--dataset", &dataset, "--candidate", &model, "--out", &out]);
        let address = json!({"Std:Join": {"On": "/", "Values": [
            format!("s3://{}/evaluations/{}/{}", self.bucket, plain(&self.fabric), plain(&self.task)),
            get("Parameters.Run"),
        ]}});
        let inputs = [input("dataset", &dataset_address()), input("model", &model_address())];
        let mut judge = self.processing("Judge", &step, &inputs, &[output("evaluation", address)]);
        if let Some(step) = judge.as_object_mut() {
            let file = json!({"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"});
            step.insert("PropertyFiles".to_owned(), json!([file]));
        }
        judge
    }

    /// The gate has spoken in the step before; here the ways part. Either way the model is registered, in Linkcast's own registry first:
    /// it is the one that serving reads.
    fn condition(&self) -> Value {
        let said = json!({"Std:JsonGet": {
            "PropertyFile": get("Steps.Judge.PropertyFiles.Evaluation"),
            "Path": "better_than_live",
        }});
        json!({
            "Name": "IsBetterThanLive",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": said, "RightValue": 1}],
                "IfSteps": [
                    self.register("HandOver"),
                    self.package("PackageApproved", "HandOver", "Approved"),
                    self.deploy("HandOver"),
                ],
                "ElseSteps": [
                    self.register("KeepBack"),
                    self.package("PackagePending", "KeepBack", "PendingManualApproval"),
                ],
            },
        })
    }

    /// Registers the model, and makes it the candidate if the gate passed it.
    fn register(&self, name: &str) -> Value {
        let (model, evaluation) = (format!("{PROCESSING}/model"), format!("{PROCESSING}/evaluation"));
        let step = self.step("register", &["--candidate", &model, "--evaluation", &evaluation]);
        let judged = get("Steps.Judge.ProcessingOutputConfig.Outputs['evaluation'].S3Output.S3Uri");
        self.processing(name, &step, &[input("model", &model_address()), input("evaluation", &judged)], &[])
    }

    /// Brings the candidate to an endpoint of its own and begins its rollout; it is the job that waits for the endpoint, and no function.
    fn deploy(&self, after: &str) -> Value {
        let version = json!({"Std:Join": {"On": "", "Values": ["r", get("Parameters.Run")]}});
        let mut arguments = vec![json!("deploy"), version];
        let shared = ["--store", &self.store, "--models", &self.models, "--image-uri", &self.image];
        arguments.extend(shared.iter().map(|text| json!(text)));
        arguments.extend(["--role", &self.role, "--by", "retrain"].map(|text| json!(text)));
        let mut step = self.processing("Deploy", &arguments, &[], &[]);
        if let Some(step) = step.as_object_mut() {
            step.insert("DependsOn".to_owned(), json!([after]));
        }
        step
    }

    /// The same in SageMaker's registry, for those who look there.
    fn package(&self, name: &str, after: &str, approval: &str) -> Value {
        json!({
            "Name": name,
            "Type": "RegisterModel",
            "DependsOn": [after],
            "Arguments": {
                "ModelPackageGroupName": plain(&format!("linkcast-{}-{}", self.fabric, self.task)),
                "ModelApprovalStatus": approval,
                "InferenceSpecification": {
                    "Containers": [{"Image": self.image, "ModelDataUrl": model_address()}],
                    "SupportedContentTypes": ["text/csv", "application/json"],
                    "SupportedResponseMIMETypes": ["application/json"],
                },
                "CustomerMetadataProperties": {"run": get("Parameters.Run")},
            },
        })
    }

    /// The program's arguments of a step.
    fn step(&self, name: &str, own: &[&str]) -> Vec<Value> {
        let mut arguments =
            vec![json!("retrain"), json!("step"), json!(name), json!("--run"), get("Parameters.Run")];
        let shared = ["--store", &self.store, "--models", &self.models];
        arguments.extend(shared.iter().chain(own).map(|text| json!(text)));
        arguments
    }

    fn processing(&self, name: &str, arguments: &[Value], inputs: &[Value], outputs: &[Value]) -> Value {
        json!({
            "Name": name,
            "Type": "Processing",
            "Arguments": {
                "AppSpecification": {
                    "ImageUri": self.image,
                    "ContainerEntrypoint": ["linkcast"],
                    "ContainerArguments": arguments,
                },
                "ProcessingInputs": inputs,
                "ProcessingOutputConfig": {"Outputs": outputs},
                "ProcessingResources": {"ClusterConfig": {
                    "InstanceType": get("Parameters.InstanceType"),
                    "InstanceCount": 1,
                    "VolumeSizeInGB": self.volume_gb,
                }},
                "RoleArn": self.role,
                "StoppingCondition": {"MaxRuntimeInSeconds": self.longest_step.as_secs()},
                "Environment": self.environment(),
            },
        })
    }

    fn environment(&self) -> Value {
        json!({"LINKCAST_FABRIC": self.fabric})
    }
}

fn get(path: &str) -> Value {
    json!({"Get": path})
}

fn dataset_address() -> Value {
    get("Steps.Prepare.ProcessingOutputConfig.Outputs['dataset'].S3Output.S3Uri")
}

fn model_address() -> Value {
    get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
}

fn input(name: &str, address: &Value) -> Value {
    json!({
        "InputName": name,
        "AppManaged": false,
        "S3Input": {
            "S3Uri": address,
            "LocalPath": format!("{PROCESSING}/{name}"),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    })
}

fn output(name: &str, address: Value) -> Value {
    json!({
        "OutputName": name,
        "AppManaged": false,
        "S3Output": {
            "S3Uri": address,
            "LocalPath": format!("{PROCESSING}/{name}"),
            "S3UploadMode": "EndOfJob",
        },
    })
}

/// Lower case, with runs of anything but letters and digits as one hyphen.
fn plain(name: &str) -> String {
    let letters = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' });
    letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn order() -> PipelineOrder {
        PipelineOrder {
            fabric: "Lab 1".into(),
            task: "link-health".into(),
            image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linkcast:1".into(),
            role: "arn:aws:iam::123456789012:role/train".into(),
            bucket: "rows".into(),
            store: "dynamodb:linkcast".into(),
            models: "s3:rows".into(),
            instance_type: "ml.m5.xlarge".into(),
            volume_gb: 30,
            longest_step: Duration::from_secs(7_200),
        }
    }

    /// Every text under a key called `Get`.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(path)) = fields.get("Get") {
                    found.insert(path.clone());
                }
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_same_order_gives_the_same_text_and_another_gives_another() {
        assert_eq!(order().definition().to_string(), order().definition().to_string());
        assert_eq!(order().digest(), order().digest());
        let other = PipelineOrder { volume_gb: 31, ..order() };
        assert_ne!(other.digest(), order().digest());
        assert_eq!(order().name(), "linkcast-lab-1-link-health-retrain");
    }

    #[test]
    fn every_reference_names_a_step_or_parameter_that_is_there() {
        let definition = order().definition();
        let mut found = BTreeSet::new();
        references(&definition, &mut found);
        let steps: Vec<&str> = definition["Steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["Name"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["Prepare", "Train", "Judge", "IsBetterThanLive"]);
        let known = |path: &str| match path.split('.').collect::<Vec<_>>().as_slice() {
            ["Parameters", name] => ["Run", "InstanceType"].contains(name),
            ["Steps", name, ..] => steps.contains(name),
            _ => false,
        };
        assert!(found.iter().all(|path| known(path)), "{found:?}");
        assert!(found.contains("Steps.Judge.PropertyFiles.Evaluation"));
    }

    #[test]
    fn both_ways_register_the_model_and_only_the_better_one_is_approved() {
        let definition = order().definition();
        let ways = definition.pointer("/Steps/3/Arguments").unwrap();
        for (way, approval) in [("IfSteps", "Approved"), ("ElseSteps", "PendingManualApproval")] {
            let steps = ways[way].as_array().unwrap();
            assert_eq!(
                steps[0].pointer("/Arguments/AppSpecification/ContainerArguments/2"),
                Some(&json!("register"))
            );
            assert_eq!(steps[1].pointer("/Arguments/ModelApprovalStatus"), Some(&json!(approval)));
            assert_eq!(steps[1]["DependsOn"], json!([steps[0]["Name"]]));
        }
        let deploy = ways.pointer("/IfSteps/2").unwrap();
        assert_eq!((&deploy["Name"], &deploy["DependsOn"]), (&json!("Deploy"), &json!(["HandOver"])));
        let said = deploy.pointer("/Arguments/AppSpecification/ContainerArguments").unwrap();
        assert_eq!((&said[0], &said[1]["Std:Join"]["Values"][0]), (&json!("deploy"), &json!("r")));
        assert_eq!(ways["ElseSteps"].as_array().unwrap().len(), 2, "what is not better goes nowhere");
        assert_eq!(
            definition.pointer("/Steps/1/Arguments/OutputDataConfig/S3OutputPath"),
            Some(&json!("s3://rows/training-output"))
        );
    }
}
