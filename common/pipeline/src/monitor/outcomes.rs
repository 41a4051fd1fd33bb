//! Outcomes, recorded as feedback: insights whose horizon has passed, oldest first, a bounded number a look.
//!
//! What was done is known by a time up to which it was. A window of insights is taken whole and only then counted as done, so
//! that a look that breaks off does a window again, which changes nothing: the same outcome in the same words is no news.

use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use linkcast_domain::ports::{FeedbackItems, InsightQuery, Lookup, TaskItems, TimeRange};
use linkcast_domain::{
    Alert, FeedbackGiver, FeedbackSource, FeedbackVerdict, FeedbackWord, Insight, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::MonitorError;
use crate::feedback::{FeedbackDesk, FeedbackError, Outcome, OutcomeEvidence, has_outcome, outcome};

/// How long after an insight what it forecasts may come: an hour, the nearer of the horizons models forecast by.
const HORIZON: Duration = Duration::from_secs(3_600);
/// How far back the first look goes.
const FIRST: Duration = Duration::from_secs(24 * 3_600);
/// Insights of one look at most, and of one window.
const MOST: usize = 500;
/// Alerts looked through for those of an insight, the newest.
const MOST_ALERTS: usize = 200;
/// Insights judged at once.
const AT_ONCE: usize = 8;
/// The longest and the shortest window.
const LONGEST_MS: i64 = 3_600_000;
const SHORTEST_MS: i64 = 1_000;

/// What became of a look's insights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomesRecorded {
    /// Insights looked at.
    pub insights: u64,
    /// What they forecast came.
    pub confirmed: u64,
    /// It did not.
    pub false_positives: u64,
    /// Nothing can be said.
    pub undecided: u64,
    /// Insights up to this time are done.
    pub through: Timestamp,
    /// Insights up to this time could be; the rest is for the next look.
    pub due: Timestamp,
}

impl OutcomesRecorded {
    fn count(&mut self, outcome: &Outcome) {
        self.insights += 1;
        match outcome {
            Outcome::Confirmed(_) => self.confirmed += 1,
            Outcome::FalsePositive(_) => self.false_positives += 1,
            Outcome::Early | Outcome::Undecided(_) => self.undecided += 1,
        }
    }
}

/// Records outcomes of insights after `through`, as far as the horizon has passed at `now`. Written: feedback of the source
/// outcome, keyed by insight.
pub(super) async fn record<S: Lookup + FeedbackItems + TaskItems>(
    store: &S,
    task: &str,
    through: Option<Timestamp>,
    now: Timestamp,
) -> Result<OutcomesRecorded, MonitorError> {
    let due = now.minus(HORIZON);
    let through = through.unwrap_or(due.minus(FIRST)).min(due);
    let mut recorded = OutcomesRecorded { through, due, ..OutcomesRecorded::default() };
    let alerts = store.alerts(None, MOST_ALERTS).await?;
    let mut window = LONGEST_MS;
    while recorded.through < due && (recorded.insights as usize) < MOST {
        let until = Timestamp::from_millis((recorded.through.millis() + window).min(due.millis()));
        let range = TimeRange { from: Timestamp::from_millis(recorded.through.millis() + 1), until };
        let query = InsightQuery { range, limit: MOST + 1, ..InsightQuery::default() };
        let insights = store.insights(&query).await?;
        // The newest come first and the oldest are wanted: a fuller window is made narrower. Of a second with more than that, the
        // newest are judged and the others passed over.
        if insights.len() > MOST && window > SHORTEST_MS {
            window = (window / 2).max(SHORTEST_MS);
            continue;
        }
        let each: Vec<_> =
            insights.iter().map(|insight| judge(store, task, (insight, &alerts), now)).collect();
        let outcomes: Vec<Outcome> = stream::iter(each).buffered(AT_ONCE).try_collect().await?;
        outcomes.iter().for_each(|outcome| recorded.count(outcome));
        recorded.through = until;
    }
    Ok(recorded)
}

async fn judge<S: Lookup + FeedbackItems + TaskItems>(
    store: &S,
    task: &str,
    (insight, alerts): (&Insight, &[Alert]),
    now: Timestamp,
) -> Result<Outcome, MonitorError> {
    let (from, until) = (insight.timestamp, insight.timestamp.plus(HORIZON));
    // What forecasts nothing needs no samples to be undecided.
    let samples = match has_outcome(insight.prediction_type) {
        true => store.samples(&insight.related_entity, TimeRange { from, until }).await?,
        false => Vec::new(),
    };
    let found = outcome(insight, OutcomeEvidence { samples: &samples, alerts, horizon: HORIZON, now });
    let (verdict, why) = match &found {
        Outcome::Confirmed(why) => (FeedbackVerdict::Confirmed, why),
        Outcome::FalsePositive(why) => (FeedbackVerdict::FalsePositive, why),
        Outcome::Early | Outcome::Undecided(_) => return Ok(found),
    };
    let (by, source) = (FeedbackGiver::outcome(), FeedbackSource::Outcome);
    let word = FeedbackWord { by, source, at: now, verdict, note: why.parse().unwrap_or_default() };
    match FeedbackDesk::new(store, task).add_to(insight, &word).await {
        // Another task's insight, or one of which all is said, is none of ours.
        Ok(_) | Err(FeedbackError::OtherTask { .. } | FeedbackError::Full { .. }) => Ok(found),
        Err(error) => Err(error.into()),
    }
}
