//! The embedded model in the place of a language model: it reads the sample back and calls the tool.

use linkcast_domain::{Feature, FeatureVector};
use linkcast_scoring::Model;
use serde::Deserialize;
use serde_json::json;

use super::converse::Said;
use super::request::{Block, Converse, Role};

/// Characters of a token, more or less: what counts are made from.
const TOKEN: usize = 4;

/// The sample as Linkcast's first prompt writes it.
#[derive(Debug, Deserialize)]
struct Sample {
    moved_most: Vec<Told>,
    others: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    feature: String,
    value: f64,
}

/// What is answered to `asked`: the call of the tool that must be called, or a sentence where there is no sample or no such tool.
pub(super) fn judge(model: &Model, asked: &Converse) -> Said {
    let input_tokens = tokens(read_characters(asked));
    let (Some(features), Some(tool)) = (sample(asked), asked.forced_tool()) else {
        let text = "I was told of no sample that I could judge.";
        let content = vec![json!({"text": text})];
        return Said { content, stop_reason: "end_turn", input_tokens, output_tokens: tokens(text.len()) };
    };
    let score = model.score(&features);
    let sentence = format!("The embedded model takes the sample for {}.", score.class);
    let input = json!({
        "prediction_type": score.class,
        "confidence": score.confidence,
        "risk_score": score.risk,
        "explanation": sentence,
    });
    let output_tokens = tokens(input.to_string().len());
    let call = json!({"toolUse": {"toolUseId": "tooluse_first", "name": tool, "input": input}});
    Said { content: vec![call], stop_reason: "tool_use", input_tokens, output_tokens }
}

/// The features that the first message tells.
fn sample(asked: &Converse) -> Option<FeatureVector> {
    let first = asked.messages.first().filter(|message| message.role == Role::User)?;
    let text = first.content.iter().find_map(|block| match block {
        Block::Text(text) => Some(text),
        Block::ToolUse(_) | Block::ToolResult(_) => None,
    })?;
    let sample: Sample = serde_json::from_str(text).ok()?;
    let mut features = FeatureVector::default();
    for told in sample.moved_most.iter().chain(&sample.others) {
        features.set(told.feature.parse::<Feature>().ok()?, told.value);
    }
    Some(features)
}

fn read_characters(asked: &Converse) -> usize {
    let system: usize = asked.system.iter().map(|block| block.text.len()).sum();
    let said = asked.messages.iter().flat_map(|message| &message.content).map(|block| match block {
        Block::Text(text) => text.len(),
        Block::ToolUse(call) => call.name.len() + call.input.to_string().len(),
        Block::ToolResult(result) => result.content.iter().map(|block| block.text.len()).sum(),
    });
    system + said.sum::<usize>()
}

fn tokens(characters: usize) -> u64 {
    characters.div_ceil(TOKEN).max(1) as u64
}
