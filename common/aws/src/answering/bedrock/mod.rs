//! Language models behind Bedrock's Converse, held to one form by a tool they must call.
//!
//! A language model's answer is the tool's input. What is not exactly that (no call, two, prose beside it, a class nobody knows)
//! is sent back once with what was wrong, if as much time is left as the first answer took; then the next tier answers. Every
//! token is told, also of answers that were of no use: they are paid.

mod document;
mod escape;
mod prompt;
mod reply;
mod tool;

use std::sync::OnceLock;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, SystemContentBlock, ToolConfiguration,
};
use futures_util::{StreamExt, stream};
use linkcast_domain::ports::Inquiry;
use linkcast_domain::{Answer, AskError, FailureKind, Usage};
use tokio::time::Instant;

use super::bounded::Bounded;
use super::{Deadline, Failed, LARGEST_ANSWER, SIDE_BY_SIDE};
use crate::client::{Shared, limits_of_one_try};
use prompt::Prompt;
use reply::Reply;

/// Bedrock's runtime of one region.
#[derive(Clone, Debug)]
pub(super) struct Runtime(Client);

/// Which model is asked, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) model: &'a str,
    pub(super) prompt: u32,
    pub(super) temperature: Option<f32>,
    pub(super) top_p: Option<f32>,
    pub(super) max_tokens: u32,
}

/// What every question to one model has in common.
#[derive(Clone, Debug)]
struct Question {
    model: String,
    version: String,
    template: Prompt,
    inference: InferenceConfiguration,
    tools: ToolConfiguration,
}

impl Runtime {
    pub(super) fn new(shared: &Shared) -> Self {
        let config = Builder::from(&shared.config)
            .retry_config(RetryConfig::disabled())
            .interceptor(Bounded(LARGEST_ANSWER))
            .build();
        Runtime(Client::from_conf(config))
    }

    /// What the model says of each sample, a few asked at once.
    pub(super) async fn ask(
        &self,
        named: Named<'_>,
        inquiries: &[Inquiry<'_>],
        deadline: Deadline,
    ) -> Vec<Result<Answer, AskError>> {
        let asked = format!("model {}", named.model);
        let question = match Question::of(named) {
            Ok(question) => question,
            Err(failed) => return failed.of_each(&asked, inquiries.len()),
        };
        let no_use = OnceLock::new();
        let calls: Vec<_> = inquiries
            .iter()
            .map(|inquiry| self.judge_if_of_use(&question, inquiry, deadline, &no_use))
            .collect();
        let answers: Vec<_> = stream::iter(calls).buffered(SIDE_BY_SIDE).collect().await;
        answers.into_iter().map(|answer| answer.map_err(|failed| failed.of(&asked))).collect()
    }

    /// One sample's judgement, unless a refusal in `no_use` says that whoever asks next is refused as well: a service that is
    /// asked too much is not asked more, and a model that is not there is not asked for each sample.
    async fn judge_if_of_use(
        &self,
        question: &Question,
        inquiry: &Inquiry<'_>,
        deadline: Deadline,
        no_use: &OnceLock<Failed>,
    ) -> Result<Answer, Failed> {
        if let Some(failed) = no_use.get() {
            return Err(failed.clone().with_usage(Usage::default()));
        }
        let answer = self.judge(question, inquiry, deadline).await;
        let of_all = [FailureKind::Throttled, FailureKind::NotFound, FailureKind::AccessDenied];
        if let Some(failed) = answer.as_ref().err().filter(|failed| of_all.contains(&failed.kind)) {
            // Another call may have been refused at the same moment, which says the same.
            let _ = no_use.set(failed.clone());
        }
        answer
    }

    /// One sample's judgement, with one repair if there is time for it.
    async fn judge(
        &self,
        question: &Question,
        inquiry: &Inquiry<'_>,
        deadline: Deadline,
    ) -> Result<Answer, Failed> {
        let start = Instant::now();
        let said = question.template.about(inquiry)?;
        let conversation = vec![message(ConversationRole::User, vec![ContentBlock::Text(said)])?];
        let reply = deadline.keep(self.converse(question, conversation.clone(), deadline)).await?;
        let wrong = match reply.read(&question.version) {
            Ok(answer) => return Ok(answer),
            Err(wrong) => wrong,
        };
        let refused = Failed::bad(wrong.clone()).with_usage(reply.usage);
        if deadline.left() < start.elapsed() {
            return Err(refused);
        }
        let Some(repair) = reply.sent_back(conversation, &wrong)? else { return Err(refused) };
        let Ok(second) = deadline.keep(self.converse(question, repair, deadline)).await else {
            return Err(refused);
        };
        let mut usage = reply.usage;
        usage += second.usage;
        match second.read(&question.version) {
            Ok(mut answer) => {
                answer.usage = usage;
                Ok(answer)
            }
            Err(wrong) => Err(Failed::bad(wrong).with_usage(usage)),
        }
    }

    async fn converse(
        &self,
        question: &Question,
        conversation: Vec<Message>,
        deadline: Deadline,
    ) -> Result<Reply, Failed> {
        let limits = Builder::new().timeout_config(limits_of_one_try(deadline.left()));
        let call = self.0.converse().model_id(&question.model);
        let call = call.system(SystemContentBlock::Text(question.template.system().to_owned()));
        let call = call.set_messages(Some(conversation));
        let call = call.inference_config(question.inference.clone()).tool_config(question.tools.clone());
        let output = call.customize().config_override(limits).send().await.map_err(Failed::of_sdk)?;
        Reply::of(output)
    }
}

impl Question {
    fn of(named: Named<'_>) -> Result<Self, Failed> {
        let template = Prompt::of(named.prompt)?;
        let within = |value: Option<f32>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
        let most = i32::try_from(named.max_tokens).ok().filter(|most| *most > 0);
        let (Some(most), true, true) = (most, within(named.temperature), within(named.top_p)) else {
            let reason = "expected temperature and top_p from 0 to 1 and at least one token";
            return Err(Failed::new(FailureKind::Refused, reason));
        };
        let inference = InferenceConfiguration::builder()
            .max_tokens(most)
            .set_temperature(named.temperature)
            .set_top_p(named.top_p)
            .build();
        Ok(Question {
            model: named.model.to_owned(),
            version: format!("{}/prompt-{}", named.model, named.prompt),
            template,
            inference,
            tools: tool::configuration()?,
        })
    }
}

fn message(role: ConversationRole, content: Vec<ContentBlock>) -> Result<Message, Failed> {
    let message = Message::builder().role(role).set_content(Some(content)).build();
    message.map_err(|error| Failed::new(FailureKind::Refused, error))
}
