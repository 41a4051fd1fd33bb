//! The steps one at a time, each on its own part of the state and each part written down in between, come to the same
//! end as the pipeline.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use linkcast_domain::ports::Lookup;
use linkcast_domain::{Cause, Condition, FixedClock, Insight, NodeGuid, NodeKind, PortFacts, StreamId};
use linkcast_features::Calendar;
use linkcast_telemetry::Counter;

use super::doubles::{Rule, now};
use super::fabric::{Desk, LEAF, Lab, host, leaf};
use crate::steps::{Arrival, Counting, Folding, Following, Judging, Neighbourhood, Outcome, Steps};
use crate::{Question, Settings, Sweep, Tally};

/// What a table would hold.
#[derive(Default)]
struct Table {
    counting: BTreeMap<StreamId, (Vec<u8>, PortFacts)>,
    folding: BTreeMap<StreamId, Vec<u8>>,
    judging: BTreeMap<StreamId, Judging>,
    insights: BTreeMap<String, Insight>,
    conditions: BTreeMap<(StreamId, Cause), Condition>,
    switches: HashSet<NodeGuid>,
    tally: Tally,
}

/// How often each step is delivered.
#[derive(Clone, Copy)]
enum Delivery {
    Once,
    Twice,
}

/// Does a step once or twice; the second time, what it gives is empty or the same.
fn deliver<T>(delivery: Delivery, mut step: impl FnMut() -> T) -> T {
    let first = step();
    if matches!(delivery, Delivery::Twice) {
        step();
    }
    first
}

impl Table {
    fn take(&mut self, settings: &Settings, sweep: &Sweep, delivery: Delivery) {
        let calendar = Calendar::utc();
        let steps = Steps { settings, calendar: &calendar };
        let mut questions = Vec::new();
        let mut switches = self.switches.clone();
        for reading in &sweep.readings {
            let mut reading = reading.clone();
            reading.time.get_or_insert(sweep.time);
            let arrival = deliver(delivery, || self.collect(&steps, sweep, &reading, &mut switches));
            questions.extend(deliver(delivery, || self.prepare(&steps, &arrival)));
        }
        for question in questions {
            deliver(delivery, || self.insight(&steps, sweep, &question));
        }
        self.switches = switches;
    }

    fn collect(
        &mut self,
        steps: &Steps<'_>,
        sweep: &Sweep,
        reading: &linkcast_telemetry::Reading,
        switches: &mut HashSet<NodeGuid>,
    ) -> Arrival {
        let id = &reading.stream;
        let known = self.counting.get(id);
        let mut counting = known.map_or_else(Counting::default, |(bytes, facts)| {
            Counting::from_bytes(id, bytes, facts.clone()).unwrap()
        });
        let collected = steps.collect(&mut counting, &sweep.source, reading);
        if let (Some(facts), Some(port)) = (&collected.facts, id.port()) {
            switches.extend((facts.node_kind == Some(NodeKind::Switch)).then_some(port.node));
        }
        self.counting.insert(id.clone(), (counting.to_bytes(), counting.facts));
        self.tally.add(&collected.tally);
        collected.arrival
    }

    fn prepare(&mut self, steps: &Steps<'_>, arrival: &Arrival) -> Option<Box<Question>> {
        let id = &arrival.stream;
        let known = self.folding.get(id);
        let mut folding =
            known.map_or_else(Folding::default, |bytes| Folding::from_bytes(id, bytes).unwrap());
        let judging = self.judging.get(id).cloned().unwrap_or_default();
        let facts = self.counting.get(id).map(|(_, facts)| facts.clone()).unwrap_or_default();
        let following = if judging.follows() { Following::Yes } else { Following::No };
        let around = Neighbourhood { facts: &facts, switches: &self.switches, following };
        let prepared = steps.prepare(&mut folding, around, arrival);
        self.folding.insert(id.clone(), folding.to_bytes());
        self.tally.add(&prepared.tally);
        prepared.question
    }

    fn insight(&mut self, steps: &Steps<'_>, sweep: &Sweep, question: &Question) {
        let facts = self.counting.get(&question.stream).map(|(_, facts)| facts.clone()).unwrap_or_default();
        let judging = self.judging.entry(question.stream.clone()).or_default();
        let judge = (&Rule::new(), &FixedClock(sweep.time) as &dyn linkcast_domain::Clock);
        let answered = steps.insight(judging, judge, (&facts, &[]), question.clone());
        for condition in answered.conditions {
            self.conditions.insert((condition.stream.clone(), condition.cause), condition);
        }
        if let Some(insight) = answered.insight {
            self.insights.insert(insight.entity_id.to_string(), insight);
        }
        self.tally.add(&answered.tally);
    }
}

/// Trouble of several kinds, its end, a reset, and a host that restarts.
fn story(lab: &mut Lab, minute: usize) {
    if (20..60).contains(&minute) {
        lab.port(leaf(1)).add(Counter::RcvErrors, 500);
    }
    if (30..45).contains(&minute) {
        lab.port(host(2)).add(Counter::XmitWait, 9_000_000_000);
    }
    if [40, 42, 44, 46].contains(&minute) {
        lab.port(leaf(3)).add(Counter::LinkDowned, 1);
    }
    if minute == 70 {
        lab.port(host(4)).reset();
    }
}

fn compare(delivery: Delivery) -> Tally {
    let (mut lab, mut desk, mut table) = (Lab::new(), Desk::new(), Table::default());
    let settings = Settings { workers: 2, ..Settings::default() };
    for minute in 0..150 {
        lab.step();
        story(&mut lab, minute);
        let sweep = lab.sweep("scrape", |_| true);
        table.take(&settings, &sweep, delivery);
        desk.take(&sweep);
    }
    now(desk.pipeline.checkpoint()).unwrap();
    let mut expected = now(desk
        .store
        .insights(&linkcast_domain::ports::InsightQuery { limit: usize::MAX, ..Default::default() }))
    .unwrap();
    expected.sort_by_key(|insight| insight.entity_id.to_string());
    assert_eq!(table.insights.into_values().collect::<Vec<_>>(), expected);
    let conditions = now(desk.store.conditions(None)).unwrap();
    let expected: BTreeMap<_, _> = conditions
        .into_iter()
        .map(|condition| ((condition.stream.clone(), condition.cause), condition))
        .collect();
    assert_eq!(table.conditions, expected);
    let causes: BTreeSet<Cause> = expected.keys().map(|(_, cause)| *cause).collect();
    assert!(causes.len() >= 2, "the story must have several troubles: {causes:?}");
    assert!(expected.values().any(|condition| condition.resolved.is_some()));
    assert_eq!(desk.tally.insights, table.tally.insights);
    table.tally
}

#[test]
fn the_steps_one_at_a_time_give_the_pipelines_insights_and_conditions() {
    let tally = compare(Delivery::Once);
    assert_eq!((tally.firsts, tally.stale), (8, 0));
    assert!(tally.insights > 10 && tally.opened >= 2, "{tally:?}");
}

#[test]
fn a_step_delivered_twice_is_as_one_delivered_once() {
    let (once, twice) = (compare(Delivery::Once), compare(Delivery::Twice));
    assert_eq!((twice.samples, twice.scored, twice.opened), (once.samples, once.scored, once.opened));
    assert!(twice.stale > 0, "the second delivery is seen to be stale");
}

#[test]
fn a_switch_is_told_from_a_host() {
    let mut lab = Lab::new();
    lab.step();
    let sweep = lab.sweep("scrape", |_| true);
    let mut table = Table::default();
    table.take(&Settings::default(), &sweep, Delivery::Once);
    assert_eq!(table.switches, HashSet::from([LEAF]));
}

#[test]
fn a_part_written_down_is_the_same_part_and_damage_is_refused() {
    let (mut lab, mut table) = (Lab::new(), Table::default());
    for minute in 0..80 {
        lab.step();
        story(&mut lab, minute);
        let sweep = lab.sweep("scrape", |_| true);
        table.take(&Settings::default(), &sweep, Delivery::Once);
    }
    for (id, bytes) in &table.folding {
        let folding = Folding::from_bytes(id, bytes).unwrap();
        assert_eq!(folding.last_time(), Some(lab.time));
        assert_eq!(&folding.to_bytes(), bytes);
        for place in 0..bytes.len() {
            assert!(Folding::from_bytes(id, &bytes[..place]).is_err(), "cut at {place}");
        }
    }
}

#[test]
fn a_reading_that_gives_no_sample_is_still_a_sign_of_life() {
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let mut lab = Lab::new();
    lab.step();
    let mut reading = lab.sweep("scrape", |port| port == host(1)).readings.remove(0);
    reading.time = Some(lab.time);
    let mut counting = Counting::default();
    let first = steps.collect(&mut counting, "scrape", &reading).arrival;
    assert_eq!(first.outcome, Outcome::Heard(lab.time));
    let again = steps.collect(&mut counting, "scrape", &reading).arrival;
    assert_eq!(again.outcome, Outcome::Stale);
}
