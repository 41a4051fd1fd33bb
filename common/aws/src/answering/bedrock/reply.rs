//! What a language model answered, and what it is told if that is no answer.

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, Message, ToolResultBlock, ToolResultContentBlock, ToolResultStatus,
    ToolUseBlock,
};
use linkcast_domain::{Answer, FailureKind, Usage};

use super::tool::{self, JudgementError};
use super::{document, message};
use crate::answering::Failed;

/// One answer of a model.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    message: Option<Message>,
    /// What it took.
    pub(super) usage: Usage,
}

/// Why an answer is none, in words the model can mend it by.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum ReplyError {
    #[error("the tool was not called: call {} once", tool::NAME)]
    NoCall,
    #[error("{found} tools were called: call {} once", tool::NAME)]
    Calls { found: usize },
    #[error("a tool was called that there is not: call {}", tool::NAME)]
    OtherTool,
    #[error("there was text beside the call: write nothing but the call of {}", tool::NAME)]
    Prose,
    #[error(transparent)]
    Judgement(#[from] JudgementError),
}

impl Reply {
    /// What Converse answered.
    ///
    /// # Errors
    /// Token counts that no model has.
    pub(super) fn of(output: ConverseOutput) -> Result<Self, Failed> {
        let count = |tokens: i32| {
            u64::try_from(tokens).map_err(|_| Failed::bad(format!("it says that it took {tokens} tokens")))
        };
        let usage = match output.usage() {
            Some(usage) => Usage {
                input_tokens: count(usage.input_tokens())?,
                output_tokens: count(usage.output_tokens())?,
            },
            None => Usage::default(),
        };
        let message = output.output.and_then(|output| output.as_message().ok().cloned());
        Ok(Reply { message, usage })
    }

    /// The judgement in it.
    ///
    /// # Errors
    /// Anything but one call of the tool, alone, with an input that is a judgement.
    pub(super) fn read(&self, version: &str) -> Result<Answer, ReplyError> {
        let call = match self.calls().as_slice() {
            [] => return Err(ReplyError::NoCall),
            [call] => *call,
            calls => return Err(ReplyError::Calls { found: calls.len() }),
        };
        if call.name() != tool::NAME {
            return Err(ReplyError::OtherTool);
        }
        let is_prose = |block: &ContentBlock| block.as_text().is_ok_and(|text| !text.trim().is_empty());
        if self.content().iter().any(is_prose) {
            return Err(ReplyError::Prose);
        }
        let mut answer = tool::read(document::to_json(call.input()))?.of_version(version);
        answer.usage = self.usage;
        Ok(answer)
    }

    /// The conversation so far with this answer and what is wrong with it; none if there was no answer to send back.
    ///
    /// # Errors
    /// A message that cannot be made; there is none.
    pub(super) fn sent_back(
        &self,
        mut conversation: Vec<Message>,
        wrong: &ReplyError,
    ) -> Result<Option<Vec<Message>>, Failed> {
        if self.content().is_empty() {
            return Ok(None);
        }
        // Converse wants every call answered, in the order of the calls.
        let results: Result<Vec<ContentBlock>, Failed> =
            self.calls().into_iter().map(|call| result(call, wrong)).collect();
        let results = results?;
        let said = if results.is_empty() { vec![ContentBlock::Text(wrong.to_string())] } else { results };
        conversation.push(message(ConversationRole::Assistant, self.content().to_vec())?);
        conversation.push(message(ConversationRole::User, said)?);
        Ok(Some(conversation))
    }

    fn content(&self) -> &[ContentBlock] {
        self.message.as_ref().map_or(&[], |message| message.content())
    }

    fn calls(&self) -> Vec<&ToolUseBlock> {
        self.content().iter().filter_map(|block| block.as_tool_use().ok()).collect()
    }
}

fn result(call: &ToolUseBlock, wrong: &ReplyError) -> Result<ContentBlock, Failed> {
    let result = ToolResultBlock::builder()
        .tool_use_id(call.tool_use_id())
        .status(ToolResultStatus::Error)
        .content(ToolResultContentBlock::Text(wrong.to_string()))
        .build();
    result.map(ContentBlock::ToolResult).map_err(|error| Failed::new(FailureKind::Refused, error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(name: &str, input: &Value) -> ContentBlock {
        let input = document::of_json(input);
        ContentBlock::ToolUse(
            ToolUseBlock::builder().tool_use_id("1").name(name).input(input).build().unwrap(),
        )
    }

    fn judgement() -> ContentBlock {
        let input =
            json!({"prediction_type": "normal", "confidence": 0.9, "risk_score": 1, "explanation": "Fine."});
        call(tool::NAME, &input)
    }

    fn reply(content: Vec<ContentBlock>) -> Reply {
        let message = message(ConversationRole::Assistant, content).ok();
        Reply { message, usage: Usage { input_tokens: 10, output_tokens: 2 } }
    }

    #[test]
    fn one_call_alone_is_an_answer_and_anything_else_is_not() {
        let answer = reply(vec![judgement()]).read("m/prompt-1").unwrap();
        assert_eq!((answer.usage.input_tokens, answer.model_version.as_str()), (10, "m/prompt-1"));
        let text = || ContentBlock::Text("I think".to_owned());
        let of = |content| reply(content).read("m").unwrap_err();
        assert_eq!(of(vec![text()]), ReplyError::NoCall);
        assert_eq!(of(vec![judgement(), judgement()]), ReplyError::Calls { found: 2 });
        assert_eq!(of(vec![text(), judgement()]), ReplyError::Prose);
        assert_eq!(of(vec![call("shell", &json!({}))]), ReplyError::OtherTool);
        assert!(matches!(of(vec![call(tool::NAME, &json!({}))]), ReplyError::Judgement(_)));
        assert!(reply(vec![ContentBlock::Text(" \n".to_owned()), judgement()]).read("m").is_ok());
    }

    #[test]
    fn what_was_wrong_is_sent_back_as_the_result_of_each_call_or_as_text() {
        let back = reply(vec![judgement(), judgement()]);
        let back = back.sent_back(Vec::new(), &ReplyError::Calls { found: 2 }).unwrap().unwrap();
        assert_eq!(back.len(), 2);
        assert!(back[1].content().iter().all(ContentBlock::is_tool_result) && back[1].content().len() == 2);
        let back = reply(vec![ContentBlock::Text("hm".to_owned())]);
        let back = back.sent_back(Vec::new(), &ReplyError::NoCall).unwrap().unwrap();
        assert!(back[1].content()[0].as_text().unwrap().contains("call report_insight once"));
        let empty = Reply { message: None, usage: Usage::default() };
        assert!(empty.sent_back(Vec::new(), &ReplyError::NoCall).unwrap().is_none());
    }
}
