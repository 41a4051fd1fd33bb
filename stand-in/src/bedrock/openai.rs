//! A language model behind OpenAI's protocol, asked in Bedrock's place: a model on this machine can then be tried as a tier.
//!
//! A conversation with tools is the same in both protocols but for its words, so it is put from one into the other and back.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::converse::Said;
use super::request::{Block, Converse, Message, ResultStatus, Role, Tool, ToolChoice};
use crate::refusal::Refusal;

/// The longest to wait for an answer; whoever asks sets its own limit.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The longest answer, bytes.
const LONGEST_ANSWER: u64 = 4 << 20;

/// Where a language model is asked.
#[derive(Clone)]
pub struct OpenAiServer {
    /// The server's address, up to and without `/v1`.
    pub url: String,
    /// Which of its models.
    pub model: String,
    /// The key it wants, if any.
    pub key: Option<String>,
}

impl std::fmt::Debug for OpenAiServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiServer")
            .field("url", &self.url)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Reply,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    content: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: String,
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: String,
}

#[derive(Debug, Default, Deserialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl OpenAiServer {
    /// What the language model answers.
    pub(super) async fn ask(&self, asked: &Converse) -> Result<Said, Refusal> {
        let url = format!("{}/v1/chat/completions", self.url.trim_end_matches('/'));
        let (body, key) = (request(&self.model, asked).to_string(), self.key.clone());
        let posted = tokio::task::spawn_blocking(move || post(&url, key.as_deref(), &body)).await;
        let json = posted.map_err(|error| failed(&error.to_string()))??;
        let completion: Completion =
            serde_json::from_str(&json).map_err(|error| failed(&error.to_string()))?;
        said(completion)
    }
}

fn post(url: &str, key: Option<&str>, body: &str) -> Result<String, Refusal> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(LONGEST_WAIT)).build().new_agent();
    let mut request = agent.post(url).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut answer = request.send(body).map_err(|error| match error {
        ureq::Error::StatusCode(429) => {
            Refusal::new(429, "ThrottlingException", "the language model's server is busy")
        }
        ureq::Error::Timeout(_) => {
            Refusal::new(408, "ModelTimeoutException", "the language model took too long")
        }
        other => failed(&other.to_string()),
    })?;
    let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
    text.map_err(|error| failed(&error.to_string()))
}

fn failed(why: &str) -> Refusal {
    Refusal::new(424, "ModelErrorException", format!("the language model's server: {why}"))
}

/// The conversation in OpenAI's words.
fn request(model: &str, asked: &Converse) -> Value {
    let system = asked.system.iter().map(|block| json!({"role": "system", "content": block.text}));
    let messages: Vec<Value> = system.chain(asked.messages.iter().flat_map(messages_of)).collect();
    let mut request = json!({"model": model, "messages": messages, "stream": false});
    let inference = &asked.inference_config;
    let mut set = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(request)) = (value, request.as_object_mut()) {
            request.insert(name.to_owned(), value);
        }
    };
    set("max_tokens", inference.max_tokens.map(Value::from));
    set("temperature", inference.temperature.map(Value::from));
    set("top_p", inference.top_p.map(Value::from));
    set("stop", inference.stop_sequences.clone().map(Value::from));
    if let Some(config) = &asked.tool_config {
        let tools = config.tools.iter().map(|Tool::ToolSpec(tool)| {
            let description = tool.description.clone().unwrap_or_default();
            let function =
                json!({"name": tool.name, "description": description, "parameters": tool.input_schema.json});
            json!({"type": "function", "function": function})
        });
        set("tools", Some(tools.collect()));
        set(
            "tool_choice",
            config.tool_choice.as_ref().map(|choice| match choice {
                ToolChoice::Auto(_) => json!("auto"),
                ToolChoice::Any(_) => json!("required"),
                ToolChoice::Tool(tool) => json!({"type": "function", "function": {"name": tool.name}}),
            }),
        );
    }
    request
}

/// One message is one of OpenAI's, but each answer to a tool's call is one of its own.
fn messages_of(message: &Message) -> Vec<Value> {
    let role = if message.role == Role::User { "user" } else { "assistant" };
    let (mut text, mut calls, mut messages) = (String::new(), Vec::new(), Vec::new());
    for block in &message.content {
        match block {
            Block::Text(said) => text.push_str(said),
            Block::ToolUse(call) => calls.push(json!({
                "id": call.tool_use_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.input.to_string()},
            })),
            Block::ToolResult(result) => {
                let said: Vec<&str> = result.content.iter().map(|block| block.text.as_str()).collect();
                let failed = if result.status == Some(ResultStatus::Error) { "Error: " } else { "" };
                let content = format!("{failed}{}", said.join("\n"));
                messages
                    .push(json!({"role": "tool", "tool_call_id": result.tool_use_id, "content": content}));
            }
        }
    }
    if !calls.is_empty() {
        messages.push(json!({"role": role, "content": text, "tool_calls": calls}));
    } else if !text.is_empty() {
        messages.push(json!({"role": role, "content": text}));
    }
    messages
}

/// A completion in Converse's words.
fn said(completion: Completion) -> Result<Said, Refusal> {
    let choice = completion.choices.into_iter().next().ok_or_else(|| failed("it made no choice"))?;
    let usage = completion.usage.unwrap_or_default();
    let mut content = Vec::new();
    if let Some(text) = choice.message.content.filter(|text| !text.trim().is_empty()) {
        content.push(json!({"text": text}));
    }
    let calls = choice.message.tool_calls.unwrap_or_default();
    let stop_reason = match (calls.is_empty(), choice.finish_reason.as_deref()) {
        (_, Some("length")) => "max_tokens",
        (false, _) => "tool_use",
        (true, _) => "end_turn",
    };
    for call in calls {
        // A model that writes no JSON has called the tool with nothing, which the caller refuses.
        let input = serde_json::from_str(&call.function.arguments).unwrap_or_else(|_| json!({}));
        content.push(json!({"toolUse": {"toolUseId": call.id, "name": call.function.name, "input": input}}));
    }
    Ok(Said {
        content,
        stop_reason,
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_with_a_tool_is_put_into_the_other_protocol_and_back() {
        let call = json!({"toolUse": {"toolUseId": "1", "name": "report", "input": {"a": 1}}});
        let result =
            json!({"toolResult": {"toolUseId": "1", "content": [{"text": "wrong"}], "status": "error"}});
        let asked = json!({
            "system": [{"text": "you judge"}],
            "messages": [
                {"role": "user", "content": [{"text": "judge"}]},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ],
            "inferenceConfig": {"maxTokens": 9},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "report", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"tool": {"name": "report"}},
            },
        });
        let asked = Converse::read(asked.to_string().as_bytes()).unwrap();
        let put = request("small", &asked);
        let at = |pointer: &str| put.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/messages/0"), json!({"role": "system", "content": "you judge"}));
        assert_eq!(at("/messages/2/tool_calls/0/function/arguments"), json!("{\"a\":1}"));
        assert_eq!(
            at("/messages/3"),
            json!({"role": "tool", "tool_call_id": "1", "content": "Error: wrong"})
        );
        assert_eq!(at("/tool_choice/function/name"), json!("report"));
        assert_eq!((at("/max_tokens"), at("/temperature")), (json!(9), Value::Null));

        let completion = json!({
            "choices": [{"finish_reason": "tool_calls", "message": {"content": null, "tool_calls":
                [{"id": "7", "type": "function", "function": {"name": "report", "arguments": "{\"b\":2}"}}]}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
        });
        let back = said(serde_json::from_value(completion).unwrap()).unwrap();
        assert_eq!(
            back.content,
            [json!({"toolUse": {"toolUseId": "7", "name": "report", "input": {"b": 2}}})]
        );
        assert_eq!((back.stop_reason, back.input_tokens, back.output_tokens), ("tool_use", 5, 3));
    }
}
