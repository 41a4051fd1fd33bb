//! Insight apart: questions are answered in each stream's order, and the answers told once they are durable.
//!
//! Insight, conditions and memory of a stream are one write that takes place whole or not at all. What is told on the bus
//! comes after it; whoever is killed between the two is delivered the question again, finds it answered, and tells what the
//! table holds. So everything is told at least once, under an id that tells repeats.

use std::collections::HashMap;
use std::sync::Arc;

use linkcast_domain::ports::{
    Bus, BusEvent, InsightQuery, Judgement, Judgements, Kept, Known, Lookup, Maintenance, MaintenanceWindow,
    Memories, MemoryKey, QuestionRecord, Questions, Written,
};
use linkcast_domain::{Clock, Condition, Insight, InsightId, PortFacts, StreamId, Timestamp};

use super::{ATTEMPTS, ApartError, Outcome, grouped};
use crate::judge::{Judged, Judges};
use crate::sketching::{Seen, Sketching};
use crate::steps::{Judging, Steps};
use crate::stream::{Ground, Question};

/// Questions of one stream answered in one write, which a table's transaction must hold.
const QUESTIONS_A_WRITE: usize = 30;

/// What insight needs of a store.
pub trait InsightStore: Memories + Questions + Judgements + Known + Maintenance + Lookup {}

impl<S: Memories + Questions + Judgements + Known + Maintenance + Lookup> InsightStore for S {}

/// How many there were of everything in one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Streams whose memory moved.
    pub judgements: u64,
    /// Insights made.
    pub insights: u64,
    /// Conditions that opened or resolved.
    pub conditions: u64,
}

/// Who answers, and by which clock the time an answer took is measured.
pub struct Answering<'a, J> {
    /// The steps.
    pub steps: &'a Steps<'a>,
    /// Those who judge.
    pub judges: &'a J,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// One stream's share of a batch.
struct Work {
    group: usize,
    stream: StreamId,
    read: u64,
    judging: Judging,
    questions: Vec<QuestionRecord>,
    /// The same, read; what was delivered was looked at before, what was fetched and is damaged was given up by then.
    asked: Vec<Question>,
    /// Those that were answered before.
    repeated: Vec<Timestamp>,
    told: Vec<BusEvent>,
    /// What was said.
    counted: Seen,
    /// Whether this is all that is open of the stream.
    share: Share,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Whole,
    Part,
}

/// Answers questions in any order; says for each, in the order given, whether its answer is durable and told. Written:
/// insights by id, conditions by stream and cause, memories by stream.
pub async fn insight<S: InsightStore, J: Judges, B: Bus>(
    (store, bus): (&S, &B),
    answering: &Answering<'_, J>,
    questions: &[QuestionRecord],
) -> (Vec<Outcome>, News) {
    insight_counted((store, bus), answering, questions, None).await
}

/// As [`insight`]; each score is counted once the memory that makes its question stale is written.
pub async fn insight_counted<S: InsightStore, J: Judges, B: Bus>(
    (store, bus): (&S, &B),
    answering: &Answering<'_, J>,
    questions: &[QuestionRecord],
    sketching: Option<&Sketching>,
) -> (Vec<Outcome>, News) {
    let groups = grouped(questions.iter().map(|question| question.stream.clone()));
    let mut results: Vec<Option<Outcome>> = groups.iter().map(|_| None).collect();
    let mut news = News::default();
    let mut found: Found<J> = HashMap::new();
    for _ in 0..ATTEMPTS {
        let mut works = Vec::new();
        let outcome =
            attempt(store, answering, questions, &groups, (&mut results, &mut found), &mut works, &mut news)
                .await;
        if let Some(sketching) = sketching {
            works.iter().for_each(|work| sketching.take_in(&work.counted));
        }
        tell(bus, works, &mut results).await;
        if let Err(error) = outcome {
            let error = Arc::new(error);
            let unanswered = results.iter_mut().filter(|result| result.is_none());
            unanswered.for_each(|result| *result = Some(Err(Arc::clone(&error))));
        }
        if results.iter().all(Option::is_some) {
            break;
        }
    }
    let mut outcomes: Vec<Outcome> = questions.iter().map(|_| Ok(())).collect();
    for ((stream, members), result) in groups.iter().zip(results) {
        let contended = || ApartError::Contended { what: format!("the conditions of {stream}") };
        let outcome = result.unwrap_or_else(|| Err(Arc::new(contended())));
        for member in members {
            outcomes.get_mut(*member).into_iter().for_each(|place| place.clone_from(&outcome));
        }
    }
    (outcomes, news)
}

/// Answers and writes what is open; `done` gets the works whose memory is durable, with what is to be told of them.
async fn attempt<S: InsightStore, J: Judges>(
    store: &S,
    answering: &Answering<'_, J>,
    questions: &[QuestionRecord],
    groups: &[(StreamId, Vec<usize>)],
    (results, found): (&mut [Option<Outcome>], &mut Found<J>),
    done: &mut Vec<Work>,
    news: &mut News,
) -> Result<(), ApartError> {
    let mut works = load(store, questions, groups, results).await?;
    for work in &mut works {
        fill_gap(store, work).await?;
        if work.questions.len() > QUESTIONS_A_WRITE {
            work.questions.truncate(QUESTIONS_A_WRITE);
            work.share = Share::Part;
        }
        work.read_questions();
        recall(store, answering.steps, work).await?;
    }
    let (mut works, repeated): (Vec<Work>, Vec<Work>) =
        works.into_iter().partition(|work| !work.questions.is_empty());
    done.extend(repeated);
    if works.is_empty() {
        return Ok(());
    }
    let windows = store.windows(Timestamp::EARLIEST).await?;
    let streams: Vec<StreamId> = works.iter().map(|work| work.stream.clone()).collect();
    let facts = store.facts(&streams).await?;
    ask(answering.judges, &works, found).await;
    let mut judgements = Vec::new();
    let mut judged = Vec::new();
    for (mut work, facts) in works.drain(..).zip(&facts) {
        match work.answer(answering, found, facts, &windows) {
            Ok(judgement) => {
                judgements.push(judgement);
                judged.push(work);
            }
            Err(error) => set(results, work.group, Some(Err(Arc::new(error)))),
        }
    }
    let outcomes = store.judge(&judgements).await;
    for ((work, judgement), outcome) in judged.into_iter().zip(&judgements).zip(outcomes) {
        match outcome {
            Ok(Written::Yes) => {
                news.judgements += 1;
                news.insights += judgement.insights.len() as u64;
                news.conditions +=
                    judgement.conditions.iter().filter(|one| one.resolved.is_some()).count() as u64;
                done.push(work);
            }
            Ok(Written::Moved) => {}
            Err(error) => set(results, work.group, Some(Err(Arc::new(error.into())))),
        }
    }
    Ok(())
}

/// The judge of each sample that was asked about, kept while what is written meets with others' writes.
type Found<J> = HashMap<(StreamId, Timestamp), <J as Judges>::Judge>;

/// Finds the judges of samples that have none yet. A question asked for a condition's sake is not worth a judge if there is
/// none and none can open before it.
async fn ask<J: Judges>(judges: &J, works: &[Work], found: &mut Found<J>) {
    let mut samples = Vec::new();
    for work in works {
        let mut may_follow = work.judging.follows();
        for question in &work.asked {
            may_follow |= question.ground == Ground::Itself;
            if may_follow && !found.contains_key(&(work.stream.clone(), question.time)) {
                let (stream, time) = (&work.stream, question.time);
                samples.push(Judged { stream, time, features: &question.vector });
            }
        }
    }
    if !samples.is_empty() {
        let judges = judges.judges(&samples).await;
        let keys = samples.iter().map(|sample| (sample.stream.clone(), sample.time));
        found.extend(keys.zip(judges));
    }
}

fn set(results: &mut [Option<Outcome>], group: usize, outcome: Option<Outcome>) {
    results.get_mut(group).into_iter().for_each(|place| *place = outcome.clone());
}

/// Reads the memories of open groups; those whose memory is damaged have failed.
async fn load<S: InsightStore>(
    store: &S,
    questions: &[QuestionRecord],
    groups: &[(StreamId, Vec<usize>)],
    results: &mut [Option<Outcome>],
) -> Result<Vec<Work>, ApartError> {
    let open: Vec<(usize, &(StreamId, Vec<usize>))> = groups
        .iter()
        .enumerate()
        .filter(|(group, _)| results.get(*group).is_some_and(Option::is_none))
        .collect();
    let keys: Vec<MemoryKey> =
        open.iter().map(|(_, (stream, _))| MemoryKey::Judging(stream.clone())).collect();
    let mut works = Vec::with_capacity(open.len());
    for ((group, (stream, members)), kept) in open.into_iter().zip(store.load(&keys).await?) {
        let delivered = members.iter().filter_map(|member| questions.get(*member));
        match Work::begin(group, stream, kept, delivered) {
            Ok(work) => works.push(work),
            Err(error) => set(results, group, Some(Err(Arc::new(error)))),
        }
    }
    Ok(works)
}

/// Fetches questions that were to come before those delivered and did not.
async fn fill_gap<S: InsightStore>(store: &S, work: &mut Work) -> Result<(), ApartError> {
    let mut expected = work.judging.last_time;
    let has_gap = work.questions.iter().any(|question| {
        let missed = question.before.is_some() && question.before > expected;
        expected = Some(question.time);
        missed
    });
    let Some(newest) = work.questions.last().map(|question| question.time).filter(|_| has_gap) else {
        return Ok(());
    };
    let after = work.judging.last_time.unwrap_or(Timestamp::EARLIEST);
    work.questions.extend(store.questions(&work.stream, after, newest).await?);
    work.questions.sort_by_key(|question| question.time);
    work.questions.dedup_by_key(|question| question.time);
    Ok(())
}

/// What was answered before and may not have been told.
async fn recall<S: InsightStore>(store: &S, steps: &Steps<'_>, work: &mut Work) -> Result<(), ApartError> {
    for time in std::mem::take(&mut work.repeated) {
        let id = InsightId::of(&work.stream, time, &steps.settings.task);
        let found =
            store.insights(&InsightQuery { id: Some(id), limit: 1, ..InsightQuery::default() }).await?;
        work.told.extend(found.iter().filter_map(created));
    }
    Ok(())
}

impl Work {
    fn begin<'a>(
        group: usize,
        stream: &StreamId,
        kept: Option<Kept>,
        delivered: impl Iterator<Item = &'a QuestionRecord>,
    ) -> Result<Work, ApartError> {
        let (read, judging) = match kept {
            Some(kept) => (kept.version, Judging::from_bytes(stream, &kept.bytes)?),
            None => (0, Judging::default()),
        };
        let is_new = |question: &&QuestionRecord| judging.last_time.is_none_or(|last| last < question.time);
        let (new, repeated): (Vec<_>, Vec<_>) = delivered.partition(is_new);
        let mut questions: Vec<QuestionRecord> = new.into_iter().cloned().collect();
        questions.sort_by_key(|question| question.time);
        questions.dedup_by_key(|question| question.time);
        let repeated = repeated.into_iter().map(|question| question.time).collect();
        let (stream, share) = (stream.clone(), Share::Whole);
        let (asked, told, counted) = (Vec::new(), Vec::new(), Seen::default());
        Ok(Work { group, stream, read, judging, questions, asked, repeated, told, counted, share })
    }

    fn read_questions(&mut self) {
        let read = |record: &QuestionRecord| Question::from_bytes(&record.stream, record.time, &record.bytes);
        self.asked = self.questions.iter().filter_map(read).collect();
    }

    fn answer<J: Judges>(
        &mut self,
        answering: &Answering<'_, J>,
        found: &Found<J>,
        facts: &PortFacts,
        windows: &[MaintenanceWindow],
    ) -> Result<Judgement, ApartError> {
        let (mut insights, mut conditions): (Vec<Insight>, Vec<Condition>) = (Vec::new(), Vec::new());
        for question in std::mem::take(&mut self.asked) {
            let time = question.time;
            let answered = match found.get(&(self.stream.clone(), time)) {
                Some(judge) => {
                    let judge = (judge, answering.clock);
                    answering.steps.insight(&mut self.judging, judge, (facts, windows), question)
                }
                None => {
                    answering.steps.pass_over(&mut self.judging, time);
                    continue;
                }
            };
            self.counted.scores.extend(answered.score.map(|score| (time, score)));
            self.told.extend(answered.insight.iter().filter_map(created));
            self.told.extend(answered.conditions.iter().filter_map(|moved| changed(moved, time)));
            insights.extend(answered.insight);
            for condition in answered.conditions {
                conditions.retain(|earlier| earlier.cause != condition.cause);
                conditions.push(condition);
            }
        }
        let bytes = self.judging.to_bytes(&self.stream)?;
        Ok(Judgement { stream: self.stream.clone(), read: self.read, bytes, insights, conditions })
    }
}

fn created(insight: &Insight) -> Option<BusEvent> {
    let detail = serde_json::to_string(insight).ok()?;
    Some(BusEvent { kind: "Insight Created", detail, stream: Some(insight.related_entity.clone()) })
}

/// A condition that opened with this sample, or is over.
fn changed(condition: &Condition, time: Timestamp) -> Option<BusEvent> {
    let is_news = condition.opened == Some(time) || condition.resolved.is_some();
    let detail = serde_json::to_string(condition).ok().filter(|_| is_news)?;
    Some(BusEvent { kind: "Condition Changed", detail, stream: Some(condition.stream.clone()) })
}

/// Tells what is durable; a stream whose news cannot be told has failed, to be delivered again.
async fn tell<B: Bus>(bus: &B, works: Vec<Work>, results: &mut [Option<Outcome>]) {
    let mut events = Vec::new();
    let mut groups = Vec::new();
    for work in works {
        if work.share == Share::Whole {
            set(results, work.group, Some(Ok(())));
        }
        groups.extend(work.told.iter().map(|_| work.group));
        events.extend(work.told);
    }
    if events.is_empty() {
        return;
    }
    for (group, outcome) in groups.into_iter().zip(bus.tell(&events).await) {
        if let Err(error) = outcome {
            set(results, group, Some(Err(Arc::new(error.into()))));
        }
    }
}
