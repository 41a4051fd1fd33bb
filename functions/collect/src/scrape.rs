//! Scraping: one share of the targets, some at a time, each on its own.
//!
//! A target that is down must cost the others nothing, so each has its own limit and its own failure. Only where not one
//! of them answered has the invocation failed.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use linkcast_aws::WebClient;
use linkcast_domain::ports::Coverage;
use linkcast_domain::{Budget, Clock};
use linkcast_lambda::chain;
use linkcast_pipeline::Sweep;
use linkcast_pipeline::apart::{Collect, CollectStore, Collected};
use linkcast_pipeline::steps::Steps;
use linkcast_telemetry::{Origin, parse, recognise};
use sha2::{Digest, Sha256};
use tracing::warn;

use crate::sweep::sweep_of;
use crate::trigger::Share;

/// Targets asked side by side.
const SIDE_BY_SIDE: usize = 16;

/// The longest one target may take to answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// The most one exporter may say: thousands of ports.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// What came of a scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scraped {
    pub(crate) targets: u64,
    pub(crate) failed: u64,
    pub(crate) collected: Collected,
}

/// Scrapes a share of `targets`.
pub(crate) async fn scrape<S: CollectStore>(
    (store, collect, web): (&S, &Collect, &WebClient),
    steps: &Steps<'_>,
    (targets, share): (&[String], Share),
    (budget, clock): (&Budget, &dyn Clock),
) -> Scraped {
    let mine: Vec<String> = targets.iter().filter(|target| is_mine(target, share)).cloned().collect();
    let one = async |target: &str| {
        let sweep = ask(web, target, (budget, clock)).await?;
        collect.sweep(store, steps, sweep).await.map_err(|error| chain(&error))
    };
    let asked: Vec<_> = mine.iter().map(|target| one(target)).collect();
    let answers: Vec<Result<Collected, String>> = stream::iter(asked).buffered(SIDE_BY_SIDE).collect().await;
    let mut scraped = Scraped::default();
    for (target, answer) in mine.iter().zip(answers) {
        scraped.targets += 1;
        match answer {
            Ok(collected) => scraped.collected.add(&collected),
            Err(error) => {
                warn!(target_url = target, error, "a target gave nothing");
                scraped.failed += 1;
            }
        }
    }
    scraped
}

/// Whether a target falls to this share: by its address, so that adding one moves no other.
pub(crate) fn is_mine(target: &str, share: Share) -> bool {
    let digest = Sha256::digest(target);
    let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    number % share.of.max(1) == share.shard
}

async fn ask(web: &WebClient, target: &str, (budget, clock): (&Budget, &dyn Clock)) -> Result<Sweep, String> {
    let asked = clock.now();
    let answer = web.get(target, LARGEST_ANSWER, budget.share(LONGEST_ANSWER, clock)).await;
    let answer = answer.map_err(|error| chain(&error))?;
    if answer.status != 200 {
        return Err(format!("expected status 200, got {}", answer.status));
    }
    let format = recognise(target, &answer.body).ok_or("no known format: expected an exporter's metrics")?;
    let parsed = parse(format, &answer.body, &Origin { time: Some(asked), ..Origin::named(target) });
    Ok(sweep_of(target.to_owned(), parsed, asked, Coverage::Whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_falls_to_exactly_one_share() {
        for number in 0..200 {
            let target = format!("http://10.0.0.{number}:9100/metrics");
            let shares = (0..7).filter(|shard| is_mine(&target, Share { shard: *shard, of: 7 }));
            assert_eq!(shares.count(), 1);
            assert!(is_mine(&target, Share { shard: 0, of: 1 }));
        }
    }
}
