//! What of a request's values Bedrock does not take: ranges, whose turn it is, calls of tools without an answer.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>, and what its validation says.

use serde_json::Value;

use super::request::{Block, Converse, Inference, Role, Tool, ToolChoice, ToolConfig};

/// The longest name of a tool.
const LONGEST_TOOL_NAME: usize = 64;

impl Converse {
    /// Reads a request, or says what Bedrock would not take.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let asked: Converse =
            serde_json::from_slice(body).map_err(|error| format!("Malformed input request: {error}"))?;
        asked.inference_config.check()?;
        if asked.system.iter().any(|block| block.text.trim().is_empty()) {
            return Err("The text field in the SystemContentBlock object is blank.".to_owned());
        }
        if let Some(tools) = &asked.tool_config {
            tools.check()?;
        }
        asked.check_turns()?;
        asked.check_calls()?;
        Ok(asked)
    }

    /// The name of the tool that must be called.
    pub(super) fn forced_tool(&self) -> Option<&str> {
        match self.tool_config.as_ref()?.tool_choice.as_ref()? {
            ToolChoice::Tool(tool) => Some(&tool.name),
            ToolChoice::Auto(_) | ToolChoice::Any(_) => None,
        }
    }

    fn check_turns(&self) -> Result<(), String> {
        let mut turn = Role::User;
        for (place, message) in self.messages.iter().enumerate() {
            if message.role != turn {
                return Err("A conversation must alternate between user and assistant roles, starting with a user message.".to_owned());
            }
            let is_blank = |block: &Block| matches!(block, Block::Text(text) if text.trim().is_empty());
            if message.content.is_empty() || message.content.iter().any(is_blank) {
                return Err(format!(
                    "The content field in the Message object at messages.{place} is empty, or a text in it is blank."
                ));
            }
            turn = if turn == Role::User { Role::Assistant } else { Role::User };
        }
        // What is said last is said by the user; this also refuses a conversation of nothing.
        if turn == Role::Assistant {
            Ok(())
        } else {
            Err("The conversation must end with a user message.".to_owned())
        }
    }

    /// Every call of a tool is answered by the message behind it, and nothing else is.
    fn check_calls(&self) -> Result<(), String> {
        let mut open: Vec<&str> = Vec::new();
        for message in &self.messages {
            let mut answered: Vec<&str> = Vec::new();
            let mut called: Vec<&str> = Vec::new();
            for block in &message.content {
                match (block, message.role) {
                    (Block::Text(_), _) => {}
                    (Block::ToolUse(call), Role::Assistant) => called.push(&call.tool_use_id),
                    (Block::ToolResult(result), Role::User) => answered.push(&result.tool_use_id),
                    _ => {
                        return Err("toolUse belongs to the assistant and toolResult to the user.".to_owned());
                    }
                }
            }
            if answered != open {
                return Err(
                    "Expected toolResult blocks for exactly the toolUse blocks of the message before."
                        .to_owned(),
                );
            }
            open = called;
        }
        let uses_tools = self
            .messages
            .iter()
            .flat_map(|message| &message.content)
            .any(|block| !matches!(block, Block::Text(_)));
        if uses_tools && self.tool_config.is_none() {
            return Err(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks."
                    .to_owned(),
            );
        }
        Ok(())
    }
}

impl Inference {
    fn check(&self) -> Result<(), String> {
        let outside = |value: Option<f64>| value.is_some_and(|value| !(0.0..=1.0).contains(&value));
        if outside(self.temperature) || outside(self.top_p) {
            return Err("temperature and topP must be from 0 to 1.".to_owned());
        }
        if self.max_tokens == Some(0) {
            return Err("maxTokens must be at least 1.".to_owned());
        }
        let sequences = self.stop_sequences.as_deref().unwrap_or_default();
        if sequences.len() > 2_500 || sequences.iter().any(String::is_empty) {
            return Err("stopSequences must be at most 2500, none of them empty.".to_owned());
        }
        Ok(())
    }
}

impl ToolConfig {
    fn check(&self) -> Result<(), String> {
        if self.tools.is_empty() {
            return Err("toolConfig.tools must have at least one tool.".to_owned());
        }
        for Tool::ToolSpec(tool) in &self.tools {
            let is_name = (1..=LONGEST_TOOL_NAME).contains(&tool.name.len())
                && tool.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if !is_name || tool.description.as_ref().is_some_and(String::is_empty) {
                return Err(
                    "A tool's name must match [a-zA-Z0-9_-]+, and its description not be empty.".to_owned()
                );
            }
            if tool.input_schema.json.get("type").and_then(Value::as_str) != Some("object") {
                return Err(format!(
                    "The value at toolConfig.tools.{}.inputSchema.json.type must be object.",
                    tool.name
                ));
            }
        }
        match &self.tool_choice {
            Some(ToolChoice::Tool(chosen)) => {
                let is_there = self.tools.iter().any(|Tool::ToolSpec(tool)| tool.name == chosen.name);
                if is_there {
                    Ok(())
                } else {
                    Err("toolChoice names a tool that is not among the tools.".to_owned())
                }
            }
            Some(ToolChoice::Auto(_) | ToolChoice::Any(_)) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> Value {
        json!({
            "messages": [{"role": "user", "content": [{"text": "judge"}]}],
            "system": [{"text": "you judge"}],
            "inferenceConfig": {"maxTokens": 10, "temperature": 0.5},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "report", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"tool": {"name": "report"}},
            },
        })
    }

    fn with(place: &str, value: Value) -> Result<Converse, String> {
        let mut asked = asked();
        *asked.pointer_mut(place).unwrap() = value;
        Converse::read(asked.to_string().as_bytes())
    }

    #[test]
    fn what_bedrock_does_not_take_is_refused() {
        assert_eq!(Converse::read(asked().to_string().as_bytes()).unwrap().forced_tool(), Some("report"));
        assert!(with("/inferenceConfig/temperature", json!(1.1)).unwrap_err().contains("from 0 to 1"));
        assert!(with("/inferenceConfig/maxTokens", json!(0)).unwrap_err().contains("maxTokens"));
        assert!(with("/inferenceConfig", json!({"top_p": 1})).unwrap_err().contains("top_p"));
        assert!(
            with("/toolConfig/toolChoice", json!({"tool": {"name": "x"}}))
                .unwrap_err()
                .contains("toolChoice")
        );
        assert!(with("/toolConfig/toolChoice", json!({"tool": {"name": "report"}, "any": {}})).is_err());
        assert!(with("/toolConfig/tools", json!([])).unwrap_err().contains("at least one"));
        assert!(with("/system", json!([{"text": " "}])).unwrap_err().contains("blank"));
        assert!(with("/messages", json!([])).is_err());
        assert!(with("/messages/0/role", json!("assistant")).unwrap_err().contains("alternate"));
        assert!(with("/messages/0/content", json!([{"image": {}}])).is_err());
        assert!(with("/messages/0/content", json!([{"text": ""}])).unwrap_err().contains("blank"));
    }

    #[test]
    fn every_call_of_a_tool_must_be_answered_and_nothing_else() {
        let user = json!({"role": "user", "content": [{"text": "judge"}]});
        let call = json!({"toolUse": {"toolUseId": "1", "name": "report", "input": {}}});
        let called = json!({"role": "assistant", "content": [call]});
        let result = |id: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": "no"}], "status": "error"}});
        let answered = |id: &str| json!({"role": "user", "content": [result(id)]});
        assert!(with("/messages", json!([user, called, answered("1")])).is_ok());
        for wrong in
            [json!([user, called, answered("2")]), json!([user, called, user]), json!([answered("1")])]
        {
            assert!(with("/messages", wrong).unwrap_err().contains("toolResult"));
        }
        let mut without = asked();
        without["messages"] = json!([user, called, answered("1")]);
        without.as_object_mut().unwrap().remove("toolConfig");
        assert!(Converse::read(without.to_string().as_bytes()).unwrap_err().contains("toolConfig"));
    }
}
