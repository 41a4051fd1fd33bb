//! The desk over the memory store: the rules of words, crashes between its writes, and what is counted for whom.

use linkcast_domain::ports::{Changes, PipelineStore};
use linkcast_domain::{
    FeedbackGiver, FeedbackNote, FeedbackVerdict, ModelIdentity, ModelOpinion, PredictionType, Review,
    ReviewDesk, ReviewItem, RuleOpinion,
};
use linkcast_store::MemoryStore;

use super::*;

const TASK: &str = "link-health";

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

fn insight(number: i64, variant: &str) -> Insight {
    let stream: StreamId = format!("{number:016x}/1").parse().unwrap();
    let model =
        ModelIdentity { model_used: "e".into(), model_version: format!("v-{variant}"), feature_schema: 1 };
    Insight {
        entity_id: InsightId::of(&stream, at(number), TASK),
        timestamp: at(number),
        entity_type: "insight".into(),
        related_entity: stream,
        fabric: "lab".into(),
        prediction_type: PredictionType::ConnectionInstability,
        risk_score: 90.0,
        confidence: 0.9,
        explanation: String::new(),
        influencers: Vec::new(),
        recommendations: Vec::new(),
        model,
        variant: variant.into(),
        fallback_from: None,
        latency_us: 1,
        cost_usd: 0.0,
        cost: linkcast_domain::Cost::default(),
        attempts: Vec::new(),
        ttl: 0,
    }
}

async fn with_insights(insights: &[Insight]) -> MemoryStore {
    let store = MemoryStore::new();
    store.commit(&Changes { insights: insights.to_vec(), ..Changes::default() }).await.unwrap();
    store
}

fn word(by: &str, second: i64, verdict: FeedbackVerdict) -> FeedbackWord {
    let by: FeedbackGiver = by.parse().unwrap();
    FeedbackWord {
        by,
        source: FeedbackSource::Person,
        at: at(second),
        verdict,
        note: FeedbackNote::default(),
    }
}

const RIGHT: FeedbackVerdict = FeedbackVerdict::Confirmed;
const WRONG: FeedbackVerdict = FeedbackVerdict::FalsePositive;

#[tokio::test]
async fn a_word_on_nothing_or_on_another_tasks_insight_is_refused() {
    let one = insight(1, "live");
    let store = with_insights(std::slice::from_ref(&one)).await;
    let nobody = insight(2, "live").entity_id;
    let refused = FeedbackDesk::new(&store, TASK).add(&nobody, &word("ada", 60, RIGHT)).await.unwrap_err();
    assert!(matches!(refused, FeedbackError::Unknown { .. }), "{refused}");
    let refused = FeedbackDesk::new(&store, "other").add(&one.entity_id, &word("ada", 60, RIGHT)).await;
    assert!(matches!(refused, Err(FeedbackError::OtherTask { .. })));
    assert_eq!(store.task_items(TASK, FEEDBACK).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_word_twice_is_one_and_late_words_count_for_who_answered() {
    let (old, new) = (insight(1, "live"), insight(2, "candidate"));
    let store = with_insights(&[old.clone(), new.clone()]).await;
    let desk = FeedbackDesk::new(&store, TASK);
    assert_eq!(desk.add(&old.entity_id, &word("ada", 60, WRONG)).await.unwrap().0, WordTaken::Added);
    assert_eq!(desk.add(&old.entity_id, &word("ada", 999, WRONG)).await.unwrap().0, WordTaken::Unchanged);
    // The insight's stream is judged by another model since; the word still counts for the one that answered.
    let month = 30 * 24 * 3_600;
    assert_eq!(desk.add(&new.entity_id, &word("ada", month, RIGHT)).await.unwrap().0, WordTaken::Added);
    let (taken, record) = desk.add(&old.entity_id, &word("ada", month, RIGHT)).await.unwrap();
    assert_eq!((taken, record.history.len(), record.received), (WordTaken::Replaced, 1, at(60)));
    let all = desk.between(at(0), at(month + 1)).await.unwrap();
    assert_eq!(all.len(), 2);
    let sums = quality_by_version(&all);
    let counted: Vec<_> = sums.iter().map(|sum| (sum.variant.as_str(), sum.model_version.as_str())).collect();
    assert_eq!(counted, [("candidate", "v-candidate"), ("live", "v-live")]);
    assert!(sums.iter().all(|sum| sum.counts == QualityCounts { confirmed: 1, wrong: 0 }), "{sums:?}");
    assert_eq!(desk.between(at(61), at(month)).await.unwrap(), [], "both bounds hold");
}

#[tokio::test]
async fn a_crash_between_the_writes_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let one = insight(1, "live");
    let store = with_insights(std::slice::from_ref(&one)).await;
    let desk = FeedbackDesk::new(&store, TASK);
    // A first attempt ends after the item and before the record.
    desk.list(&Feedback::on(&one, at(60))).await.unwrap();
    assert_eq!(desk.between(at(0), at(9_000)).await.unwrap(), [], "nobody was told that it was taken");
    assert_eq!(desk.add(&one.entity_id, &word("ada", 75, WRONG)).await.unwrap().0, WordTaken::Added);
    assert_eq!(store.task_items(TASK, FEEDBACK).await.unwrap().len(), 2);
    let found = desk.between(at(0), at(9_000)).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].feedback.received, at(75));
}

#[tokio::test]
async fn what_people_contest_counts_for_nobody_until_a_review_agrees() {
    let one = insight(1, "live");
    let store = with_insights(std::slice::from_ref(&one)).await;
    let desk = FeedbackDesk::new(&store, TASK);
    desk.add(&one.entity_id, &word("ada", 60, WRONG)).await.unwrap();
    desk.add(&one.entity_id, &word("bob", 61, RIGHT)).await.unwrap();
    let standing = async || desk.between(at(0), at(100)).await.unwrap()[0].standing;
    assert_eq!(standing().await, FeedbackStanding::Contested);
    let hours = desk.quality_by_hour(at(0), at(100)).await.unwrap();
    assert_eq!(hours[0].1["live"], QualityCounts::default());
    let (stream, time) = (one.related_entity.clone(), one.timestamp);
    let id = ReviewId::of(&stream, time);
    let class = PredictionType::Normal;
    let rules = RuleOpinion { class, risk: 0.0, confidence: 0.5, rule: None, disputed_by: None };
    let item = ReviewItem { id: id.clone(), stream, time, rules, model: None::<ModelOpinion>, priority: 1.0 };
    ReviewDesk::new(&store).ask(&[item]).await.unwrap();
    let verdict = "false_positive".parse().unwrap();
    let review = Review {
        reviewer: "eve".parse().unwrap(),
        time: at(70),
        verdict,
        severity: None,
        note: String::new(),
    };
    ReviewDesk::new(&store).record(&[(id, review)]).await.unwrap();
    assert_eq!(standing().await, FeedbackStanding::Wrong);
}

#[tokio::test]
async fn quality_is_told_by_hour_and_leaves_out_answers_from_before() {
    let insights: Vec<Insight> = (0..30)
        .map(|number| insight(number * 600, if number % 3 == 0 { "candidate" } else { "live" }))
        .collect();
    let store = with_insights(&insights).await;
    let desk = FeedbackDesk::new(&store, TASK);
    for (number, one) in insights.iter().enumerate() {
        let verdict = if number % 6 == 0 { WRONG } else { RIGHT };
        desk.add_to(one, &word("ada", 20_000 + number as i64 * 300, verdict)).await.unwrap();
    }
    let hours = desk.quality_by_hour(at(3_000), at(1_000_000)).await.unwrap();
    assert!(hours.windows(2).all(|pair| pair[0].0 < pair[1].0) && hours.len() >= 2, "{hours:?}");
    let all = |variant: &str| {
        let counts = hours.iter().filter_map(|(_, variants)| variants.get(variant));
        counts.fold(QualityCounts::default(), |sum, counts| sum.and(*counts))
    };
    assert_eq!(all("candidate"), QualityCounts { confirmed: 4, wrong: 4 });
    assert_eq!(all("live").judged(), 17);
}

#[tokio::test]
async fn of_many_who_speak_at_once_all_are_heard() {
    let one = insight(1, "live");
    let store = with_insights(std::slice::from_ref(&one)).await;
    let desk = FeedbackDesk::new(&store, TASK);
    let words: Vec<FeedbackWord> =
        (0..5).map(|number| word(&format!("p{number}"), 60 + number, RIGHT)).collect();
    let taken = futures_util::future::join_all(words.iter().map(|word| desk.add(&one.entity_id, word))).await;
    assert!(taken.iter().all(Result::is_ok), "{taken:?}");
    let found = desk.between(at(0), at(100)).await.unwrap();
    assert_eq!((found.len(), found[0].feedback.words.len()), (1, 5));
}
