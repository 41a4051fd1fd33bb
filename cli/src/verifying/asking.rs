//! What the server is asked, and what its answers are held against: the same model, scored here.

use std::time::{Duration, Instant};

use linkcast_domain::{AttemptOutcome, PredictionType};
use linkcast_scoring::Score;
use linkcast_simulator::{BenignRates, FabricPlan, FaultRate};
use serde_json::json;

use super::checklist::Measured;
use super::client::{Client, EMBEDDED, Question, SERVER, Said};
use crate::exit::{ExitKind, Failure};
use crate::learning::{FailureRows, Thinning, simulated_rows};
use crate::progress::Progress;

/// Rows of one question.
const BATCH: usize = 500;
/// Questions of one row that are timed, and questions of [`BATCH`] rows.
const SINGLES: usize = 1_000;
const BATCHES: usize = 20;
/// The most questions a breaker may take to open: it is set to three.
const MOST_FAILURES: usize = 10;
/// How long after its return a server must be asked again: its longest rest is two seconds.
const RETURN: Duration = Duration::from_secs(20);
/// How often it is tried.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// Rows of a fabric that no model here was trained on, at most `most` of them, spread over all of its time.
pub(super) async fn questions(seed: u64, most: usize) -> Result<Vec<Question>, Failure> {
    let simulated = tokio::task::spawn_blocking(move || {
        let plan = FabricPlan {
            seed,
            ports: 200,
            hours: 6.0,
            interval_s: 60,
            faults: FaultRate::PerPortHour(0.05),
            benign: BenignRates::REALISTIC.times(10.0),
            ..FabricPlan::default()
        };
        let thinning = Thinning { faulty: 1, benign: 2, quiet: 10 };
        simulated_rows(plan, thinning, FailureRows::None, &mut Progress::silent())
    });
    let set = simulated.await.map_err(|error| Failure::new(ExitKind::Machine, error))??.rows.set;
    let every = set.len().div_ceil(most.max(1)).max(1);
    let rows = (0..set.len()).step_by(every).filter_map(|place| set.row(place));
    let rows: Vec<Question> =
        rows.map(|row| Question { stream: row.stream, time: row.time, features: row.features }).collect();
    if rows.is_empty() {
        return Err(Failure::new(ExitKind::Machine, "the simulated fabric gave no rows to ask about"));
    }
    Ok(rows)
}

/// Asks about every row, and holds each answer to the bit against the model here.
pub(super) async fn answers(
    client: &Client<'_>,
    questions: &[Question],
    version: &str,
) -> Result<((), Measured), Failure> {
    let mut classes = [0_usize; PredictionType::COUNT];
    for batch in questions.chunks(BATCH) {
        let (said, _) = client.ask(batch).await;
        for (question, said) in batch.iter().zip(&said) {
            let here = client.model.score(&question.features);
            if let Some(told) = difference(said, &here, version) {
                let place = format!("{} at {}", question.stream, question.time);
                return Err(Failure::new(ExitKind::Model, format!("{place}: {told}")).with_next_step(
                    "the server has another model, or another build of this program: start it anew with this one",
                ));
            }
            classes.get_mut(here.class.index()).into_iter().for_each(|count| *count += 1);
        }
    }
    let (rows, named) = (questions.len(), classes.iter().filter(|count| **count > 0).count());
    let told = format!(
        "{rows} rows of another synthetic fabric, {named} classes named: probabilities and risk equal to the bit, class and version too"
    );
    let figures = json!({ "synthetic": true, "rows": rows, "equal": rows, "classes_named": named });
    Ok(((), Measured::new(told, figures)))
}

/// In what an answer is not the server's answer, or not the model's.
fn difference(said: &Said, here: &Score, version: &str) -> Option<String> {
    if said.variant != SERVER || said.fallback_from.is_some() {
        let outcomes: Vec<String> =
            said.attempts.iter().map(|one| format!("{} {:?}", one.variant, one.outcome)).collect();
        return Some(format!("answered by {}: {}", said.variant, outcomes.join(", ")));
    }
    if said.version != version {
        return Some(format!("answered by version {:?}: expected {version}", said.version));
    }
    let bits = |score: &Score| (score.probabilities.map(f64::to_bits), score.risk.to_bits());
    if said.score.class != here.class || bits(&said.score) != bits(here) {
        return Some(format!(
            "answered {} with {:?} at risk {:?}; here it is {} with {:?} at risk {:?}",
            said.score.class, said.score.confidence, said.score.risk, here.class, here.confidence, here.risk
        ));
    }
    None
}

/// How long one row takes, and how many rows a second large questions bring.
pub(super) async fn latency(client: &Client<'_>, questions: &[Question]) -> Result<((), Measured), Failure> {
    let mut singles = Vec::with_capacity(SINGLES);
    for question in questions.chunks(1).cycle().take(SINGLES) {
        let (said, taken) = client.ask(question).await;
        by_server(&said)?;
        singles.push(taken);
    }
    singles.sort_unstable();
    let (mut rows, mut time) = (0, Duration::ZERO);
    for batch in questions.chunks(BATCH).cycle().take(BATCHES) {
        let (said, taken) = client.ask(batch).await;
        by_server(&said)?;
        rows += batch.len();
        time += taken;
    }
    let at = |share: f64| quantile(&singles, share).as_secs_f64() * 1e3;
    let (p50, p99, a_second) = (at(0.5), at(0.99), rows as f64 / time.as_secs_f64().max(1e-9));
    let told = format!(
        "{SINGLES} single rows: p50 {p50:.2} ms, p99 {p99:.2} ms; questions of {BATCH}: {a_second:.0} rows/s"
    );
    let figures = json!({
        "single_rows": SINGLES,
        "p50_ms": p50,
        "p99_ms": p99,
        "rows_a_question": BATCH,
        "rows_a_second": a_second.round(),
    });
    Ok(((), Measured::new(told, figures)))
}

fn by_server(said: &[Said]) -> Result<(), Failure> {
    match said.iter().find(|said| said.variant != SERVER) {
        None => Ok(()),
        Some(said) => {
            let told = format!("answered by {}: expected the server, which is well", said.variant);
            Err(Failure::new(ExitKind::Machine, told)
                .with_next_step("try again while the machine has less to do"))
        }
    }
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place).or(sorted.last()).copied().unwrap_or_default()
}

/// Asks a server that is gone until its breaker is open: the embedded model stands in from the first question on.
pub(super) async fn breaker(client: &Client<'_>, questions: &[Question]) -> Result<((), Measured), Failure> {
    let mut slowest = Duration::ZERO;
    let mut asked = 0;
    for question in questions.chunks(1).cycle().take(MOST_FAILURES) {
        let (said, taken) = client.ask(question).await;
        stood_in(client, question, &said)?;
        asked += 1;
        slowest = slowest.max(taken);
        if client.rests().await? {
            break;
        }
    }
    let first = questions.get(..1).unwrap_or_default();
    let (said, resting) = client.ask(first).await;
    stood_in(client, first, &said)?;
    let outcome = said.first().and_then(|said| said.attempts.first()).map(|attempt| attempt.outcome);
    if outcome != Some(AttemptOutcome::Skipped) {
        let told =
            format!("after {asked} failed questions the server is still asked: expected its breaker open");
        return Err(Failure::new(ExitKind::Machine, told));
    }
    let slowest = slowest.as_secs_f64() * 1e3;
    let resting_us = resting.as_micros() as u64;
    let told = format!(
        "the server was killed: embedded answered at once (slowest {slowest:.0} ms), open after {asked} questions, then {resting_us} µs a row"
    );
    let figures = json!({
        "answered_by": EMBEDDED,
        "fallback_from": SERVER,
        "opened_after_questions": asked,
        "slowest_ms": slowest,
        "while_open_us": resting_us,
    });
    Ok(((), Measured::new(told, figures)))
}

/// That the embedded model answered in the server's place, with its own score.
fn stood_in(client: &Client<'_>, questions: &[Question], said: &[Said]) -> Result<(), Failure> {
    for (question, said) in questions.iter().zip(said) {
        let is_right = said.score == client.model.score(&question.features);
        if said.variant != EMBEDDED || said.fallback_from.as_deref() != Some(SERVER) || !is_right {
            let from = said.fallback_from.as_deref().unwrap_or("nobody");
            let told = format!(
                "{} answered in the place of {from}: expected {EMBEDDED} in the place of {SERVER}",
                said.variant
            );
            return Err(Failure::new(ExitKind::Machine, told));
        }
    }
    Ok(())
}

/// Asks until the server that came back answers again, and holds what it answers against the model here.
pub(super) async fn recovery(
    client: &Client<'_>,
    questions: &[Question],
    version: &str,
) -> Result<((), Measured), Failure> {
    let (begun, first) = (Instant::now(), questions.get(..1).unwrap_or_default());
    loop {
        let (said, _) = client.ask(first).await;
        if said.iter().all(|said| said.variant == SERVER) {
            break;
        }
        if begun.elapsed() > RETURN {
            let told = format!("the server is not asked again within {} s of its return", RETURN.as_secs());
            return Err(Failure::new(ExitKind::Machine, told));
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
    let milliseconds = begun.elapsed().as_millis() as u64;
    let batch = questions.get(..BATCH.min(questions.len())).unwrap_or_default();
    answers(client, batch, version).await?;
    let rows = batch.len();
    let told = format!(
        "started again at its address; asked again after {milliseconds} ms, {rows} rows equal to the bit"
    );
    let figures = json!({ "asked_again_after_ms": milliseconds, "rows": rows, "equal": rows });
    Ok(((), Measured::new(told, figures)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        let score = Score {
            probabilities: std::array::from_fn(|place| if place == 0 { 1.0 } else { 0.0 }),
            class: PredictionType::Normal,
            confidence: 1.0,
            risk: 3.0,
        };
        let (version, variant) = ("1".to_owned(), SERVER.to_owned());
        Said { score, version, variant, fallback_from: None, attempts: Vec::new() }
    }

    #[test]
    fn the_least_bit_the_version_and_who_answered_are_told() {
        let here = said().score;
        assert_eq!(difference(&said(), &here, "1"), None);
        let next = |value: f64| f64::from_bits(value.to_bits() + 1);
        let mut risk = said();
        risk.score.risk = next(risk.score.risk);
        assert!(difference(&risk, &here, "1").unwrap().contains("at risk 3.0000000000000004; here"));
        let mut probability = said();
        probability.score.probabilities[4] = f64::from_bits(1);
        assert!(difference(&probability, &here, "1").is_some());
        assert!(difference(&said(), &here, "2").unwrap().contains("expected 2"));
        let elsewhere = Said { variant: EMBEDDED.to_owned(), ..said() };
        assert!(difference(&elsewhere, &here, "1").unwrap().starts_with("answered by embedded"));
    }

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 0.5), Duration::from_millis(51));
        assert_eq!(quantile(&times, 0.99), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
