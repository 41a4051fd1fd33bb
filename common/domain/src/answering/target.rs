//! Who a variant stands for, and how that is spoken to.

use serde::{Deserialize, Serialize};

/// What answers behind a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// The model inside the process.
    Embedded,
    /// A SageMaker endpoint.
    Sagemaker {
        /// Its name; the name the fabric's and the task's names give, if none is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// What it takes and gives.
        #[serde(default)]
        format: SageMakerFormat,
        /// The production variant, in place of the endpoint's own weights.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_variant: Option<String>,
        /// The inference component.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        component: Option<String>,
    },
    /// A language model behind Bedrock's Converse.
    Bedrock {
        /// The model's or the inference profile's id.
        model: String,
        /// The version of the prompt's template.
        #[serde(default = "first_prompt")]
        prompt: u32,
        /// 0 to 1; the model's own, if none is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        temperature: Option<f32>,
        /// 0 to 1; the model's own, if none is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top_p: Option<f32>,
        /// Most tokens of an answer.
        #[serde(default = "longest_answer")]
        max_tokens: u32,
    },
    /// A service asked by HTTP.
    Http {
        /// Where it is asked, whole.
        url: String,
        /// How.
        protocol: HttpProtocol,
    },
}

/// What an endpoint takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SageMakerFormat {
    /// Our own server's JSON.
    #[default]
    Json,
    /// Lines of numbers, as SageMaker's managed XGBoost image speaks.
    Csv,
}

/// How a service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpProtocol {
    /// Our own server's JSON.
    Linkcast,
    /// BentoML: an object with the rows in, a list of probabilities out.
    Bentoml,
    /// KServe's open inference protocol, version 2.
    KserveV2,
}

impl Target {
    /// The kind, as `model_used` names it in insights.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::Embedded => "embedded",
            Target::Sagemaker { .. } => "sagemaker",
            Target::Bedrock { .. } => "bedrock",
            Target::Http { .. } => "http",
        }
    }
}

fn first_prompt() -> u32 {
    1
}

fn longest_answer() -> u32 {
    600
}
