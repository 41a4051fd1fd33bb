//! Services asked by plain HTTP: our own server, BentoML, and whatever speaks KServe's open inference protocol.
//!
//! An absent feature is `null` in every form: JSON has no NaN. A server that puts its rows into numpy makes NaN of it, as BentoML
//! does; one that cannot refuses the request, which is counted as its refusal.

mod bento;
mod kserve;

use linkcast_domain::ports::Inquiry;
use linkcast_domain::{Answer, AskError, FailureKind, FeatureVector, HttpProtocol, InvocationAnswer};
use serde::Serialize;

use super::{Deadline, Failed, LARGEST_ANSWER};
use crate::web::WebClient;

/// Every service, over one client that keeps its connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Services(WebClient);

impl Services {
    /// What the service at `url` says of each sample.
    pub(super) async fn ask(
        &self,
        url: &str,
        protocol: HttpProtocol,
        inquiries: &[Inquiry<'_>],
        deadline: Deadline,
    ) -> Vec<Result<Answer, AskError>> {
        match deadline.keep(self.call(url, protocol, inquiries, deadline)).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(failed) => failed.of_each(&format!("service {}", without_secrets(url)), inquiries.len()),
        }
    }

    async fn call(
        &self,
        url: &str,
        protocol: HttpProtocol,
        inquiries: &[Inquiry<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Answer>, Failed> {
        let json = request(protocol, inquiries)?;
        let answer = self.0.post_json_for(url, json, LARGEST_ANSWER, deadline.left()).await;
        let answer = answer.map_err(Failed::of_web)?;
        if !(200..300).contains(&answer.status) {
            return Err(Failed::of_status(answer.status, &answer.body));
        }
        let (body, asked) = (answer.body.as_slice(), inquiries.len());
        match protocol {
            HttpProtocol::Linkcast => InvocationAnswer::answers(body, asked).map_err(Failed::bad),
            HttpProtocol::Bentoml => bento::answers(body, asked).map_err(Failed::bad),
            HttpProtocol::KserveV2 => kserve::answers(body, asked).map_err(Failed::bad),
        }
    }
}

fn request(protocol: HttpProtocol, inquiries: &[Inquiry<'_>]) -> Result<String, Failed> {
    let vectors = || inquiries.iter().map(|inquiry| inquiry.features);
    let unwritable = |error| Failed::new(FailureKind::Refused, error);
    match protocol {
        HttpProtocol::Linkcast => {
            let json = super::sagemaker::json(inquiries)?;
            String::from_utf8(json).map_err(|error| Failed::new(FailureKind::Refused, error))
        }
        HttpProtocol::Bentoml => serde_json::to_string(&bento::Request::of(vectors())).map_err(unwritable),
        HttpProtocol::KserveV2 => serde_json::to_string(&kserve::Request::of(vectors())).map_err(unwritable),
    }
}

/// A sample's numbers as a model takes them, absent ones `null`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
struct Row(#[serde(serialize_with = "numbers_or_null")] FeatureVector);

fn numbers_or_null<S: serde::Serializer>(vector: &FeatureVector, serializer: S) -> Result<S::Ok, S::Error> {
    // The one cast is made here: a service that reads the numbers as 32 bits wide gets the ones our own model sees.
    serializer.collect_seq(vector.to_model_input().map(|value| value.is_finite().then_some(value)))
}

/// An address for messages: no user, no key.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use linkcast_domain::Feature;

    use super::*;

    #[test]
    fn an_address_in_a_message_has_no_secret() {
        assert_eq!(without_secrets("http://a:b@host:1/score?key=c#d"), "http://host:1/score");
        assert_eq!(without_secrets("https://host"), "https://host");
    }

    #[test]
    fn an_absent_feature_is_null() {
        let mut vector = FeatureVector::default();
        vector.set(Feature::LatencyP99, 0.1);
        vector.set(Feature::Utilization, f64::INFINITY);
        let row = serde_json::to_string(&Row(vector)).unwrap();
        assert!(row.starts_with("[0.1,null,null,"), "{row}");
    }
}
